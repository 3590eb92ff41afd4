"""Disclosure control of the tables beside the measure: the laws of rounding for every count up to 400, and whole deliveries attacked."""

import functools
import itertools
import random

import attacker_beside
import duckdb
import out_tables
import polars as pl
import pytest
from attacker import recovered
from test_differencing import FEW as STRATA
from test_differencing import tables_of
from test_disclosure import MADE, delivery

from flows.disclosure import release, rounding
from flows.disclosure.beside import BESIDE, doses, in_groups
from flows.disclosure.rounding import STEPS, WIDE, band, coarse_share, names_of_closed, steps, tens, wholes, wilson
from flows.exports.catalog import EXPORTED, MADE_AT_RELEASE

SMALL, MOST = 10, 400
FEW = range(1, SMALL + 1)
# Each of these gave a count away once:
ONCE = [
    ("one_site", 24, 100055),  # a rate that is not withheld, although few orders are rated
    ("no_calendar", 52, 100183),  # one case with an order more than there are episodes
    ("many_failures", 512, 600241),  # as many orders as episodes, so that none is mixed
    ("many_failures", 481, 400057),  # and none of their orders can be undecided by itself
    ("one_site", 689, 300067),  # tens of a count near another one, and of a third between them
    ("one_site", 1147, 400072),  # two shares of a whole that is hidden, both on the edge of a step
    ("two_sites_one_year", 51, 500019),  # a denominator that was hidden, but not where it was 0
    ("as_usual", 42, 400220),  # three questions that add up to one step of the funnel
    ("no_calendar", 1000, 64),  # orders of a closed tier, by the reading that counts them, and so a closed step of the funnel
]


@functools.cache
def views(whole, n):
    """What may be seen of a whole given as n: one view for each part, in turn."""
    shares = [coarse_share(part, whole, n, SMALL) for part in range(whole + 1)]
    return [(n, share, band(part, whole, n, SMALL) if share is None else None) for part, share in enumerate(shares)]


def alike(pairs):
    """Values by the view they give."""
    found = {}
    for view, value in pairs:
        found.setdefault(view, set()).add(value)
    return found


def told(pairs):
    """Views that fit one value alone, with that value."""
    return {view: min(values) for view, values in alike(pairs).items() if len(values) == 1}


# --- one figure ------------------------------------------------------------------------------------------------------


def test_counts_are_tens_and_small_ones_are_not_shown():
    assert [tens(number, SMALL) for number in (None, 0, 1, 10, 11, 24, 25, 104, 105)] == [None, 0, None, None, 20, 20, 30, 100, 110]
    for number in range(SMALL + 1, 2000):
        assert number in wholes(tens(number, SMALL), SMALL)


def test_whoever_knows_the_whole_learns_no_part_and_no_rest():
    for whole in range(1, MOST + 1):
        for view, part in told((view, part) for part, view in enumerate(views(whole, tens(whole, SMALL)))).items():
            assert view[1] in (0, 1), (whole, part)
            assert part in (0, whole)


def test_whoever_knows_a_larger_count_learns_no_small_difference():
    """Not even who knows that there is a difference."""
    for known in range(SMALL + 1, MOST + 1):
        differences = range(1, min(known, 3 * SMALL))
        seen = told((view, less) for less in differences for view in views(known - less, tens(known - less, SMALL, known)))
        assert not [less for less in seen.values() if less in FEW], known


def test_whoever_knows_a_lesser_count_learns_no_small_difference():
    """Where a rate gives the rated orders away, their tens stand for all index orders."""
    for known in range(SMALL + 1, MOST + 1):
        assert told((view, more) for more in FEW for view in views(known + more, tens(known + more, SMALL, known))) == {}, known


def test_without_the_near_count_differences_would_be_told():
    pairs = ((view, less) for less in range(1, 30) for view in views(126 - less, tens(126 - less, SMALL)))
    assert min(told(pairs).values()) in FEW


def test_a_step_is_wide_for_every_whole_that_its_tens_may_stand_for():
    for n in range(20, MOST, 10):
        for whole in wholes(n, SMALL):
            widths = [len(list(parts)) for share, parts in itertools.groupby(views(whole, n), lambda view: view[1]) if share not in (None, 0, 1)]
            assert min(widths, default=2) >= 2
            assert steps(n, SMALL) == min(STEPS) or whole / steps(n, SMALL) >= WIDE


def test_whoever_knows_on_which_side_of_a_limit_a_share_lies_learns_no_part():
    """Maturity and the alarms say so of shares that are shown, maturity also of others where that fits several parts."""
    for n, limit in itertools.product(range(20, MOST, 10), (0.9, 0.98, 0.6)):
        names = names_of_closed(n, SMALL, lambda part, of, limit=limit: part / of < limit)
        for whole in wholes(n, SMALL):
            shares = [share for _, share, _ in views(whole, n)]
            pairs = [((share, names.get((part, whole)) if share is None else part / whole < limit), part) for part, share in enumerate(shares)]
            assert not [part for part in told(pairs).values() if part in FEW or whole - part in FEW], (n, whole, limit)


def test_whoever_knows_the_quartiles_of_days_learns_no_part():
    """The part counts days up to a limit: a quartile beyond it says that few are, one before it that many are. There is no band."""
    for whole in range(SMALL + 1, MOST + 1):
        bounds = [0, *(int((whole - 1) * share) + 1 for share in (0.25, 0.5, 0.75)), whole]
        for low, high in itertools.pairwise(bounds):
            pairs = [(view[:2], part) for part, view in enumerate(views(whole, tens(whole, SMALL))) if low <= part <= high]
            assert not [part for part in told(pairs).values() if part in FEW or whole - part in FEW], (whole, low)


def test_bands_are_those_of_the_share_and_stand_for_most_of_large_wholes():
    spans = {"below_80": (0, 0.8), "80_to_90": (0.8, 0.9), "90_to_95": (0.9, 0.95), "95_and_above": (0.95, 1)}
    for whole in range(SMALL + 1, MOST + 1):
        for part, (_, share, name) in enumerate(views(whole, tens(whole, SMALL))):
            assert share is None or name is None
            if name:
                assert spans[name][0] <= part / whole < spans[name][1]
    assert views(400, 400)[395] == (400, None, "95_and_above")


def test_intervals_hold_the_rate_they_belong_to():
    for n in range(20, MOST, 10):
        for rate in (0.0, 0.3, 0.95, 1.0):
            low, high = wilson(rate, n)
            assert 0 <= low <= rate <= high <= 1


def test_whoever_knows_the_total_of_three_rows_learns_no_small_one():
    """Of totals below 50 not even who knows by which rule rows are closed."""

    def given(count, *_):
        return tens(count, SMALL)

    fitting = {}
    for counts in itertools.product(range(1, 48), repeat=3):
        if SMALL < sum(counts) < 50:
            found = in_groups([{"n": count} for count in counts], lambda row: None, "n", SMALL, lambda row, _: given(row["n"]) is None, given)
            view = (sum(counts), *(None if closed else given(row["n"]) for row, _, closed in found))
            fitting.setdefault(view, []).append(counts)
    for ways in fitting.values():
        assert not [same for same in map(set, zip(*ways, strict=True)) if len(same) == 1 and max(same) <= SMALL]


def test_a_range_of_radiation_tells_one_kind_of_exam_from_a_mixture_and_no_more():
    """Exams of 10 to 30 mSv and of 1 to 10 mSv, of a whole that is known."""
    whole, n, pairs = 300, tens(300, SMALL), []
    for strong, weak in itertools.product(range(80), repeat=2):
        part = strong + weak
        share = coarse_share(part, whole, n, SMALL)
        if share and share < 0.2:
            pairs.append(((share, doses(10 * strong + weak, 30 * strong + 10 * weak, part, share * n)), (strong, weak)))
    for fitting in alike(pairs).values():
        for kind in (0, 1):
            assert {pair[kind] for pair in fitting} == {0} or len({pair[kind] for pair in fitting}) > 2


# --- whole deliveries ------------------------------------------------------------------------------------------------


def attacked(place, **settings):
    truth = delivery(*place)
    return recovered(release(truth, **settings), truth)


@pytest.mark.parametrize("place", [*ONCE, ("few_strata", 1400, 31)], ids=lambda place: "-".join(map(str, place)))
def test_no_small_count_can_be_worked_out_of_all_tables_together(place):
    assert attacked(place) == []


def test_with_a_shorter_reach_the_attacker_succeeds(monkeypatch):
    """A count that is as near as a small one may be, and no nearer, is not to be the last one that fits."""
    monkeypatch.setattr(rounding, "REACH", 1)
    monkeypatch.setattr(attacker_beside, "REACH", 10)
    assert attacked(("one_site", 689, 300067)) != []


def test_a_tier_that_is_closed_is_not_given_back_by_the_reading_that_counts_it():
    """Ten episodes close the tier and its twelve orders. Total and tier are a step of the funnel, the only company of three lines there."""
    strata = STRATA | {"intent_tier": [("inferred", 1)]}
    people = out_tables.people(600, 1, days=300, strata=strata, procedures=MADE["many_failures"]["procedures"][:2])
    orders = out_tables.beside_the_measure(people, "on_treatment", 8, 2)
    truth = tables_of(orders, 700, {"strata": strata})
    released = release(truth)
    beside, reading, total = (
        {basis: (then, now) for basis, then, now in zip(truth[name].filter(**key)["basis"], *(tables[name].filter(**key)["n_index"] for tables in (truth, released)), strict=True)}
        for name, key in ((name, {"measure": "on_treatment"} | key) for name, key in (
            ("compliance", {"stratum_value": "unresolved"}), ("sensitivity", {"reading": "unresolved_included"}),
            ("compliance", {"stratum": "all", "period_grain": "all"})))
    )
    assert beside == {"episode": (10, None), "order": (12, None)}
    assert total["order"][1] is not None
    assert reading["order"] == (total["order"][0] + 12, None)
    assert recovered(released, truth) == []


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(200))
def test_no_small_count_can_be_worked_out_of_many_deliveries(seed):
    dice = random.Random(f"many {seed}")
    assert attacked((dice.choice([*MADE, "story"]), int(20 * 60 ** dice.random()), seed)) == []


@pytest.mark.deep
def test_no_small_count_can_be_worked_out_of_a_large_delivery():
    assert attacked(("story", 1500, 4)) == []


def test_no_small_count_can_be_worked_out_of_what_was_published(audited):
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as con:
        truth = {name: con.sql(f"select * from out.{name} order by all").pl() for name in EXPORTED if name not in MADE_AT_RELEASE}
    released = {name: pl.read_parquet(audited / "exports" / f"{name}.parquet") for name in truth}
    assert recovered(released, truth) == []


@pytest.mark.parametrize("place", [("as_usual", 900, 0), ("few_strata", 60, 3), ("story", 200, 2)], ids=lambda place: place[0])
def test_masks_beside_the_measure_are_honest(place):
    released = release(delivery(*place))
    for name in BESIDE:
        for row in released[name].to_dicts():
            if name != "validity":
                assert not [column for column, value in row.items() if column[:2] in ("n_", "de") and value and (value % 10 or value < 20)], (name, row)
            shown = [row[column] for column in ("rate", "share", "settled_share") if column in row]
            assert row["suppressed"] or None not in shown or row.get("denominator") == 0 or name == "scenario_compliance"
    for row in released["secondary_measure"].to_dicts():
        if row["denominator"] is None:
            assert {row[column] for column in ("rate", "ci_low", "ci_high", "rate_band", "median_days", "q1_days", "q3_days", "msv_low", "msv_high")} == {None}


def test_what_is_hidden_elsewhere_is_hidden_beside_the_measure():
    """Of each denominator that repeats a count of another table, for deliveries in which that count is hidden."""
    hidden = set()
    for place in (("as_usual", 25, 3), ("as_usual", 300, 5), ("few_strata", 60, 3)):
        tables = release(delivery(*place))
        rows = {(row["measure"], row["part"]): row["denominator"] for row in tables["secondary_measure"].to_dicts()}
        totals = {(row["measure"], row["basis"]): row for row in tables["compliance"].filter(stratum="all", period_grain="all").to_dicts()}
        asked = {row["reason"]: row["n_orders"] for row in tables["attrition"].to_dicts()}
        for measure in ("post_completion", "on_treatment"):
            gone = {"S11": totals[measure, "order"]["n_not_appropriate"] is None}
            gone |= {name: totals[measure, basis]["n_index"] is None and totals[measure, basis]["rate"] is None for name, basis in (("S10", "episode"), ("S12", "order"))}
            hidden |= {name for name, is_gone in gone.items() if is_gone}
            assert [name for name, is_gone in gone.items() if is_gone and rows[name, measure]] == []
        for row in tables["scenario_compliance"].to_dicts():
            assert not row["n_index"] or row["scenario"] != "axilla" or asked["axilla"] is not None
    assert hidden == {"S10", "S11", "S12"}


def test_alarms_and_maturity_say_no_more_than_their_shares():
    tables = release(delivery("as_usual", 900, 0))
    watched = {(row["measure"], row["part"]): row for row in tables["secondary_measure"].to_dicts()}
    for row in tables["validity"].to_dicts():
        of = watched[{"laterality": "S9", "response_imaging": "S1"}[row["alarm"]], row["measure"]]
        assert row["n"] == of["denominator"]
        assert (row["is_alarm"] is None) == (of["rate"] is None)
        assert row["value"] is None or row["value"] == pytest.approx(1 - of["rate"] if row["alarm"] == "laterality" else of["rate"])
    few = release(delivery("few_strata", 120, 7))["maturity"].filter(period_grain="quarter")
    assert few["settled_share"].is_null().all()
    assert few["is_immature"].is_null().all()


# --- profiles and form -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["cms", "nhs", "none"])
def test_a_table_has_the_same_columns_whether_it_is_empty_or_not(profile):
    truth = delivery("as_usual", 300, 5)
    empty = ("edition_change", "radiation", "maturity", "label_basis", "unmapped_code", "quality_warning", "sensitivity")
    with_rows, without = (release(tables, profile) for tables in (truth, truth | {name: truth[name].clear() for name in empty}))
    for name in truth:
        assert with_rows[name].schema == without[name].schema, name
        assert without[name].is_empty() == (name in empty)


def test_the_nhs_profile_takes_its_own_limit_and_rounds_beside_the_measure_to_tens():
    truth = delivery("as_usual", 900, 0)
    released = release(truth, "nhs")
    shown = [value for name in attacker_beside.TABLES for column, kind in released[name].schema.items() if kind == pl.Int64 and column[:2] in ("n_", "de") for value in released[name][column].drop_nulls()]
    assert shown
    assert all(value % 10 == 0 and value != 10 for value in shown)
    eight = truth["staging_summary"].with_columns(n_cases=pl.lit(8, pl.Int64))
    assert release(truth | {"staging_summary": eight}, "nhs")["staging_summary"]["n_cases"].to_list() == [20] * eight.height
    assert release(truth | {"staging_summary": eight})["staging_summary"]["n_cases"].null_count() == eight.height


def test_the_profile_none_leaves_every_row_as_it_is_and_says_so():
    truth = delivery("as_usual", 300, 5)
    released = release(truth, "none")
    assert all("protected_zone_only" in table.columns and table["protected_zone_only"].all() for table in released.values())
    for name, table in truth.items():
        assert released[name].select(column for column in table.columns if column != "suppressed").equals(table.drop("suppressed", strict=False))


@pytest.mark.parametrize("profile", ["cms", "nhs"])
@pytest.mark.parametrize("place", [("as_usual", 300, 5), ("few_strata", 60, 3)], ids=lambda place: place[0])
def test_the_order_of_rows_changes_nothing(place, profile):
    truth = delivery(*place)
    shuffled = {name: table.sample(fraction=1, shuffle=True, seed=3) for name, table in truth.items()}
    for name, table in release(truth, profile).items():
        assert release(shuffled, profile)[name].write_csv() == table.write_csv(), name


@pytest.mark.parametrize("profile", ["cms", "nhs"])
def test_the_alarms_of_the_headline_say_what_the_headline_says(profile):
    """Under nhs the headline is rounded after the mask: its alarm may not show what it was before."""
    truth = delivery("few_strata", 900, 7)
    (row,) = truth["compliance"].filter(measure="post_completion", basis="episode", period_grain="all", stratum="all").to_dicts()
    alarm = {"alarm": "rate_low", "measure": "post_completion", "value": row["rate"], "threshold": 0.8, "n": row["n_index"], "is_alarm": False}
    more = pl.DataFrame([alarm | {"label": "low", "next_step": "look"}], schema=truth["validity"].select(*alarm, "label", "next_step").schema)
    released = release(truth | {"validity": pl.concat([truth["validity"], more.select(truth["validity"].columns)])}, profile)
    (headline,) = released["compliance"].filter(measure="post_completion", basis="episode", period_grain="all", stratum="all").to_dicts()
    (watching,) = released["validity"].filter(alarm="rate_low").to_dicts()
    assert headline["rate"] is not None
    assert (watching["value"], watching["n"]) == (headline["rate"], headline["n_index"])
    assert (watching["value"] == row["rate"]) == (profile == "cms")
    assert profile == "cms" or watching["n"] % 5 == 0
