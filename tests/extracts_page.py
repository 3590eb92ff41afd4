"""The page docs/extracts.md: what each extract holds, written from rules/contract.csv, vocabulary.csv, code_system.csv,
procedure.csv and rules/value_sets.

    .venv/bin/python tests/extracts_page.py > docs/extracts.md      writes it anew
"""

import csv
import sys
from itertools import groupby

from flows import ROOT
from flows.delivery.series import EXTRACTS

PAGE = ROOT / "docs" / "extracts.md"
GRAIN = {
    "orders": "order line: imaging, and where you have them medication and procedure orders",
    "diagnoses": "recorded diagnosis",
    "therapies": "administration, dispensing or course of a drug",
    "procedures": "performed procedure",
    "patients": "person",
    "findings": "structured statement of a report or a clinic note",
}
KIND = {
    "key": "id of the row, unique in its extract",
    "id": "id; a person's or provider's is a salted hash, no number that others know",
    "date": "date, as [below](#dates)",
    "code_system": "[code system](#code-systems)",
    "code": "code of that system",
    "code_list": "codes, with `;` between several",
    "text": "short text: a group to count by, never free text",
    "number": "number",
    "year": "year, four digits; under `relative_days` and `shifted_dates` nobody's who is over 89",
}
NOTE = {
    "context": "why the order was placed, as the source codes it: ",
    "days_supply": "whole ",
    "observed_to": "last day covered for this person: ",
    "site_label": "which of several tumours: ",
    "size_mm": "millimetres: ",
}
# Each line is read by stg.date_text in tests/test_extracts_page.py: as written, the day it names (None: quarantine), why.
DATES = (
    ("2024-03-01", "2024-03-01", "a date"),
    ("2024-03-01 23:30", "2024-03-01", "a timestamp without a zone: the day as written; seconds and their fractions may follow"),
    ("2024-03-01T23:30:00-05:00", "2024-03-01", "a timestamp with an offset: the day as written"),
    ("2024-03-01T03:30:00Z", "2024-02-29", "an instant in UTC (`Z`, `+00`, `+00:00`): the day that it was in `site_timezone`, here America/New_York"),
    ("01/03/2024", None, "any other order or separator"),
    ("20240301", None, "no separator"),
    ("2024-3-1", None, "a digit left out"),
    ("2024-02-30", None, "no such day"),
)
RELATIVE = (("-14", True), ("0", True), ("+120", True), ("12.5", False), ("1234567", False))
VALUE_SETS = {
    "exams": "value_sets/imaging.csv",
    "diagnoses": "value_sets/diagnosis.csv",
    "drugs and their administration": "value_sets/therapy.csv",
    "operations": "value_sets/surgery.csv",
    "biopsies, clips, localisations": "value_sets/biopsy.csv",
    "radiation": "value_sets/radiation.csv",
}
INTRODUCTION = """\
# What the extracts hold

For whoever writes the export. How folders are named and when they count as complete is in [deliveries.md](deliveries.md).

Written by `.venv/bin/python tests/extracts_page.py > docs/extracts.md` from `rules/contract.csv`, `rules/vocabulary.csv`,
`rules/code_system.csv`, `rules/procedure.csv` and `rules/value_sets/`; `tests/test_extracts_page.py` fails where it says something else than they do.

A delivery holds `orders` and `diagnoses`; every other extract sharpens the answer. CSV is UTF-8 with commas and a header; the order of its
columns is free, upper and lower case in their names make no difference. A column that is not listed here stops the run, for it may hold what
identifies somebody. A required column must be there and filled; of the others leave out what you do not have. Values are compared
trimmed, words without regard to case. A row whose key, date, code system or word cannot be read goes to quarantine with its place and reason.
"""
CODE_MAP = """\
## code_map

One row per code of your own order catalogue (code system `LOCAL`). All three columns are required.

| column | | what it holds |
|---|---|---|
| `code_system` | required | `LOCAL` |
| `code` | required | the code as it stands in `orders` or `procedures` |
| `procedure` | required | one of the words below, or `NOT_BREAST` for an exam that cannot show the breast |

A code that is mapped to two procedures is mapped to none. One that is mapped to a biopsy, clip or localisation counts as such a row, so that the
mammogram of its day is not read as a response exam. Words that `procedure` takes, by modality:
"""


def rows(file):
    with (ROOT / "rules" / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def page():
    return "\n".join([INTRODUCTION, *_extracts(), CODE_MAP, *_procedures(), *_systems(), *_dates()]) + "\n"


def _extracts():
    words = {name: [row["word"] for row in each] for name, each in groupby(rows("vocabulary.csv"), lambda row: row["vocabulary"])}
    contract = {name: list(each) for name, each in groupby(rows("contract.csv"), lambda row: row["extract"])}
    for extract in (name for name in EXTRACTS if name in contract):
        yield f"## {extract}\n\nOne row per {GRAIN[extract]}.\n\n| column | | what it holds |\n|---|---|---|"
        yield from (f"| `{row['column']}` | {'required' if row['is_required'] == 'true' else ''} | {NOTE.get(row['column'], '')}{_holds(row, words)} |" for row in contract[extract])
        yield ""


def _holds(row, words):
    if not row["vocabulary"]:
        return KIND[row["kind"]]
    listed = " ".join(f"`{word}`" for word in words[row["vocabulary"]])
    return f"{listed}; several with `;` between" if row["kind"] == "word_list" else listed


def _procedures():
    found = sorted(rows("procedure.csv"), key=lambda row: row["modality"])
    for modality, each in groupby(found, lambda row: row["modality"]):
        yield f"**{modality.replace('_', ' ')}**\n\n| word | exam |\n|---|---|"
        yield from (f"| `{row['procedure']}` | {row['label']} |" for row in each)
        yield ""


def _systems():
    yield "## Code systems\n\nCodes are compared trimmed, in upper case, without the dot of ICD; leading zeros stay.\n\n| system | may be written |\n|---|---|"
    found = sorted(rows("code_system.csv"), key=lambda row: row["code_system"])
    for system, each in groupby(found, lambda row: row["code_system"]):
        yield f"| `{system}` | {', '.join('`' + row['written'] + '`' for row in each)} |"
    yield "\nEvery system is read, but not of every one are codes known. `LOCAL` orders reach what your code map says; a code of another system than these reaches nothing:\n"
    for what, file in VALUE_SETS.items():
        yield f"- {what}: {' '.join(f'`{system}`' for system in sorted({row['code_system'] for row in rows(file)}))}"
    yield "\nSo bring `NDC` to RxNorm before you deliver it; the warning `SYS-THE` counts what could not be known.\n"


def _dates():
    yield "## Dates\n\nThe day as written decides; only an instant in UTC is first brought to the parameter `site_timezone`.\n\n| as written | is read as | |\n|---|---|---|"
    yield from (f"| `{written}` | {day or 'cannot be read'} | {why} |" for written, day, why in DATES)
    fit, unfit = (", ".join(f"`{written}`" for written, is_read in RELATIVE if is_read is wanted) for wanted in (True, False))
    yield (
        "\nWith `deid_mode = relative_days` every date is a whole number of days from an origin of the person, up to six digits, with or "
        f"without a sign: {fit}. Anything else, such as {unfit}, cannot be read there, and a calendar date stops the run."
    )


if __name__ == "__main__":
    sys.stdout.write(page())
