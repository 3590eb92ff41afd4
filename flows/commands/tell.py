"""The command `tell`: its words, and nothing that takes time to import."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = ("tell --config audit.toml --test", "tell --config audit.toml")


def tell(
    config: Annotated[Path | None, typer.Option(help="Settings in TOML; see audit.example.toml.")] = None,
    test: Annotated[bool, typer.Option("--test", help="Send a test message, whatever there is to tell.")] = False,
):
    """Tell what nobody was told of yet, or send a test message and say which services accept it."""
    from flows import logs, telling
    from flows.errors import SettingsError, UnhealthyError
    from flows.settings import load_settings

    logs.talk_on_stderr()
    settings = load_settings(config)
    if not settings.notify.urls:
        step = "set [notify] urls, better as IMAGING_AUDIT_NOTIFY__URLS in the environment; docs/telling.md shows how"
        raise SettingsError("nobody is to be told: no address is set", where=config, next_step=step)
    if not test:
        n_untold = telling.count_untold(settings)
        is_told = telling.tell(settings)
        typer.echo(f"{n_untold} incident(s) told." if is_told else "Nothing was told.")
        answers = [] if is_told or not n_untold else [("every service", False)]
    else:
        answers = telling.test(settings)
        for kind, accepted in answers:
            typer.echo(f"{kind}: {'accepted' if accepted else 'not accepted'}")
    if refused := [kind for kind, accepted in answers if not accepted]:
        raise UnhealthyError(
            f"the message was not accepted by {', '.join(refused)}",
            next_step="compare the address with docs/telling.md; see whether the network, a proxy or the certificate stands in between",
        )
