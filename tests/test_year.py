"""A year that nobody attended, lived twice: fired from outside, and served by one process; and the same year run clean.

The served year and the clean one take minutes: make deep.
"""

import json
import re
import signal
from collections import Counter

import polars as pl
import pytest
import tally
import year
import year_lived
from year_lived import BEFORE_LATE, CORRUPT, DOUBLE, KILLED, LATE, NAMES, NEW_CODE, REPEATED, name_in_series, published

from flows import incidents
from flows.arrival import run_due
from flows.delivery import series
from flows.settings import load_settings
from flows.stages import run_direct
from flows.workspace import named

SERVED = [pytest.mark.deep, pytest.mark.flow]
# What a release says of when it was made, not of what it found.
OF_THE_MOMENT = {"out.audit_run"}


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
def test_the_service_audited_each_delivery_by_itself_and_its_schedule_fired(served):
    """Nobody fired but in the month of the double firing; the make-up after the kill is the service's own."""
    by_kind = Counter(_trigger(run) for run in served.runs if run["state"]["message"] != "nothing changed" and run["state"]["type"] == "COMPLETED")
    assert by_kind["asked"] == 0
    assert by_kind["delivery arrived"] >= 6
    assert sum(by_kind.values()) == 11 + 1 - (served.code_beside == 0 and served.asked_beside in {})
    assert served.empty_firing["state"]["message"] == "nothing changed"


def _trigger(run):
    return next((tag for tag in ("delivery arrived", "missed", "auto-scheduled") if tag in run["tags"]), "asked")
