"""The command `upgrade`: its words, and nothing that takes time to import."""

import typer

from flows.options import Out

EXAMPLE = ("upgrade --out audit",)


def upgrade(out: Out):
    """Bring what is kept of earlier releases to the format that this software reads. Exports and pages stay as they left."""
    from flows import logs
    from flows.errors import NotFoundError
    from flows.formats import FORMAT
    from flows.upgrade import upgrade as bring

    logs.talk_on_stderr()
    if not out.is_dir():
        raise NotFoundError("there is no such folder of results", where=out, next_step="name it with --out")
    brought = bring(out)
    typer.echo(f"Format {FORMAT}: {', '.join(brought)}" if brought else f"Every kept release has format {FORMAT} already.")
