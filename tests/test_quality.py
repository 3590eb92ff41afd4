"""The gate tells broken from unknown from fine, stops for what is critical, and says counts only."""

import logging
import re
import shutil
from contextlib import contextmanager

import duckdb
import pytest
import yaml
from tiny import audited

from flows import ROOT, quality
from flows.errors import QualityError, RulesError

CANARY = "CANARY-7731"
SUITE = """
mend: Mend the extract.
expectations:
  - code: T-01
    severity: critical
    why: Keys are unique.
    what: {type: expect_column_values_to_be_unique, kwargs: {column: order_id}}
  - code: T-02
    severity: warning
    why: Most rows have a site.
    what: {type: expect_column_values_to_not_be_null, kwargs: {column: site_id, mostly: 0.5}}
  - code: T-03
    severity: warning
    why: No order is negative.
    of: select order_id from {batch} where amount is not null
    mostly: 0.9
  - code: T-04
    severity: warning
    why: A number is a number.
    what: select order_id from {batch} where cast(order_id as integer) < 0
"""


@pytest.fixture
def con():
    con = duckdb.connect()
    con.execute("create schema stg")
    con.execute("create table stg.thing (order_id text, site_id text, amount integer)")
    yield con
    con.close()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "stg").mkdir()
    (tmp_path / "sql").mkdir()
    (tmp_path / "stg" / "thing.yaml").write_text(SUITE)
    (tmp_path / "sql" / "T-03.sql").write_text("select order_id from {batch} where amount < 0")
    return tmp_path


def fill(con, *rows):
    con.executemany("insert into stg.thing values (?, ?, ?)", rows)


def statuses(results):
    return {row["code"]: row["status"] for row in results}


def counts(results):
    return {row["code"]: (row["n_unexpected"], row["n_total"]) for row in results}


def test_each_way_to_end(con, folder):
    fill(con, ("1", "s", 1), ("2", None, -1), ("3", None, None))
    results = quality.judge(con, "extract", "r1", folder)
    assert statuses(results) == {"T-01": "passed", "T-02": "failed", "T-03": "failed", "T-04": "passed"}
    assert counts(results) == {"T-01": (0, 3), "T-02": (2, 3), "T-03": (1, 2), "T-04": (0, 3)}


def test_a_share_may_be_tolerated(con, folder):
    fill(con, *((str(n), "s", -1 if n == 0 else 1) for n in range(10)))
    assert statuses(quality.judge(con, "extract", "r1", folder))["T-03"] == "passed"
    fill(con, ("10", "s", -1))
    assert statuses(quality.judge(con, "extract", "r1", folder))["T-03"] == "failed"


def test_an_empty_denominator_is_never_a_pass(con, folder):
    assert set(statuses(quality.judge(con, "extract", "r1", folder)).values()) == {"not_applicable"}
    fill(con, ("1", "s", None))
    assert statuses(quality.judge(con, "extract", "r1", folder))["T-03"] == "not_applicable"


def test_a_check_that_breaks_is_an_error_and_not_a_failure(con, folder):
    fill(con, (CANARY, "s", 1))
    result = next(row for row in quality.judge(con, "extract", "r1", folder) if row["code"] == "T-04")
    assert (result["status"], result["n_unexpected"], result["n_total"]) == ("error", None, None)


def test_a_missing_table_is_an_error(folder):
    results = quality.judge(duckdb.connect(), "extract", "r1", folder)
    assert set(statuses(results).values()) == {"error"}
    with pytest.raises(QualityError, match="T-01 on stg.thing could not be checked"):
        quality.refuse(results, folder)


def test_a_critical_failure_stops_the_run_and_says_what_to_do(con, folder):
    fill(con, ("1", "s", 1), ("1", "s", 1), ("2", "s", 1))
    with pytest.raises(QualityError) as caught:
        quality.check(con, "extract", "r1", folder)
    assert "T-01 on stg.thing: 2 of 3 (Keys are unique.)" in str(caught.value)
    assert caught.value.next_step == "Mend the extract."
    assert caught.value.exit_code == 8


def test_a_warning_does_not_stop_the_run(con, folder):
    fill(con, ("1", None, -1))
    assert statuses(quality.check(con, "extract", "r1", folder))["T-02"] == "failed"


def test_no_value_leaves_the_gate(con, folder, caplog, capfd):
    fill(con, (CANARY, CANARY, -1), (CANARY, None, -1))
    caplog.set_level(logging.DEBUG)
    results = quality.judge(con, "extract", "r1", folder)
    with pytest.raises(QualityError) as caught:
        quality.refuse(results, folder)
    assert statuses(results)["T-04"] == "error"  # its message would quote the value
    spilled = [str(results), str(caught.value), caplog.text, *capfd.readouterr()]
    assert not [text for text in spilled if CANARY in text]


def test_the_gate_is_quiet(con, folder, capfd, caplog, recwarn):
    fill(con, (CANARY, None, -1))
    quality.judge(con, "extract", "r1", folder)
    assert [*capfd.readouterr(), caplog.text] == ["", "", ""]
    assert not list(recwarn)


def test_the_columns_are_those_of_the_published_table(con, folder):
    row = quality.judge(con, "extract", "r1", folder)[0]
    assert list(row) == [
        "code",
        "table_name",
        "expectation",
        "severity",
        "status",
        "n_unexpected",
        "n_total",
        "why",
        "run_id",
        "checked_at",
    ]
    assert row["expectation"] == "expect_column_values_to_be_unique(order_id)"


def test_an_expectation_with_an_unknown_key_is_refused(con, folder):
    (folder / "stg" / "thing.yaml").write_text(SUITE.replace("mostly: 0.9", "mostyl: 0.9"))
    with pytest.raises(RulesError, match="T-03.*mostyl"):
        quality.judge(con, "extract", "r1", folder)


# What is bundled

GATE = ROOT / "tests" / "gate"
FAULTS = yaml.safe_load((GATE / "faults.yaml").read_text(encoding="utf-8"))
BUNDLED = {
    row["code"]: (file, row)
    for file in sorted((ROOT / "expectations").glob("*/*.yaml"))
    for row in yaml.safe_load(file.read_text(encoding="utf-8"))["expectations"]
}


def test_codes_are_unique_and_every_query_has_its_row():
    suites = [quality.read_suites(stage) for stage in quality.STAGE_SCHEMAS]
    assert len(BUNDLED) == sum(len(suite["expectations"]) for tables in suites for suite in tables.values())
    queries = {file.stem for file in (ROOT / "expectations" / "sql").glob("*.sql")}
    assert queries == {code for code, (_, row) in BUNDLED.items() if "what" not in row}


@pytest.mark.parametrize("code", BUNDLED)
def test_a_row_reads_well(code):
    _, row = BUNDLED[code]
    assert re.fullmatch(r"[A-Z]{3}-[0-9]{2}", code)
    assert row["why"].strip().endswith((".", ".)"))
    assert len(row["why"].split()) < 50
    assert 0 < row.get("mostly", 1) <= 1


@pytest.fixture(scope="module")
def audit():
    con = audited(GATE / "delivery.yaml")
    yield con
    con.close()


@pytest.mark.parametrize("stage", quality.STAGE_SCHEMAS)
def test_all_holds_on_a_sound_delivery(audit, stage):
    results = quality.check(audit, stage, "r1")
    assert [row for row in results if row["status"] not in ("passed", "not_applicable")] == []


def test_every_expectation_has_a_fault_that_it_must_notice():
    assert set(FAULTS) == set(BUNDLED)


@pytest.mark.parametrize("code", FAULTS)
def test_the_fault_is_noticed(audit, tmp_path, code):
    file, row = BUNDLED[code]
    schema, table = file.parent.name, file.stem
    stage = next(stage for stage, name in quality.STAGE_SCHEMAS.items() if name == schema)
    alone(row, tmp_path, schema, table)
    with broken(audit, f"{schema}.{table}", FAULTS[code]):
        [result] = quality.judge(audit, stage, "r1", tmp_path)
    assert result["status"] == "failed"
    assert 0 < result["n_unexpected"] <= result["n_total"]


def alone(row, folder, schema, table):
    """A folder of expectations that holds this one only."""
    (folder / schema).mkdir()
    (folder / schema / f"{table}.yaml").write_text(yaml.safe_dump({"mend": "Mend it.", "expectations": [row]}))
    shutil.copytree(ROOT / "expectations" / "sql", folder / "sql")


@contextmanager
def broken(con, table, fault):
    con.execute(f"create or replace table main.kept as select * from {table}")
    con.execute(fault)
    yield
    con.execute(f"create or replace table {table} as select * from main.kept")
