"""Publishing: all at once or not at all, and the last result stands whatever happens."""

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

import duckdb
import polars as pl
import pytest
from conftest import audit
from page_figures import Page

from flows import ROOT, doors, ledger, publish, releases
from flows.errors import AuditError, LockedError
from flows.exports import catalog
from flows.lock import locked
from flows.page import worklist

ASK_RUN = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).execute('select run_id from out.audit_run').fetchall()[0][0])"


def state(folder, *, without=frozenset()):
    """Every file below the folder with its content and time of change, and every link with its target.

    What an attempt writes beside the result is left out: its log lines and its health.
    """
    without = {".lock", "health.json", *without}
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file() and name not in without and not name.startswith("logs/"):
            found[name] = (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
    return found


@pytest.fixture
def published(audited, tmp_path):
    """A copy of the audited out folder that a test may change."""
    out = tmp_path / "out"
    shutil.copytree(audited, out, symlinks=True)
    return out


def run_id_in_a_new_process(out):
    told = subprocess.run(
        [sys.executable, "-c", ASK_RUN, str(out / "audit.duckdb")], capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


def test_a_result_is_whole(audited):
    assert {path.name for path in audited.iterdir() if not path.name.startswith(".")} == {
        *releases.SHOWN, "current", "releases", ledger.NAME,
    }  # fmt: skip
    given = {path.name for path in (audited / "exports").iterdir()}
    others = {"audit.xlsx", "audit.pdf", "measure.json", "measure_report.json", "datapackage.json", "data_dictionary.csv"}
    assert given == others | {f"{name}.{kind}" for name in catalog.EXPORTED for kind in ("csv", "parquet")}
    assert not {path.split(".")[0] for path in given} & set(publish.PROTECTED)


def test_the_protected_folder_says_what_it_is(audited):
    note = (audited / "protected" / "README.txt").read_text()
    assert "protected zone only" in note
    assert all(name in note for name in publish.PROTECTED)


def test_the_worklist_page_shows_every_row_by_site_finding_and_reason_and_no_person_first(audited):
    rows = pl.read_parquet(audited / "protected" / "worklist.parquet").to_dicts()
    page = Page((audited / "protected" / "worklist.html").read_text(encoding="utf-8"))
    assert "Patients' rows, for the protected zone only. This page must not be passed on." in page.text
    places = {row["order_id"]: page.text.index(row["order_id"]) for row in rows}
    groups = [tuple(str(row[name] or "~") for name in worklist.GROUP) for row in sorted(rows, key=lambda row: places[row["order_id"]])]
    assert len(rows) > 3
    assert groups == sorted(groups)
    for row in rows:
        told = page.text[places[row["order_id"]] :]
        assert all(str(row[name]) in told for name in ("case_id", "index_on", "ordering_provider_id") if row[name])
        assert row["resolution"] in page.text
    assert "worklist.html" in (audited / "protected" / "README.txt").read_text()
    assert not (audited / "exports" / "worklist.html").exists()
    assert "protected/worklist.html" in json.loads((audited / "manifest.json").read_text())["files"]


def test_the_worklist_page_counts_and_sorts_nothing_by_provider():
    row = dict.fromkeys(("reason", "alternative", "counterfactual", "exception", "evidence", "code", "code_system"))
    row |= {"site_id": "a", "finding": "not_appropriate", "measure": "post_completion", "index_on": 400, "procedure": "us_breast", "resolution": "ask"}
    told = [("o3", "c1", "zoe"), ("o1", "c2", "amy"), ("o2", "c3", "zoe")]
    rows = [row | {"order_id": order, "case_id": case, "ordering_provider_id": provider} for order, case, provider in told]
    (site,) = worklist.sites([*rows, row | {"site_id": None, "order_id": "o9", "case_id": "c9", "ordering_provider_id": None}])[:1]
    assert [line["ordering_provider_id"] for line in site["groups"][0]["rows"]] == ["zoe", "amy", "zoe"]
    html = worklist.render(pl.DataFrame([*rows, rows[0] | {"order_id": "<script>x</script>", "site_id": None}], infer_schema_length=None), "delivery", "limited_data_set")
    page = Page(html)
    assert page.text.count("What would resolve it: ask.") == 2
    assert "<script>x</script>" in page.text
    assert "script" not in {tag for tag, _ in page.tags}
    assert "Synthetic" not in page.text
    assert "site unknown" in page.text


def test_an_empty_worklist_says_so(audited):
    empty = pl.read_parquet(audited / "protected" / "worklist.parquet").clear()
    assert "No index order needs a look." in worklist.render(empty, "delivery", "limited_data_set")


@pytest.mark.parametrize(
    ("deid_mode", "said"),
    [
        ("limited_data_set", ""),
        ("relative_days", "Dates on this page are counted from each person's own origin: 2000-01-01 stands for day 0, and no day is a calendar day."),
        ("shifted_dates", "Dates on this page are shifted by one span per person: intervals are true, calendar days are not."),
    ],
)
def test_the_worklist_page_says_what_its_days_are(audited, deid_mode, said):
    rows = pl.read_parquet(audited / "protected" / "worklist.parquet")
    text = Page(worklist.render(rows, "delivery", deid_mode)).text
    assert said in text
    assert ("Dates on this page" in text) is bool(said)


def test_every_file_is_its_owners_alone(audited):
    paths = [path for path in audited.rglob("*") if not path.is_symlink()]
    assert [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_the_manifest_has_the_hash_and_size_of_every_file(audited):
    manifest = json.loads((audited / "manifest.json").read_text())
    release = (audited / "current").resolve()
    names = {path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()} - {"manifest.json"}
    assert set(manifest["files"]) == names
    for name, facts in manifest["files"].items():
        content = (release / name).read_bytes()
        assert facts == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert manifest["editions"] == ["2017", "2022"]
    assert {"orders.csv", "diagnoses.csv"} <= set(manifest["inputs"])


def test_the_snapshot_keeps_schemas_and_comments(audited):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as con:
        schemas = {name for (name,) in con.execute("select distinct schema_name from duckdb_tables()").fetchall()}
        bare = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where comment is null "
            "union all select schema_name || '.' || table_name || '.' || column_name from duckdb_columns() "
            "where not internal and comment is null order by all"
        ).fetchall()
    assert schemas == {"rule", "raw", "stg", "core", "out", "notice"}
    assert bare == []


def test_the_run_records_what_it_rests_on(audited):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as con:
        row = con.sql("select * from out.audit_run").pl().to_dicts()[0]
        n_checks = con.execute("select count(*) from out.quality_result where run_id = ?", [row["run_id"]]).fetchall()[
            0
        ][0]
    assert row["source"] == "demo (synthetic)"
    assert {"rules/rating.csv"} <= set(json.loads(row["files"]))
    assert json.loads(row["row_counts"])["raw.orders"] > 0
    assert json.loads(row["parameters"])["window_days"] == "84"
    assert row["started_at"] <= row["finished_at"]
    assert n_checks > 50


def test_both_formats_of_an_export_are_the_same_table(audited):
    for name in catalog.EXPORTED:
        parquet = pl.read_parquet(audited / "exports" / f"{name}.parquet")
        text = pl.read_csv(audited / "exports" / f"{name}.csv", infer_schema=False)
        assert text.columns == parquet.columns
        assert text.height == parquet.height
        assert text.null_count().row(0) == parquet.null_count().row(0)


def test_running_twice_changes_nothing(example, published):
    before = state(published)
    audit(example, published)
    assert state(published) == before


def test_the_same_audit_elsewhere_exports_the_same_bytes(example, audited, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(example, elsewhere)
    audit(elsewhere, tmp_path / "out", threads=1)
    for path in sorted((audited / "exports").iterdir()):
        assert path.read_bytes() == (tmp_path / "out" / "exports" / path.name).read_bytes(), path.name
    ids = [json.loads((out / "manifest.json").read_text())["run_id"] for out in (audited, tmp_path / "out")]
    assert ids[0] == ids[1]


def test_an_open_reader_keeps_its_result_and_a_new_one_sees_the_new(example, published):
    first = run_id_in_a_new_process(published)
    # One process opens a file in one way; readers elsewhere may open it in any.
    with duckdb.connect(str(published / "audit.duckdb"), read_only=True, config=doors.ONE_DATABASE) as reader:
        audit(example, published, suppression="none")
        assert reader.execute("select run_id from out.audit_run").fetchall() == [(first,)]
        second = run_id_in_a_new_process(published)
    assert second != first
    assert json.loads((published / "manifest.json").read_text())["run_id"] == second


def test_a_failed_run_leaves_the_last_result_untouched(example, published, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(example, broken)
    (broken / "diagnoses.csv").write_text("diagnosis_id\n")
    before = state(published, without={ledger.NAME})
    with pytest.raises(AuditError):
        audit(broken, published)
    assert state(published, without={ledger.NAME}) == before
    assert not list(published.glob(".work-*"))


def test_a_failure_while_publishing_leaves_the_last_result_untouched(example, published, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device", "report.html")

    monkeypatch.setattr(publish, "_write_report", broken)
    before = state(published, without={ledger.NAME})
    with pytest.raises(AuditError, match="No space left on device") as error:
        audit(example, published, suppression="none")
    assert error.value.exit_code == 9
    assert state(published, without={ledger.NAME}) == before
    assert not list(published.glob(".work-*"))


def test_a_result_that_was_tampered_with_is_made_anew(example, published):
    (published / "exports" / "compliance.csv").write_text("better\n")
    audit(example, published)
    assert "better" not in (published / "exports" / "compliance.csv").read_text()


def test_the_ledger_keeps_failures_and_the_history_of_checks(example, published):
    with pytest.raises(AuditError):
        audit(example, published, edition_override="1999")
    audit(example, published, suppression="none")
    entries = [entry for entry in ledger.read(published) if entry["event"] != "incident"]
    assert [entry["event"] for entry in entries] == ["published", "failed", "published"]
    assert set(entries[1]) == {
        "recorded_at", "format", "event", "run_id", "error", "exit_code", "as_of", "inputs", "quality", "notices",
    }  # fmt: skip
    assert entries[2]["headline"]["measure"] == "post_completion"
    history = ledger.quality_history(published)
    assert {row["run_id"] for row in history} >= {entries[0]["run_id"], entries[2]["run_id"]}


def test_a_torn_ledger_line_costs_that_line_alone(tmp_path):
    ledger.append(tmp_path, {"event": "published", "run_id": "a"})
    with (tmp_path / ledger.NAME).open("a") as torn:
        torn.write('{"event": "publ')
    ledger.append(tmp_path, {"event": "published", "run_id": "b"})
    assert [entry["run_id"] for entry in ledger.read(tmp_path)] == ["a", "b"]


def test_duckdb_reads_the_ledger_as_it_is(tmp_path):
    ledger.append(tmp_path, {"event": "published", "run_id": "a"})
    ledger.append(tmp_path, {"event": "failed", "run_id": "b"})
    assert duckdb.execute(f"select run_id from '{tmp_path / ledger.NAME}' where event = 'failed'").fetchall() == [
        ("b",)
    ]


def release(tmp_path, number):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "manifest.json").write_text(str(number))
    return folder


def test_only_so_many_results_are_kept_and_the_current_one_always(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for number in range(5):
        releases.swap(out, release(tmp_path, number), f"run{number}", {})
        os.utime(out / "releases" / f"run{number}", (number, number))
    releases.prune(out, keep=3)
    assert sorted(path.name for path in (out / "releases").iterdir()) == ["run2", "run3", "run4"]
    assert (out / "manifest.json").read_text() == "4"
    releases.prune(out, keep=1)
    assert (out / "manifest.json").read_text() == "4"


def test_an_older_result_of_the_same_audit_is_not_written_over(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    releases.swap(out, release(tmp_path, 1), "run", {})
    releases.swap(out, release(tmp_path, 2), "run", {})
    assert (out / "releases" / "run" / "manifest.json").read_text() == "1"
    assert (out / "manifest.json").read_text() == "2"


def test_a_dead_holder_blocks_nobody(tmp_path):
    code = f"import time; from pathlib import Path; from flows.lock import locked\nwith locked(Path({str(tmp_path)!r})): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(LockedError, match=f"process {holder.pid} on "), locked(tmp_path):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            with locked(tmp_path):
                return
        except LockedError:
            time.sleep(0.05)
    pytest.fail("the lock outlived its holder")
