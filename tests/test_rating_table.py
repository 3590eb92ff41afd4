"""No rating without a proof: each row of rules/rating.csv is exercised by a vignette, or it is said why none can."""

import pytest
import rating_table

RATED = rating_table.ratings()
UNROUTED = rating_table.unrouted()
EXERCISED = rating_table.exercised(RATED)
LABEL = {"edition": "2017", "procedure": "us_axilla", "reroute_variant": "4", "reroute_rating": "usually_appropriate"}


def test_both_editions_are_there_in_full():
    assert len(RATED) == 97


def test_every_rating_is_exercised_or_said_to_be_unrouted():
    missing = sorted(RATED.keys() - EXERCISED.keys() - UNROUTED.keys())
    assert not missing, f"no vignette of 09_ratings.yaml expects these in full, and unrouted.csv does not list them: {missing}"


def test_no_unrouted_rating_is_exercised():
    routed = {key: EXERCISED[key] for key in UNROUTED if key in EXERCISED}
    assert not routed, f"an order is led there after all, take them out of unrouted.csv: {routed}"


def test_unrouted_ratings_exist_and_say_why():
    assert not UNROUTED.keys() - RATED.keys(), "unrouted.csv lists what no edition rates"
    assert all(UNROUTED.values())


def test_the_page_is_up_to_date():
    written = rating_table.PAGE.read_text(encoding="utf-8")
    assert written == rating_table.page(), "write it anew: .venv/bin/python tests/rating_table.py > docs/ratings.md"


def test_a_label_exercises_the_row_that_its_alias_names():
    assert list(rating_table.answered(LABEL, RATED)) == [("2017", "4", "us_breast")]


@pytest.mark.parametrize("change", [{"reroute_rating": "may_be_appropriate"}, {"reroute_rating": None}, {"edition": "any"}])
def test_a_label_that_states_no_such_rating_exercises_nothing(change):
    assert not list(rating_table.answered({**LABEL, **change}, RATED))
