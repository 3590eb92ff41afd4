"""The command `catch-up`: its words, and nothing that takes time to import."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = (
    "catch-up --config audit.toml",
    "catch-up --config audit.toml --out anew --direct",
)


def catch_up(
    config: Annotated[Path, typer.Option(help="Settings in TOML; see audit.example.toml.")],
    out: Annotated[Path | None, typer.Option(help="Another folder of results: an empty one is filled from the first day on.")] = None,
    direct: Annotated[bool, typer.Option("--direct", help="Without Prefect's server: small machines, tests.")] = False,
):
    """Take in the deliveries that arrived, audit every day not audited yet under the present rules, show the newest.

    A backfill is the same command: on an empty out folder it audits all past days, oldest first, as they would have been in time.
    """
    from flows import logs
    from flows.arrival import listing, run_due
    from flows.attempt import attempted
    from flows.headline import told
    from flows.settings import load_settings

    logs.talk_on_stderr()
    settings = load_settings(config, out=out)
    with attempted(settings):
        n_run = run_due(settings, _directly if direct else _with_prefect(config, out))
    typer.echo(told(settings.out) if n_run else listing.nothing_due(settings))


def _directly(settings):
    from flows.stages import run_direct

    run_direct(settings)


def _with_prefect(config, out):
    from flows.cli import run_with_prefect

    def run_one(settings):
        run_with_prefect(settings, config, {"out": out, "as_of": settings.as_of})

    return run_one
