"""The page docs/ratings.md: every row of rules/rating.csv, and the vignette that exercises it.

    .venv/bin/python tests/rating_table.py > docs/ratings.md      writes it anew
"""

import sys

import vignette

from flows import ROOT

RULES = ROOT / "rules"
PAGE = ROOT / "docs" / "ratings.md"
REGIONS = {(row["edition"], row["variant"]): row["body_region"] for row in vignette.read_csv(RULES / "variant.csv")}
ALIASES = {
    (row["edition"], row["procedure"], row["scope"]): row["rated_as"]
    for row in vignette.read_csv(RULES / "procedure_alias.csv")
}
KEY = ("edition", "variant", "procedure")
# Where a label says under which variant it was rated, and how: the question of the measure, and any other question.
ANSWERS = (("variant", "rating"), ("reroute_variant", "reroute_rating"))
HEADINGS = ("Edition", "Variant", "Procedure", "Rating (1 to 9)", "Radiation level (mSv)", "Exercised by")
INTRODUCTION = """\
# Which test exercises which rating

The ACR rates each imaging procedure for each question (a *variant*) on a scale of 1 to 9, and the audit holds the two
editions of topic 235 as the {n_rows} rows of `rules/rating.csv`. This page names for each row the patient story (a *vignette*
in `tests/vignettes/`) in which an order must come out rated so, or says why no order can be led to that row.

Written by `.venv/bin/python tests/rating_table.py > docs/ratings.md`; `tests/test_rating_table.py` fails where it is out of date.

{n_told} rows are exercised by a vignette. The other {n_unrouted} stand in `tests/vignettes/unrouted.csv`: they are answered only when asked
for by name (`imaging-audit select`). A vignette of variant 2 states category, score and radiation level; the others
state the category, which is all that a label says of a question beside the measure.
"""


def ratings():
    """(edition, variant, procedure) → the row of rules/rating.csv."""
    return {key_of(row): row for row in vignette.read_csv(RULES / "rating.csv")}


def unrouted():
    """(edition, variant, procedure) → why no order is led to this rating."""
    return {key_of(row): row["reason"] for row in vignette.read_csv(vignette.FOLDER / "unrouted.csv")}


def key_of(row):
    return tuple(row[column] for column in KEY)


def exercised(rated):
    """(edition, variant, procedure) → the vignette that expects this rating: one of 09_ratings.yaml where there is one."""
    names = {}
    for told in sorted(vignette.load(), key=lambda told: told.file != "09_ratings"):
        for row in told.expect.get("order_label", []):
            for key in answered(row, rated):
                names.setdefault(key, told.name)
    return names


def answered(row, rated):
    """The ratings that an expected label states in full: edition, variant, procedure and the rating itself."""
    for variant, rating in ANSWERS:
        edition, procedure = row.get("edition"), row.get("procedure")
        key = edition, row.get(variant), rated_as(edition, row.get(variant), procedure)
        if key in rated and rated[key]["rating"] == row.get(rating):
            yield key


def rated_as(edition, variant, procedure):
    """The name under which the edition rates the procedure in this variant."""
    for scope in ("any", REGIONS.get((edition, variant))):
        if (edition, procedure, scope) in ALIASES:
            return ALIASES[edition, procedure, scope]
    return procedure


def page():
    rated, reasons = ratings(), unrouted()
    names = exercised(rated)
    lines = [table_line(HEADINGS), table_line(["---"] * len(HEADINGS))]
    lines += [table_line(cells(row, names.get(key), reasons.get(key))) for key, row in rated.items()]
    introduction = INTRODUCTION.format(n_rows=len(rated), n_told=len(names), n_unrouted=len(rated) - len(names))
    return "\n".join([introduction, *lines, ""])


def table_line(texts):
    return f"| {' | '.join(texts)} |"


def cells(row, name, reason):
    rating = f"{row['rating'].replace('_', ' ')} ({row['rating_score']})"
    level = f"{row['radiation_level']} ({row['radiation_msv']})" if row["radiation_level"] else row["radiation_msv"]
    return [row["edition"], row["variant"], f"`{row['procedure']}`", rating, level, name or f"`select`: {reason}"]


if __name__ == "__main__":
    sys.stdout.write(page())
