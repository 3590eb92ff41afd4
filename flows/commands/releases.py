"""The command `releases`: its words, and nothing that takes time to import."""

from typing import Annotated

import typer

from flows.options import AsJson, Out

EXAMPLE = ("releases --out audit", "releases --out audit --remove 89ac6a")


def releases(
    out: Out,
    as_json: AsJson = False,
    remove: Annotated[
        str | None, typer.Option(metavar="RUN", help="Take out this one, by the beginning of its name; never the current.")
    ] = None,
):
    """Say which results are kept, how much room they take and how much there is; take one out."""
    from flows import logs, retention

    logs.talk_on_stderr()
    if remove:
        typer.echo(f"Removed {retention.remove(out, remove)}", err=True)
    typer.echo(retention.listing(out, as_json))
