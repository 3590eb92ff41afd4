"""A year that nobody attended, lived twice: fired from outside, and served by one process; and the same year run clean.

The served year and the clean one take minutes: make deep.
"""

import json
import re
import signal
from collections import Counter

import duckdb
import polars as pl
import pytest
import tally
import year
import year_lived
from year_lived import BEFORE_LATE, CORRUPT, DOUBLE, KILLED, LATE, NAMES, NEW_CODE, REPEATED, name_in_series, published

from flows import incidents, ledger
from flows.arrival import run_due
from flows.delivery import series
from flows.settings import load_settings
from flows.stages import run_direct
from flows.workspace import named

SERVED = [pytest.mark.deep, pytest.mark.flow]
# What says when an audit ran, not what it found.
OF_THE_MOMENT = {"started_at", "finished_at", "checked_at"}
OF_THE_LINE = {"recorded_at", "release", "is_shown"}
OF_THE_FILES = {"audit.duckdb", "manifest.json", "report.html", "protected/report.html"}  # the pages have the days of the runs
# Disclosure control holds a release against the one before it (decision 77), and a late month was one release more.
HELD_AGAINST = re.compile(r"exports/(compliance|change|differencing)\.\w+|exports/(audit\.xlsx|audit\.pdf|datapackage\.json)")


@pytest.fixture(scope="module")
def fired(tmp_path_factory):
    return year_lived.by_firings(tmp_path_factory.mktemp("fired"))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return year_lived.by_itself(tmp_path_factory.mktemp("served"))


@pytest.fixture(params=["fired", pytest.param("served", marks=SERVED)])
def site(request):
    return request.getfixturevalue(request.param)


def last_published(out):
    """{month: run id} as the ledger tells it last."""
    return {month: run_id for month, run_id, _ in published(out)}


def test_every_firing_ended_as_it_should(fired):
    plain = set(NAMES) - {DOUBLE, REPEATED, CORRUPT, KILLED, BEFORE_LATE}
    assert {name: fired.codes[name] for name in plain} == {name: [0] for name in plain}
    assert fired.codes[DOUBLE] in ([0, 0], [0, 10])  # the second found the first at work, or its work done
    assert fired.codes[BEFORE_LATE] == fired.codes[REPEATED] == fired.codes[CORRUPT] == [0, 0]
    assert fired.codes[KILLED] == [-signal.SIGKILL, 0]


def test_the_published_history_is_that_of_twelve_clean_runs(site, tmp_path):
    """Run by run: a run's id is a digest of all that it read and of all that judged it. The last one also figure by figure."""
    settings = load_settings(site.config)
    assert [each.name for each in series.deliveries(settings.extracts)] == [name_in_series(name) for name in NAMES]
    clean = {name: named(series.on_its_day(settings.model_copy(update={"as_of": day})))["run_id"] for name, day in zip(NAMES, year.MONTHS, strict=True)}
    with tally.counted("a year of deliveries gives what twelve clean runs give"):
        assert last_published(site.out) == clean
        anew = settings.model_copy(update={"out": tmp_path / "clean", "drop": None, "as_of": year.MONTHS[-1]})
        run_direct(series.on_its_day(anew))
        for table in ("order_label", "neoadjuvant_case", "episode", "worklist"):
            path = f"protected/{table}.parquet"
            assert pl.read_parquet(site.out / path).equals(pl.read_parquet(tmp_path / "clean" / path)), table
    assert json.loads((site.out / "manifest.json").read_text())["run_id"] == clean[NAMES[-1]]


def test_what_was_late_is_filed_and_the_newest_day_shown_again(site):
    entries = [(month, is_shown) for month, _, is_shown in published(site.out)]
    at = entries.index((LATE, False))
    assert entries[at - 1 : at + 2] == [(BEFORE_LATE, True), (LATE, False), (BEFORE_LATE, True)]
    assert Counter(entries) == Counter({(name, name != LATE): 2 if name == BEFORE_LATE else 1 for name in NAMES})


def test_nothing_was_published_from_the_corrupt_delivery(site):
    assert not any("o9999999999" in path.read_text(errors="replace") for path in (site.folder / "series").rglob("*.csv"))
    refused = [entry for entry in incidents.recorded(site.out) if entry["kind"] == "refused"]
    assert [CORRUPT in entry["says"] for entry in refused] == [True]


def test_every_incident_is_recorded_once_and_told_once(site):
    recorded = incidents.recorded(site.out)
    kinds = Counter(entry["kind"] for entry in recorded)
    assert len({(entry["kind"], entry["key"]) for entry in recorded}) == len(recorded)
    assert kinds["refused"] == 1
    assert [entry["key"].split("/")[0] for entry in recorded if entry["kind"] == "failed"] == ["killed"]
    assert kinds["published"] == len(NAMES)  # eleven months in time, one of them shown twice
    assert incidents.untold(site.out) == []
    messages = year_lived.messages(site)
    news = [entry for entry in recorded if entry["kind"] != "published"]
    with tally.counted("incidents of a year told exactly once"):
        assert {entry["says"]: sum(entry["says"] in each for each in messages) for entry in news} == {entry["says"]: 1 for entry in news}
        told = Counter(found[1] for each in messages if (found := re.search(r"^New result:.*^- Run: (\w+)", each, re.MULTILINE | re.DOTALL)))
        assert told == Counter(run_id for _, run_id, is_shown in published(site.out) if is_shown)


def test_the_new_code_is_noticed_in_its_month(site):
    warned = [entry for entry in incidents.recorded(site.out) if entry["kind"] == "warning" and "IMG9999" in entry["says"]]
    assert [entry["run_id"] for entry in warned] == [last_published(site.out)[NEW_CODE]]


def test_a_backfill_on_an_empty_folder_finds_nothing_else(fired, tmp_path):
    """Which days are due, and under which names; that each then gives the same bytes is tested in test_arrival.py."""
    settings = load_settings(fired.config).model_copy(update={"out": tmp_path / "anew"})
    found = []
    run_due(settings, found.append)
    assert [one.as_of for one in found] == year.MONTHS


# The served year by itself


@pytest.mark.deep
@pytest.mark.flow
def test_the_service_audited_all_of_it_by_itself(served):
    """Deliveries and the schedule began the audits, and after the kill the service what it owed; nobody else did."""
    published = [run for run in served.runs if (run["state"]["message"] or "").startswith("published as of")]
    assert {day for run in published for day in re.findall(r"\d{4}-\d\d-\d\d", run["state"]["message"])} == {str(day) for day in year.MONTHS}
    triggers = Counter(next(tag for tag in ("delivery arrived", "missed", "auto-scheduled") if tag in run["tags"]) for run in published)
    assert triggers["delivery arrived"] >= len(NAMES) / 4, "the schedule, every other minute, comes first to some"
    assert [run["state"]["type"] for run in served.runs if "missed" in run["tags"]] == ["COMPLETED"]
    (after_kill,) = (run["tags"] for run in published if str(year.MONTHS[NAMES.index(KILLED)]) in run["state"]["message"])
    assert {"missed", "auto-scheduled"} & set(after_kill), "the schedule may come first to what is owed"
    assert served.empty_firing["state"]["message"] == "nothing changed"
    assert served.code == 0


@pytest.mark.deep
@pytest.mark.flow
def test_two_firings_beside_the_service_find_it_at_work_or_its_work_done(served):
    (asked,) = (run for run in served.runs if run["id"] == served.asked_beside)
    assert served.code_beside in (0, 10)
    assert asked["state"]["message"] == "nothing changed" or asked["state"]["name"] == "Skipped"


@pytest.mark.deep
@pytest.mark.flow
def test_the_kill_was_in_the_midst_and_cost_nothing_but_a_run(served):
    assert KILLED not in served.published_before_kill
    ends = Counter(run["state"]["type"] for run in served.runs)
    assert (ends["CRASHED"], ends["FAILED"], ends["CANCELLED"]) == (1, 0, 0)
    assert not list(served.out.glob(".work-*"))


@pytest.mark.deep
@pytest.mark.flow
def test_after_each_month_somebody_was_told_and_the_monitor_was_content(served):
    assert set(served.health.values()) == {None}
    counts = list(served.counts.values())
    assert [name for name, before, now in zip(NAMES, [0, *counts], counts, strict=False) if now == before] == [LATE]


@pytest.mark.deep
@pytest.mark.flow
def test_prefects_records_of_a_year_name_no_patient_and_no_order(served):
    text = json.dumps(served.records)
    assert "delivery as of 2024-10-31" in text
    keys = {row[key] for rows in served.months.values() for extract, key in (("patients", "patient_id"), ("orders", "order_id")) for row in rows[extract]}
    assert [key for key in sorted(keys) if re.search(rf"\b{re.escape(key)}\b", text)] == []


# The same year, run clean


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Twelve audits, each when its month ended: nothing late, repeated or corrupt, nobody killed, no drop folder, no service."""
    folder, rows = tmp_path_factory.mktemp("clean"), year_lived.months()
    settings = load_settings(None, extracts=folder / "series", out=folder / "out", deid_mode="limited_data_set", keep_releases=len(NAMES))
    for name in NAMES:
        year.write(folder / "series" / name_in_series(name), rows[name])
        run_direct(settings)
    return settings.out


def releases_of(out):
    """{month: (the ledger's line, the release)} as published last."""
    entries = [entry for entry in ledger.read(out) if entry["event"] == "published"]
    return {entry["as_of"][:7]: (entry, out / "releases" / entry["release"]) for entry in entries}


@pytest.mark.deep
@pytest.mark.parametrize("name", NAMES)
def test_every_table_of_every_month_is_that_of_the_clean_run_row_by_row(site, clean, name):
    """All of the database: what was delivered, every step between, every label and count; but for the hour of the day."""
    (_, one), (_, other) = (releases_of(out)[name] for out in (site.out, clean))
    tables = [tables_of(each / "audit.duckdb") for each in (one, other)]
    assert tables[0] == tables[1]
    assert len(tables[0]) > 150
    with tally.counted("months of a year that nobody attended, table by table as run clean"):
        assert differing(one / "audit.duckdb", other / "audit.duckdb", tables[0]) == []


def tables_of(database):
    with duckdb.connect(str(database), read_only=True) as con:
        return con.execute("select schema_name || '.' || table_name from duckdb_tables() order by all").fetchall()


def differing(one, other, tables):
    with duckdb.connect() as con:
        con.execute(f"attach '{one}' as one (read_only)")
        con.execute(f"attach '{other}' as other (read_only)")
        return [table for (table,) in tables if n_differing(con, table)]


def n_differing(con, table):
    columns = {name for (name,) in con.execute(f"select column_name from (describe one.{table})").fetchall()}
    gone = ", ".join(sorted(columns & OF_THE_MOMENT))
    rows = [f"(select * {f'exclude ({gone})' if gone else ''} from {each}.{table})" for each in ("one", "other")]
    query = "select (select count(*) from ({} except all {})) + (select count(*) from ({} except all {}))"
    return con.execute(query.format(*rows, *reversed(rows))).fetchall()[0][0]


@pytest.mark.deep
@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_every_month_is_that_of_the_clean_run_byte_by_byte(site, clean, name):
    """From the late month on what differs is what is masked: a cell that both releases show, neither in tens, is the same."""
    (_, one), (_, other) = (releases_of(out)[name] for out in (site.out, clean))
    files = [{path.relative_to(each).as_posix(): path.read_bytes() for path in each.rglob("*") if path.is_file()} for each in (one, other)]
    assert files[0].keys() == files[1].keys()
    differ = {path for path in files[0] if files[0][path] != files[1][path]} - OF_THE_FILES
    assert [path for path in sorted(differ) if name < LATE or not HELD_AGAINST.fullmatch(path)] == []
    rows = [pl.read_parquet(each / "exports" / "compliance.parquet") for each in (one, other)]
    assert rows[0].shape == rows[1].shape
    pairs = [pair for pair in zip(*(table.to_dicts() for table in rows), strict=True) if not any(row["is_rounded"] for row in pair)]
    shown = [(a[column], b[column]) for a, b in pairs for column in a if column != "suppressed" and None not in (a[column], b[column])]
    assert len(shown) > 1000
    assert [pair for pair in shown if pair[0] != pair[1]] == []


@pytest.mark.deep
def test_the_ledger_tells_the_same_of_every_month(site, clean):
    def told(out):
        return {name: without_the_moment(entry) for name, (entry, _) in releases_of(out).items()}

    assert told(site.out) == told(clean)


def without_the_moment(entry):
    quality = [{name: value for name, value in result.items() if name != "checked_at"} for result in entry["quality"]]
    return {name: value for name, value in entry.items() if name not in OF_THE_LINE} | {"quality": quality}
