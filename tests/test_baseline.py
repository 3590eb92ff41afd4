"""Which chart is shown, what it says, what a frozen baseline moves, and that only a person with a reason moves one."""

from datetime import date
from types import SimpleNamespace

import duckdb
import pytest

from flows import ROOT, models
from flows.check_rules import CHECKS, run_check
from flows.control import charts
from flows.errors import RulesError
from flows.rules import load_rules

HEADER = "measure,basis,first_period,last_period,set_on,set_by,reason\n"
FROZEN = "post_completion,episode,2021-01-01,2022-10-01,2023-02-01,A. Person,the year before the new order form\n"
GAP = (ROOT / "sql" / "out" / "32_not_appropriate_gap.sql").read_text(encoding="utf-8")


def parameters():
    con = duckdb.connect()
    load_rules(con)
    return dict(con.execute("select name, value from rule.parameter").fetchall())


PARAMETERS = parameters()


def row(stratum="all", value="all", grain="all", start=None, good=0, n=0, **more):
    rate = good / n if n else None
    found = {
        "measure": "post_completion", "basis": "episode", "period_grain": grain, "period_start": start, "stratum": stratum,
        "stratum_value": value, "n_index": n, "n_appropriate": good, "n_mixed": 0, "n_may_be": 0, "n_not_appropriate": n - good,
        "rate": rate, "ci_low": rate and rate - 0.1, "ci_high": rate, "bound_low": rate, "bound_high": rate,
        "is_withheld": False, "rate_band": None,
    }
    return found | more


def hidden(number):
    return dict.fromkeys(("rate", "ci_low", "ci_high", "n_appropriate", "n_not_appropriate")) | {"n_index": number}


def tables(counts, sites=(), n=40, deid_mode="limited_data_set", immature=(), **more):
    """Quarters from 2021 on, each with that many of n appropriate; None: hidden."""
    compliance, good = [], sum(count or 0 for count in counts)
    for at, count in enumerate(counts):
        start = date(2021 + at // 4, 3 * (at % 4) + 1, 1)
        compliance.append(row(grain="quarter", start=start, good=count or 0, n=n, **(hidden(n) if count is None else {})))
    compliance += [row("site", name, good=count, n=size) for name, count, size in sites]
    good, whole = (sum(site[1] for site in sites), sum(site[2] for site in sites)) if sites else (good, n * len(counts))
    compliance.append(row(good=good, n=whole))
    compliance += [each | {"measure": "on_treatment"} for each in (row(),)]
    maturity = [{"measure": "post_completion", "period_grain": "quarter", "period_start": compliance[at]["period_start"], "is_immature": True}
                for at in immature]
    return {"compliance": compliance, "maturity": maturity, "audit_run": [{"deid_mode": deid_mode}]} | more


def chart(key, rows, baselines=(), **given):
    (found,) = [one for one in charts.charts(rows, PARAMETERS | given, baselines) if one["key"] == key]
    return found


def over_time(counts, baselines=(), given=None, **more):
    return chart("time-post_completion", tables(counts, **more), baselines, **(given or {}))


def baseline(**more):
    names = HEADER.strip().split(",")
    return dict(zip(names, FROZEN.strip().split(","), strict=True)) | more


STEADY = [36, 38, 35, 37, 39, 36, 37, 35, 38, 36, 37, 38]


# --- which chart, and what it says


def test_few_points_are_a_run_chart_without_limits():
    found = over_time(STEADY[:11])
    assert (found["kind"], found["cannot_tell"], found["signals"]) == ("run", False, [])
    assert found["says"].startswith("No signal:")
    assert {one["low"] for one in found["table"]} == {None}
    assert found["table"][0]["center"] == 37 / 40


def test_from_twelve_points_on_it_is_a_p_chart():
    found = over_time(STEADY)
    assert (found["kind"], found["signals"]) == ("p", [])
    assert found["table"][0]["center"] == pytest.approx(sum(STEADY) / 480)
    assert all(0 <= one["low"] < one["center"] < one["high"] <= 1 for one in found["table"])


def test_points_that_stray_more_than_chance_are_a_p_prime_chart():
    found = over_time([20, 38, 22, 37, 19, 39, 21, 38, 20, 36, 22, 39])
    assert found["kind"] == "p_prime"
    assert "widened" in found["limits_say"]


def test_a_point_beyond_its_limits_is_a_signal_with_its_day_and_what_to_do():
    found = over_time([*STEADY, 20])
    (signal,) = [one for one in found["signals"] if one["kind"] == "below_limit"]
    assert signal["period_start"] == date(2024, 1, 1)
    assert "Q1 2024: 50.0" in signal["sentence"]
    assert found["says"].startswith("Signal: Q1 2024")
    assert [one["label"] for one in found["table"] if one["is_signal"]] == ["Q1 2024"]


def test_a_long_run_is_a_signal():
    found = over_time([36, 35, 36, 35, 39, 38, 39, 38, 39, 38, 39, 38])
    assert "long_run" in {one["kind"] for one in found["signals"]}
    assert [one["label"] for one in found["table"] if one["is_signal"]][0] == "Q1 2022"


@pytest.mark.parametrize(
    ("counts", "more", "why"),
    [
        (STEADY[:5], {}, "5 of 5 quarters show a settled rate"),
        ([40] * 12, {}, "too few rates differ from their centre"),
        ([40] * 8 + [39], {}, "too few rates differ from their centre"),
        (STEADY, {"deid_mode": "shifted_dates"}, "each person has a calendar of their own"),
        (STEADY[:6], {"immature": (5,)}, "5 of 6 quarters show a settled rate"),
        ([], {}, "no period holds an episode"),
        ([], {"deid_mode": "relative_days"}, "each person has a calendar of their own"),
    ],
)
def test_where_nothing_can_be_told_it_says_so_and_why(counts, more, why):
    found = over_time(counts, **more)
    assert found["cannot_tell"]
    assert found["says"].startswith("Cannot tell: ")
    assert why in found["says"]
    assert found["signals"] == []
    assert (found["svg"] is None) is (not counts)
    assert all(one["low"] is one["high"] is one["center"] is None for one in found["table"])


def test_a_hidden_rate_is_a_gap_and_sets_nothing():
    shown = over_time(STEADY)
    gap = over_time([*STEADY[:6], None, *STEADY[6:]])
    assert gap["table"][0]["center"] == shown["table"][0]["center"]
    assert [gap["table"][6][name] for name in ("value", "n", "low", "high", "is_signal")] == [None, None, None, None, False]


def test_an_immature_period_sets_no_limit_and_breaks_none():
    found = over_time([*STEADY, 10], immature=(12,))
    assert (found["signals"], found["table"][12]["is_immature"], found["table"][12]["low"]) == ([], True, None)
    assert found["table"][0]["center"] == over_time(STEADY)["table"][0]["center"]


def test_mostly_hidden_quarters_give_way_to_years():
    rows = tables([36, None, None, None, 35, None, None, None])
    rows["compliance"] += [row(grain="year", start=date(year, 1, 1), good=140, n=160) for year in (2021, 2022)]
    assert [one["label"] for one in chart("time-post_completion", rows)["table"]] == ["2021", "2022"]


def test_each_chart_says_the_smallest_change_it_could_have_shown():
    found = over_time(STEADY)
    share = sum(STEADY) / 480
    assert found["smallest_change"] == pytest.approx(280.1585 * (2 * share * (1 - share) / 40) ** 0.5, abs=0.01)
    assert f"a change of {found['smallest_change']:.0f} percentage points" in found["smallest_says"]
    assert "No single one could stand out as better" in found["smallest_says"]
    nothing = over_time([None] * 8)
    assert nothing["smallest_change"] is None
    assert "would stay unseen" in nothing["smallest_says"]


@pytest.mark.parametrize(
    ("name", "value", "kind"), [("spc_min_points", "13", "run"), ("spc_overdispersion", "0.1", "p_prime"), ("spc_least_points", "13", None)]
)
def test_where_it_turns_is_a_parameter(name, value, kind):
    found = over_time(STEADY, given={name: value})
    assert found["cannot_tell"] if kind is None else found["kind"] == kind


def test_the_width_of_the_limits_is_a_parameter():
    wide, narrow = over_time(STEADY)["table"][0], over_time(STEADY, given={"spc_sigma": "1"})["table"][0]
    assert wide["center"] - wide["low"] == pytest.approx(3 * (narrow["center"] - narrow["low"]))


def test_keys_are_apart_and_a_phone_has_a_drawing_of_its_own():
    found = charts.charts(tables(STEADY), PARAMETERS)
    assert [one["key"] for one in found] == [f"{kind}-{measure}" for measure in charts.MEASURES for kind in ("time", "funnel")]
    assert 'viewBox="0 0 360 ' in found[0]["svg_phone"]
    assert 'id="time-post-completion-title"' in found[0]["svg"]
    assert 'id="time-post-completion-phone-title"' in found[0]["svg_phone"]


# --- sites


SITES = [("east", 56, 60), ("north", 75, 80), ("south", 46, 50), ("west", 66, 70), ("centre", 93, 100)]


def test_a_site_outside_the_funnel_is_named_with_what_to_look_at():
    found = chart("funnel-post_completion", tables(STEADY, sites=[*SITES, ("far", 25, 60)]))
    assert [(one["kind"], one["site"]) for one in found["signals"]] == [("below_limit", "far")]
    assert found["says"].startswith("Signal: far: 41.7")
    assert [one["label"] for one in found["table"] if one["is_signal"]] == ["far"]


def test_sites_within_the_funnel_are_no_league_table():
    found = chart("funnel-post_completion", tables(STEADY, sites=SITES))
    assert (found["signals"], found["cannot_tell"]) == ([], False)
    assert "an order among them says nothing" in found["says"]
    assert [one["label"] for one in found["table"]] == sorted(site[0] for site in SITES)


def test_a_site_with_all_of_few_is_not_above_the_limits():
    assert chart("funnel-post_completion", tables(STEADY, sites=[*SITES, ("small", 30, 30)]))["signals"] == []


def test_how_much_sites_differ_as_a_whole_is_told_and_drawn_beside_the_limits():
    spread = [(f"site {at}", round(share * 400), 400) for at, share in enumerate((0.99, 0.9, 0.97, 0.88, 0.95, 0.92))]
    found = chart("funnel-post_completion", tables(STEADY, sites=spread))
    assert "differ more than chance" in found["limits_say"]
    assert "limit of 99.8 % + spread" in found["svg"]
    assert {one["sentence"].endswith("though within the spread that the sites show.") for one in found["signals"]} == {True}
    few = chart("funnel-post_completion", tables(STEADY, sites=spread[:4]))
    assert "cannot be told" in few["limits_say"]
    assert "spread" not in few["svg"]


def test_sites_that_differ_as_a_whole_without_one_that_stands_out():
    spread = [(f"site {at}", good, 60) for at, good in enumerate((59, 52, 60, 51, 60, 50, 59, 52))]
    found = chart("funnel-post_completion", tables(STEADY, sites=spread))
    assert found["signals"] == []
    assert "together they differ more than chance" in found["says"]


def test_hidden_sites_are_judged_by_nobody():
    rows = tables(STEADY, sites=SITES)
    rows["compliance"] = [one | hidden(60) | {"rate_band": "80_to_90"} if one["stratum"] == "site" else one for one in rows["compliance"]]
    found = chart("funnel-post_completion", rows)
    assert found["cannot_tell"]
    assert "0 of 5 sites show a rate" in found["says"]
    assert {one["value"] for one in found["table"]} == {None}
    assert "80 to 90 %, 60 episodes" in found["svg"]


def test_unknown_is_no_site():
    found = chart("funnel-post_completion", tables(STEADY, sites=[*SITES, ("unknown", 30, 60)]))
    assert "unknown" not in {one["label"] for one in found["table"]}


# --- stretches between not-appropriate orders


def gap_rows(values, start=date(2021, 1, 1)):
    rows = [{"measure": "post_completion", "position": at, "order_id": f"o{at}", "ordered_on": start, "period_start": start,
             "n_orders_between": value, "is_open": False} for at, value in enumerate(values[:-1], 1)]
    last = {"position": len(values), "order_id": None, "ordered_on": None, "period_start": None, "n_orders_between": values[-1]}
    return [*rows, {"measure": "post_completion", "is_open": True} | last]


def between(values, baselines=(), rows=None):
    return chart("gaps-post_completion", tables(STEADY, not_appropriate_gap=rows or gap_rows(values)), baselines)


def test_a_long_stretch_is_a_signal_even_while_it_grows():
    ordinary = [9, 14, 6, 20, 11, 8, 16, 12]
    assert between([*ordinary, 30])["signals"] == []
    (signal,) = between([*ordinary, 200])["signals"]
    assert (signal["kind"], signal["period_start"]) == ("above_limit", None)
    assert "200 rated orders since the last" in signal["sentence"]


def test_stretches_that_grow_short_are_told_by_a_run():
    found = between([30, 40, 35, 50, 31, 44, 38, 33, 41, 3, 2, 4, 1, 5, 3, 2, 4, 1, 2])
    early, late = [one["sentence"] for one in found["signals"] if one["kind"] == "long_run"]
    assert "longer than their median (no. 1, " in early
    assert "shorter than their median (no. 10, " in late


@pytest.mark.parametrize(("values", "why"), [([5, 9, 4], "2 orders were not appropriate"), ([0] * 9, "no rated order lies between")])
def test_too_few_stretches_tell_nothing(values, why):
    found = between(values)
    assert found["cannot_tell"]
    assert why in found["says"]


def test_stretches_are_shown_where_there_is_a_table_of_them_only():
    assert not [one for one in charts.charts(tables(STEADY), PARAMETERS) if one["kind"] == "g"]


# --- frozen baselines


def test_a_frozen_baseline_sets_centre_and_limits():
    counts = [*[34, 35, 36, 34, 35, 36, 35, 34], *[38, 39, 38, 39, 38, 39, 38, 39]]
    free, frozen = over_time(counts), over_time(counts, [baseline()])
    assert frozen["table"][0]["center"] == pytest.approx(sum(counts[:8]) / 320)
    assert frozen["table"][0]["center"] < free["table"][0]["center"]
    assert (free["is_frozen"], frozen["is_frozen"]) == (False, True)
    assert "frozen on Q1 2021 to Q4 2022 (set on 2023-02-01: the year before the new order form)" in frozen["limits_say"]
    assert "A. Person" not in frozen["limits_say"] + frozen["svg"]
    assert "frozen centre" in frozen["svg"]


def test_the_baseline_set_last_holds_whatever_the_order_of_the_rows():
    later = baseline(last_period="2022-04-01", set_on="2024-01-01", reason="again")
    for rows in ([baseline(), later], [later, baseline()]):
        assert over_time([34] * 6 + STEADY, rows)["table"][0]["center"] == pytest.approx(34 / 40)


def test_a_baseline_of_another_series_moves_nothing():
    others = [baseline(measure="on_treatment"), baseline(basis="order")]
    assert over_time(STEADY, others)["table"] == over_time(STEADY)["table"]


def test_a_baseline_with_too_few_shown_periods_sets_nothing():
    found = over_time(STEADY, [baseline(last_period="2021-10-01")])
    assert found["cannot_tell"]
    assert "the frozen baseline holds 4 shown quarters" in found["says"]


def test_a_baseline_of_orders_sets_the_stretches():
    first, then = gap_rows([10, 12, 14, 10, 12, 14, 0]), gap_rows([70] * 6 + [0], date(2024, 1, 1))
    rows = [*first[:-1], *(one | {"position": one["position"] + 6} for one in then)]
    found = between(None, [baseline(basis="order")], rows)
    assert found["table"][0]["center"] == 12
    assert found["is_frozen"]


# --- only a person with a reason may move it


def load(tmp_path, text):
    site = tmp_path / "site"
    site.mkdir()
    (site / "baseline.csv").write_text(HEADER + text, encoding="utf-8")
    con = duckdb.connect()
    load_rules(con, SimpleNamespace(site_rules=site))
    return con


def faults(con):
    (path,) = CHECKS.glob("24_*.sql")
    return [finding.message for finding in run_check(con, path)]


def test_ours_is_empty_and_a_site_adds_its_own(tmp_path):
    con = load(tmp_path, FROZEN + FROZEN.replace("2023-02-01", "2024-02-01"))
    assert con.execute("select count(*), min(origin), min(set_by) from rule.baseline").fetchall() == [(2, "site", "A. Person")]
    assert faults(con) == []
    assert not [line for line in (ROOT / "rules" / "baseline.csv").read_text(encoding="utf-8").splitlines()[1:] if line]


@pytest.mark.parametrize(("column", "text"), [("set_by", "A. Person"), ("reason", "the year before the new order form"), ("set_on", "2023-02-01")])
def test_a_baseline_without_a_person_a_reason_or_a_day_is_refused(tmp_path, column, text):
    with pytest.raises(RulesError) as raised:
        load(tmp_path, FROZEN.replace(text, "  "))
    assert f"column {column}" in str(raised.value)
    assert raised.value.exit_code == 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FROZEN.replace("post_completion", "headline"), "measure is neither"),
        (FROZEN.replace("episode", "site"), "basis is neither"),
        (FROZEN.replace("2021-01-01", "2021-02-01"), "named by its first day"),
        (FROZEN.replace("2022-10-01", "2022-10-02"), "named by its first day"),
        (FROZEN.replace("2022-10-01", "2020-10-01"), "last_period comes before first_period"),
        (FROZEN.replace("2023-02-01", "2022-10-01"), "set before its last period had begun"),
        (FROZEN + FROZEN.replace("A. Person", "B. Person"), "2 baselines of one day"),
    ],
)
def test_a_baseline_that_no_chart_could_follow_is_a_finding(tmp_path, text, words):
    found = faults(load(tmp_path, text))
    assert len(found) == 1
    assert words in found[0]


# --- out.not_appropriate_gap


def built(rows, tiers="", has_calendar="true"):
    """The model on index orders drawn by hand: order_id, measure, day, status, is_appropriate, case."""
    con = duckdb.connect()
    for schema in ("core", "stg", "out"):
        con.execute(f"create schema {schema}")
    con.execute(
        "create table core.index_order (order_id text, measure text, ordered_on date, status text, is_appropriate boolean,"
        " case_id text, index_on date, reading text)"
    )
    for order_id, measure, day, status, is_appropriate, case_id, *reading in rows:
        values = [order_id, measure, day, status, is_appropriate, case_id, "2024-05-06", (reading or ["as_defined"])[0]]
        con.execute("insert into core.index_order values (?, ?, ?, ?, ?, ?, ?, ?)", values)
    con.execute("create table core.neoadjuvant_case as select distinct case_id, 'inferred' as intent_tier from core.index_order")
    con.execute("update core.neoadjuvant_case set intent_tier = 'unresolved' where case_id = ?", [tiers])
    con.execute(f"create table stg.parameter as select {has_calendar} as has_calendar")
    names = "measure, position, order_id, cast(period_start as varchar), n_orders_between, is_open"
    return con.execute(f"select {names} from ({GAP}) order by measure, position").fetchall()


def order(order_id, day, is_appropriate, case="p#1", measure="post_completion", status="rated", *reading):
    return order_id, measure, f"2024-01-{day:02}", status, is_appropriate, case, *reading


def test_rated_orders_are_counted_between_the_not_appropriate_ones():
    rows = [order("a", 1, True), order("b", 2, True), order("c", 3, False), order("e", 4, False), order("d", 4, True), order("f", 5, True)]
    assert built(rows) == [
        ("post_completion", 1, "c", "2024-04-01", 2, False),
        ("post_completion", 2, "e", "2024-04-01", 1, False),  # d comes before it: same day, lower id
        ("post_completion", 3, None, None, 1, True),
    ]


def test_each_measure_has_its_own_row_of_orders_and_an_open_end():
    during = {"measure": "on_treatment"}
    rows = [order("a", 1, False), order("b", 2, True, **during), order("c", 3, False, **during), order("d", 4, True), order("e", 5, False)]
    assert built(rows) == [
        ("on_treatment", 1, "c", "2024-04-01", 1, False),
        ("on_treatment", 2, None, None, 0, True),
        ("post_completion", 1, "a", "2024-04-01", 0, False),
        ("post_completion", 2, "e", "2024-04-01", 1, False),
        ("post_completion", 3, None, None, 0, True),
    ]


def test_without_a_not_appropriate_order_all_rated_ones_are_still_open():
    assert built([order("a", 1, True), order("b", 2, True)]) == [("post_completion", 1, None, None, 2, True)]


def test_only_rated_orders_of_the_headlines_cases_as_defined_count():
    rows = [
        order("a", 1, None, status="unrated"), order("b", 2, True, "q#1"), order("c", 3, True, "p#1", "post_completion", "rated", "other"),
        order("e", 4, None), order("f", 5, False),
    ]
    assert built(rows, tiers="q#1") == [("post_completion", 1, "f", "2024-04-01", 1, False), ("post_completion", 2, None, None, 0, True)]


def test_without_a_calendar_there_is_no_order_of_days():
    assert built([order("a", 1, False)], has_calendar="false") == []


def test_the_table_says_what_its_rows_are():
    assert models.grain(GAP).startswith("One row per not-appropriate index order of a measure")
