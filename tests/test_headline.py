"""The headline in words: what the published tables say, and not a digit more."""

import json
import re

import polars as pl
import pytest

from flows.headline import HEADLINE, headline, headline_row

ROW = {
    **HEADLINE,
    "n_index": 429,
    "n_appropriate": 378,
    "n_mixed": 5,
    "n_may_be": 0,
    "n_not_appropriate": 20,
    "n_unrated": 20,
    "n_indeterminate": 6,
    "rate": 378 / 403,
    "ci_low": 0.9100,
    "ci_high": 0.9576,
    "bound_low": 378 / 429,
    "bound_high": 404 / 429,
    "is_withheld": False,
    "suppressed": False,
    "rate_band": None,
}
NOTHING = dict.fromkeys(["rate", "ci_low", "ci_high", "bound_low", "bound_high"])
OPERATED = {"operated_with_response_order": 300, "operated_without_response_order": 94}


@pytest.fixture
def said(tmp_path):
    def say(row, cases=OPERATED, source="delivery", also=()):
        (tmp_path / "exports").mkdir()
        (tmp_path / "current").mkdir()
        rows = [ROW | {"basis": "order", "rate": 0.5}] + ([ROW | row] if row is not None else []) + [*also]
        pl.DataFrame(rows).write_parquet(tmp_path / "exports" / "compliance.parquet")
        steps = [{"reason": reason, "n_cases": count} for reason, count in cases.items()]
        pl.DataFrame(steps).write_parquet(tmp_path / "exports" / "case_attrition.parquet")
        (tmp_path / "current" / "manifest.json").write_text(json.dumps({"source": source}))
        return headline(tmp_path)

    return say


def test_the_rate_comes_with_interval_bounds_and_counts(said):
    assert said({}) == (
        "First imaging orders after neoadjuvant therapy, episodes: 93.8 % usually appropriate "
        "(95 % CI 91.0–95.8; bounds 88.1–94.2; 378 of 403 rated; 26 more unrated or indeterminate)."
    )


def test_masked_parts_take_nothing_from_a_published_rate(said):
    masked = {"n_mixed": None, "n_not_appropriate": None, "n_unrated": None, "n_indeterminate": None}
    assert "378 of 403 rated; 26 more" in said(masked)


def test_a_rounded_row_is_said_to_be_rounded(said):
    told = said({"is_rounded": True, "n_index": 430, "rate": 0.94, "ci_low": 0.91, "ci_high": 0.96} | dict.fromkeys(["n_appropriate", "bound_low", "bound_high"]))
    assert "about 94 % usually appropriate (95 % CI 91–96; about 430 in all; rounded, because few came" in told
    assert "hidden" not in told
    assert "94.0" not in told


def test_hidden_bounds_are_called_hidden(said):
    assert "bounds hidden" in said({"bound_low": None, "bound_high": None})


def test_a_withheld_rate_says_why(said):
    text = said(NOTHING | {"is_withheld": True})
    assert "withheld" in text
    assert "unmapped codes" in text
    assert "%" not in text


def test_a_masked_rate_shows_its_band_alone(said):
    text = said(NOTHING | {"rate_band": "90_to_95", "n_appropriate": None})
    assert "90 to 95 % usually appropriate (429 in all" in text
    assert "378" not in text


def test_a_masked_rate_without_a_band_shows_nothing(said):
    assert "the rate is hidden" in said(NOTHING | {"n_appropriate": None})


def test_too_few_orders_are_not_counted_aloud(said):
    text = said(NOTHING | {"n_index": None, "n_appropriate": None})
    assert not re.search(r"\d", text)


@pytest.mark.parametrize("row", [None, NOTHING | {"n_index": 0, "n_appropriate": 0}])
def test_no_order_at_all_is_said_exactly(said, row):
    cases = {"operated_with_response_order": 0, "operated_without_response_order": 94}
    assert (
        said(row, cases)
        == "94 neoadjuvant cases operated, 0 response imaging orders captured: there is nothing to rate."
    )


def test_orders_during_therapy_are_not_denied(said):
    during = ROW | {"measure": "on_treatment", "n_index": 31}
    assert said(None, also=[during]).endswith(
        "0 response imaging orders after therapy captured (31 episodes during therapy)."
    )


def test_few_cases_are_not_counted_aloud_either(said):
    assert said(None, {"operated_without_response_order": None}).startswith(
        "hidden neoadjuvant cases operated, 0 response"
    )


@pytest.mark.parametrize(
    ("source", "start"), [("demo (synthetic)", "SYNTHETIC DATA"), ("synthea", "SYNTHETIC DATA"), ("delivery", "First")]
)
def test_made_up_data_are_called_so_first(said, source, start):
    assert said({}, source=source).startswith(start)


def test_the_headline_is_the_episode_basis():
    assert headline_row(pl.DataFrame([ROW | {"basis": "order"}, ROW]))["basis"] == "episode"
    assert headline_row(pl.DataFrame([ROW | {"basis": "order"}])) is None
