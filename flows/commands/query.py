"""The command `query`: its words, and nothing that takes time to import."""

from typing import Annotated

import typer
from typer.core import TyperCommand

from flows.options import Out

EXAMPLE = (
    'query "select status, count(*) from out.order_label group by all" --out audit',
    'query "describe out.episode" --out audit',
    'query "from out.worklist" --out audit --format csv > worklist.csv',
)


class Command(TyperCommand):
    """A statement may begin with a comment: no option's name holds white space."""

    def parse_args(self, ctx, args):
        statements = [] if "--" in args else [each for each in args if each.startswith("--") and len(each.split("=")[0].split()) > 1]
        others = [each for each in args if each not in statements]
        return super().parse_args(ctx, [*others, "--", *statements] if statements else others)


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One statement that selects; - reads it from stdin.")],
    out: Out,
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many rows; of a table 100 unless given.")] = None,
):
    """Ask the published database, read-only. Exact rows and counts: for the protected zone, as those of explain are."""
    from flows import logs
    from flows.answers.query import query as answer

    logs.talk_on_stderr()
    text = typer.get_text_stream("stdin").read() if sql == "-" else sql
    for line in answer(out, text, form, limit):
        typer.echo(line)
