"""The command `health`: its words, and nothing that takes time to import."""

from typing import Annotated

import typer

from flows.options import Out

EXAMPLE = ("health --out audit", "health --out audit --max-age 800")


def health(
    out: Out,
    max_age: Annotated[float | None, typer.Option(metavar="HOURS", help="How old the last success may be.")] = None,
):
    """Say in one line how the audit fares; leave with 12 if somebody should look. For Nagios, systemd, Docker."""
    from flows import health as file
    from flows.errors import UnhealthyError

    state = file.read(out)
    wrong = file.complaint(state, max_age)
    typer.echo(file.line(state, wrong))
    if wrong:
        step = (state and (state["last_failure"] or {}).get("next_step")) or "see whether imaging-audit still runs, and its logs"
        raise UnhealthyError(wrong, where=out / file.NAME, next_step=step)
