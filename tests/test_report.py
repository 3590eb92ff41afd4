"""What the page says for each kind of result; hand-made tables, no browser."""

import json
from datetime import date

import out_tables
import page_tables
import polars as pl
import pytest
from page_figures import BESIDE, Page, agrees, disagreements, index

from flows import disclosure, page_beside, report
from flows.headline import HEADLINE

HEAD = "post_completion|episode|all||all|all"
FEW_STRATA = {name: out_tables.STRATA[name] for name in ("site", "intent_tier", "therapy_class")}
NO_RATE = dict.fromkeys(("rate", "ci_low", "ci_high", "bound_low", "bound_high", "rate_without_exception"))
NO_COUNT = dict.fromkeys(("n_appropriate", "n_mixed", "n_not_appropriate", "n_unrated", "n_indeterminate"))
EMPTY = NO_RATE | dict.fromkeys(NO_COUNT, 0) | {"n_index": 0, "is_withheld": False}
PARAMETERS = {"timely_days": "56", "rate_alarm_full_n": "110", "unrated_withhold_share": "0.15", "small_cell_max": "10"}
DISCLOSED = [
    "A scenario, not a patient", "Several exams are usually appropriate at once", "90 to 99 %", "Below 80 %", "exactly 100 % over more than 110", "fault of mapping",
    "speaks of chemotherapy", "extends it", "Notes are invisible", "Intent is inferred", "Same-side second cancers and recurrences are not told from the first",
    "no therapy in time, or surgery first", "Recent periods are immature", "imaging done elsewhere is invisible", "unmapped orders are not missing at random",
    "Small numbers cannot show change", "No ranking of clinicians", "Not clinical decision support", "not an ACR product",
]  # fmt: skip


@pytest.fixture(scope="module")
def exact():
    """Tables as they stand in the database."""
    found = out_tables.tables(700, strata=FEW_STRATA)
    current = found["sensitivity"].filter(reading="as_defined").with_columns(reading=pl.lit("current_edition"), label=pl.lit("every order judged by the current edition"))
    found |= {"sensitivity": pl.concat([found["sensitivity"], current])}
    return found | page_tables.exact() | {"audit_run": found["audit_run"].with_columns(parameters=pl.lit(json.dumps(PARAMETERS)))}


@pytest.fixture(scope="module")
def tables(exact):
    """Tables after disclosure control that found nothing to mask in the measure itself."""
    found = dict(exact)
    for name in ("compliance", "sensitivity"):
        found[name] = found[name].with_columns(rate_band=pl.lit(None, pl.String))
    return found | page_tables.released()


@pytest.fixture(scope="module")
def unmasked(exact):
    """Tables of the profile none."""
    return disclosure.release(exact, "none")


def changed(tables, name, values, **where):
    """The tables with other values in the rows that are meant."""
    meant = [pl.col(column) == value for column, value in where.items()]
    table = tables[name].with_columns(
        pl.when(pl.all_horizontal(meant or [pl.lit(True)])).then(pl.lit(value, tables[name].schema.get(column, pl.String))).otherwise(
            pl.col(column) if column in tables[name].columns else pl.lit(None)).alias(column)
        for column, value in values.items()
    )  # fmt: skip
    return tables | {name: table}


def headlined(tables, values, measure="post_completion"):
    return changed(tables, "compliance", values, **HEADLINE | {"measure": measure})


def shown(tables):
    return Page(report.render(tables))


def test_every_figure_says_what_its_cell_says(tables):
    page = shown(tables)
    assert len(page.figures) > 400
    assert disagreements(page.figures, tables) == []
    assert {figure["table"] for figure in page.figures} == {
        "compliance", "sensitivity", "attrition", "case_attrition", "unmapped_code", "quality_warning", "quality_result", *BESIDE,
    }  # fmt: skip


@pytest.mark.parametrize(("text", "column", "value"), [("1,204", "n_index", 1203), ("93.8 %", "rate", 0.9369), ("masked", "n_mixed", 0), ("0", "n_mixed", None), ("90 to 95 %", "rate_band", "80_to_90")])
def test_a_wrong_figure_would_be_noticed(text, column, value):
    assert not agrees(text, column, {column: value})


def test_the_lines_of_both_funnels_add_up(tables):
    page = shown(tables)
    lines = {figure["key"]: int(figure["text"].replace(",", "")) for figure in page.figures if (figure["table"], figure["column"]) == ("attrition", "n_orders")}
    assert lines.pop("input") == sum(lines.values())
    cases = {row["reason"]: row["kind"] for row in tables["case_attrition"].to_dicts()}
    parts = [reason for reason, kind in cases.items() if kind != "input" and reason != "no_invasive_cancer"]
    number = {reason: int(page.figure("case_attrition", reason, "n_cases").replace(",", "")) for reason in (*parts, "cancers")}
    assert number["cancers"] == sum(number[reason] for reason in parts)
    unused = [row["label"] for row in tables["attrition"].to_dicts() if row["n_orders"] == 0]
    assert unused
    assert all(label in page.text.split("Not a single order:")[1] for label in unused)


def test_a_rate_comes_with_interval_bounds_and_the_smallest_change(tables):
    page = shown(tables)
    row = tables["compliance"].filter(**HEADLINE).to_dicts()[0]
    assert f"{100 * row['rate']:.1f} % began with imaging that the criteria rate usually appropriate" in page.text
    assert f"Chance alone could explain anything within {100 * row['ci_low']:.1f} – {100 * row['ci_high']:.1f} %" in page.text
    assert "percentage points would probably not show" in page.text
    assert "The two measures are never merged" in page.text


def test_a_withheld_rate_says_why_and_points_to_the_codes(tables):
    page = shown(headlined(tables, NO_RATE | {"is_withheld": True, "bound_low": 0.4, "bound_high": 0.9}))
    assert "The rate is withheld." in page.text
    assert page.figure("compliance", HEAD, "rate") == "withheld"
    assert ("a", {"href": "#unmapped"}) in page.tags
    assert page.figure("compliance", HEAD, "bound_low") == "40.0"


def test_bounds_are_masked_never_withheld(tables):
    page = shown(headlined(tables, NO_RATE | {"is_withheld": True}))
    assert page.figure("compliance", HEAD, "ci_low") == "withheld"
    assert page.figure("compliance", HEAD, "bound_low") == "masked"


def nothing_to_rate(tables, during=0):
    empty = headlined(headlined(tables, EMPTY), EMPTY | {"n_index": during}, "on_treatment")
    empty = changed(empty, "case_attrition", {"n_cases": 94, "n_patients": 94}, reason="operated_without_response_order")
    return changed(empty, "case_attrition", {"n_cases": 0, "n_patients": 0}, reason="operated_with_response_order")


def test_nothing_to_rate_is_said_exactly(tables):
    page = shown(nothing_to_rate(tables))
    assert "There is nothing to rate. 94 neoadjuvant cases were operated without any response imaging order, and 0 with one." in page.text
    assert "No response imaging was captured in this delivery, neither during therapy nor after it." in page.text
    assert page.figure("compliance", HEAD, "rate") == "–"
    assert "began with imaging" not in page.text
    assert "Check the mapping first" not in page.text


def test_orders_during_therapy_are_not_denied(tables):
    page = shown(nothing_to_rate(tables, during=31))
    assert "No response imaging after therapy was captured in this delivery; what was ordered during therapy" in page.text


def test_a_masked_headline_shows_its_band_alone(tables):
    page = shown(headlined(tables, NO_RATE | NO_COUNT | {"rate_band": "90_to_95", "is_withheld": False}))
    assert "The rate is 90 to 95 % . This band stands for it" in page.text
    assert {page.figure("compliance", HEAD, column) for column in (*NO_COUNT, "ci_low", "bound_low")} == {"masked"}
    assert "Headline. Dot" not in page.text


def test_a_masked_headline_without_a_band_shows_nothing(tables):
    page = shown(headlined(tables, NO_RATE | NO_COUNT | {"is_withheld": False, "n_index": None}))
    assert "The rate is masked . The counts behind it are too small to be shown." in page.text
    assert page.figure("compliance", HEAD, "n_index") == "masked"


def test_days_of_a_person_make_no_trend(tables):
    page = shown(changed(tables, "audit_run", {"deid_mode": "relative_days", "as_of": None}) | {"compliance": tables["compliance"].filter(period_grain="all")})
    assert "There is no calendar, and so no trend." in page.text
    assert "this page has no calendar" in page.text
    assert "all_orders_after_first_edition = true" in page.text
    assert "as of" not in page.text.split("In plain words")[0]
    assert [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg" and "period" in attributes["aria-label"]] == []


def test_shifted_dates_warn_of_their_axis(tables):
    page = shown(changed(tables, "audit_run", {"deid_mode": "shifted_dates"}))
    assert "The axis is not the calendar." in page.text
    assert "dates shifted per person" in page.text
    assert "The axis is not the calendar." not in shown(tables).text


def alarmed(tables, **where):
    return changed(tables, "validity", {"is_alarm": True, "value": 0.5, "suppressed": False}, **where)


@pytest.mark.parametrize("alarm", ["rate_low", "rate_full", "laterality", "response_imaging"])
def test_an_alarm_stands_at_the_top_and_where_it_says_what_to_do(tables, alarm):
    measure, spoken = ("all", "all cases") if alarm == "response_imaging" else ("on_treatment", "during therapy")
    row = tables["validity"].filter(alarm=alarm, measure=measure).to_dicts()[0]
    page = shown(alarmed(tables, alarm=alarm, measure=measure))
    assert f"Check the mapping first. Alarm: {row['label']} ({spoken})" in page.text
    assert f"Alarm ({spoken}): {row['label']}." in page.text
    assert f"Next: {row['next_step']}." in page.text
    assert "Not before this alarm has been looked into" in page.text
    assert len(page.classes("alarm")) == len(shown(tables).classes("alarm")) + 2


def test_without_an_alarm_no_box_and_what_cannot_be_told_is_said(tables):
    page = shown(tables)
    assert "Alarm (" not in page.text
    assert "Check the mapping first." not in page.text
    assert "where it is masked, withheld or missing, nobody can tell" in page.text
    assert page.figure("validity", "laterality|on_treatment", "is_alarm") == "cannot be told"
    assert page.figure("validity", "laterality|on_treatment", "value") == "–"
    closed = shown(changed(tables, "validity", {"is_alarm": None, "value": None, "suppressed": True}, alarm="rate_low", measure="on_treatment"))
    assert closed.figure("validity", "rate_low|on_treatment", "value") == "masked"
    told = shown(changed(tables, "validity", {"is_alarm": False}))
    assert "That rules out the commonest faults of data and mapping, not all." in told.text


def test_an_alarm_over_a_masked_figure_shows_no_figure(tables):
    page = shown(changed(tables, "validity", {"is_alarm": True, "value": None, "suppressed": True}, alarm="rate_low", measure="post_completion"))
    assert "Alarm (after therapy): a rate below what is seen almost everywhere. Rate of the measure: masked of" in page.text


def test_codes_that_reached_nothing_are_listed_most_ordered_first(tables):
    codes = pl.DataFrame([("LOCAL", code, "unmapped_code", count, 11, 11, False) for code, count in [("A", 12), ("B", 40), ("C", None)]], schema=tables["unmapped_code"].schema, orient="row")
    page = shown(tables | {"unmapped_code": codes})
    assert [figure["key"] for figure in page.figures if (figure["table"], figure["column"]) == ("unmapped_code", "n_orders")] == ["LOCAL|B", "LOCAL|A", "LOCAL|C"]
    assert "None: every imaging code" in shown(tables | {"unmapped_code": codes.clear()}).text


def test_a_code_newer_than_the_value_sets_raises_an_alarm(tables):
    assert "Review the value sets." not in shown(changed(tables, "unmapped_code", {"is_newer_than_review": False})).text
    assert "Review the value sets." in shown(changed(tables, "unmapped_code", {"is_newer_than_review": True}, code="76499")).text


def test_what_a_delivery_says_is_text_and_never_markup(tables):
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    page = shown(changed(changed(tables, "unmapped_code", {"code": evil}, code="76499"), "compliance", {"stratum_value": evil}, stratum="site", stratum_value="site_a"))
    assert {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object"} == set()
    assert [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)] == []
    assert page.figure("unmapped_code", f"CPT|{evil}", "n_orders")
    assert evil.replace("_", " ") in page.text


@pytest.mark.parametrize(("source", "is_made_up"), [("demo (synthetic)", True), ("synthea", True), ("delivery", False)])
def test_made_up_data_are_called_so_and_others_are_not(tables, source, is_made_up):
    page = shown(changed(tables, "audit_run", {"source": source}))
    assert len(page.classes("banner")) == is_made_up
    assert ("synthetic" in page.text.lower().replace(source, "")) == is_made_up
    assert ("performed procedures stand in" in page.text) == (source == "synthea")


def test_a_page_without_disclosure_control_says_so_and_shows_exact_figures(tables, unmasked):
    page = shown(unmasked)
    assert "Protected zone only. No disclosure control was applied" in page.text
    assert "Disclosure control was switched off" in page.text
    assert "counts of 1 to 10 are masked" not in page.text
    assert "counts of 1 to 10 are masked" in shown(tables).text
    assert disagreements(page.figures, unmasked) == []
    assert "masked" not in {figure["text"] for figure in page.figures}
    assert page.figure("secondary_measure", "S1|all|all|", "denominator") == "541"
    assert page.figure("secondary_measure", "S1|all|all|", "rate").startswith("84.1")
    assert "about" not in page.text.split("Other questions", 2)[2].split("Codes that reached nothing")[0]


def test_the_page_discloses_what_it_must(tables):
    page = shown(tables)
    assert [words for words in DISCLOSED if words not in page.text] == []


def test_every_chart_says_the_smallest_change_it_could_have_shown(tables):
    assert shown(tables).text.count("percentage points") == 2
    mute = headlined(tables, {"rate": 0.0, "n_appropriate": 0})
    for grain in ("quarter", "year"):
        mute = changed(mute, "compliance", {"rate": None, "rate_band": "90_to_95"}, period_grain=grain)
    assert shown(mute).text.count("Counts this small cannot show a change") == 2


def test_checks_that_failed_stand_before_those_that_passed(tables):
    page = shown(tables)
    assert "2 checks passed, 1 failed as warnings, 1 did not apply" in page.text
    assert "orders without a site fall into the stratum unknown" in page.text.split("All checks")[0]


def test_strata_that_nobody_filled_in_are_left_out(tables):
    page = report.page(changed(tables, "compliance", {"stratum_value": "unknown"}, stratum="site"))
    assert page["strata"]["site"] == []
    assert page["strata"]["therapy_class"]


def test_quarters_give_way_to_years_where_most_are_masked(tables):
    grains = {row["period_grain"] for row in report.trend_periods(tables["compliance"].to_dicts())}
    masked = changed(tables, "compliance", {"rate": None}, period_grain="quarter")
    assert grains == {"quarter"}
    assert {row["period_grain"] for row in report.trend_periods(masked["compliance"].to_dicts())} == {"year"}


def test_procedures_carry_their_one_verdict(tables):
    rows = report.exams(tables["compliance"].to_dicts())
    verdicts = {row["stratum_value"]: row["verdict"] for row in rows}
    assert verdicts == {name: verdict for name, verdict, _ in out_tables.PROCEDURES if name in verdicts}
    assert [row["n_index"] for row in rows] == sorted((row["n_index"] for row in rows), reverse=True)
    assert report._verdict(rows[0] | {"n_mixed": None}) == report.MASK


def test_parameters_of_the_run_stand_on_the_page(tables):
    page = shown(changed(tables, "audit_run", {"parameters": json.dumps(PARAMETERS | {"unrated_withhold_share": "0.2", "rate_alarm_full_n": "90"}), "as_of": date(2024, 6, 30)}))
    assert "withheld when they are more than 20 %" in page.text
    assert "exactly 100 % over more than 90" in page.text
    assert "as of 2024-06-30" in page.text


def test_what_is_masked_beside_the_measure_is_never_a_zero(tables):
    page = shown(tables)
    for name in BESIDE:
        closed = [figure for figure in page.figures if figure["table"] == name and figure["text"] in ("masked", "0")]
        rows = {key: row for (table, key), row in index(tables).items() if table == name}
        assert {figure["text"] for figure in closed if rows[figure["key"]][figure["column"]] is None} <= {"masked"}
        assert all(rows[figure["key"]][figure["column"]] == 0 for figure in closed if figure["text"] == "0")
    assert page.figure("edition_change", "axilla|usually_appropriate|no_matching_variant", "n_orders") == "masked"
    assert page.figure("scenario_compliance", "discordant_findings|order", "n_index") == "masked"
    assert page.figure("scenario_compliance", "suspected_metastasis|order", "n_index") == "0"
    assert page.figure("staging_summary", "bone_scan_with_ct", "n_cases") == "masked"


def test_other_questions_stand_beside_the_measure(tables):
    page = shown(tables)
    assert "these rates stand beside the measure and are never merged with it" in page.text
    rates = {figure["key"]: figure["text"].replace("\u00a0", " ") for figure in page.figures if figure["table"] == "scenario_compliance" and figure["column"].startswith("rate")}
    assert rates["baseline_axilla|episode"] == "100 %"
    assert rates["axilla|order"] == rates["clinical_worsening|episode"] == "withheld"
    assert rates["suspected_metastasis|episode"] == "–"
    assert page.figure("staging_summary", "all_three", "is_all_three") == "flagged"


def test_what_an_edition_moves_stands_before_what_it_does_not(tables):
    page = shown(tables)
    moved = {"|".join(row[name] for name in ("question", "answer_then", "answer_now")): row["is_moved"] for row in tables["edition_change"].to_dicts()}
    order = [moved[figure["key"]] for figure in page.figures if (figure["table"], figure["column"]) == ("edition_change", "n_orders")]
    assert order == sorted(order, reverse=True)
    assert "part of a trend may be the edition, not care" in page.text
    still = shown(tables | {"edition_change": tables["edition_change"].filter(is_moved=False)})
    assert "The current edition would answer every order here as the edition of its day did." in still.text


def test_the_reading_of_the_current_edition_stands_by_the_change(tables):
    section = shown(tables).text.split("What a change of edition moves")[1].split("Secondary measures")[0]
    assert section.count("every order judged by the current edition") == 2
    older = shown(tables | {"sensitivity": tables["sensitivity"].filter(pl.col("reading") != "current_edition")})
    assert "and all by the current edition" not in older.text


def test_secondary_measures_come_in_their_order_and_say_what_they_lack(tables):
    page = shown(tables)
    rows = tables["secondary_measure"].sort("position").to_dicts()
    keys = list(dict.fromkeys(figure["key"] for figure in page.figures if figure["table"] == "secondary_measure"))
    assert keys == [f"{row['measure']}|{row['part']}|all|" for row in rows]
    said = {figure["key"]: figure["text"] for figure in page.figures if (figure["table"], figure["column"]) == ("secondary_measure", "is_computable")}
    assert set(said) == {f"{row['measure']}|{row['part']}|all|" for row in rows if not row["is_computable"]}
    assert "Figures beside the measure are rounded, counts to tens, shares in steps of 1 to 10 points" in page.text
    assert (page.figure("secondary_measure", "S9|on_treatment|all|", "denominator"), page.figure("secondary_measure", "S9|on_treatment|all|", "rate")) == ("0", "–")
    assert "median 32 days, quartiles 24 – 41" in page.text
    assert "131 – 478.5 mSv in all, of exams whose level is known" in page.text


def test_radiation_that_nobody_knows_is_not_called_so(tables):
    unknown = changed(tables, "secondary_measure", {"msv_low": None, "msv_high": None, "suppressed": False}, measure="S7")
    assert "how much radiation cannot be told" in shown(unknown).text


def test_radiation_is_a_range_and_an_unknown_level_is_not_zero(tables):
    page = shown(tables)
    section = page.text.split("Radiation before surgery")[1].split("Can these figures be trusted?")[0]
    assert "FDG PET CT skull base to mid thigh 4 110 100 1,070 – 3,210 30 310 – 930" in section
    assert "echocardiography unknown: not added 440 380 0" in section
    assert "mammography diagnostic 2 740 530 74.3 – 743 0 –" in section
    assert [figure for figure in page.figures if figure["key"] == "echocardiography|" and "msv" in figure["column"]] == []


def test_immature_periods_are_marked_in_trend_and_table(tables):
    page = shown(tables)
    assert "Immature: after therapy 2024 Q4; during therapy 2024 Q4." in page.text
    marked = [figure["key"] for figure in page.figures if figure["column"] == "is_immature"]
    assert marked.count("post_completion|quarter|2024-10-01") == 2
    assert set(marked) == {"post_completion|quarter|2024-10-01", "on_treatment|quarter|2024-10-01"}
    assert "A hollow mark is an immature period" in page.text
    settled = shown(changed(tables, "maturity", {"is_immature": False}))
    assert "in every period nearly all episodes are settled" in settled.text
    assert "No period is marked immature; where the share is masked, nobody can tell." in shown(changed(tables, "maturity", {"is_immature": None})).text
    assert "A hollow mark" not in settled.text
    assert settled.classes("immature") == []


def test_all_of_a_short_delivery_is_no_period_to_mark(tables):
    told = page_beside.beside({name: changed(tables, "maturity", {"is_immature": True}, period_grain="all")[name].to_dicts() for name in (*BESIDE, "sensitivity")})
    assert {row["period_grain"] for row in told["immature"]} == {"quarter"}


def test_labels_show_on_what_they_rest_per_measure(tables):
    page = shown(tables)
    assert "inferred 73 % –" in page.text
    assert page.figure("label_basis", "post_completion|side|known", "share_band").replace("\u00a0", " ") == "95 % and above"
