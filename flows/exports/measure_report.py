"""The FHIR R4 MeasureReport (summary), made of released tables alone: what they mask is masked here too.

A masked count has no value but the extension data-absent-reason; so has a rate that is not shown, with the reason why.
Counts stand as released; the denominator-exclusion is the sum, or the difference, of released counts. A count that was
given in tens only is masked, because FHIR would say it as if it were exact.
"""

import html
import json

from flows.exports import cells
from flows.exports.facts import PROTECTED, SYNTHETIC, masking, named
from flows.exports.measure import (
    BASES,
    CODES,
    MEASURES,
    POPULATIONS,
    STRATIFIERS,
    canonical,
    coded,
    div,
    group_code,
    group_id,
    measure,
    population_code,
)

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
COUNTED = {
    "initial-population": ("n_index",),
    "denominator": ("n_index",),
    "denominator-exclusion": ("n_unrated", "n_indeterminate"),
    "numerator": ("n_appropriate",),
}
RATED = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate")
REPORTER = {
    "resourceType": "Organization",
    "id": "reporter",
    "name": "The organisation that delivered the extracts; the delivery is de-identified and does not name it",
}
# How others are to treat the resource, in HL7's own words: test data, and what must not be passed on.
LABELS = {SYNTHETIC: ("v3-ActReason", "HTEST"), PROTECTED: ("v3-Confidentiality", "R")}


def write(tables, facts, folder):
    """Both resources beside the other exports: the definition, and the figures that refer to it."""
    for name, resource in (("measure", measure(facts)), ("measure_report", measure_report(tables, facts))):
        text = json.dumps(resource, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


def measure_report(tables, facts):
    """The MeasureReport of a run: what its released tables show of the two measures, on both bases."""
    rows = _overall(tables["compliance"])
    report = {
        "resourceType": "MeasureReport",
        "id": facts["run_id"],
        "meta": {"security": [coding for mark in facts["watermarks"] for coding in _label(mark)]},
        "text": _narrative(rows, facts),
        "contained": [REPORTER],
        "identifier": [{"type": {"text": "run"}, "value": facts["run_id"]}],
        "status": "complete",
        "type": "summary",
        "measure": canonical(facts),
        "date": facts["as_of"],
        "reporter": {"reference": "#reporter"},
        "period": _period(facts),
        "improvementNotation": coded(CODES + "measure-improvement-notation", "increase"),
        "group": [_group(name, basis, rows, facts) for name in MEASURES for basis in BASES],
    }
    return {name: value for name, value in report.items() if value not in (None, {"security": []})}


def _label(mark):
    system, code = LABELS[mark]
    return coded(CODES + system, code)["coding"]


def _overall(compliance):
    """(measure, basis, stratum) → its rows over all periods, in a fixed order."""
    found = {}
    for row in compliance.filter(period_grain="all").sort("stratum_value").to_dicts():
        found.setdefault((row["measure"], row["basis"], row["stratum"]), []).append(row)
    return found


def _period(facts):
    """First day of the first period with an index day, to the last day covered; a moved axis has no dates."""
    if not facts["as_of"] or not facts["period"]:
        return {"extension": _absent("masked" if not facts["as_of"] else "not-applicable")}
    return {"start": facts["period"]["first"], "end": min(facts["period"]["last"], facts["as_of"])}


def _group(name, basis, rows, facts):
    found = rows.get((name, basis, "all"))
    stratifiers = [_stratifier(stratum, rows.get((name, basis, stratum), []), facts) for stratum in STRATIFIERS]
    counted = _counted(found[0], facts) if found else {}
    return {"id": group_id(name, basis), "code": group_code(name, basis)} | counted | {"stratifier": stratifiers}


def _stratifier(stratum, rows, facts):
    strata = [{"value": {"text": row["stratum_value"]}} | _counted(row, facts) for row in rows]
    return {"id": stratum, "code": [{"text": STRATIFIERS[stratum]}]} | ({"stratum": strata} if strata else {})


def _counted(row, facts):
    return {"population": [_population(row, code, facts) for code in POPULATIONS], "measureScore": _score(row)}


def _population(row, code, facts):
    count = _sum([row[column] for column in COUNTED[code]])
    if count is None and code == "denominator-exclusion":
        count = _not_rated(row, facts["largest_masked"])
    # FHIR has no word for "about": a count that was given in tens is told in the narrative alone.
    if count is None or row.get("is_rounded"):
        return {"code": population_code(code), "_count": {"extension": _absent("masked")}}
    return {"code": population_code(code), "count": count}


def _not_rated(row, largest_masked):
    """Its parts may be masked where the whole is not: a rate, its numerator and the index give it all the same."""
    if not row["rate"] or not row["n_appropriate"] or row["n_index"] is None:
        return None
    count = row["n_index"] - round(row["n_appropriate"] / row["rate"])
    return count if count == 0 or count > largest_masked else None  # of rounded counts the difference may be small


def _sum(counts):
    return None if None in counts else sum(counts)


def _score(row):
    """The rate as released; else why there is none: withheld, nothing rated, or masked."""
    if row["rate"] is not None:
        return {"value": row["rate"]}
    if row["is_withheld"]:
        return {"extension": _absent("unknown")}
    is_empty = row["n_index"] == 0 or _sum([row[column] for column in RATED]) == 0
    return {"extension": _absent("not-applicable" if is_empty else "masked")}


def _absent(reason):
    return [{"url": ABSENT, "valueCode": reason}]


def _narrative(rows, facts):
    """What a person reads in the resource; interval and bounds have no element of their own in FHIR R4."""
    lines = [*facts["watermarks"], named(facts) + f" · de-identification {facts['deid_mode']}", masking(facts)]
    told = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    spoken = [_spoken(name, basis, rows.get((name, basis, "all"))) for name in MEASURES for basis in BASES]
    head = ("First imaging orders", "Basis", "Rate", "95 % interval", "Bounds", "Index")
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line) + "</tr>" for line in spoken)
    columns = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    table = f"<table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
    return {"status": "additional", "div": div(told + table)}


def _spoken(name, basis, found):
    if not found:
        return MEASURES[name], basis, *[cells.NOTHING] * 4
    (row,) = found
    is_step = row["rate"] is None and row.get("rate_step") is not None
    rate = cells.share(row, "rate_step" if is_step else "rate")
    interval, bounds = cells.span(row, "ci_low", "ci_high"), cells.span(row, "bound_low", "bound_high")
    return MEASURES[name], basis, rate, interval, bounds, cells.count(row, "n_index")
