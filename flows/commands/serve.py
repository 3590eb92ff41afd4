"""The command `serve`: its words, and nothing that takes time to import."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = ("serve --config audit.toml",)


def serve(config: Annotated[Path, typer.Option(help="Settings in TOML; [schedule] says when. See audit.example.toml.")]):
    """Audit by itself, on the settings' schedule and whenever a delivery is complete, until it is stopped."""
    from flows import logs
    from flows.serve.service import serve as until_stopped

    logs.talk_on_stderr()
    until_stopped(config)
