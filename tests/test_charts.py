"""Geometry of the charts: figures become positions, and what is not shown is not drawn."""

from datetime import date

import pytest

from flows import charts

ROW = {"rate": 0.9375, "ci_low": 0.91, "ci_high": 0.96, "bound_low": 0.88, "bound_high": 0.94, "n_index": 426, "n_appropriate": 375, "rate_band": None}
MASKED = ROW | dict.fromkeys(("rate", "ci_low", "ci_high", "bound_low", "bound_high", "n_appropriate"))
MONTHS = {"Q1": 1, "Q2": 4, "Q3": 7, "Q4": 10}


def quarter(text, row=ROW):
    year, name = text.split()
    return row | {"period_grain": "quarter", "period_start": date(int(year), MONTHS[name], 1)}


def year(number, row=ROW):
    return row | {"period_grain": "year", "period_start": date(number, 1, 1)}


@pytest.mark.parametrize("rate", [0.02, 0.45, 0.8, 0.95, 1.0])
def test_the_strip_stays_on_its_scale_and_in_order(rate):
    shares = {"bound_low": 0.9 * rate, "ci_low": 0.95 * rate, "rate": rate, "ci_high": min(1, 1.02 * rate), "bound_high": 1.0}
    strip = charts.strip(ROW | shares)
    positions = [strip[name] for name in shares]
    assert positions == sorted(positions)
    assert all(20 <= x <= 620 for x in positions)
    assert strip["bound_high"] == 620
    assert [tick["label"] for tick in strip["ticks"]][-1] == "100"


def test_the_strip_puts_a_rate_where_its_scale_says():
    strip = charts.strip(ROW | {"rate": 0.8})
    assert [tick["label"] for tick in strip["ticks"]] == ["60", "70", "80", "90", "100"]
    assert strip["rate"] == strip["ticks"][2]["x"] == 320


def test_no_rate_no_strip():
    assert charts.strip(MASKED) is None


def test_hidden_bounds_are_not_drawn():
    strip = charts.strip(ROW | {"bound_low": None, "bound_high": None})
    assert strip["bound_low"] is None
    assert strip["rate"] is not None


def test_a_scale_never_starts_above_60_percent():
    assert charts.floor_of([0.97, 0.99]) == 0.6
    assert charts.floor_of([0.97, 0.43]) == 0.4
    assert charts.floor_of([]) == 0.6


def test_a_gap_is_never_bridged():
    periods = [quarter("2024 Q1"), quarter("2024 Q2"), quarter("2024 Q3", MASKED), quarter("2024 Q4"), quarter("2025 Q1")]
    trend = charts.trend(periods)
    assert [(one["quarter"], two["quarter"]) for one, two in trend["lines"]] == [("Q1", "Q2"), ("Q4", "Q1")]
    assert [point["is_shown"] for point in trend["points"]] == [True, True, False, True, True]
    assert not any(point["is_empty"] for point in trend["points"])


def test_quarters_that_are_not_in_the_table_keep_their_place():
    trend = charts.trend([quarter("2023 Q3"), quarter("2024 Q2")])
    assert [(point["year"], point["quarter"]) for point in trend["points"]] == [(2023, "Q3"), (2023, "Q4"), (2024, "Q1"), (2024, "Q2")]
    assert [point["is_empty"] for point in trend["points"]] == [False, True, True, False]
    assert trend["lines"] == []
    distances = {round(two["x"] - one["x"]) for one, two in zip(trend["points"], trend["points"][1:], strict=False)}
    assert distances == {160}


def test_empty_periods_at_the_ends_are_left_out_and_masked_ones_are_not():
    empty = MASKED | {"n_index": 0}
    periods = [year(2017, empty), year(2022, MASKED), year(2023), year(2024, MASKED | {"n_index": None}), year(2025, empty)]
    assert [point["year"] for point in charts.trend(periods)["points"]] == [2022, 2023, 2024]
    assert charts.trend([year(2024, empty)]) is None
    assert charts.trend([]) is None


def test_points_stay_inside_the_frame_with_their_whiskers():
    trend = charts.trend([quarter("2024 Q1", ROW | {"rate": 1.0, "ci_low": 0.34, "ci_high": 1.0}), quarter("2024 Q2")])
    for point in trend["points"]:
        assert trend["left"] < point["x"] < trend["right"]
        assert charts.TOP <= point["high"] <= point["y"] <= point["low"] <= trend["bottom"]
    assert trend["points"][0]["y"] == charts.TOP == trend["grid"][-1]["y"]


def test_a_band_stands_for_a_masked_rate_and_covers_just_its_range():
    trend = charts.trend([year(2024, MASKED | {"rate_band": "80_to_90"}), year(2025)])
    grid = {line["label"]: line["y"] for line in trend["grid"]}
    band = trend["points"][0]["band"]
    assert band["y"] == grid["90 %"]
    assert band["y"] + band["height"] == pytest.approx(grid["80 %"])
    assert (trend["has_bands"], trend["has_rates"]) == (True, True)
    assert trend["points"][1]["band"] is None


def test_the_lowest_band_fits_on_the_scale():
    trend = charts.trend([year(2024, MASKED | {"rate_band": "below_80"})])
    band = trend["points"][0]["band"]
    assert band["y"] + band["height"] <= trend["bottom"]
    assert not trend["has_rates"]


def test_an_immature_period_is_marked_where_something_is_drawn():
    trend = charts.trend([year(2023), year(2024, ROW | {"is_immature": True})])
    assert [point["is_immature"] for point in trend["points"]] == [False, True]
    assert trend["has_immature"]
    assert not charts.trend([year(2023), year(2024, MASKED | {"is_immature": True})])["has_immature"]
    assert not charts.trend([year(2023)])["has_immature"]


def test_bars_are_in_proportion_and_a_masked_count_has_none():
    rows = charts.with_bars([{"n": 200}, {"n": 50}, {"n": None}, {"n": 0}], "n")
    assert [row["bar"] for row in rows] == [100, 25, 0, 0]
    assert charts.with_bars([{"n": None}], "n") == [{"n": None, "bar": 0}]


def test_the_smallest_change_is_that_of_the_textbook():
    # 375 of 400: (1.95996 + 0.84162) × √(2 × 0.9375 × 0.0625 / 400) = 2.80158 × 0.0171163
    assert charts.smallest_change(ROW) == pytest.approx(4.7953, abs=0.0002)


def test_the_smallest_change_is_never_below_one_case():
    assert charts.smallest_change(ROW | {"rate": 1.0, "n_appropriate": 50}) == pytest.approx(2.0)


def test_no_rate_no_smallest_change():
    assert charts.smallest_change(MASKED) is None
    assert charts.smallest_change_between([quarter("2024 Q1", MASKED)]) is None


def test_the_smallest_change_between_periods_is_that_of_their_usual_size():
    periods = [quarter(f"2024 Q{number}", ROW | {"rate": 0.9, "n_appropriate": 9 * size}) for number, size in ((1, 1), (2, 10), (3, 100))]
    told = charts.smallest_change_between([*periods, quarter("2024 Q4", MASKED)])
    assert told["n"] == 100
    assert told["points"] == pytest.approx(2.80158 * (2 * 0.9 * 0.1 / 100) ** 0.5 * 100, abs=0.001)
