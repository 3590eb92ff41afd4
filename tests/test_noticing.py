"""A run beside earlier ones: a stable year says nothing, each planted change is noticed once, a stop publishes nothing."""

import calendar
import copy
import csv
import json

import deliveries
import pipeline
import pytest

from flows import ledger, noticing, signals
from flows.demo.delivery import code_map, delivery, spoil
from flows.errors import QualityError
from flows.stages import run_direct

DAYS = [f"{year}-{month:02d}-{calendar.monthrange(year, month)[1]}" for year, month in [(2024, m) for m in range(6, 13)] + [(2025, m) for m in range(1, 8)]]
DATED = {"orders": "ordered_on", "diagnoses": "diagnosed_on", "therapies": "started_on", "procedures": "performed_on", "findings": "reported_on"}


def until(rows, day):
    """The delivery as the warehouse knew it at the end of that day."""
    known = {extract: [dict(row) for row in rows[extract] if row.get(column, "")[:10] <= day] for extract, column in DATED.items()}
    for row in known["orders"]:
        if (row.get("performed_on") or "")[:10] > day:
            row |= {"performed_on": "", "status": "active"}
    for row in known["therapies"]:
        if (row.get("ended_on") or "")[:10] > day:
            row |= {"ended_on": "", "status": "active"}
    persons = {row["patient_id"] for extract in known.values() for row in extract}
    return known | {"patients": [row for row in rows["patients"] if row["patient_id"] in persons], "code_map": code_map()}


def compared(known, day, before):
    """What a run notices, and its facts."""
    con = pipeline.audit(known, as_of=day, data_from="2022-01-01")
    noticing.build(con, day, before)
    found = noticing.noticed(con), noticing.facts(con)
    con.close()
    return found


@pytest.fixture(scope="module")
def rows():
    return spoil(delivery(300, seed=1), seed=1)


@pytest.fixture(scope="module")
def year(rows):
    """Twelve monthly deliveries: what each notices, and the history that they leave."""
    before, said = [], {}
    for day in DAYS[:12]:
        said[day], facts = compared(until(rows, day), day, before)
        before += [{"covered_on": day, **fact} for fact in facts]
    return said, before


def test_a_stable_year_says_nothing_but_that_it_begins(year):
    said, _ = year
    assert [(row["notice"], row["severity"]) for day in DAYS[:3] for row in said[day]] == [("history_short", "note")] * 3
    assert [row["says"] for day in DAYS[3:12] for row in said[day]] == []


def test_a_day_of_another_decade_is_noticed_without_any_history(rows):
    said, _ = compared(rows, "2016-06-30", [])
    (row,) = [row for row in said if row["notice"] == "most_after_as_of"]
    assert (row["severity"], row["subject"]) == ("warning", "whole")
    assert "% of the orders lie after the day" in row["says"]


def planted(known, day):
    """A month in which much is wrong at once."""
    known = copy.deepcopy(known)
    since = "2025-03-01"
    known["therapies"] = known["therapies"][: len(known["therapies"]) * 4 // 10]
    known["findings"] += [row | {"finding_id": f"again-{row['finding_id']}"} for row in known["findings"]]
    known["orders"] = [
        row for row in known["orders"]
        if row["ordered_on"][:7] != "2024-10" and not (row.get("site_id") == "synthetic-b" and row["ordered_on"] >= since)
    ]  # fmt: skip
    recent = [row for row in known["orders"] if row["ordered_on"] > since and row["code_system"] in ("CPT", "HCPCS") and row.get("order_type") == "imaging"]
    for row in recent[::2]:
        row |= {"code_system": "LOCAL", "code": "ZZ-NEW"}
    for row in known["procedures"][::50]:
        row |= {"performed_on": "soon"}
    known["diagnoses"][0] = known["diagnoses"][0] | {"diagnosed_on": "1990-01-01"}
    return known


@pytest.fixture(scope="module")
def spoilt(rows, year):
    """Two months in a row with the same faults: what each notices."""
    _, before = year
    said = []
    for day in DAYS[12:]:
        found, facts = compared(planted(until(rows, day), day), day, before)
        before = [*before, *({"covered_on": day, **fact} for fact in facts)]
        said.append(found)
    return said


def test_each_planted_change_is_noticed(spoilt):
    found = {(row["notice"], row["subject"]): row for row in spoilt[0]}
    assert found.keys() >= {
        ("rows_fell_far", "therapies"), ("rows_rose", "findings"), ("months_empty", "2024-10"), ("site_silent", "synthetic-b"),
        ("code_new_unmapped", "LOCAL ZZ-NEW"), ("unmapped_rose", "whole"), ("quarantine_rose", "procedures"), ("dates_begin_earlier", "diagnoses"),
    }  # fmt: skip
    # What else is noticed follows from these: the reasons why orders leave the measure, and fewer episodes without therapies.
    assert {notice for notice, _ in found} <= {
        "rows_fell_far", "rows_rose", "months_empty", "site_silent", "code_new_unmapped", "unmapped_rose", "quarantine_rose", "dates_begin_earlier",
        "reason_moved", "index_fell",
    }  # fmt: skip
    assert ("rows_fell", "therapies") not in found  # the graver stands
    assert found["rows_fell_far", "therapies"]["severity"] == "stop"


def test_what_goes_on_is_told_once(spoilt, tmp_path):
    """As if the site had set the stop to warning: two published lines, and every incident of the second is new in it."""
    new = []
    for day, found in zip(DAYS[12:], spoilt, strict=True):
        line = {"event": "published", "run_id": day, "source": "delivery", "deid_mode": "limited_data_set", "as_of": day}
        ledger.append(tmp_path, line | {"notices": [row | {"severity": "warning"} for row in found]})
        new.append(signals.record(tmp_path))
    first, second = ({(row["notice"], row["subject"]) for row in found} for found in spoilt)
    assert new == [len(first), len(second - first)]
    assert ("months_empty", "2024-10") in first & second
    assert ("code_new_unmapped", "LOCAL ZZ-NEW") not in second  # seen by now


def test_the_words_hold_no_count_and_a_stop_no_code(spoilt):
    for row in spoilt[0]:
        words = row["says"].replace(row["subject"], "").replace(" %", "%")
        assert not [word for word in words.split() if word.strip(".,").isdigit()], row["says"]
    code = next(row for row in spoilt[0] if row["notice"] == "code_new_unmapped")
    with pytest.raises(QualityError) as stopped:
        noticing._refuse([code | {"severity": "stop"}])
    assert "ZZ-NEW" not in str(stopped.value)
    assert "code_map.csv" in str(stopped.value)


def test_the_history_is_the_last_run_of_each_day_before(tmp_path):
    settings = deliveries.settings_for(tmp_path)
    settings.out.mkdir()
    line = {"event": "published", "run_id": "r", "source": "delivery", "deid_mode": "limited_data_set"}
    for day, n, more in [
        ("2025-02-28", 1, {}), ("2025-01-31", 2, {}), ("2025-02-28", 3, {}), ("2025-03-31", 4, {}), ("2025-04-30", 5, {}),
        ("2025-01-31", 6, {"source": "synthea"}), ("2025-01-31", 7, {"deid_mode": "shifted_dates"}), ("2025-01-31", 8, {"event": "failed"}),
    ]:  # fmt: skip
        ledger.append(settings.out, line | {"as_of": day, "facts": [{"fact": "persons", "subject": "whole", "n": n}]} | more)
    ledger.append(settings.out, line | {"as_of": "2025-02-27"})  # of before there were facts
    found = noticing.history(settings, "2025-03-31")
    assert [(row["covered_on"], row["n"]) for row in found] == [("2025-01-31", 2), ("2025-02-28", 3)]


def test_a_run_without_a_calendar_covers_the_day_that_was_declared_or_ran():
    assert noticing.covered_on({"as_of": "2025-01-31", "settings": {"as_of": "2025-02-28"}, "recorded_at": "2025-03-02T06:00"}) == "2025-01-31"
    assert noticing.covered_on({"as_of": None, "settings": {"as_of": "2025-02-28"}, "recorded_at": "2025-03-02T06:00"}) == "2025-02-28"
    assert noticing.covered_on({"as_of": None, "settings": {"as_of": None}, "recorded_at": "2025-03-02T06:00"}) == "2025-03-02"


def test_a_site_changes_a_severity_with_one_row_and_a_stop_publishes_nothing(tmp_path):
    deliveries.put(tmp_path / "rules" / "notice.csv", "notice,severity\nhistory_short,stop\n")
    settings = deliveries.settings_for(deliveries.write(tmp_path / "delivery"), site_rules=tmp_path / "rules")
    with pytest.raises(QualityError, match="Too few earlier runs") as stopped:
        run_direct(settings)
    assert stopped.value.exit_code == 8
    assert stopped.value.where == "history_short"
    assert not (settings.out / "current").exists()
    (line,) = ledger.read(settings.out)
    assert (line["event"], [row["notice"] for row in line["notices"]]) == ("failed", ["history_short"])
    assert signals.record(settings.out) == 0


def test_a_published_run_keeps_its_facts_and_shows_what_it_noticed(audited):
    line = next(entry for entry in ledger.read(audited) if entry["event"] == "published")
    assert {"persons", "rows", "fate", "site"} <= {row["fact"] for row in line["facts"]}
    assert [row["notice"] for row in line["notices"]][:1] == ["history_short"]
    assert "signals" in line
    with (audited / "exports" / "notice.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert [row["notice"] for row in rows] == [row["notice"] for row in line["notices"]]
    page = (audited / "report.html").read_text(encoding="utf-8")
    assert page.count("What this run noticed") == 1
    assert all(row["next_step"] in page for row in rows)
    assert len(json.dumps(line)) < 200_000
