"""Compares the SQL with the oracle on the same delivery, table by table; says where they differ, row by row."""

from pathlib import Path

import oracle
import oracle_multiverse
import pipeline

RULES = oracle.load_rules(Path(__file__).parent.parent / "rules")
KEYS = {
    "neoadjuvant_case": ("case_id",),
    "order_label": ("order_id",),
    "episode": ("case_id", "measure"),
    "compliance": ("measure", "basis"),
    "sensitivity": ("measure", "basis", "reading"),
    "unmapped_code": ("code_system", "code", "reason"),
    "edition_change": ("question", "answer_then", "answer_now"),
    "scenario_episode": ("case_id", "scenario"),
    "scenario_compliance": ("scenario", "basis"),
    "staging_workup": ("case_id",),
    "secondary_measure": ("measure", "part", "period_grain", "period_start"),
    "case_radiation": ("case_id", "procedure"),
    "maturity": ("measure", "period_grain", "period_start"),
    "worklist": ("order_id",),
}
CHOICES = (
    "window_days", "completion_lead_days", "min_response_days", "clock", "assumed_pet", "tiers", "therapy_classes",
)
# What the oracle carries for itself, beside every column whose name starts with an underscore.
OWN = {"share"}


def differences(delivery, settings, limit=40):
    """Sentences, one per cell that differs; none when the two implementations agree."""
    con = pipeline.audit(delivery, **for_sql(settings))
    found = from_oracle(con, delivery, settings, limit)
    con.close()
    return found


def from_oracle(con, delivery, settings, limit=40):
    """The same of tables that were built already, by whatever engine."""
    expected = oracle.audit(delivery, RULES, dict(settings))
    found = list(_attrition(con, expected["attrition"]))
    for table, key in KEYS.items():
        found += _table(con, table, key, expected[table])
    return found[:limit]


def multiverse_differences(delivery, settings, limit=40):
    """The same for the headline under every definition, apart: the oracle runs itself 54 times for it."""
    expected = oracle_multiverse.multiverse(delivery, RULES, dict(settings))
    con = pipeline.audit(delivery, **for_sql(settings))
    found = list(_table(con, "multiverse", CHOICES, expected))
    con.close()
    return found[:limit]


def for_sql(settings):
    named = settings.get("conditional_surgery") or ()
    return {**settings, "conditional_surgery": [f"{system}:{code}" for system, code in named]}


def _table(con, table, key, expected):
    got = {tuple(row[name] for name in key): row for row in _published(con, table)}
    want = {tuple(row[name] for name in key): row for row in expected}
    for missing in sorted(want.keys() - got.keys(), key=str):
        yield f"{table} {missing}: only the oracle has this row: {want[missing]}"
    for extra in sorted(got.keys() - want.keys(), key=str):
        yield f"{table} {extra}: only the SQL has this row: {got[extra]}"
    for name in sorted(want.keys() & got.keys(), key=str):
        for column, value in want[name].items():
            if column not in OWN and column[0] != "_" and not _same(got[name][column], value):
                yield f"{table} {name} {column}: SQL {got[name][column]!r}, oracle {value!r}"


def _published(con, table):
    rows = pipeline.rows(con, f"out.{table}")
    if table == "compliance":
        return [row for row in rows if row["period_grain"] == "all" and row["stratum"] == "all"]
    return rows


def _attrition(con, expected):
    got = {row["reason"]: row["n_orders"] for row in pipeline.rows(con, "out.attrition") if row["n_orders"]}
    for reason in sorted(got.keys() | expected.keys()):
        if got.get(reason, 0) != expected.get(reason, 0):
            yield f"attrition {reason}: SQL {got.get(reason, 0)}, oracle {expected.get(reason, 0)}"


def _same(got, want):
    if isinstance(got, float) or isinstance(want, float):
        return got is not None and want is not None and abs(got - want) < 1e-12
    return got == want
