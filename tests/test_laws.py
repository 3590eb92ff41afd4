"""What must hold on any delivery, whatever the labels are."""

import random

import pipeline
import pytest
import stories

PARTS = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated", "n_indeterminate")


@pytest.fixture(scope="module")
def told():
    return stories.random_delivery(random.Random("laws"), 400)


@pytest.fixture(scope="module")
def con(told):
    return pipeline.audit(told, as_of="2026-06-30")


def table(con, name):
    """The rows of a table in an order that does not depend on how they were read."""
    return sorted(map(str, pipeline.rows(con, name)))


def results(con):
    names = ("neoadjuvant_case", "order_label", "episode", "compliance", "attrition", "case_attrition", "sensitivity")
    return {name: table(con, f"out.{name}") for name in names}


def test_every_order_row_is_counted_once(con, told):
    rows = pipeline.rows(con, "out.attrition")
    (given,) = [row["n_orders"] for row in rows if row["kind"] == "input"]
    assert given == len(told["orders"])
    assert given == sum(row["n_orders"] for row in rows if row["kind"] != "input")


def test_every_word_of_the_funnel_has_a_step(con):
    steps = {row["reason"] for row in pipeline.rows(con, "out.attrition")}
    assert {reason for (reason,) in con.execute("select distinct reason from core.line_fate").fetchall()} <= steps


def test_every_cancer_is_counted_once(con):
    rows = {row["reason"]: row for row in pipeline.rows(con, "out.case_attrition")}
    assert rows["cancers"]["n_cases"] == sum(row["n_cases"] for row in rows.values() if row["kind"] != "input")
    assert rows["persons"]["n_patients"] == rows["no_invasive_cancer"]["n_patients"] + rows["cancers"]["n_patients"]


def test_outcomes_add_up_to_the_denominator(con):
    for row in pipeline.rows(con, "out.compliance"):
        assert row["n_index"] == sum(row[part] for part in PARTS)


def test_a_rate_lies_in_its_interval_and_between_its_bounds(con):
    for row in pipeline.rows(con, "out.compliance"):
        if row["rate"] is not None:
            assert 0 <= row["ci_low"] <= row["rate"] <= row["ci_high"] <= 1
            assert row["bound_low"] <= row["rate"] <= row["bound_high"] or row["n_index"] == 0


def test_strata_add_up_to_the_whole(con):
    rows = pipeline.rows(con, "out.compliance")
    for stratum in {row["stratum"] for row in rows} - {"all"}:
        for measure in ("post_completion", "on_treatment"):
            for basis in ("order", "episode"):
                mine = [row for row in rows if (row["measure"], row["basis"]) == (measure, basis)]
                (whole,) = [row for row in mine if row["stratum"] == "all" and row["period_grain"] == "all"]
                split = [row for row in mine if row["stratum"] == stratum and row["stratum_value"] != "unresolved"]
                assert sum(row["n_index"] for row in split) == whole["n_index"]
                assert sum(row["n_excluded"] for row in split) == whole["n_excluded"]


def test_periods_add_up_to_the_whole(con):
    rows = [row for row in pipeline.rows(con, "out.compliance") if row["stratum"] == "all"]
    for grain in ("year", "quarter", "month"):
        by_grain = sum(row["n_index"] for row in rows if row["period_grain"] == grain)
        assert by_grain == sum(row["n_index"] for row in rows if row["period_grain"] == "all")


def test_the_order_of_rows_changes_nothing(con, told):
    mixed = {extract: random.Random(1).sample(rows, len(rows)) for extract, rows in told.items()}
    assert results(pipeline.audit(mixed, as_of="2026-06-30")) == results(con)


def test_running_twice_equals_running_once(con, told):
    assert results(pipeline.audit(told, as_of="2026-06-30")) == results(con)


def test_an_unrelated_patient_changes_no_label(con, told):
    stranger = stories.random_delivery(random.Random("stranger"), 30)
    renamed = {extract: [foreign(row) for row in rows] for extract, rows in stranger.items() if extract != "code_map"}
    both = {extract: rows + renamed.get(extract, []) for extract, rows in told.items()}
    before = pipeline.rows(con, "out.order_label")
    after = [row for row in pipeline.rows(pipeline.audit(both, as_of="2026-06-30"), "out.order_label") if "zz" not in row["patient_id"]]
    assert sorted(map(str, before)) == sorted(map(str, after))


def foreign(row):
    ids = ("patient_id", "order_id", "diagnosis_id", "therapy_id", "procedure_id", "finding_id")
    return row | {name: f"zz{row[name]}" for name in ids if row.get(name)}


def test_an_order_after_the_index_day_changes_no_earlier_label(con, told):
    """What is ordered later is a later order: the label of the first stays what it was."""
    labels = pipeline.rows(con, "out.order_label")
    index = [row for row in labels if row["is_first"] and row["measure"] == "post_completion"]
    assert len(index) > 20
    later = [
        {
            "order_id": f"later-{row['order_id']}", "patient_id": row["patient_id"], "code_system": "CPT",
            "code": "77049", "order_type": "imaging", "ordered_on": str(row["clock_on"].replace(year=row["clock_on"].year + 1)),
        }
        for row in index
        if (row["clock_on"].month, row["clock_on"].day) != (2, 29)
    ]
    after = pipeline.rows(pipeline.audit(told | {"orders": told["orders"] + later}, as_of="2026-06-30"), "out.order_label")
    mine = {row["order_id"]: str(row) for row in after}
    assert [row["order_id"] for row in labels if mine[row["order_id"]] != str(row)] == []


def test_the_edition_of_a_label_is_the_one_in_force_on_the_day_of_the_order(con):
    for row in pipeline.rows(con, "out.order_label"):
        if row["status"] == "rated":
            assert row["edition"] == ("2017" if str(row["ordered_on"]) < "2023-01-01" else "2022")
