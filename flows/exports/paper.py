"""The board paper: the report's figures on a few A4 pages, as a tagged PDF. The words stand in reports/paper.typ.

Python chooses rows, as the page does, and turns their cells into text; Typst sets it, and reads nothing else.
"""

import json
import re
import unicodedata
from datetime import UTC, datetime

from flows import ROOT
from flows.exports import paper_rows
from flows.exports.facts import NO_DAY, disclosures, masking, named, spoken_period
from flows.page import report

TEMPLATE = ROOT / "reports" / "paper.typ"
STRATA = ("site", "therapy_class")
# Letters that the fonts of the wheel have: Latin, Greek, Cyrillic and the signs that people write between them.
SET = re.compile(r"[\n\t\x20-\x7e\u00a0-\u04ff\u2010-\u2027\u2030-\u203e\u20ac\u2190-\u2193\u2200-\u22ff\ufffd]")
NOT_SET = "\ufffd"


def write(tables, facts, charts, path):
    """charts: what flows/control/charts.py draws and says; those of the headline stand here, in their order."""
    path.write_bytes(compiled(content(tables, facts, charts), facts))


def compiled(content, facts):
    """The same content gives the same bytes: fonts of the wheel alone, and the file is dated by its data."""
    import typst

    day = datetime.fromisoformat(facts["as_of"]) if facts["as_of"] else NO_DAY
    given = json.dumps(legible(content))
    return typst.compile(
        TEMPLATE,
        root=TEMPLATE.parent,
        sys_inputs={"content": given},
        format="pdf",
        ignore_system_fonts=True,
        timestamp=day.replace(tzinfo=UTC),
        pdf_standards=["ua-1"],
    )


def legible(told):
    """What no font here can show gives way to a sign: a tagged PDF may not hold text that nobody can read."""
    if isinstance(told, str):
        return "".join(
            NOT_SET if not SET.match(letter) or unicodedata.category(letter) == "Cn" else letter for letter in told
        )
    if isinstance(told, dict):
        return {name: legible(value) for name, value in told.items()}
    return [legible(value) for value in told] if isinstance(told, list | tuple) else told


def content(tables, facts, charts):
    """All that the paper may say, as text."""
    page = report.page(tables)
    charts = [one for one in charts if one.get("measure", "post_completion") == "post_completion"]
    charts += paper_rows.curve(tables)
    digits = 1 if facts["suppression"] == "none" else 0  # figures beside the measure are rounded
    return {
        "facts": facts | _in_words(facts),
        "summary": paper_rows.summary(page, charts),
        "next_steps": [paper_rows.next_step(step) for step in page["next_steps"]],
        "measures": paper_rows.measures(page["overall"]),
        "charts": [paper_rows.chart(one) for one in charts],
        "exams": [paper_rows.exam(row) for row in page["exams"]],
        "strata": [paper_rows.stratum(name, page["strata"][name]) for name in STRATA],
        "readings": paper_rows.readings(page["readings"]),
        "cases": [paper_rows.step(row, "n_cases") for row in page["case_steps"]],
        "orders": [paper_rows.step(row, "n_orders") for row in page["steps"] if row["n_orders"] != 0],
        "secondary": [paper_rows.secondary(row, digits) for row in page["secondary"]],
        "since": paper_rows.since(page["since"]),
        "alarms": [paper_rows.alarm(row) for row in page["alarms"]],
        "watched": [paper_rows.watched(row, digits) for row in page["watched"]],
        "disclosures": disclosures(facts["parameters"]),
    }


def _in_words(facts):
    return {
        "named": named(facts),
        "period": spoken_period(facts),
        "masking": masking(facts),
        "versions": ", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
        "withhold_share": f"{100 * float(facts['parameters']['unrated_withhold_share']):.0f}",
    }
