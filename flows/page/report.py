"""The page: released tables in, one self-contained HTML file out. Every figure on it is a cell of those tables.

Python only chooses rows; the words stand in reports/, the drawings come from flows/drawings/. Nothing here can see a
table that did not pass disclosure control. Tables of the profile none make the same page, marked for the protected
zone.
"""

import base64
import functools
import hashlib
import json

from flows import ROOT
from flows.control import spc
from flows.drawings.slots import rated
from flows.exports.cells import HARD_SPACE, MASKED, NOTHING, WITHHELD, band, moved
from flows.exports.facts import disclosures, is_synthetic
from flows.headline import HEADLINE, MEASURE_WORDS
from flows.page import attrition, bars, summary
from flows.page.beside import beside, with_maturity
from flows.page.history import by_run
from flows.page.spread import spread

MEASURES = tuple(MEASURE_WORDS)
STRATA = (
    "site", "therapy_class", "intent_tier", "edition", "payer", "age_band", "sex", "gender_identity", "race",
    "ethnicity", "breast_density",
)
# Where an exam can fall in the course of therapy: the measure it belongs to, or the step of the funnel that drops it.
PHASES = (
    ("before therapy", "work-up: rated beside the measure", "before_therapy"),
    ("early in therapy", "too early to show a response", "too_early"),
    ("during therapy", "audited: the second measure", "on_treatment"),
    ("end of therapy unknown", "indeterminate", "therapy_end_unknown"),
    ("after therapy", "audited: the headline", "post_completion"),
    ("after the window", "too late to belong to this course", "outside_window"),
    ("after surgery", "follow-up", "after_surgery"),
)
OUTCOMES = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated", "n_indeterminate")
SPOKEN = MEASURE_WORDS | {"all": "all cases"}
LETTERS = {word: word.upper() for word in ("us", "mri", "dbt", "ct", "cta", "dxa", "fdg", "pet", "mbi")}


def render(tables, history=None, baselines=()):
    """One HTML page, as text. history: rows of ledger.quality_history; baselines: rows of rule.baseline."""
    from flows.page.drawn import drawn

    rows = as_rows(tables)
    told = page(tables, history, rows)
    told |= drawn(rows, told["headline"], told["run"]["parameters"], baselines)
    return template("audit.html").render(told)


def template(name):
    return _home().get_template(name)


@functools.cache
def _home():
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    home = Environment(
        loader=FileSystemLoader(ROOT / "reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
    home.filters |= {
        "count": count, "amount": amount, "percent": percent, "words": words, "thin": thin, "band": band, "moved": moved,
        "measure": SPOKEN.get, "digest": digest, "capitalised": lambda text: text[:1].upper() + text[1:],
    }
    return home


def as_rows(tables):
    return {name: table.to_dicts() for name, table in tables.items()}


def page(tables, history=None, rows=None):
    """What the template may say, and nothing else; the drawings apart."""
    rows = rows or as_rows(tables)
    compliance = with_maturity(rows["compliance"], rows["maturity"])
    run = rows["audit_run"][0]
    parameters = json.loads(run["parameters"])
    overall = {basis: {m: _one(compliance, measure=m, basis=basis) for m in MEASURES} for basis in ("episode", "order")}
    headline = overall["episode"]["post_completion"]
    cases = {row["reason"]: row for row in rows["case_attrition"]}
    strata = {stratum: _stratum(compliance, stratum) for stratum in STRATA}
    periods = [_periods(compliance, grain) for grain in ("year", "quarter")]
    told = {
        "run": run | {"versions": json.loads(run["versions"]), "parameters": parameters},
        "is_synthetic": is_synthetic(run["source"]),
        "is_protected": "protected_zone_only" in tables["compliance"].columns,
        "headline": headline,
        "rated": rated(headline),
        "overall": overall,
        "cases": cases,
        "case_steps": bars.with_bars(rows["case_attrition"], "n_cases"),
        "flow": {
            "cases": attrition.cases(rows["case_attrition"]), "orders": attrition.orders(rows["attrition"]),
            "is_rounded": any(row.get("is_rounded") for name in ("attrition", "case_attrition") for row in rows[name]),
        },  # fmt: skip
        "phases": phases(rows["attrition"]),
        "periods": periods,
        "has_periods": any(row["n_index"] != 0 for row in periods[0]),
        "has_immature": any(row["is_immature"] for grain in periods for row in grain),
        "exams": exams(compliance),
        "steps": bars.with_bars(rows["attrition"], "n_orders"),
        "readings": rows["sensitivity"],
        "spread": spread(rows.get("multiverse", [])),
        "since": summary.since(rows.get("change", [])),
        "unmapped": sorted(rows["unmapped_code"], key=_most_ordered),
        "quality": quality(rows["quality_result"]),
        "history": by_run(history, rows["quality_result"], run["run_id"]),
        "notices": sorted(rows.get("notice", []), key=lambda row: (row["severity"] == "note", row["notice"], row["subject"])),
        "warnings": [row for row in rows["quality_warning"] if row["n_rows"] != 0],
        "smallest": smallest_change(headline, parameters),
        "disclosures": disclosures(parameters),
    }
    told |= bars.with_lanes(strata) | beside(rows)
    doubts = told["quality"]["open"] + [row for row in told["notices"] if row["severity"] != "note"]
    told["next_steps"] = summary.next_steps(run, headline, cases, told["exams"], told["unmapped"], told["alarms"], doubts)
    return told


def _one(compliance, **key):
    wanted = HEADLINE | key
    (row,) = [row for row in compliance if all(row[name] == value for name, value in wanted.items())]
    return row


def smallest_change(row, parameters):
    """The smallest difference between two such figures that would probably show; None where there is no rate."""
    power, z = float(parameters["change_power"]), float(parameters["wilson_z"])
    return spc.detectable_change(row["rate"], rated(row), power, z)


def _periods(compliance, grain):
    rows = [
        row for row in compliance
        if (row["measure"], row["basis"], row["period_grain"]) == ("post_completion", "episode", grain)
    ]
    return sorted(rows, key=lambda row: row["period_start"])


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
        row | {"verdict": _verdict(row)} for row in compliance if row["n_index"] != 0
        if (row["measure"], row["basis"], row["stratum"]) == ("post_completion", "order", "procedure")
    ]
    rows.sort(key=lambda row: (-(row["n_index"] or 0), row["stratum_value"]))
    return bars.with_bars(rows, "n_index")


def _verdict(row):
    """The only outcome that is not zero, where the counts are shown."""
    if None in [row[name] for name in OUTCOMES]:
        return MASKED
    there = [name.removeprefix("n_") for name in OUTCOMES if row[name]]
    return there[0] if len(there) == 1 else "several"


def phases(rows):
    steps = {row["reason"]: row for row in rows}
    return [
        {"label": label, "fate": fate, "measure": slug if slug in MEASURES else None, "row": steps.get(slug)}
        for label, fate, slug in PHASES
    ]


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
    return MASKED if number is None else f"{number:,}"


def amount(number):
    """A quantity with at most one decimal; a whole one without."""
    return MASKED if number is None else f"{number:,.1f}".removesuffix(".0")


def percent(share, row=None, digits=1, is_bound=False):
    """A share as a percentage; where there is none, why not. A rate can be withheld, its bounds cannot."""
    if share is not None:
        return f"{100 * share:.{digits}f}{HARD_SPACE}%"
    if row is None or 0 in (row.get("n_index"), row.get("denominator")):
        return NOTHING
    return WITHHELD if row.get("is_withheld") and not is_bound else MASKED


def words(slug):
    """A slug of the tables in words; what is read letter by letter stays in capitals."""
    said = " ".join(LETTERS.get(word, word) for word in (slug or "").split("_"))
    return said.replace("FDG PET CT", "FDG-PET/CT").replace("FDG PET", "FDG-PET")


def thin(digest):
    return (digest or "")[:12]


def digest(text):
    """The source by which a Content-Security-Policy knows an inline style or script, and lets no other in."""
    return "sha256-" + base64.b64encode(hashlib.sha256(str(text).encode()).digest()).decode()
