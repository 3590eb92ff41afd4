"""The headline in words, from the published tables alone, so that it never says more than they do."""

import polars as pl

MEASURE_WORDS = {"post_completion": "after therapy", "on_treatment": "during therapy"}
HEADLINE = {
    "measure": "post_completion",
    "basis": "episode",
    "period_grain": "all",
    "stratum": "all",
    "stratum_value": "all",
}
RATED = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate")
BANDS = {"below_80": "below 80 %", "80_to_90": "80 to 90 %", "90_to_95": "90 to 95 %", "95_and_above": "95 % and above"}
SUBJECT = "First imaging orders after neoadjuvant therapy, episodes"
ROUNDED = "rounded, because few came since the last release"
# An audit of a past day is filed; what is shown is the newest.
NOT_SHOWN = "No result is shown yet: audits of past days are filed. imaging-audit catch-up shows the newest day."
HIDDEN = "hidden"  # a masked count: small itself, or it would give a small one away


def told(out):
    """What a run says on stdout at its end."""
    if not (out / "current").exists():
        return NOT_SHOWN
    places = {"Report": "report.html", "Database": "audit.duckdb", "Exports": "exports", "Patients' rows": "protected"}
    lines = [headline(out), "", *(f"{name + ':':<16}{out / place}" for name, place in places.items())]
    return "\n".join(lines)


def headline(out):
    if not (out / "current").exists():
        return NOT_SHOWN
    tables = {name: pl.read_parquet(out / "exports" / f"{name}.parquet") for name in ("compliance", "case_attrition")}
    return _prefix(out) + _sentence(tables["compliance"], tables["case_attrition"])


def headline_row(compliance, measure="post_completion"):
    rows = compliance.filter(**HEADLINE | {"measure": measure}).to_dicts()
    return rows[0] if rows else None


def _prefix(out):
    from flows.publish import read_manifest

    source = read_manifest(out)["source"]
    return {
        "demo (synthetic)": "SYNTHETIC DATA (the bundled example; no real patient). ",
        "synthea": "SYNTHETIC DATA (Synthea; performed procedures stand in for orders). ",
    }.get(source, "")


def _sentence(compliance, case_attrition):
    row = headline_row(compliance)
    if row is None or row["n_index"] == 0:
        return _without_orders(headline_row(compliance, "on_treatment"), case_attrition)
    if row["n_index"] is None:
        return f"{SUBJECT}: too few to be shown under disclosure control."
    if row.get("is_rounded") and row["rate"] is not None:
        ends = f"95 % CI {100 * row['ci_low']:.0f}–{100 * row['ci_high']:.0f}; " if row["ci_low"] is not None else ""
        return f"{SUBJECT}: about {100 * row['rate']:.0f} % usually appropriate ({ends}about {row['n_index']:,} in all; {ROUNDED})."
    if row["rate"] is not None:
        return f"{SUBJECT}: {_percent(row['rate'])} % usually appropriate ({_evidence(row)})."
    if row["is_withheld"]:
        return f"{SUBJECT}: withheld, too many of {row['n_index']} are unrated or indeterminate; see unmapped codes."
    band = BANDS.get(row.get("rate_band"))
    told = f"{band} usually appropriate" if band else "the rate is hidden"
    about = "about " if row.get("is_rounded") else ""
    return f"{SUBJECT}: {told} ({about}{row['n_index']:,} in all; figures under disclosure control)."


def _without_orders(on_treatment, case_attrition):
    """Said exactly: cases there may be, and not one order to judge."""
    counts = {row["reason"]: row["n_cases"] for row in case_attrition.iter_rows(named=True)}
    operated = _sum([counts.get("operated_with_response_order", 0), counts.get("operated_without_response_order", 0)])
    if on_treatment is None or on_treatment["n_index"] == 0:
        return f"{operated} neoadjuvant cases operated, 0 response imaging orders captured: there is nothing to rate."
    during = f"{_count(on_treatment['n_index'])} episodes during therapy"
    return f"{operated} neoadjuvant cases operated, 0 response imaging orders after therapy captured ({during})."


def _evidence(row):
    n_rated = _rated(row)
    return "; ".join(
        [
            f"95 % CI {_percent(row['ci_low'])}–{_percent(row['ci_high'])}",
            f"bounds {_span(row['bound_low'], row['bound_high'])}",
            f"{_count(row['n_appropriate'])} of {_count(n_rated)} rated",
            f"{_count(n_rated and row['n_index'] - n_rated)} more unrated or indeterminate",
        ]
    )


def _rated(row):
    """Of all counts a masked one may be a part; a published rate and its numerator give the sum all the same."""
    if row["n_appropriate"] and row["rate"]:
        return round(row["n_appropriate"] / row["rate"])
    counts = [row[name] for name in RATED]
    return None if None in counts else sum(counts)


def _percent(share):
    return f"{100 * share:.1f}"


def _span(low, high):
    return HIDDEN if low is None or high is None else f"{_percent(low)}–{_percent(high)}"


def _count(number):
    return HIDDEN if number is None else f"{number:,}"


def _sum(numbers):
    return HIDDEN if None in numbers else f"{sum(numbers):,}"


def in_a_sentence(row):
    """The sign before a rate in running text, and to how many decimals it is told: one that was rounded says so."""
    return ("≈ ", 0) if row.get("is_rounded") else ("", 1)
