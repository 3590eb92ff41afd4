"""The benchmark measures what it says: never how fast, for that is no test's business."""

import csv
import re
import subprocess
import sys

import duckdb
import pytest
from conftest import audit

from flows.delivery.ingest import read_contract
from flows.demo import write_demo
from flows.rules import load_rules
from flows.settings import load_settings
from tests.bench import arithmetic, labels, page, script_pandas, script_polars
from tests.bench.__main__ import unlike_labels
from tests.bench.floor import read_all
from tests.bench.generate import EXTRACTS, write_delivery
from tests.bench.measure import measured, tree_memory

N_LINES = 6000


@pytest.fixture(scope="module")
def delivery(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "delivery"
    return folder, write_delivery(folder, N_LINES, ("csv", "parquet"))


@pytest.fixture(scope="module")
def audited_demo(tmp_path_factory):
    """Enough patients that some have a plain record, and its database."""
    folder = tmp_path_factory.mktemp("bench-demo")
    write_demo(folder / "demo", n_patients=400)
    audit(folder / "demo", folder / "out")
    return folder / "demo", folder / "out" / "audit.duckdb"


def rows(folder, form, extract):
    relation = f"read_csv('{folder}/csv/{extract}.csv', all_varchar = true)" if form == "csv" else f"'{folder}/parquet/{extract}.parquet'"
    return duckdb.sql(f"from {relation}").fetchall()


def test_the_same_size_is_the_same_bytes(delivery, tmp_path):
    folder, n_rows = delivery
    assert write_delivery(tmp_path / "again", N_LINES) == n_rows
    for extract in EXTRACTS:
        assert (tmp_path / "again" / "csv" / f"{extract}.csv").read_bytes() == (folder / "csv" / f"{extract}.csv").read_bytes()


def test_another_seed_is_another_delivery(delivery, tmp_path):
    write_delivery(tmp_path / "other", N_LINES, seed=1)
    assert (tmp_path / "other" / "csv" / "orders.csv").read_bytes() != (delivery[0] / "csv" / "orders.csv").read_bytes()


def test_both_formats_hold_the_same_rows_under_the_contract(delivery, tmp_path):
    folder, n_rows = delivery
    settings = load_settings(folder / "csv" / "audit.toml", extracts=folder / "csv", out=tmp_path)
    with duckdb.connect() as con:
        load_rules(con, settings, "test")
        contract = read_contract(con)
    assert n_rows["orders"] == N_LINES
    for extract in EXTRACTS:
        assert rows(folder, "csv", extract) == rows(folder, "parquet", extract)
        assert len(rows(folder, "csv", extract)) == n_rows[extract]
        with (folder / "csv" / f"{extract}.csv").open() as lines:
            assert next(csv.reader(lines)) == list(contract[extract])


def test_most_orders_are_other_patients_other_imaging(delivery):
    folder = delivery[0]
    with_cancer = duckdb.sql(f"select distinct patient_id from '{folder}/parquet/diagnoses.parquet' where code like 'C50%'")
    n_theirs, n_persons = duckdb.sql(f"select count(*), count(distinct patient_id) from '{folder}/parquet/orders.parquet' semi join with_cancer using (patient_id)").fetchall()[0]
    assert 0 < n_theirs < 0.1 * N_LINES
    assert 0 < n_persons < with_cancer.count("patient_id").fetchall()[0][0] + 1
    assert duckdb.sql(f"select count(*) - count(distinct order_id) from '{folder}/parquet/orders.parquet'").fetchall()[0][0] < 0.01 * N_LINES


def test_the_floor_reads_every_row(delivery):
    folder, n_rows = delivery
    assert read_all(folder / "csv") == read_all(folder / "parquet") == n_rows


@pytest.mark.parametrize("script", [script_polars, script_pandas], ids=["polars", "pandas"])
def test_the_scripts_labels_are_the_audits(script, audited_demo, tmp_path):
    found, plain = script.answer(audited_demo[0])
    assert len(found) > 10
    assert set(found["is_appropriate"].to_list()) >= {True}
    found_path = tmp_path / "found.csv"
    write = "write_csv" if script is script_polars else "to_csv"
    more = {} if script is script_polars else {"index": False}
    getattr(found, write)(found_path, **more)
    getattr(plain, write)(found_path.with_suffix(".patients.csv"), **more)
    assert unlike_labels(audited_demo[1], found_path) == []
    text = found_path.read_text()
    found_path.write_text(text.replace("true", "false", 1) if "true" in text else text.replace("True", "False", 1))
    assert len(unlike_labels(audited_demo[1], found_path)) == 1
    found_path.write_text(text[: text.rstrip().rindex("\n") + 1])
    assert len(unlike_labels(audited_demo[1], found_path)) == 1


def test_labels_alone_are_the_audits(audited_demo, tmp_path):
    database = labels.build_labels(audited_demo[0], tmp_path)
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute(f"attach '{audited_demo[1]}' as audited (read_only)")
        assert con.execute("select count(*) from out.order_label").fetchall()[0][0] > 100
        assert con.execute("from out.order_label except from audited.out.order_label").fetchall() == []
        assert con.execute("from audited.out.order_label except from out.order_label").fetchall() == []
    assert "out.compliance" in labels.not_needed()


def test_a_run_with_nothing_changed_imports_what_is_measured_apart(audited_demo, tmp_path):
    told = "import runpy, sys\ntry:\n    runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)\nexcept SystemExit:\n    pass\nprint(sorted(sys.modules), file=sys.stderr)"
    demo, database = audited_demo
    again = ["flows", "run", "--extracts", str(demo), "--config", str(demo / "audit.toml"), "--out", str(database.parent), "--direct"]
    ran, imported = (
        set(re.findall(r"'([\w.]+)'", subprocess.run([sys.executable, "-c", told, *words], capture_output=True, text=True, check=True).stderr.splitlines()[-1]))
        for words in (again, ["tests.bench.imports"])
    )
    others = {"duckdb", "polars", "typer", "prefect", "great_expectations", "altair"}
    missing = {name for name in ran - imported if name.startswith("flows.") or name in others}
    assert "flows.publish" in ran
    assert missing <= {"flows.__main__"}


def test_a_process_is_measured_with_its_children(tmp_path):
    hungry = "import subprocess, sys, time; subprocess.run([sys.executable, '-c', 'import time; x = bytearray(60_000_000); time.sleep(0.3)'])"
    found = measured([sys.executable, "-c", hungry], tmp_path / "log")
    assert found["peak_bytes"] > 60_000_000
    assert found["seconds"] >= 0.3
    assert tree_memory(1 << 30) == 0
    with pytest.raises(RuntimeError, match="ended with 3"):
        measured([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log")


def runs(*seconds):
    return [{"seconds": each, "processor_seconds": each, "peak_bytes": 3 << 30} for each in seconds]


def test_ratios_are_taken_turn_by_turn():
    assert arithmetic.ratios(runs(10, 40, 30), runs(1, 2, 1)) == {"min": 10, "median": 20, "max": 30}
    assert arithmetic.ratios([{"failed": "1"}, *runs(8)], runs(1, 2)) == {"min": 4, "median": 4, "max": 4}
    assert arithmetic.ratios([], runs(1)) is None


@pytest.mark.parametrize(
    ("now", "is_moved"),
    [((4, 5, 6), False), ((5.5, 7, 8), True), ((9, 9, 9), True), ((1, 2, 5), False), ((1, 2, 4.9), True), ((4, 6.5, 9), False)],
)
def test_what_moved_by_more_than_the_spread(now, is_moved):
    assert arithmetic.has_moved({"min": 4, "median": 5, "max": 6}, dict(zip(("min", "median", "max"), now, strict=True))) is is_moved


def result(direct, labels=(1, 1, 1)):
    variants = {"floor": runs(1, 1, 1), "direct": runs(*direct), "labels": runs(*labels), "polars": runs(2, 2, 2), "pandas": runs(4, 4, 4), "prefect": [{"failed": "9"}]}
    spent = [{"name": "judge", "seconds": 2.0, "processor_seconds": 3.0}]
    machine = {"cores": 2, "processor": "made up", "memory_limit": "1GB", "load": 0.1, "system": "Linux"}
    return {"n_lines": 10, "n_rows": {"orders": 10, "patients": 2}, "generated_in": 1.5, "measured_on": "2026-01-01", "machine": machine, "runs": {"csv": variants}, "profile": {"csv": {"stages": spent, "models": spent}}}


def test_moved_says_which_way():
    assert arithmetic.moved(result((5, 5, 5)), result((5, 5, 5))) == []
    assert arithmetic.moved(result((5, 5, 5)), result((4, 4, 4))) == ["direct from csv: faster, from 5.0 to 4.0 times the floor"]
    assert arithmetic.moved(None, result((4, 4, 4))) == []


def test_a_target_is_met_missed_or_not_measured():
    found = {row["target"].split(":")[0]: row["is_met"] for row in arithmetic.targets(result((5, 5, 5)))}
    assert found == {
        "whole audit from CSV, times the floor": False,
        "whole audit from Parquet, times the one from CSV": None,
        "labels alone, times the Polars script": True,
        "labels alone, times the pandas script": False,
        "nothing changed, seconds after imports": None,
        "peak memory of the whole audit, GiB": False,
        "the same with memory_limit 1GiB, GiB": None,
    }
    again = result((5, 5, 5))
    again["runs"]["csv"] |= {"imports": runs(0.5, 0.5, 0.5), "unchanged": runs(2.3, 2.6, 2.4)}
    assert [row["measured"] for row in arithmetic.targets(again) if "nothing changed" in row["target"]] == [1.9]
    lean = {"format": "csv", "memory_limit": "1GiB", "seconds": 9.0, "processor_seconds": 8.0, "peak_bytes": 3 << 29}
    assert arithmetic.targets(result((5, 5, 5)) | {"within": [lean]})[-1] == {
        "target": "the same with memory_limit 1GiB, GiB: at most 2", "measured": 1.5, "is_met": True
    }  # fmt: skip


def test_growth_is_told_from_size_to_size():
    few, more, many = (result((seconds, seconds, seconds)) | {"n_lines": n_lines} for seconds, n_lines in ((9, 10**6), (90, 10**7), (999, 10**8)))
    assert arithmetic.grown([few]) == []
    assert arithmetic.grown([few, more]) == [{"format": "csv", "n_lines": 10**7, "of": 10**6, "seconds": 10.0, "lines": 10.0}]
    assert arithmetic.longest_growth([few, more]) is None
    assert arithmetic.longest_growth([few, more, many])["is_met"] is False
    assert arithmetic.longest_growth([more | {"runs": many["runs"]}, many])["is_met"] is True


def test_the_page_keeps_its_prose_and_says_what_failed(tmp_path):
    path = tmp_path / "performance.md"
    path.write_text(f"# Before\n\n{page.BEGIN}\nold\n{page.END}\n\nAfter.\n")
    page.write([result((5, 6, 7))], tmp_path)
    text = path.read_text()
    assert text.startswith("# Before\n")
    assert text.endswith("After.\n")
    assert "old" not in text
    assert "5.0, 6.0, 7.0" in text
    assert "failed (9)" in text
    assert "**missed**" in text
    assert (tmp_path / "performance.svg").read_text().startswith("<svg")
    page.write([result((5, 6, 7))], tmp_path)
    assert path.read_text() == text
    core = {"format": "csv", "threads": 1, "seconds": 9.0, "processor_seconds": 8.0, "peak_bytes": 3 << 30}
    page.write([result((5, 6, 7)) | {"within": [core, {"format": "csv", "memory_limit": "1GiB", "failed": "9"}]}], tmp_path)
    assert "| csv | 1 | what can be spared | 9.0 | 8.0 | 3,072 |" in path.read_text()
    assert "| csv | all | 1GiB | failed (9) | - | - |" in path.read_text()
    assert "cores" in (tmp_path / "performance.svg").read_text()
    assert "How it grows" not in path.read_text()
    page.write([result((5, 6, 7)), result((50, 60, 70)) | {"n_lines": 100}], tmp_path)
    assert "| csv | 100 | 10 | 10 | 10 |" in path.read_text()
