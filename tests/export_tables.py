"""Released tables of made-up people, for the tests of what is made of them: workbook, paper, data package."""

import csv
import functools
import json

import out_tables
import polars as pl

from flows import ROOT, disclosure
from flows.exports import facts
from flows.headline import HEADLINE

STRATA = {name: out_tables.STRATA[name] for name in ("site", "therapy_class", "intent_tier")}
with (ROOT / "rules" / "parameter.csv").open(encoding="utf-8", newline="") as lines:
    PARAMETERS = {row["name"]: row["value"] for row in csv.DictReader(lines)}
EDITIONS = [
    {"edition": "2017", "effective_from": "2017-11-01", "citation": "the first"},
    {"edition": "2022", "effective_from": "2023-01-01", "citation": "the second"},
]
NO_RATE = dict.fromkeys(("rate", "ci_low", "ci_high", "bound_low", "bound_high", "rate_without_exception", "rate_band"))
COUNTS = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated", "n_indeterminate")


@functools.cache
def exact():
    """As they stand in the database."""
    found = out_tables.tables(700, strata=STRATA)
    return found | {"audit_run": found["audit_run"].with_columns(parameters=pl.lit(json.dumps(PARAMETERS)))}


@functools.cache
def released(profile="cms"):
    return disclosure.release(dict(exact()), profile, 10, 0.15)


def facts_of(tables, profile="cms"):
    return facts.facts(tables, profile, EDITIONS)


def changed(tables, name, values, **where):
    """The tables with other values in the rows that are meant."""
    meant = pl.all_horizontal([pl.col(column) == value for column, value in where.items()] or [pl.lit(True)])
    table = tables[name].with_columns(
        pl.when(meant).then(pl.lit(value, tables[name].schema[column])).otherwise(pl.col(column)).alias(column)
        for column, value in values.items()
    )
    return tables | {name: table}


def headlined(tables, values, measure="post_completion"):
    return changed(tables, "compliance", values, **HEADLINE | {"measure": measure})


def from_source(tables, **values):
    """The same audit of another delivery."""
    return changed(tables, "audit_run", values)
