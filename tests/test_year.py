"""A year that nobody attended: deliveries late, repeated, corrupt, with a code nobody knew; a double firing and a kill.

What a firing does is `catch-up`, in a process of its own; that the schedule and the drop folder fire is tested in test_serve.py.
"""

import json
import signal
import time
from collections import Counter
from types import SimpleNamespace

import crash
import polars as pl
import pytest
import receivers
import tally
import year
from arrivals import config, mark

from flows import incidents, ledger
from flows.arrival import run_due
from flows.delivery import series
from flows.settings import load_settings
from flows.stages import run_direct
from flows.workspace import named

NAMES = [day.isoformat()[:7] for day in year.MONTHS]
DOUBLE, LATE, REPEATED, CORRUPT, NEW_CODE, KILLED = NAMES[2], NAMES[3], NAMES[5], NAMES[7], NAMES[9], NAMES[10]
BREAST = ("76641", "76642", "77065", "77066")
STEP = 60  # of a release being written: some of its files are there, and nothing is shown yet


def catalogued_anew(rows):
    """The site writes a code of its own for what it did under these, and tells nobody."""
    orders = [row | {"code_system": "LOCAL", "code": "IMG9999"} if row["code"] in BREAST else row for row in rows["orders"]]
    return rows | {"orders": orders}


def drop(site, name, as_name=None, marker="SHA256SUMS"):
    rows = site.months[name]
    folder = site.drop / (as_name or name)
    year.write(folder, catalogued_anew(rows) if name == NEW_CODE else rows)
    mark(folder, marker)
    return folder


def begin(site, **asked):
    arguments = ["catch-up", "--direct", "--config", str(site.config), "--out", str(site.out)]
    log = site.folder / f"log{time.monotonic_ns()}"
    process = crash.PREPARED.Process(target=crash.command, args=(arguments, str(log)), kwargs=asked)
    process.start()
    return process, log


def fire(site, **asked):
    return crash.ended(*begin(site, **asked))


def published(out):
    """{last day covered: run id} as the ledger tells it last."""
    return {entry["as_of"]: entry["run_id"] for entry in ledger.read(out) if entry["event"] == "published"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder after the year, and what each firing came to."""
    folder = tmp_path_factory.mktemp("year")
    months = {day.isoformat()[:7]: rows for day, rows in year.year().items()}
    with receivers.webhook() as hook:
        settings = config(folder, proof=False)
        settings.write_text(settings.read_text().replace("False", "false") + f'[notify]\nurls = ["json://127.0.0.1:{hook.port}/"]\n')
        site = SimpleNamespace(folder=folder, config=settings, drop=folder / "drop", out=folder / "out", months=months, codes={})
        for name in NAMES:
            site.codes[name] = live(site, name)
        site.messages = [f"{each['title']}\n{each['message']}" for each in hook.received]
    return site


def live(site, name):
    """One month: what is dropped, and the exit codes of its firings."""
    if name == LATE:
        return [fire(site)[0]]  # the schedule fires, and nothing is there
    if name == CORRUPT:
        folder = drop(site, name)
        with (folder / "orders.csv").open("a") as orders:
            orders.write("o9999999999,p1,2025-05-02,CPT,77066\n")
        refused = fire(site)[0]
        drop(site, name, f"{name}_again")
        return [refused, fire(site)[0]]
    drop(site, name)
    if name == DOUBLE:
        two = [begin(site), begin(site)]
        return sorted(crash.ended(*each)[0] for each in two)
    if name == KILLED:
        return [fire(site, kill_at=STEP)[0], fire(site)[0]]
    codes = [fire(site)[0]]
    if name == NAMES[4]:
        drop(site, LATE)
        codes.append(fire(site)[0])
    if name == REPEATED:
        drop(site, name, f"{name}_resent")
        codes.append(fire(site)[0])
    return codes


def test_every_firing_ended_as_it_should(site):
    plain = set(NAMES) - {DOUBLE, LATE, REPEATED, CORRUPT, KILLED, NAMES[4]}
    assert {name: site.codes[name] for name in plain} == {name: [0] for name in plain}
    assert site.codes[DOUBLE] in ([0, 0], [0, 10])  # the second found the first at work, or its work done
    assert site.codes[LATE] == [0]
    assert site.codes[NAMES[4]] == site.codes[REPEATED] == site.codes[CORRUPT] == [0, 0]
    assert site.codes[KILLED] == [-signal.SIGKILL, 0]


def test_the_published_history_is_that_of_twelve_clean_runs(site, tmp_path):
    """Run by run: a run's id is a digest of all that it read and of all that judged it. The last one also figure by figure."""
    settings = load_settings(site.config)
    accepted = [each.name for each in series.deliveries(settings.extracts)]
    assert accepted == [f"{name}_again" if name == CORRUPT else name for name in NAMES]
    clean = {day.isoformat(): named(series.on_its_day(settings.model_copy(update={"as_of": day})))["run_id"] for day in year.MONTHS}
    with tally.counted("a year of deliveries gives what twelve clean runs give"):
        assert published(site.out) == clean
        anew = settings.model_copy(update={"out": tmp_path / "clean", "drop": None, "as_of": year.MONTHS[-1]})
        run_direct(series.on_its_day(anew))
        for table in ("order_label", "neoadjuvant_case", "episode", "worklist"):
            path = f"protected/{table}.parquet"
            assert pl.read_parquet(site.out / path).equals(pl.read_parquet(tmp_path / "clean" / path)), table
    assert json.loads((site.out / "manifest.json").read_text())["run_id"] == clean[year.MONTHS[-1].isoformat()]


def test_what_was_late_is_filed_and_the_newest_day_shown_again(site):
    entries = [(entry["as_of"][:7], entry["is_shown"]) for entry in ledger.read(site.out) if entry["event"] == "published"]
    at = entries.index((LATE, False))
    assert entries[at - 1 : at + 2] == [(NAMES[4], True), (LATE, False), (NAMES[4], True)]
    assert Counter(entries) == Counter({(name, name != LATE): 2 if name == NAMES[4] else 1 for name in NAMES})


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
    news = [entry for entry in recorded if entry["kind"] != "published"]
    with tally.counted("incidents of a year told exactly once"):
        assert {entry["says"]: sum(entry["says"] in each for each in site.messages) for entry in news} == {entry["says"]: 1 for entry in news}


def test_the_new_code_is_noticed_in_its_month(site):
    warned = [entry for entry in incidents.recorded(site.out) if entry["kind"] == "warning" and "IMG9999" in entry["says"]]
    assert [entry["run_id"] for entry in warned] == [published(site.out)[year.MONTHS[NAMES.index(NEW_CODE)].isoformat()]]


def test_a_backfill_on_an_empty_folder_finds_nothing_else(site, tmp_path):
    """Which days are due, and under which names; that each then gives the same bytes is tested in test_arrival.py."""
    settings = load_settings(site.config).model_copy(update={"out": tmp_path / "anew"})
    found = []
    run_due(settings, found.append)
    assert [one.as_of for one in found] == year.MONTHS
