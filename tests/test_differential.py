"""The SQL and the oracle must agree on every label of random patients whose events fall where the rules bend.

The generator is the quality, not the number of patients: tests/mutants.csv proves that it would notice.
"""

import random

import differential
import pytest
import stories

CALENDAR = {"deid_mode": "limited_data_set"}
SETTINGS = {
    "as delivered": CALENDAR,
    "as_of given": CALENDAR | {"as_of": "2023-06-30"},
    "data begin late": CALENDAR | {"data_from": "2021-06-01"},
    "clock ordered": CALENDAR | {"parameters": {"clock": "ordered"}},
    "site in New York": CALENDAR | {"parameters": {"site_timezone": "America/New_York"}},
    "one edition for all": CALENDAR | {"edition_override": "2017"},
    "conditional surgery": CALENDAR | {"conditional_surgery": [("SNOMED", "392023007"), ("ICD10PCS", "0HBT3ZZ")]},
    "another window": CALENDAR | {"parameters": {"window_days": "56", "completion_lead_days": "21", "min_response_days": "14"}},
    "relative days": {"deid_mode": "relative_days"},
    "relative days after 2017": {"deid_mode": "relative_days", "all_orders_after_first_edition": True},
    "shifted dates": {"deid_mode": "shifted_dates"},
    "shifted dates after 2017": {"deid_mode": "shifted_dates", "all_orders_after_first_edition": True},
}
FORMS = {"relative_days": stories.relative, "shifted_dates": stories.shifted}


def delivery(seed, n_patients, settings):
    told = stories.random_delivery(random.Random(seed), n_patients, settings)
    return FORMS.get(settings["deid_mode"], lambda same: same)(told)


@pytest.mark.parametrize("name", SETTINGS)
def test_sql_and_oracle_agree(name):
    settings = SETTINGS[name]
    assert differential.differences(delivery(f"few {name}", 250, settings), settings) == []


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", SETTINGS)
def test_sql_and_oracle_agree_on_many(name, seed):
    """12 settings × 10 seeds × 250 patients: 30,000 in all."""
    settings = SETTINGS[name]
    assert differential.differences(delivery(f"many {name} {seed}", 250, settings), settings) == []
