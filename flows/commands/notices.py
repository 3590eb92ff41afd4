"""The command `notices`: its words, and nothing that takes time to import."""

import typer

from flows.options import AsJson, Out

EXAMPLE = ("notices --out audit", "notices --out audit --json")


def notices(out: Out, as_json: AsJson = False):
    """List what was ever worth telling: signals, warnings, refused deliveries, failed runs; since when, and whether it is still so."""
    from flows import logs
    from flows.answers.notices import notices as listing

    logs.talk_on_stderr()
    typer.echo(listing(out, as_json=as_json))
