"""Tests of one model alone: its input tables drawn, the model run, its rows compared. Read from tests/models/*.yaml.

    model   the table that is tested              after   models run before it on the same rows
    given   rows of any table (others are empty)  expect  rows of the model, matched by `key` (the first column)
    is_whole: false   where the model has rows that the case is not about
"""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pipeline
import vignette
import yaml
from tables import differences, read_table

from flows import models, noticing

FOLDER = Path(__file__).parent / "models"


@dataclass
class Case:
    name: str
    because: str
    model: str
    expect: str
    given: dict = field(default_factory=dict)
    after: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)
    key: list | None = None
    is_whole: bool = True


@cache
def load():
    files = sorted(FOLDER.glob("*.yaml"))
    return [Case(**told) for path in files for told in yaml.safe_load(path.read_text(encoding="utf-8"))]


def failures(case, instead=()):
    """Where the model's rows differ from those expected; `instead` holds other SQL for a model by its name."""
    instead = dict(instead)
    con = empty_audit(json.dumps(case.settings, sort_keys=True))
    con.execute("begin")
    try:
        for table, rows in case.given.items():
            fill(con, table, read_table(rows))
        for table in [*case.after, case.model]:
            con.execute(f"create or replace table {table} as {instead.get(table) or model_text(table)}")
        expected = [] if case.expect == "none" else read_table(case.expect)
        key = case.key or list(expected[0])[:1] if expected else []
        return differences(expected, pipeline.rows(con, case.model), key, case.is_whole)
    finally:
        con.execute("rollback")


@cache
def empty_audit(settings):
    """Every table with its true columns and no rows but the rules'."""
    nobody = vignette.Vignette("", "", [], "", {**vignette.DEFAULTS, "as_of": "2025-12-31", **json.loads(settings)}, {}, {}, "")
    delivery = vignette.Delivery([nobody])
    delivery.build()
    noticing.build(delivery.con, "2025-12-31", [])
    return delivery.con


@cache
def model_text(table):
    steps = [*vignette.model_steps(), *(("notice", models.table_name(path), path.read_text(encoding="utf-8")) for path in models.model_files("notice"))]
    told = (models.SQL / "run" / "notice.sql").read_text(encoding="utf-8")
    return next(text for schema, name, text in [*steps, ("out", "notice", told)] if f"{schema}.{name}" == table)


def fill(con, table, rows):
    con.execute(f"delete from {table}")
    columns = ", ".join(f'"{column}"' for column in rows[0])
    cells = ", ".join("?" for _ in rows[0])
    for row in rows:
        con.execute(f"insert into {table} ({columns}) values ({cells})", [cell or None for cell in row.values()])
