"""The random patients reach every bend of the SPEC: otherwise agreement on them proves little."""

import csv
import random
from pathlib import Path

import pytest
import stories
from oracle import audit, load_rules
from oracle_cases import NOT_CASE_REASONS

RULES = load_rules(Path(__file__).resolve().parent.parent / "rules")
# Numbers that a label turns on: moving one by a day must move some patient.
BENDS = [
    "metachronous_days", "workup_days", "therapy_grace_days", "continuation_days",
    "therapy_start_max_days", "course_gap_days", "oral_gap_days", "max_course_days",
    "metastasis_grace_days", "min_doses", "min_course_days", "min_endocrine_days",
    "surgery_max_days", "lookback_days", "baseline_days", "min_response_days",
    "completion_lead_days", "window_days", "preop_days", "evidence_days", "adult_age",
    "oral_supply_days",
]
PER_MEASURE = [
    (measure, verdict) for measure in ("post_completion", "on_treatment")
    for verdict in ("compliant", "mixed", "non_compliant", "unrated", "indeterminate")
]


@pytest.fixture(scope="module")
def delivery():
    return stories.random_delivery(random.Random(20), 1500)


@pytest.fixture(scope="module")
def result(delivery):
    return audit(delivery, RULES, stories.SETTINGS)


def values(rows, column):
    return {row[column] for row in rows}


def test_every_phase_occurs(result):
    phases = values(RULES["phase"], "phase")
    assert values(result["order_label"], "phase") == phases


def test_every_router_reason_occurs(result):
    reasons = {reason for row in RULES["router"] for reason in row["reason"].split(";") if reason}
    beyond = {"unmapped_code", "no_edition_in_force", "contrast_unspecified", "not_rated_in_variant"}
    assert values(result["order_label"], "reason") == reasons | beyond | {None}
    assert values(result["order_label"], "router_row") == set(range(1, 16))


def test_every_status_occurs(result):
    assert values(result["order_label"], "status") == values(
        (row for row in RULES["vocabulary"] if row["vocabulary"] == "order_status"), "word"
    )


def test_every_reason_against_a_case_occurs(result):
    reasons = {rule.__name__ for rule in NOT_CASE_REASONS}
    assert values(result["neoadjuvant_case"], "not_case_reason") == reasons | {None}


def test_every_tier_and_class_occurs(result):
    cases = [row for row in result["neoadjuvant_case"] if row["is_case"]]
    assert values(cases, "intent_tier") == {"explicit", "inferred", "unresolved", "presumptive"}
    assert values(cases, "therapy_class") == {
        "chemotherapy", "targeted", "immunotherapy", "unspecified", "endocrine"}
    assert values(cases, "surgery_source") == {"procedures", "orders", "diagnoses", None}


@pytest.mark.parametrize(("measure", "verdict"), PER_MEASURE)
def test_every_verdict_occurs(result, measure, verdict):
    # may_be cannot occur: variant 2 has no such row.
    found = {(row["measure"], row["verdict"]) for row in result["episode"]}
    assert (measure, verdict) in found


def test_every_rerouted_variant_occurs(result):
    found = {(row["edition"], row["reroute_variant"]) for row in result["order_label"]}
    wanted = {("2017", variant) for variant in "1345"} | {("2022", variant) for variant in "1345678"}
    assert wanted <= found


def test_every_order_is_counted_once(result, delivery):
    funnel = dict(result["attrition"])
    assert funnel.pop("input") == len(delivery["orders"]) == sum(funnel.values())


@pytest.mark.parametrize("name", BENDS)
def test_one_day_more_moves_somebody(name, result, delivery):
    parameters = dict(stories.SETTINGS["parameters"])
    usual = {row["name"]: row["value"] for row in RULES["parameter"]}[name]
    settings = {**stories.SETTINGS, "parameters": {**parameters, name: str(int(usual) + 1)}}
    moved = audit(delivery, RULES, settings)
    tables = ("neoadjuvant_case", "order_label")
    assert any(moved[table] != result[table] for table in tables)


def test_without_a_calendar_the_edition_is_unknown_or_any(delivery):
    settings = {**stories.SETTINGS, "deid_mode": "relative_days"}
    labels = audit(stories.relative(delivery), RULES, settings)["order_label"]
    assert values(labels, "edition") == {None, "any"}
    settings["all_orders_after_first_edition"] = True
    labels = audit(stories.relative(delivery), RULES, settings)["order_label"]
    assert {row["status"] for row in labels if row["edition"] == "any"} >= {"rated", "unrated"}


def test_near_a_change_shifted_dates_leave_the_edition_open(delivery):
    settings = {**stories.SETTINGS, "deid_mode": "shifted_dates"}
    labels = audit(stories.shifted(delivery), RULES, settings)["order_label"]
    assert values(labels, "edition") == {None, "any", "2017", "2022"}
    assert "edition_unknown" in values(labels, "reason")


def test_the_same_seed_tells_the_same_stories():
    one, other = (stories.random_delivery(random.Random(3), 20) for _ in range(2))
    assert one == other


def test_written_files_hold_the_same_rows(tmp_path):
    delivery = stories.random_delivery(random.Random(4), 20)
    stories.write(delivery, tmp_path)
    read = {}
    for name in delivery:
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            read[name] = list(csv.DictReader(file))
    assert audit(read, RULES, stories.SETTINGS) == audit(delivery, RULES, stories.SETTINGS)
