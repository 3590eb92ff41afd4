"""The FHIR resources: valid, faithful to the released tables cell by cell, and criteria that say what was counted.

Validated against the models of R4B (4.3), in which Measure and MeasureReport have the elements of R4 (4.0.1) that are used here.
"""

import json
import re
from xml.etree import ElementTree

import duckdb
import polars as pl
import pytest
from fhir.resources.R4B.measure import Measure
from fhir.resources.R4B.measurereport import MeasureReport

from flows import disclosure
from flows.exports import catalog
from flows.exports.facts import editions, facts
from flows.exports.measure import STRATIFIERS, measure
from flows.exports.measure_report import measure_report, write

PROFILES = ("cms", "nhs", "none")
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
GROUPS = {
    "post-completion.episode": ("post_completion", "episode"),
    "post-completion.order": ("post_completion", "order"),
    "on-treatment.episode": ("on_treatment", "episode"),
    "on-treatment.order": ("on_treatment", "order"),
}
ROW = {
    "measure": "post_completion", "basis": "episode", "period_grain": "all", "period_start": None, "stratum": "all", "stratum_value": "all",
    "n_index": 200, "n_appropriate": 150, "n_mixed": 0, "n_may_be": 0, "n_not_appropriate": 30, "n_unrated": 12, "n_indeterminate": 8,
    "rate": 150 / 180, "ci_low": 0.77, "ci_high": 0.88, "bound_low": 0.75, "bound_high": 0.85, "is_withheld": False,
    "rate_band": None, "suppressed": False,
}  # fmt: skip
FACTS = {
    "run_id": "0123456789ab", "as_of": "2025-06-30", "source": "delivery", "deid_mode": "limited_data_set", "suppression": "cms",
    "largest_masked": 10, "period": {"first": "2023-01-01", "last": "2025-09-30"}, "watermarks": [],
    "editions": [{"edition": "2022", "effective_from": "2023-01-01", "citation": "somewhere"}],
    "versions": {"imaging-order-audit": "0.1.0"}, "hashes": {"rules_hash": "a", "sql_hash": "b"},
    "parameters": {"surgery_max_days": "180", "completion_lead_days": "7", "window_days": "84", "min_response_days": "28", "preop_days": "42", "baseline_days": "14"},
}  # fmt: skip


@pytest.fixture(scope="module")
def true(audited):
    """Every table that is exported, as the database has it, and the editions."""
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as con:
        known = {name for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'out'").fetchall()}
        names = [name for name in (*catalog.EXPORTED, "audit_run") if name in known]
        return {name: con.sql(f"select * from out.{name} order by all").pl() for name in names}, editions(con)


@pytest.fixture(scope="module", params=PROFILES)
def released(request, true):
    tables, known = true
    masked = disclosure.release(dict(tables), request.param)
    return request.param, masked, facts(masked, request.param, known)


def of(**changed):
    """A report of one row."""
    return measure_report({"compliance": table([ROW | changed])}, FACTS)


def table(rows):
    return pl.DataFrame(rows, schema_overrides={"period_start": pl.Date, "rate_band": pl.String, "rate": pl.Float64}, infer_schema_length=None)


def cells(report):
    """(measure, basis, stratum, value) → what the resource says of it: populations by code, and the score."""
    found = {}
    for group in report["group"]:
        strata = [("all", "all", group)] if "population" in group else []
        for stratifier in group["stratifier"]:
            strata += [(stratifier["id"], stratum["value"]["text"], stratum) for stratum in stratifier.get("stratum", [])]
        for stratum, value, place in strata:
            key = (*GROUPS[group["id"]], stratum, value)
            assert key not in found
            found[key] = {part["code"]["coding"][0]["code"]: told(part, "count") for part in place["population"]} | {"score": score(place)}
    return found


def told(element, name):
    """A value, or the reason why there is none: never both, never neither."""
    assert (name in element) != (f"_{name}" in element)
    if name in element:
        return element[name]
    (extension,) = element[f"_{name}"]["extension"]
    assert extension["url"] == ABSENT
    return extension["valueCode"]


def score(place):
    given = place["measureScore"]
    assert len(given) == 1
    return given["value"] if "value" in given else given["extension"][0]["valueCode"]


def test_valid_fhir(released):
    _, tables, said = released
    Measure.model_validate(measure(said))
    MeasureReport.model_validate(measure_report(tables, said))


def test_every_count_is_the_released_cell(released):
    """The round trip: from the text of the file back to the table, and no cell of the table is missing."""
    _, tables, said = released
    found = cells(json.loads(json.dumps(measure_report(tables, said))))
    rows = {
        (row["measure"], row["basis"], row["stratum"], row["stratum_value"]): row
        for row in tables["compliance"].to_dicts()
        if row["period_grain"] == "all" and row["stratum"] in ("all", *STRATIFIERS)
    }
    assert found.keys() == rows.keys()
    assert len(rows) > 40
    for key, row in rows.items():
        given = found[key]
        for code, column in (("initial-population", "n_index"), ("denominator", "n_index"), ("numerator", "n_appropriate")):
            assert given[code] == ("masked" if row[column] is None or row.get("is_rounded") else row[column]), (key, code)
        assert given["score"] == row["rate"] if row["rate"] is not None else isinstance(given["score"], str), key


def test_left_out_is_what_was_not_rated(released, true):
    """Where it is shown it is true; and it is shown only where the released row alone gives it."""
    profile, tables, said = released
    found = cells(measure_report(tables, said))
    truth = {
        (row["measure"], row["basis"], row["stratum"], row["stratum_value"]): row["n_unrated"] + row["n_indeterminate"]
        for row in true[0]["compliance"].filter(period_grain="all").to_dicts()
    }
    shown = {key: given["denominator-exclusion"] for key, given in found.items() if given["denominator-exclusion"] != "masked"}
    if profile != "nhs":  # whose counts are rounded
        assert shown == {key: truth[key] for key in shown}
    if profile == "none":
        assert shown.keys() == found.keys()


def test_no_small_count_leaves(released):
    profile, tables, said = released
    counts = [value for given in cells(measure_report(tables, said)).values() for value in given.values() if isinstance(value, int)]
    assert counts
    assert (min(count for count in counts if count) <= (said["largest_masked"] or 7)) == (profile == "none")


def test_the_example_has_masked_and_shown_cells(true):
    masked = disclosure.release(dict(true[0]), "cms")
    given = [value for cell in cells(measure_report(masked, facts(masked, "cms", true[1]))).values() for value in cell.values()]
    assert "masked" in given
    assert any(isinstance(value, int) and value > 10 for value in given)


def test_the_score_is_numerator_over_rated():
    given = cells(of())["post_completion", "episode", "all", "all"]
    assert given == {"initial-population": 200, "denominator": 200, "denominator-exclusion": 20, "numerator": 150, "score": 150 / 180}


def test_a_count_in_tens_is_not_told_as_a_count():
    """A total that moved by few is released in tens and steps; a count in FHIR would be read as exact."""
    gone = dict.fromkeys(("n_appropriate", "n_not_appropriate", "n_unrated", "n_indeterminate", "rate", "ci_low", "ci_high", "bound_low", "bound_high"))
    report = of(**gone, n_index=210, rate_step=0.85, is_rounded=True, suppressed=True)
    assert set(cells(report)["post_completion", "episode", "all", "all"].values()) == {"masked"}
    text = " ".join(ElementTree.fromstring(report["text"]["div"]).itertext())
    assert re.search(r"≈85\s%.*≈210", text)
    MeasureReport.model_validate(report)


def test_a_difference_of_rounded_counts_may_not_be_small():
    parts = {"n_unrated": None, "n_indeterminate": None, "suppressed": True}
    key = ("post_completion", "episode", "all", "all")
    assert cells(of(**parts, n_index=190))[key]["denominator-exclusion"] == "masked"
    assert cells(of(**parts, n_index=180))[key]["denominator-exclusion"] == 0
    assert cells(of(**parts, n_index=191))[key]["denominator-exclusion"] == 11


def test_masked_parts_and_a_whole_that_shows():
    """A shown rate, its numerator and the index give the sum of the parts; without one of the three nothing does."""
    parts = {"n_unrated": None, "n_indeterminate": None, "n_not_appropriate": None, "suppressed": True}
    key = ("post_completion", "episode", "all", "all")
    assert cells(of(**parts))[key]["denominator-exclusion"] == 20
    assert cells(of(**parts, n_index=None))[key]["denominator-exclusion"] == "masked"
    assert cells(of(**parts, rate=None))[key]["denominator-exclusion"] == "masked"
    assert cells(of(**parts, n_appropriate=None))[key] == {
        "initial-population": 200, "denominator": 200, "denominator-exclusion": "masked", "numerator": "masked", "score": 150 / 180,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"is_withheld": True}, "unknown"),
        ({"n_index": 0, "n_appropriate": 0, "n_not_appropriate": 0, "n_unrated": 0, "n_indeterminate": 0}, "not-applicable"),
        ({"n_appropriate": 0, "n_not_appropriate": 0, "is_withheld": False}, "not-applicable"),
        ({"is_withheld": None, "suppressed": True}, "masked"),
        ({"is_withheld": None, "n_appropriate": None, "n_not_appropriate": None, "suppressed": True}, "masked"),
    ],
)
def test_a_rate_that_is_not_shown_says_why(changed, why):
    given = of(rate=None, **changed)
    assert cells(given)["post_completion", "episode", "all", "all"]["score"] == why
    MeasureReport.model_validate(given)


def test_a_measure_without_a_row_has_a_group_without_figures():
    given = of()
    assert [group["id"] for group in given["group"]] == list(GROUPS)
    assert [("population" in group, "measureScore" in group) for group in given["group"]] == [(True, True), *[(False, False)] * 3]
    MeasureReport.model_validate(given)


def test_report_and_measure_belong_together(released):
    _, tables, said = released
    definition, report = measure(said), measure_report(tables, said)
    assert report["measure"] == f"{definition['url']}|{definition['version']}"
    assert report["reporter"]["reference"].removeprefix("#") in [each["id"] for each in report["contained"]]
    assert [group["code"] for group in report["group"]] == [group["code"] for group in definition["group"]]
    for ours, theirs in zip(report["group"], definition["group"], strict=True):
        assert [each["id"] for each in ours["stratifier"]] == [each["id"] for each in theirs["stratifier"]]
        codes = [part["code"] for part in theirs["population"]]
        assert "population" not in ours or [part["code"] for part in ours["population"]] == codes


def test_the_version_moves_with_what_moves_the_measure():
    before = measure(FACTS)["version"]
    for name, value in (("parameters", FACTS["parameters"] | {"window_days": "56"}), ("hashes", {"rules_hash": "c", "sql_hash": "b"})):
        assert measure(FACTS | {name: value})["version"] != before
    assert measure(FACTS | {"run_id": "ba9876543210", "as_of": None, "suppression": "none"})["version"] == before


def test_definitions_say_the_whole_of_the_phases():
    """SPEC 3.7 and 4, with the parameters of the run: M is the last day that the course covers, not the last of the data."""
    told = " ".join(measure(FACTS)["definition"])
    assert "surgery within 180 days after the end of therapy, the last day that any drug of the course covers" in told
    assert "from 7 days before the last dose to 84 days after it, or up to surgery where that follows within 180 days after the end of therapy" in told
    assert "where neither chemotherapy nor an infusion that names no drug sets the first dose, from 42 days before surgery on" in told
    assert "from 28 days after the first dose on; from the first dose on where the order states that it is to assess the response" in told
    for name in FACTS["parameters"]:
        words = measure(FACTS | {"parameters": FACTS["parameters"] | {name: "987"}})["definition"][:5]
        assert "987 days" in " ".join(words), name


def test_criteria_select_what_was_counted(audited, true):
    """Each criterion runs as it stands and finds exactly what the unmasked tables count."""
    rows = {
        (row["measure"], row["basis"]): row for row in true[0]["compliance"].filter(period_grain="all", stratum="all").to_dicts()
    }
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as con:
        for group in measure(FACTS)["group"]:
            row = rows[GROUPS[group["id"]]]
            found = {part["code"]["coding"][0]["code"]: con.execute(part["criteria"]["expression"]).fetchall() for part in group["population"]}
            assert all(len(set(members)) == len(members) for members in found.values()), "a member counts once"
            assert {code: len(members) for code, members in found.items()} == {
                "initial-population": row["n_index"],
                "denominator": row["n_index"],
                "denominator-exclusion": row["n_unrated"] + row["n_indeterminate"],
                "numerator": row["n_appropriate"],
            }
            assert row["n_index"] > 0
            assert set(found["numerator"]) | set(found["denominator-exclusion"]) <= set(found["denominator"])
            assert not set(found["numerator"]) & set(found["denominator-exclusion"])


def test_stratifiers_and_supplemental_data_are_those_of_the_tables(audited, true):
    compliance = true[0]["compliance"].filter(period_grain="all")
    definition = measure(FACTS)
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as con:
        for stratifier in definition["group"][0]["stratifier"]:
            values = {value for (value,) in con.execute(stratifier["criteria"]["expression"]).fetchall()}
            assert values == set(compliance.filter(stratum=stratifier["id"])["stratum_value"]) != set()
        assert [each["code"]["text"] for each in definition["supplementalData"]] == ["Sex", "Race", "Ethnicity", "Payer"]
        for each in definition["supplementalData"]:
            counted = con.execute(each["criteria"]["expression"]).fetchall()
            total = sum(row[3] for row in counted if row[:2] == ("post_completion", "episode"))
            assert total == compliance.filter(measure="post_completion", basis="episode", stratum="all")["n_index"][0]


def test_criteria_say_what_they_count():
    for group in measure(FACTS)["group"]:
        for part in (*group["population"], *group["stratifier"]):
            assert part["criteria"]["description"].startswith("One row per ")
            assert re.search(r"\bout\.\w+", part["criteria"]["expression"])
            assert "$" not in part["criteria"]["expression"]


def test_what_must_not_be_passed_on_says_so(released):
    profile, tables, said = released
    report = measure_report(tables, said)
    codes = [coding["code"] for coding in report["meta"]["security"]]
    assert codes == (["HTEST", "R"] if profile == "none" else ["HTEST"])
    assert "Synthetic data" in report["text"]["div"]
    assert ("Protected zone only" in report["text"]["div"]) == (profile == "none")
    assert f"suppression {profile}" in report["text"]["div"]
    assert said["run_id"] in report["text"]["div"]
    assert "meta" not in of()


def test_the_narrative_is_escaped_and_says_the_rate():
    hostile = '<script>alert("1")</script>&'
    report = measure_report({"compliance": table([ROW])}, FACTS | {"suppression": "cms", "deid_mode": hostile})
    page = ElementTree.fromstring(report["text"]["div"])
    assert {element.tag.rpartition("}")[2] for element in page.iter()} == {"div", "p", "table", "thead", "tbody", "tr", "th", "td"}
    text = " ".join(page.itertext())
    assert hostile in text
    for figure in ("83.3", "77.0", "88.0", "75.0", "85.0", "200"):
        assert figure in text
    ElementTree.fromstring(measure(FACTS)["text"]["div"])


def test_values_of_a_delivery_stay_text():
    hostile = '</div>"\\\u2028=cmd()'
    report = measure_report({"compliance": table([ROW, ROW | {"stratum": "site", "stratum_value": hostile}])}, FACTS)
    assert ("post_completion", "episode", "site", hostile) in cells(json.loads(json.dumps(report)))
    MeasureReport.model_validate(report)


def test_dates_are_those_of_the_data():
    report = of()
    assert (report["date"], report["period"]) == ("2025-06-30", {"start": "2023-01-01", "end": "2025-06-30"})
    earlier = measure_report({"compliance": table([ROW])}, FACTS | {"period": {"first": "2023-01-01", "last": "2024-12-31"}})
    assert earlier["period"]["end"] == "2024-12-31"


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"as_of": None, "period": None}, "masked"), ({"as_of": None}, "masked"), ({"period": None}, "not-applicable")],
    ids=["relative_days", "shifted_dates", "no index day"],
)
def test_without_a_calendar_there_are_no_dates(changed, why):
    report = measure_report({"compliance": table([ROW])}, FACTS | changed)
    assert report["period"] == {"extension": [{"url": ABSENT, "valueCode": why}]}
    assert ("date" in report) == ("as_of" not in changed)
    MeasureReport.model_validate(report)


def test_the_same_tables_give_the_same_bytes(released, tmp_path):
    _, tables, said = released
    turned = tables | {"compliance": tables["compliance"].reverse()}
    for name, given in (("one", tables), ("two", turned)):
        (tmp_path / name).mkdir()
        write(given, said, tmp_path / name)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["measure.json", "measure_report.json"]
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
        assert json.loads(path.read_text(encoding="utf-8"))["resourceType"] in ("Measure", "MeasureReport")


def test_no_host_but_that_of_the_standard(released):
    _, tables, said = released
    text = json.dumps([measure(said), measure_report(tables, said)])
    hosts = set(re.findall(r"https?://([^/\"]+)", text))
    assert hosts == {"hl7.org", "terminology.hl7.org", "www.w3.org"}
