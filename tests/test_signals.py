"""Signals and warnings are recorded once: while they grow, when they are redone, whatever was killed, in whatever order runs came."""

import json
from datetime import date

import pytest

from flows import incidents, ledger, signals
from flows.control import charts

QUARTERS = [f"{year}-{month:02d}-01" for year in range(2021, 2026) for month in (1, 4, 7, 10)]


def shift(first, last, says="9 rates in a row on one side of the centre."):
    return {"chart": "time-post_completion", "kind": "long_run", "site": None, "first": first, "last": last, "says": says}


def point(first, last):
    return shift(first, last, "It lies below its limit.") | {"kind": "below_limit"}


def site(name):
    return {"chart": "funnel-post_completion", "kind": "below_limit", "site": name, "first": None, "last": None, "says": f"{name} is low."}


def warning(subject, notice="site_silent", severity="warning"):
    return {"notice": notice, "subject": subject, "severity": severity, "fact": "site", "says": f"{subject}: silent.", "means": "Why.", "next_step": "Ask."}


def publish(out, on, *found, **facts):
    line = {"event": "published", "run_id": f"run-{on}", "source": "delivery", "deid_mode": "limited_data_set", "as_of": on}
    kinds = {"signals": [each for each in found if "chart" in each], "notices": [each for each in found if "notice" in each]}
    ledger.append(out, line | kinds | facts)
    return signals.record(out)


def keys(out):
    return [(each["kind"], each["key"]) for each in incidents.recorded(out)]


def test_a_shift_that_grows_is_one_incident(tmp_path):
    assert publish(tmp_path, "2025-01-31", shift("2022-01-01", "2024-12-31")) == 1
    assert publish(tmp_path, "2025-04-30", shift("2022-04-01", "2025-03-31")) == 0  # the centre moved, and its first period with it
    assert publish(tmp_path, "2025-07-31", shift("2021-10-01", "2025-06-30")) == 0
    assert publish(tmp_path, "2025-08-31") == 0
    assert publish(tmp_path, "2025-10-31", shift("2025-07-01", "2025-09-30")) == 1  # it meets no period of the first
    assert keys(tmp_path) == [("signal", "time-post_completion/long_run/2022-01-01"), ("signal", "time-post_completion/long_run/2025-07-01")]


def test_a_point_is_itself_whether_quarters_or_years_are_drawn(tmp_path):
    publish(tmp_path, "2025-01-31", point("2024-01-01", "2024-03-31"))
    assert publish(tmp_path, "2025-02-28", point("2024-01-01", "2024-12-31")) == 0
    assert publish(tmp_path, "2025-03-31", point("2024-01-01", "2024-03-31"), point("2025-01-01", "2025-03-31")) == 1
    assert publish(tmp_path, "2025-04-30", shift("2024-01-01", "2024-03-31")) == 1  # another rule is another signal


def test_a_site_is_told_again_only_after_a_year_without_it(tmp_path):
    assert publish(tmp_path, "2023-01-31", site("a")) == 1
    assert publish(tmp_path, "2024-01-31", site("a"), site("b")) == 1  # 365 days later it still goes on
    assert publish(tmp_path, "2025-01-31", site("a")) == 1  # 366 days
    assert publish(tmp_path, "2025-02-28", site("a")) == 0


def test_a_warning_is_told_again_once_it_was_gone_for_a_run(tmp_path):
    found = [publish(tmp_path, f"2025-{month:02d}-28", *rows) for month, rows in enumerate(
        ([warning("a")], [warning("a")], [], [warning("a"), warning("b")], [warning("b"), warning("note", severity="note")]), 1)]  # fmt: skip
    assert found == [1, 0, 0, 2, 0]
    assert keys(tmp_path)[0] == ("warning", "site_silent/a/2025-01-28")
    assert incidents.recorded(tmp_path)[0]["says"] == "a: silent. Why. Ask."


def test_late_repeated_and_corrected_runs_tell_nothing_twice(tmp_path):
    publish(tmp_path, "2025-03-31", warning("a"), shift("2022-01-01", "2024-12-31"))
    assert publish(tmp_path, "2025-03-31", warning("a"), shift("2022-01-01", "2024-12-31")) == 0  # the same day again
    assert publish(tmp_path, "2025-02-28", warning("a"), shift("2021-10-01", "2024-09-30")) == 0  # a day before, filed later
    assert publish(tmp_path, "2025-01-31", warning("a")) == 0
    assert publish(tmp_path, "2024-11-30", warning("a"), is_shown=False) == 0  # next to the January that is known
    assert publish(tmp_path, "2025-04-30") == 0
    assert publish(tmp_path, "2025-06-30", warning("a")) == 1  # gone in April


def test_another_source_in_the_same_folder_is_another_story(tmp_path):
    publish(tmp_path, "2025-01-31", warning("a"), shift("2022-01-01", "2024-12-31"))
    assert publish(tmp_path, "2025-02-28", warning("a"), shift("2023-01-01", "2025-03-31"), source="synthea") == 2


def test_what_a_kill_left_out_is_recorded_by_whoever_comes_next(tmp_path):
    line = {"event": "published", "run_id": "r", "source": "s", "deid_mode": "d", "as_of": "2025-01-31"}
    ledger.append(tmp_path, line | {"signals": [point("2024-01-01", "2024-03-31")], "notices": [warning("a")]})
    ledger.append(tmp_path, line | {"as_of": "2025-02-28", "signals": [], "notices": [warning("a")]})
    assert keys(tmp_path) == []
    assert signals.record(tmp_path) == 2
    before = (tmp_path / ledger.NAME).read_bytes()
    assert signals.record(tmp_path) == 0
    assert (tmp_path / ledger.NAME).read_bytes() == before


def test_lines_of_before_are_passed_over(tmp_path):
    ledger.append(tmp_path, {"event": "published", "run_id": "old"})
    ledger.append(tmp_path, {"event": "failed", "run_id": "x", "notices": [warning("a", severity="stop")]})
    assert signals.record(tmp_path) == 0


# What a release's charts say


GIVEN = {"spc_least_points": "6", "spc_min_points": "12", "spc_sigma": "3", "spc_overdispersion": "1.5", "change_power": "0.8", "wilson_z": "1.96"}


def drawn(good, immature=()):
    """The chart over time of a measure with these many of 40 in each quarter."""
    compliance = [
        {"measure": "post_completion", "basis": "episode", "period_grain": "quarter", "period_start": date.fromisoformat(start), "n_index": 40,
         "n_appropriate": n, "n_mixed": 0, "n_may_be": 0, "n_not_appropriate": 40 - n, "rate": n / 40, "ci_low": 0.1, "ci_high": 0.9, "is_withheld": False}
        for start, n in zip(QUARTERS, good, strict=False)
    ]  # fmt: skip
    maturity = [{"measure": "post_completion", "period_grain": "quarter", "period_start": date.fromisoformat(day), "is_immature": True} for day in immature]
    given = {name: float(value) for name, value in GIVEN.items()}
    return charts.time_chart({"compliance": compliance, "maturity": maturity}, "post_completion", "After therapy", given, None)


STEADY = [36, 38, 37, 35, 38, 36, 37, 38, 36, 35, 37, 38, 36]


def test_a_point_out_of_limits_keeps_its_name_as_quarters_come(tmp_path):
    for n_more, on in enumerate(("2024-07-31", "2024-10-31", "2025-01-31")):
        found = signals.found([drawn([*STEADY, 20, *[37] * n_more])], "cms")
        assert [(each["kind"], each["first"], each["last"]) for each in found if each["kind"] == "below_limit"] == [("below_limit", "2024-04-01", "2024-06-30")]
        publish(tmp_path, on, *found)
    assert [key for _, key in keys(tmp_path) if "below_limit" in key] == ["time-post_completion/below_limit/2024-04-01"]
    assert "Q2 2024: 50.0\N{NO-BREAK SPACE}% lies below its limit" in incidents.recorded(tmp_path)[0]["says"]


def test_a_shift_that_grows_month_by_month_is_recorded_once(tmp_path):
    good = [38, 39] * 4 + [31, 32] * 6
    spans = []
    for n in range(15, 21):
        found = signals.found([drawn(good[:n])], "cms")
        spans += [(each["first"], each["last"]) for each in found if each["kind"] == "long_run"]
        publish(tmp_path, f"2025-{n - 8:02d}-28", *found)
    assert len(set(spans)) > 3, "it grew"
    runs = [key for _, key in keys(tmp_path) if "long_run" in key]
    assert sorted(runs) == [f"time-post_completion/long_run/{day}" for day in ("2021-01-01", "2023-01-01")]  # above the centre, then below


def test_an_immature_quarter_raises_no_signal():
    last = QUARTERS[len(STEADY)]
    assert signals.found([drawn([*STEADY, 20])], "cms")
    assert not [each for each in signals.found([drawn([*STEADY, 20], immature=[last])], "cms") if each["first"] == last]


def test_a_release_without_disclosure_control_tells_no_figure():
    (each,) = [one for one in signals.found([drawn([*STEADY, 20])], "none") if one["kind"] == "below_limit"]
    assert not any(letter.isdigit() for letter in each["says"])
    assert "protected zone" in each["says"]


# The list of it all


def test_the_list_says_what_is_still_so_and_what_was_told(tmp_path, command):
    publish(tmp_path, "2025-01-31", warning("a"), site("b"), shift("2022-01-01", "2024-12-31"))
    incidents.tell(tmp_path, incidents.untold(tmp_path)[:1])
    publish(tmp_path, "2025-02-28", site("b"))
    incidents.record(tmp_path, "refused", "2025-03", "Not whole.")
    code, said, _ = command("notices", "--out", tmp_path, "--json")
    rows = json.loads(said)
    assert code == 0
    assert [(row["kind"], row["is_there"], row["is_told"]) for row in rows] == [
        ("signal", True, True), ("signal", False, False), ("warning", False, False), ("refused", None, False),
    ]  # fmt: skip
    code, said, _ = command("notices", "--out", tmp_path)
    assert "Still so" in said
    assert "a: silent. Why. Ask." in said


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_the_list_of_a_folder_without_a_ledger_says_so(tmp_path, command, as_json):
    code, _, talk = command("notices", "--out", tmp_path, *as_json)
    assert code == 11
    assert "no ledger" in talk
