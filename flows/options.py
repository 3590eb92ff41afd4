"""The options of the command line that several commands share, and those of `select`, whose words need room."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option(help="Folder of the results.")]
Rules = Annotated[Path | None, typer.Option("--rules", help="Folder of the site's own rule rows.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def day(text):
    """Written as everywhere else: 20230131 and 2023-W05-2 are days as well, and hardly what anybody means."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("must be a date as YYYY-MM-DD, such as 2023-01-31") from None


Phase = Annotated[
    str | None,
    typer.Option(
        help="Where in the course: before_therapy, early_treatment, on_treatment, end_unknown, post_completion, "
        "after_surgery, after_window."
    ),
]
Region = Annotated[str | None, typer.Option(help="What is imaged: breast, axilla, axillary_biopsy, distant.")]
Nodes = Annotated[str | None, typer.Option(help="Axillary nodes: negative, positive, unknown (if not given).")]
AxillaImaged = Annotated[
    bool | None,
    typer.Option("--axilla-imaged/--no-axilla-imaged", help="Earlier axillary exam; not given: both answers."),
]
Context = Annotated[
    str | None,
    typer.Option(help="Another question: progression_suspected, discordant_findings, metastasis_suspected."),
]
Edition = Annotated[str | None, typer.Option(help="Edition of the criteria; not given: the current one.")]
OnDay = Annotated[
    date | None, typer.Option(metavar="DATE", parser=day, help="The edition in force on that day, such as 2023-01-31.")
]
Variant = Annotated[str | None, typer.Option(help="One variant of the edition, instead of a scenario.")]
Procedure = Annotated[str | None, typer.Option(help="Only this procedure, by its slug.")]
