"""The command `doctor`: its words, and nothing that takes time to import."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.options import AsJson

EXAMPLE = ("doctor --config audit.toml", "doctor --extracts delivery --out audit --config audit.toml --json")


def doctor(
    config: Annotated[Path | None, typer.Option(help="Settings in TOML; without it, those of the environment.")] = None,
    extracts: Annotated[Path | None, typer.Option(help="Folder of the delivery.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the results.")] = None,
    as_json: AsJson = False,
):
    """Check this machine and a configuration before the first run, and say how to mend what is wrong. Changes nothing."""
    from flows import doctor as checks

    findings = checks.examine(config, extracts=extracts, out=out)
    typer.echo(json.dumps([each._asdict() for each in findings], indent=2) if as_json else checks.told(findings))
    checks.refuse(findings)
