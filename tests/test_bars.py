"""Bars and lanes beside figures: what is not shown has no length and no place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.page import bars

ROW = {"rate": 0.9375, "ci_low": 0.91, "ci_high": 0.96, "rate_band": None}
MASKED = ROW | dict.fromkeys(("rate", "ci_low", "ci_high"))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_lane_keeps_the_order_of_its_figures_and_stays_on_its_scale(one, two, three):
    low, rate, high = sorted((one, two, three))
    row = ROW | {"rate": rate, "ci_low": low, "ci_high": high}
    told = bars.with_lanes({"site": [row]})
    lane = told["strata"]["site"][0]["lane"]
    assert 0 <= lane["low"] <= lane["rate"] <= lane["high"] <= 100
    assert told["lane_floor"] <= 0.6


def test_a_lane_puts_a_rate_where_its_scale_says():
    assert bars.lane(ROW | {"rate": 0.8}, 0.6)["rate"] == 50
    assert bars.lane(ROW | {"rate": 1.0}, 0.6)["rate"] == 100


@pytest.mark.parametrize(("band", "place"), [("below_80", (0, 60)), ("80_to_90", (60, 20)), ("95_and_above", (90, 10))])
def test_a_band_takes_the_room_that_it_leaves_open(band, place):
    assert bars.lane(MASKED | {"rate_band": band}, 0.5)["band"] == pytest.approx(place)


def test_what_is_masked_has_no_lane():
    assert bars.lane(MASKED, 0.6) is None


def test_all_groups_share_one_scale():
    told = bars.with_lanes({"site": [ROW | {"ci_low": 0.31}], "sex": [ROW]})
    assert told["lane_floor"] == pytest.approx(0.3)
    assert told["strata"]["sex"][0]["lane"]["rate"] == pytest.approx(91.1)


def test_bars_are_as_long_as_their_counts_and_masked_ones_have_none():
    rows = bars.with_bars([{"n": 200}, {"n": None}, {"n": 50}, {"n": 0}], "n")
    assert [row["bar"] for row in rows] == [100, 0, 25, 0]
    assert bars.with_bars([], "n") == []
    assert bars.with_bars([{"n": None}], "n")[0]["bar"] == 0
