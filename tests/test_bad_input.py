"""Deliveries with mistakes in them: a clear error with its exit code, or a row in quarantine; what was published stays."""

import re
import shutil

import duckdb
import polars as pl
import pytest
from test_publish import state

CALENDAR = ("--deid-mode", "limited_data_set", "--direct")


@pytest.fixture
def published(audited, tmp_path):
    out = tmp_path / "published"
    shutil.copytree(audited, out, symlinks=True)
    return out


@pytest.fixture
def delivery(example, tmp_path):
    folder = tmp_path / "delivery"
    shutil.copytree(example, folder)
    return folder


def edited(path, change):
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def wrong_column(folder):
    edited(folder / "orders.csv", lambda text: text.replace("ordered_on", "orderd_on", 1))


def missing_extract(folder):
    (folder / "diagnoses.csv").unlink()


def empty_extract(folder):
    edited(folder / "orders.csv", lambda text: text.splitlines()[0] + "\n")


def truncated_parquet(folder):
    pl.read_csv(folder / "orders.csv", infer_schema=False, truncate_ragged_lines=True).write_parquet(folder / "orders.parquet")
    (folder / "orders.csv").unlink()
    whole = (folder / "orders.parquet").read_bytes()
    (folder / "orders.parquet").write_bytes(whole[: len(whole) // 2])


def wrong_encoding(folder):
    text = (folder / "patients.csv").read_text(encoding="utf-8")
    (folder / "patients.csv").write_bytes(text.replace("commercial", "é").encode("utf-16"))


def many(column, value):
    """The same mistake in every twentieth row of orders: far more than may be in quarantine."""

    def spoil(folder):
        lines = (folder / "orders.csv").read_text(encoding="utf-8").splitlines()
        at = lines[0].split(",").index(column)
        for number in range(1, len(lines), 20):
            cells = lines[number].split(",")
            cells[at] = value
            lines[number] = ",".join(cells)
        (folder / "orders.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    return spoil


REFUSED = {
    "wrong column": (wrong_column, 4, "ordered_on"),
    "missing extract": (missing_extract, 4, "diagnoses"),
    "empty extract": (empty_extract, 4, "orders"),
    "truncated Parquet": (truncated_parquet, 4, "orders.parquet"),
    "wrong encoding": (wrong_encoding, 4, "UTF-8"),
    "unreadable dates": (many("ordered_on", "31/12/2024"), 6, "unreadable_date"),
    "unreadable dates, by their place": (many("ordered_on", "31/12/2024"), 6, "orders.csv line 2, orders.csv line 22, orders.csv line 42 and so on"),
    "duplicate keys": (many("order_id", "twice"), 6, "duplicate_key"),
    "unknown code systems": (many("code_system", "HOMEMADE"), 6, "unknown_code_system"),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_is_refused_and_the_published_result_stays(command, delivery, published, mistake):
    spoil, exit_code, told = REFUSED[mistake]
    before = state(published, without={"ledger.jsonl"})
    spoil(delivery)
    code, out, err = command("run", "--extracts", delivery, "--out", published, *CALENDAR)
    assert code == exit_code, err
    assert told in err
    assert "Traceback" not in err
    assert out == ""
    assert state(published, without={"ledger.jsonl"}) == before


def test_without_a_declared_mode_nothing_is_read(command, delivery, published):
    before = state(published, without={"ledger.jsonl"})
    code, _, err = command("run", "--extracts", delivery, "--out", published, "--direct")
    assert code == 5
    assert "deid" in err
    assert state(published, without={"ledger.jsonl"}) == before


def test_single_mistakes_are_set_aside_with_their_place(command, delivery, tmp_path):
    lines = (delivery / "orders.csv").read_text(encoding="utf-8").splitlines()
    columns = lines[0].split(",")
    for number, column, value in ((10, "ordered_on", "some day"), (20, "code_system", "HOMEMADE"), (30, "status", "lost")):
        cells = lines[number - 1].split(",")
        cells[columns.index(column)] = value
        lines[number - 1] = ",".join(cells)
    (delivery / "orders.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, _, err = command("run", "--extracts", delivery, "--out", tmp_path / "out", *CALENDAR)
    assert code == 0, err
    assert re.search(r"orders +\d+ rows set aside", err)
    con = duckdb.connect(str(tmp_path / "out" / "audit.duckdb"), read_only=True)
    found = con.execute("select line, column_name, reason from stg.quarantine where extract = 'orders'").fetchall()
    expected = {(10, "ordered_on", "unreadable_date"), (20, "code_system", "unknown_code_system"), (30, "status", "unknown_word")}
    assert expected <= set(found)
    for value in ("some day", "HOMEMADE", "lost"):
        assert value not in err


def test_an_extract_without_a_row_is_said_to_be_one(command, delivery, tmp_path):
    edited(delivery / "therapies.csv", lambda text: text.splitlines()[0] + "\n")
    code, _, err = command("run", "--extracts", delivery, "--out", tmp_path / "out", *CALENDAR)
    assert code == 0, err
    assert re.search(r"therapies\.csv +holds no row", err)
    with duckdb.connect(str(tmp_path / "out" / "audit.duckdb"), read_only=True) as con:
        found = con.execute("select code, extract, n_rows from out.quality_warning where code like 'EMP-%'").fetchall()
    assert found == [("EMP-THE", "therapies", 1)]


def test_a_check_that_does_not_hold_is_said_to_whoever_runs_the_audit(command, delivery, tmp_path):
    """Orders under another salt than the rest: no person of theirs has a diagnosis."""
    lines = (delivery / "orders.csv").read_text(encoding="utf-8").splitlines()
    at = lines[0].split(",").index("patient_id")
    salted = [",".join([*(cells := line.split(","))[:at], f"q{cells[at]}", *cells[at + 1 :]]) for line in lines[1:]]
    (delivery / "orders.csv").write_text("\n".join([lines[0], *salted]) + "\n", encoding="utf-8")
    code, _, err = command("run", "--extracts", delivery, "--out", tmp_path / "out", *CALENDAR)
    assert code == 0, err
    assert "ORD-18 does not hold of stg.order_line" in err


def test_a_server_that_does_not_start_in_time_is_the_machines_and_no_defect(command, delivery, published, monkeypatch):
    import flows.audit

    def slow(**_):
        raise RuntimeError("Timed out while attempting to connect to ephemeral Prefect API server. stdout: zqxcanary")

    monkeypatch.setattr("flows.prefect_home.prepare", lambda out: out)
    monkeypatch.setattr(flows.audit, "audit", slow)
    code, _, err = command("run", "--extracts", delivery, "--out", published, "--deid-mode", "limited_data_set")
    assert code == 9
    assert "did not start in time" in err
    assert "--direct" in err
    assert "zqxcanary" not in err
