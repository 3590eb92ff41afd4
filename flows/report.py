"""The page: released tables in, one self-contained HTML file out. Every figure on it is a cell of those tables.

Python only chooses rows and lays out charts; the words stand in reports/. Nothing here can see a table that did not
pass disclosure control.
"""

import json

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows import ROOT, charts
from flows.headline import BANDS, HEADLINE
from flows.page_beside import beside, with_maturity

MEASURES = ("post_completion", "on_treatment")
STRATA = (
    "site", "therapy_class", "intent_tier", "edition", "payer", "age_band", "sex", "gender_identity", "race",
    "ethnicity", "breast_density",
)
OUTCOMES = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated", "n_indeterminate")
SPOKEN = {"post_completion": "after therapy", "on_treatment": "during therapy", "all": "all cases"}
HARD_SPACE = "\u00a0"  # keeps a figure and its sign on one line
MASK = "masked"  # what stands for a figure that disclosure control took away
LETTERS = {word: word.upper() for word in ("us", "mri", "dbt", "ct", "cta", "dxa", "fdg", "pet", "mbi")}
NONE = "–"  # what stands for a figure that does not exist: an empty denominator has no rate


def render(tables):
    """One HTML page, as text."""
    return template("audit.html").render(page(tables))


def template(name):
    home = Environment(
        loader=FileSystemLoader(ROOT / "reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
    home.filters |= {
        "count": count, "amount": amount, "percent": percent, "words": words, "thin": thin, "band": band,
        "measure": SPOKEN.get,
    }
    return home.get_template(name)


def page(tables):
    """What the template may say, and nothing else."""
    rows = {name: table.to_dicts() for name, table in tables.items()}
    compliance = with_maturity(rows["compliance"], rows["maturity"])
    run = rows["audit_run"][0]
    overall = {basis: {m: _one(compliance, measure=m, basis=basis) for m in MEASURES} for basis in ("episode", "order")}
    headline = overall["episode"]["post_completion"]
    return {
        "run": run | {name: json.loads(run[name]) for name in ("versions", "parameters")},
        "is_synthetic": is_synthetic(run["source"]),
        "is_protected": "protected_zone_only" in tables["compliance"].columns,
        "headline": headline,
        "overall": overall,
        "strip": charts.strip(headline),
        "cases": {row["reason"]: row for row in rows["case_attrition"]},
        "case_steps": charts.with_bars(rows["case_attrition"], "n_cases"),
        "trend": charts.trend(trend_periods(compliance)),
        "periods": [_periods(compliance, grain) for grain in ("year", "quarter")],
        "exams": exams(compliance),
        "steps": charts.with_bars(rows["attrition"], "n_orders"),
        "readings": rows["sensitivity"],
        "strata": {stratum: _stratum(compliance, stratum) for stratum in STRATA},
        "unmapped": sorted(rows["unmapped_code"], key=_most_ordered),
        "quality": quality(rows["quality_result"]),
        "warnings": [row for row in rows["quality_warning"] if row["n_rows"] != 0],
        "smallest": charts.smallest_change(headline),
        "smallest_period": charts.smallest_change_between(trend_periods(compliance)),
    } | beside(rows)


def is_synthetic(source):
    return source in ("demo (synthetic)", "synthea")


def _one(compliance, **key):
    wanted = HEADLINE | key
    (row,) = [row for row in compliance if all(row[name] == value for name, value in wanted.items())]
    return row


def _periods(compliance, grain):
    rows = [
        row for row in compliance
        if (row["measure"], row["basis"], row["period_grain"]) == ("post_completion", "episode", grain)
    ]
    return sorted(rows, key=lambda row: row["period_start"])


def trend_periods(compliance):
    """Quarters where most of them can be shown, else years: a chart of masks is no chart."""
    quarters = _periods(compliance, "quarter")
    n_shown = sum(row["rate"] is not None for row in quarters)
    return quarters if 2 * n_shown > len(quarters) else _periods(compliance, "year")


def _stratum(compliance, stratum):
    """The rows of one stratum; one that nobody filled in says nothing and is left out."""
    rows = [
        row for row in compliance
        if (row["measure"], row["basis"], row["stratum"]) == ("post_completion", "episode", stratum)
    ]
    if {row["stratum_value"] for row in rows} <= {"unknown"}:
        return []
    return sorted(rows, key=lambda row: row["stratum_value"])


def exams(compliance):
    """Index orders by procedure: a procedure has one verdict under an edition, so its bar has one colour."""
    rows = [
        row | {"verdict": _verdict(row)} for row in compliance
        if (row["measure"], row["basis"], row["stratum"]) == ("post_completion", "order", "procedure") and row["n_index"] != 0
    ]
    rows.sort(key=lambda row: (-(row["n_index"] or 0), row["stratum_value"]))
    return charts.with_bars(rows, "n_index")


def _verdict(row):
    """The only outcome that is not zero, where the counts are shown."""
    if None in [row[name] for name in OUTCOMES]:
        return MASK
    there = [name.removeprefix("n_") for name in OUTCOMES if row[name]]
    return there[0] if len(there) == 1 else "several"


def quality(results):
    order = ("error", "failed", "not_applicable", "passed")
    return {
        "tally": {status: sum(row["status"] == status for row in results) for status in order},
        "open": [row for row in results if row["status"] in ("error", "failed")],
        "all": sorted(results, key=lambda row: (order.index(row["status"]), row["code"])),
    }


def _most_ordered(row):
    return -(row["n_orders"] or 0), row["code_system"], row["code"]


def count(number):
    return MASK if number is None else f"{number:,}"


def amount(number):
    """A quantity with at most one decimal; a whole one without."""
    return MASK if number is None else f"{number:,.1f}".removesuffix(".0")


def percent(share, row=None, digits=1, is_bound=False):
    """A share as a percentage; where there is none, why not. A rate can be withheld, its bounds cannot."""
    if share is not None:
        return f"{100 * share:.{digits}f}{HARD_SPACE}%"
    if row is None or 0 in (row.get("n_index"), row.get("denominator")):
        return NONE
    return "withheld" if row.get("is_withheld") and not is_bound else MASK


def band(slug):
    return BANDS[slug].replace(" %", HARD_SPACE + "%")


def words(slug):
    """A slug of the tables in words; what is read letter by letter stays in capitals."""
    return " ".join(LETTERS.get(word, word) for word in (slug or "").split("_"))


def thin(digest):
    return (digest or "")[:12]
