"""The rules can be asked: every rating and every rerouting is answered as it stands in rules/, word for word."""

import csv
import json
import re
import shutil
from functools import cache
from types import SimpleNamespace

import duckdb
import pytest

from flows import ROOT
from flows.answers.select import select, tell
from flows.rules import load_rules

ASKED = dict.fromkeys(("phase", "region", "context", "nodes", "axilla_imaged", "edition", "on", "variant", "procedure"))
PHASES = ("before_therapy", "early_treatment", "on_treatment", "end_unknown", "post_completion")
BANDS = ("usually_appropriate", "may_be_appropriate", "may_be_appropriate_disagreement", "usually_not_appropriate")
# How each scenario of rules/reroute.csv is asked.
ASKED_BY = {
    "axilla": {"region": "axilla"},
    "baseline_axilla": {"region": "axilla"},
    "baseline_axillary_biopsy": {"region": "axillary_biopsy"},
    "baseline_breast": {"region": "breast"},
    "clinical_worsening": {"context": "progression_suspected"},
    "discordant_findings": {"context": "discordant_findings"},
    "suspected_metastasis": {"context": "metastasis_suspected"},
}


def rows(file):
    with (ROOT / "rules" / file).open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


RATINGS, REROUTES, LABELS = (
    rows("rating.csv"),
    rows("reroute.csv"),
    {row["procedure"]: row["label"] for row in rows("procedure.csv")},
)
VARIANTS = [(row["edition"], row["variant"]) for row in rows("variant.csv")]
BAND_OF = {row["level"]: (float(row["msv_low"]), float(row["msv_high"])) for row in rows("radiation_level.csv")}


@pytest.fixture(scope="module")
def con():
    con = duckdb.connect()
    load_rules(con, SimpleNamespace())
    yield con
    con.close()


def asked(**given):
    return ASKED | given


@cache
def shown(con, edition, variant):
    """The table of a variant as text: procedure label → the cells beside it."""
    lines = select(con, asked(edition=edition, variant=variant)).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("Procedure  "))
    table = [re.split(r" {2,}", line) for line in lines[start + 1 : lines.index("", start)]]
    assert len({cells[0] for cells in table}) == len(table)
    return {label: cells for label, *cells in table}


def radiation(row):
    if not row["radiation_level"]:
        return row["radiation_msv"]
    low, high = BAND_OF[row["radiation_level"]]
    return f"{row['radiation_level']} ({low:g}{'' if low == high else f'-{high:g}'} mSv)"


@pytest.mark.parametrize("row", RATINGS, ids=lambda row: f"{row['edition']}-{row['variant']}-{row['procedure']}")
def test_every_rating_is_shown_as_it_stands(con, row):
    cells = [row["rating"].replace("_", " "), row["rating_score"], radiation(row), row["source_locator"]]
    assert shown(con, row["edition"], row["variant"])[LABELS[row["procedure"]]] == cells


@pytest.mark.parametrize(("edition", "variant"), VARIANTS)
def test_a_variant_shows_its_rows_and_no_others_best_first(con, edition, variant):
    own = [row for row in RATINGS if (row["edition"], row["variant"]) == (edition, variant)]
    assert shown(con, edition, variant).keys() == {LABELS[row["procedure"]] for row in own}
    (answer,) = tell(con, asked(edition=edition, variant=variant))["answers"]
    names = ("procedure", "rating", "rating_score", "radiation_msv", "source_locator")
    told = {tuple(str(row[name]) for name in names) for row in answer["ratings"]}
    assert told == {tuple(row[name] for name in names) for row in own}
    order = [(BANDS.index(row["rating"]), -row["rating_score"]) for row in answer["ratings"]]
    assert order == sorted(order)


@pytest.mark.parametrize("row", REROUTES, ids=lambda row: "-".join(list(row.values())[:5]))
def test_every_rerouting_is_answered_by_its_row(con, row):
    """With the circumstances of the row, whatever those are that it leaves open."""
    for phase in PHASES if row["phase"] == "any" else [row["phase"]]:
        for nodes in ("negative", "positive", "unknown") if row["nodes"] == "any" else [row["nodes"]]:
            earlier = row["has_earlier_axillary_exam"]
            for imaged in (True, False, None) if earlier == "any" else [earlier == "true"]:
                place = ASKED_BY[row["scenario"]] | {"phase": phase, "nodes": nodes, "axilla_imaged": imaged}
                told = tell(con, asked(edition=row["edition"], **place))
                assert told["scenario"]["scenario"] == row["scenario"]
                assert [outcome(answer) for answer in told["answers"]] == [stated(row)]


def outcome(answer):
    numbers = [answer[name]["variant"] if answer[name] else "" for name in ("variant", "also_variant")]
    return (*numbers, answer["reason"] or "")


def stated(row):
    return row["variant"], row["also_variant"], row["reason"]


def test_a_suspected_metastasis_is_the_question_about_distant_disease(con):
    by_region, by_context = (
        tell(con, asked(phase="on_treatment", **how))
        for how in ({"region": "distant"}, ASKED_BY["suspected_metastasis"])
    )
    assert by_region["answers"] == by_context["answers"]
    assert by_region["scenario"] == by_context["scenario"]


def test_the_context_decides_before_the_region(con):
    told = tell(con, asked(phase="on_treatment", region="breast", context="progression_suspected"))
    assert told["scenario"]["scenario"] == "clinical_worsening"
    assert outcome(told["answers"][0]) == ("", "", "no_matching_variant")


@pytest.mark.parametrize("phase", ["on_treatment", "post_completion"])
@pytest.mark.parametrize("edition", ["2017", "2022"])
def test_response_of_the_breast_asks_variant_2_in_both_measures(con, phase, edition):
    told = tell(con, asked(phase=phase, region="breast", edition=edition))
    assert [outcome(answer) for answer in told["answers"]] == [("2", "", "")]
    assert told["scenario"]["measure"] == phase


@pytest.mark.parametrize("region", ["breast", "axilla", "axillary_biopsy", "distant"])
@pytest.mark.parametrize("phase", ["after_surgery", "after_window", "early_treatment", "end_unknown"])
def test_a_phase_without_a_question_says_what_it_is(con, phase, region):
    (row,) = [row for row in rows("phase.csv") if row["phase"] == phase]
    (answer,) = tell(con, asked(phase=phase, region=region))["answers"]
    leaves_others = phase in ("early_treatment", "end_unknown") and region != "breast"
    assert ((answer["status"], answer["reason"]) == (row["status"], row["reason"])) != leaves_others


def test_an_unknown_end_of_therapy_says_what_would_settle_it(con):
    text = select(con, asked(phase="end_unknown", region="breast"))
    assert "indeterminate, therapy_end_unknown" in text
    assert "- on_treatment: variant 2" in text
    assert "- post_completion: variant 2" in text


def test_nodes_unknown_before_therapy_agree_and_differ(con):
    """DECISIONS 46: what variants 3 and 4 both say stands; where they differ nobody knows."""
    (answer,) = tell(con, asked(phase="before_therapy", region="axilla"))["answers"]
    of = {
        number: {
            row["procedure"]: row["rating"] for row in RATINGS if (row["edition"], row["variant"]) == ("2022", number)
        }
        for number in "34"
    }
    for row in answer["ratings"]:
        same = of["3"].get(row["procedure"]) == of["4"].get(row["procedure"])
        assert (row["status"], row["reason"]) == (
            ("rated", None) if same else ("indeterminate", "nodal_status_unknown")
        )
    assert {row["procedure"] for row in answer["ratings"]} == of["3"].keys() | of["4"].keys()
    text = select(con, asked(phase="before_therapy", region="axilla"))
    agree, differ = text.split("They differ")
    assert re.search(r"US of the axilla +usually appropriate +7 / 9 ", agree)
    assert re.search(
        r"FDG-PET/CT, skull base to mid-thigh +usually not appropriate / may be appropriate +1 / 5 ", differ
    )
    assert "- before_therapy, nodes positive: variant 4" in differ


def test_what_is_not_said_of_an_earlier_axillary_exam_gives_both_answers(con):
    told = tell(con, asked(phase="post_completion", region="axilla", edition="2017"))
    found = {answer["has_earlier_axillary_exam"]: outcome(answer) for answer in told["answers"]}
    assert found == {"false": ("4", "", ""), "true": ("", "", "no_matching_variant")}
    text = select(con, asked(phase="post_completion", region="axilla", nodes="positive"))
    assert text.count("with an earlier axillary exam") == 2  # the answer, and what the other one needs
    assert "variant 7" in text


def test_no_variant_says_that_nothing_is_missing_or_what_is(con):
    assert "nothing is missing" in select(con, asked(phase="on_treatment", context="discordant_findings"))
    text = select(con, asked(phase="on_treatment", region="axilla"))
    assert "- post_completion, nodes negative, without an earlier axillary exam: variant 5" in text


def test_one_procedure_goes_by_the_name_of_the_edition(con):
    (answer,) = tell(con, asked(edition="2017", variant="3", procedure="us_axilla"))["answers"]
    assert [row["procedure"] for row in answer["ratings"]] == ["us_breast"]
    assert (answer["procedure"]["status"], answer["procedure"]["rated_as"]) == ("rated", "us_breast")


@pytest.mark.parametrize(
    ("variant", "procedure", "outcome"),
    [
        ("2", "us_axilla", ("unrated", "not_rated_in_variant")),
        ("2", "mri_breast_contrast_unspecified", ("indeterminate", "contrast_unspecified")),
        ("6", "us_breast", ("unrated", "no_matching_variant")),
        ("2", "us_breast", ("rated", None)),
    ],
)
def test_a_procedure_without_a_row_has_the_reason_of_the_audit(con, variant, procedure, outcome):
    (answer,) = tell(con, asked(edition="2022", variant=variant, procedure=procedure))["answers"]
    assert (answer["procedure"]["status"], answer["procedure"]["reason"]) == outcome
    assert bool(answer["ratings"]) == (outcome[0] == "rated")


@pytest.mark.parametrize(("day", "edition"), [("2017-11-01", "2017"), ("2022-12-31", "2017"), ("2023-01-01", "2022")])
def test_the_edition_is_the_one_in_force_on_the_day(command, day, edition):
    code, out, _ = command("select", "--phase", "on_treatment", "--region", "breast", "--on", day, "--json")
    assert code == 0
    assert json.loads(out)["edition"]["edition"] == edition


@pytest.mark.parametrize("what", [("--phase", "on_treatment", "--region", "breast"), ("--variant", "2")])
def test_before_the_first_edition_none_is_in_force(command, what):
    code, out, _ = command("select", *what, "--on", "2017-10-31")
    assert code == 0
    assert "unrated, no_edition_in_force" in out
    assert "2017-11-01" in out


def test_without_a_day_the_current_edition_answers(con):
    told = tell(con, asked(variant="2"))
    latest = max(rows("edition.csv"), key=lambda row: row["effective_from"])
    assert (told["edition"]["edition"], told["edition"]["is_current"]) == (latest["edition"], True)
    text = " ".join(select(con, asked(variant="2")).split())
    assert latest["citation"] in text
    assert latest["effective_from"] in text


def test_the_same_in_text_and_json(command, con):
    place = ("--phase", "before_therapy", "--region", "axilla", "--nodes", "positive")
    told = json.loads(command("select", *place, "--json")[1])
    assert outcome(told["answers"][0]) == ("4", "", "")
    code, text, talk = command("select", *place)
    assert (code, talk) == (0, "")
    for row in told["answers"][0]["ratings"]:
        assert row["label"] in text
    assert told["note"] in text


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--phase", "during", "--region", "breast"), "on_treatment"),
        (("--phase", "on_treatment", "--region", "liver"), "distant"),
        (("--phase", "on_treatment", "--region", "axilla", "--nodes", "maybe"), "'maybe' is no state of the nodes; known: negative, positive, unknown"),
        (("--phase", "on_treatment", "--context", "screening"), "progression_suspected"),
        (("--edition", "2021", "--variant", "2"), "known: 2017, 2022"),
        (("--edition", "2017", "--variant", "6"), "known: 1, 2, 3, 4, 5"),
        (("--variant", "2", "--procedure", "us_brest"), "did you mean 'us_breast'?"),
        (("--variant", "2", "--on", "soon"), "must be a date as YYYY-MM-DD, such as 2023-01-31"),
        (("--variant", "2", "--on", "01/02/2024"), "must be a date as YYYY-MM-DD, such as 2023-01-31"),
        (("--variant", "2", "--on", "20240201"), "must be a date as YYYY-MM-DD, such as 2023-01-31"),
        (("--variant", "2", "--phase", "on_treatment"), "leave out --phase"),
        (("--variant", "2", "--axilla-imaged"), "leave out --axilla-imaged"),
        (("--variant", "2", "--edition", "2017", "--on", "2024-01-01"), "leave one out"),
        (("--phase", "on_treatment"), "--region"),
        (("--region", "breast"), "--phase"),
        ((), "--phase"),
    ],
)
def test_2_a_word_that_is_none_names_those_that_are(command, arguments, hint):
    code, out, err = command("select", *arguments)
    assert (code, out) == (2, "")
    assert hint in " ".join(err.split())


def test_help_lists_the_words_of_the_rules(command, con):
    _, out, _ = command("select", "--help")
    assert "imaging-audit select " in out.split("Example")[1]
    query = (ROOT / "sql" / "select" / "word.sql").read_text(encoding="utf-8")
    for option, word, _ in con.execute(query).fetchall():
        if option in ("phase", "region", "nodes", "context"):
            assert re.search(rf"\b{word}\b", out), f"--{option} takes {word}"


def test_a_site_may_ask_its_own_rules(command, tmp_path):
    path = tmp_path / "edition.csv"
    path.write_text("edition,effective_from\n2022,2022-06-01\n", encoding="utf-8")
    what = ("select", "--variant", "2", "--on", "2022-07-01", "--json")
    assert json.loads(command(*what)[1])["edition"]["edition"] == "2017"
    assert json.loads(command(*what, "--rules", tmp_path)[1])["edition"]["edition"] == "2022"


def test_7_rules_that_contradict_themselves_answer_nothing(command, tmp_path):
    shutil.copy(ROOT / "rules" / "rating.csv", tmp_path)
    code, out, err = command("select", "--variant", "2", "--rules", tmp_path)
    assert (code, out) == (7, "")
    assert "check-rules" in err
