"""Every order can be asked what became of it, and the answer names the rows that it rests on."""

import json
import re
from datetime import date

import duckdb
import pipeline
import pytest
import yaml
from tables import read_table
from tiny import audited

from flows import ROOT
from flows.answers.explain import explain, tell
from flows.errors import NotFoundError

DELIVERY = ROOT / "tests" / "gate" / "delivery.yaml"
DELIVERED = set(re.findall(r"^ +(o\d\w*) +\|", DELIVERY.read_text(encoding="utf-8"), flags=re.MULTILINE))


@pytest.fixture(scope="module")
def con():
    con = audited(DELIVERY)
    yield con
    con.close()


def chapters(text):
    """The paragraphs of the story by their title, each on one line."""
    found = re.findall(r"^(\S.{14}\S?|\S+) (.*(?:\n .*)*)", text, flags=re.MULTILINE)
    return {title.strip(): " ".join(words.split()) for title, words in found}


def outcomes(con, order_id):
    return {trial["row"]: trial["outcome"] for trial in tell(con, order_id)["router_trial"]}


def test_a_rated_order_names_its_whole_chain(con):
    told = chapters(explain(con, "o61"))
    assert told["Order"].startswith("o61: CPT 78815")
    assert "rated usually not appropriate index order 1 of measure post_completion" in told["Label"]
    assert "p6#1, left, diagnosed 2024-01-15 (diagnosis d6) a neoadjuvant case" in told["Cancer"]
    assert "first dose 2024-02-01 (t6a) last dose 2024-04-01 (t6b)" in told["Course"]
    assert "agents: docetaxel intent inferred" in told["Course"]
    assert told["Surgery"] == "2024-06-15 (s6, from procedures)"
    assert told["Phase"].startswith("post_completion, by the clock of 2024-05-10")
    assert "edition 2022, variant 2" in told["Rating"]
    assert told["Radiation"] == "level 4, 10-30 mSv for a standard adult"
    assert "US of the breast" in told["Alternative"]
    assert told["Alternative"].endswith("level 0, 0 mSv: 4 level(s) less")
    assert "suspected_metastasis" in told["Counterfactual"]
    assert told["Exception"] == "patient_choice"
    assert told["Evidence"] == "cancer:d6 first_dose:t6a last_dose:t6b surgery:s6"
    assert told["Dates"] == "true calendar days"


def test_the_router_stops_at_the_first_row_that_holds(con):
    assert outcomes(con, "o11")[15] == "held"
    tried = outcomes(con, "o04")
    assert tried[8] == "held"
    assert {tried[row] for row in range(1, 8)} == {"did not hold"}
    assert {tried[row] for row in range(9, 16)} == {"not reached"}


def test_a_side_that_nobody_states_is_not_known_to_be_the_other_one(con):
    assert outcomes(con, "o61")[13] == "not known"


def test_a_rerouted_order_says_that_it_asks_another_question(con):
    told = chapters(explain(con, "o04"))
    assert "rerouted, progression in no measure question asked: clinical worsening" in told["Label"]
    assert told["Other question"].startswith("not rated: no_matching_variant one of the first orders of the case")
    assert "Rating" not in told


def test_a_baseline_order_shows_the_rating_of_its_own_variant(con):
    assert "usually appropriate in variant 1" in chapters(explain(con, "o01"))["Other question"]


def test_the_lines_of_an_exam_are_shown_with_the_one_that_speaks(con):
    told = chapters(explain(con, "o12"))
    assert "excluded, collapsed" in told["Label"]
    assert told["Exam"] == "o11: CPT 76642, US of the breast, left, speaks for the exam o12: CPT 76642, US of the breast, right"
    assert "exam:o11" in told["Evidence"]


def test_a_later_order_says_that_another_came_first(con):
    assert "a later order of measure post_completion: another came first" in chapters(explain(con, "o14"))["Label"]


def test_an_unmapped_code_is_a_code_that_may_hide_an_exam(con):
    told = chapters(explain(con, "o62"))
    assert "LOCAL X17, a code that may hide a breast exam" in told["Order"]
    assert told["Label"].startswith("unrated, unmapped_code")


@pytest.mark.parametrize(
    ("order_id", "where_it_left"),
    [
        ("o71", "cancer without systemic therapy in time (orders.csv, line 17)"),
        ("o72", "before the work-up of the first cancer (orders.csv, line 18)"),
        ("o81", "patient without an invasive breast cancer (orders.csv, line 19)"),
        ("o82", "not an imaging order line (orders.csv, line 20) exact copy of another row (orders.csv, line 21)"),
        ("o91", "row in quarantine (orders.csv, line 22, ordered_on: unreadable_date, status: unknown_word)"),
    ],
)
def test_an_order_without_a_label_says_where_it_left(con, order_id, where_it_left):
    told = chapters(explain(con, order_id))
    assert told["No label"] == where_it_left
    assert not {"Label", "Router", "Rating"} & set(told)


def test_an_order_outside_the_cancer_says_so(con):
    assert "the order does not belong to it" in chapters(explain(con, "o72"))["Cancer"]
    assert chapters(explain(con, "o81"))["Cancer"] == "the patient has no diagnosis of invasive breast cancer"


def test_a_row_that_could_not_be_read_shows_no_value(con):
    text = explain(con, "o91") + explain(con, "o91", as_json=True)
    assert "soon" not in text
    assert "underway" not in text


def test_an_unknown_id_is_not_found_and_not_repeated(con):
    with pytest.raises(NotFoundError) as caught:
        explain(con, "o-nowhere")
    assert caught.value.exit_code == 11
    assert "o-nowhere" not in str(caught.value)


def test_json_tells_the_same_story(con):
    story = json.loads(explain(con, "o61", as_json=True))
    assert story["label"][0]["rating"] == "usually_not_appropriate"
    assert [trial["row"] for trial in story["router_trial"]] == list(range(1, 16))
    assert story["course_event"][0]["row_id"] == "t6a"


def test_every_order_of_the_delivery_has_a_story(con):
    labelled = {order_id for (order_id,) in con.execute("select order_id from out.order_label").fetchall()}
    for order_id in DELIVERED:
        told = chapters(explain(con, order_id))
        assert ("Label" in told) == (order_id in labelled)
        assert ("No label" in told) != (order_id in labelled)


def test_the_fate_told_is_the_one_counted_in_the_funnel(con):
    funnel = "select reason, n_orders from out.attrition where kind <> 'input' and n_orders > 0"
    counted = dict(con.execute(funnel).fetchall())
    told = {}
    (n_others,) = con.execute("select count(*) from raw.other_order").fetchone()
    assert n_others, "some order is counted and not kept"
    for order_id in DELIVERED:
        for fate in tell(con, order_id)["fate"]:
            told[fate["reason"]] = told.get(fate["reason"], 0) + 1
    assert told == counted


def drawn_with(extract, row_id, **values):
    """The delivery with other values in one row."""
    drawn = {name: read_table(text) for name, text in yaml.safe_load(DELIVERY.read_text(encoding="utf-8")).items()}
    key = {"orders": "order_id", "therapies": "therapy_id"}[extract]
    drawn[extract] = [row | values if row[key] == row_id else row for row in drawn[extract]]
    return pipeline.audit(drawn)


@pytest.mark.parametrize(
    ("intent", "said"),
    [
        ("neoadjuvant", "intent explicit, stated neoadjuvant by t6a"),
        ("adjuvant", "intent inferred, stated adjuvant by t6a intent in conflict: adjuvant is stated, and surgery followed"),
        ("palliative", "intent inferred, stated palliative by t6a"),
    ],
)
def test_the_word_that_states_the_intent_is_told_and_a_conflict_is_called_one(intent, said):
    con = drawn_with("therapies", "t6a", intent=intent)
    told = chapters(explain(con, "o61"))
    assert told["Course"].endswith(said)
    if intent == "palliative":
        assert told["Cancer"].endswith("not a neoadjuvant case: other_intent")
    con.close()


def test_an_order_without_a_status_was_not_cancelled():
    con = drawn_with("orders", "o61", status=None)
    assert outcomes(con, "o61")[1] == "did not hold"
    assert outcomes(con, "o61")[15] == "held"
    con.close()


def test_an_order_that_came_again_says_which_rows_stand_no_more():
    """o61 came in May under another code, was corrected in June and sent once more in July, padded."""
    drawn = {extract: [row | {"delivery": "2024-06"} for row in read_table(text)] for extract, text in yaml.safe_load(DELIVERY.read_text(encoding="utf-8")).items()}
    (order,) = (row for row in drawn["orders"] if row["order_id"] == "o61")
    drawn["orders"] += [order | {"delivery": "2024-05", "code": "77066"}, order | {"delivery": "2024-07", "order_id": " o61 "}]
    con = pipeline.audit(drawn)
    told = chapters(explain(con, "o61"))
    assert "read from 2024-07/orders.csv" in told["Order"]
    assert re.sub(r"line \d+", "line N", told["Superseded"]) == (
        "2024-05/orders.csv, line N: came in delivery 2024-05, superseded by delivery 2024-07 "
        "2024-06/orders.csv, line N: came in delivery 2024-06, superseded by delivery 2024-07"
    )
    assert "Superseded" not in chapters(explain(con, "o62"))
    assert [row["superseded_by"] for row in json.loads(explain(con, "o61", as_json=True))["superseded_row"]] == ["2024-07"] * 2
    con.close()


def test_a_published_database_is_only_read(con, tmp_path):
    con.execute(f"attach '{tmp_path / 'audit.duckdb'}' as published")
    con.execute("copy from database memory to published")
    con.execute("detach published")
    with duckdb.connect(tmp_path / "audit.duckdb", read_only=True) as published:
        assert explain(published, "o61") == explain(con, "o61")


def test_shifted_dates_are_said_to_be_shifted():
    con = audited(DELIVERY, deid_mode="shifted_dates")
    assert "intervals are true" in chapters(explain(con, "o61"))["Dates"]


def test_where_nobody_knows_the_edition_each_says_its_verdict(tmp_path):
    counted_in_days = re.sub(
        r"\d{4}-\d\d-\d\d", lambda day: str(days_since(day[0])), DELIVERY.read_text(encoding="utf-8")
    )
    (tmp_path / "delivery.yaml").write_text(counted_in_days)
    told = chapters(explain(audited(tmp_path / "delivery.yaml", deid_mode="relative_days"), "o61"))
    assert told["Label"].startswith("unrated, edition_unknown")
    assert "none yet, no edition in force 2017, usually not appropriate 2022, usually" in told["Editions"]
    assert "2000-01-01 stands for day 0" in told["Dates"]


def test_an_order_older_than_the_current_edition_says_what_that_would_say(tmp_path):
    """The same story seven years earlier: no edition was in force for the older order, one is now."""
    earlier = re.sub(r"\b2024-", "2017-", DELIVERY.read_text(encoding="utf-8"))
    (tmp_path / "delivery.yaml").write_text(earlier)
    told = chapters(explain(audited(tmp_path / "delivery.yaml"), "o61"))
    assert told["Label"].startswith("unrated, no_edition_in_force")
    assert told["Today"] == "the current edition, 2022, would say: usually not appropriate"


def test_where_both_editions_agree_nothing_is_said_of_today(con):
    assert "Today" not in chapters(explain(con, "o61"))


def test_a_program_reads_the_same_chapters(con):
    story = json.loads(explain(con, "o61", as_json=True))
    (label,) = story["label"]
    assert (label["rating"], label["rating_current_edition"]) == ("usually_not_appropriate",) * 2
    assert (label["radiation_msv_low"], label["radiation_msv_high"], label["alternative_msv_high"]) == (10, 30, 0)
    assert [row["edition"] for row in story["verdict"] if row["is_current"]] == ["2022"]


def days_since(day, origin=date(2024, 1, 15)):
    return (date.fromisoformat(day) - origin).days
