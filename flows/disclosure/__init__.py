"""What may leave: counts of 1 to 10 masked, and with them whatever would give one back.

Rows are shown or closed whole, block by block: the outcomes of a row, their parts, its exceptions, and each count beside the
measure. flows/disclosure/groups.py says why a closed row stays closed. A masked count is null with suppressed = true, never 0; a zero
stays 0. `bad` is mixed + may be + not appropriate, `undecided` is unrated + indeterminate: a shown rate gives both away.
"""

import polars as pl

from flows.disclosure.beside import BESIDE, close_beside
from flows.disclosure.compliance import SHARES, Compliance
from flows.disclosure.differencing import Past, findings
from flows.disclosure.funnel import close_cases, close_codes, close_orders, responded
from flows.disclosure.groups import is_small
from flows.disclosure.multiverse import COUNTED, multiverse
from flows.disclosure.readings import close_readings
from flows.disclosure.rounding import tens, wilson
from flows.disclosure.states import BAD, UNDECIDED
from flows.errors import PublishError

TENS = {"quality_warning": ("n_rows", "n_total"), "quality_result": ("n_unexpected", "n_total")}
# Columns that disclosure control adds, with their types, and what it takes away: rows or none, a table has the same columns.
TYPES = {
    "suppressed": pl.Boolean, "is_rounded": pl.Boolean, "rate_band": pl.String, "share_band": pl.String, "rate_step": pl.Float64,
}
ADDED = {
    "compliance": ("rate_band", "rate_step", "is_rounded"), "sensitivity": ("rate_band", "rate_step", "is_rounded"),
    "attrition": ("is_rounded",), "case_attrition": ("is_rounded",), "secondary_measure": ("rate_band", "rate_step"),
    "scenario_compliance": ("rate_band", "rate_step"), "label_basis": ("share_band",), "multiverse": ("rate_band", "rate_step"),
    "validity": ("is_rounded",),
}
TAKEN = {
    "secondary_measure": {"numerator"}, "maturity": {"n_index", "n_settled"}, "label_basis": {"n_index"},
    "scenario_compliance": {"n_appropriate", *BAD, *UNDECIDED, "bound_low", "bound_high"},
    "multiverse": COUNTED,
    "audit_run": {"row_counts"},  # row counts of the tables would give back what the rest hides
}
PROFILES = {"cms": None, "nhs": 7, "none": None}


def release(tables, profile="cms", small_cell_max=10, withhold_share=0.15, before=None):
    """The aggregate tables as they may leave, under one mask for every format that is made of them.

    before: the last release and what was true then (differencing.last_release), None for the first. What it allows no longer
    to be shown stands in the table `differencing`.
    """
    if profile not in PROFILES:
        raise PublishError(f"no such suppression profile: {profile}", next_step="use one of " + ", ".join(PROFILES))
    if profile == "none":
        return {name: unmasked(name, table) for name, table in (tables | {"differencing": findings(Past(), {})}).items()}
    small, past = PROFILES[profile] or small_cell_max, Past(*before or (), unit=5 if profile == "nhs" else 1)
    tables = {name: table.sort(table.columns, nulls_last=True) for name, table in tables.items()}  # a mask hangs on no order of rows
    rows = {name: table.to_dicts() for name, table in tables.items()}
    compliance = Compliance(rows["compliance"], small, withhold_share, past)
    compliance.close_outcomes()
    index = [row["n_cases"] for row in rows["attrition"] if row["reason"].startswith("index_")]
    close_cases(rows["case_attrition"], small, 0 in index, compliance.has_episodes_near(responded(rows["case_attrition"])), past)
    compliance.close(rows["attrition"], close_orders(rows["attrition"], small, *compliance.index_links(), past))
    close_readings(rows["sensitivity"], compliance, small)
    compliance.write()
    close_codes(rows["unmapped_code"], small, compliance.is_closed("order", "procedure", "unmapped"), past)
    close_beside(rows, small, compliance)
    if "multiverse" in rows:
        rows["multiverse"] = multiverse(rows["multiverse"], small, compliance)
    for row in rows.get("notice", ()):
        row["suppressed"] = False  # words alone
    for name, columns in TENS.items():
        for row in rows[name]:
            to_tens(row, columns, small)
    frames = {name: frame(name, rows[name], table) for name, table in tables.items()}
    if profile == "nhs":
        frames = {name: table if name in (*BESIDE, "multiverse") else rounded(table) for name, table in frames.items()}
        frames["validity"] = watched_again(frames["validity"], frames["compliance"])
    return frames | {"differencing": findings(past, frames)}


def unmasked(name, table):
    """For the protected zone only, and every table says so."""
    blank = {column: pl.lit(False if TYPES[column] == pl.Boolean else None, TYPES[column]) for column in ADDED.get(name, ())}
    return table.with_columns(suppressed=False, protected_zone_only=True, **blank)


def to_tens(row, columns, small):
    """Counts of rows that were checked: what they count is counted elsewhere to the last unit, so tens must do here."""
    row["suppressed"] = any(is_small(row[column], small) for column in columns)
    for column in columns:
        row[column] = tens(row[column], small)


def frame(name, rows, table):
    """The masked rows with the types of the table they come from."""
    added = (*ADDED.get(name, ()), *(() if name == "audit_run" else ("suppressed",)))
    kept = {column: kind for column, kind in table.schema.items() if column not in TAKEN.get(name, ())}
    return pl.DataFrame(rows, schema=kept | {column: TYPES[column] for column in added}, orient="row")


def rounded(table):
    """The nhs profile: what is left is rounded to 5, and rates are those of the rounded counts."""
    counts = [name for name, kind in table.schema.items() if name.startswith("n_") and kind.is_integer()]
    table = table.with_columns((pl.col(name) / 5).round().cast(pl.Int64) * 5 for name in counts)
    if "rate" not in table.columns:
        return table
    return pl.DataFrame([rates_of_rounded(row) for row in table.to_dicts()], schema=table.schema, orient="row")


def watched_again(validity, compliance):
    """The alarms that watch the headline say what it says once it is rounded."""
    said = {row["measure"]: row for row in compliance.filter(basis="episode", period_grain="all", stratum="all").to_dicts()}

    def again(row):
        if row["alarm"] not in ("rate_low", "rate_full"):
            return row
        value, n = said[row["measure"]]["rate"], said[row["measure"]]["n_index"]
        return row | {"value": value, "n": n, "suppressed": n is None or (value is None and row["value"] is not None) or row["suppressed"]}

    return pl.DataFrame([again(row) for row in validity.to_dicts()], schema=validity.schema, orient="row")


def rates_of_rounded(row):
    if row.get("is_rounded"):
        return row  # in tens and steps already
    known = [row[name] for name in ("n_index", "n_appropriate", *BAD)]
    row.update({name: None for name in SHARES[:6] if name in row})
    if None not in known and row["n_index"] and sum(known[1:]) and row.get("is_withheld") is not True:
        rated = sum(known[1:])
        row["rate"] = row["n_appropriate"] / rated
        row["ci_low"], row["ci_high"] = wilson(row["rate"], rated)
    return row
