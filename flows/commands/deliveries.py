"""The command `deliveries`: its words, and nothing that takes time to import."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.options import AsJson

EXAMPLE = (
    "deliveries --config audit.toml",
    'deliveries --config audit.toml --withdraw 2025-03 --reason "exported from the test system"',
)


def deliveries(
    config: Annotated[Path, typer.Option(help="Settings in TOML; see audit.example.toml.")],
    withdraw: Annotated[str | None, typer.Option(metavar="NAME", help="Read this delivery of the series no more.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is withdrawn: kept in the series and the ledger.")] = None,
    as_json: AsJson = False,
):
    """List the deliveries: the day that each covers to, when it came, its rows, what stands of them, what became of it."""
    from flows import logs
    from flows.arrival import listing
    from flows.settings import load_settings

    logs.talk_on_stderr()
    settings = load_settings(config)
    if withdraw is not None:
        listing.withdraw(settings, withdraw, reason)
    rows = listing.rows(settings)
    typer.echo(json.dumps(rows, indent=2, ensure_ascii=False) if as_json else listing.as_table(rows))
