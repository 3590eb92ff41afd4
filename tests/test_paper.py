"""The board paper read back: what it prints stands in the released tables, under its watermark, in the same bytes each time."""

import io
import json
import re
import time
import unicodedata
from datetime import date

import export_tables
import polars as pl
import pypdf
import pytest
from export_tables import COUNTS, NO_RATE, changed, facts_of, from_source, headlined

from flows import since
from flows.exports import paper
from flows.exports.facts import PROTECTED, SYNTHETIC, disclosures, named
from flows.headline import HEADLINE

TABLES = export_tables.released()
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 90" width="300" height="90"><rect x="9" y="9" width="200" height="40" fill="#0b5394"/></svg>'
DRAWN = {"title": "Trend of the headline", "svg": SVG, "says": "No signal.", "limits_say": "", "smallest_says": "Only a change of more than 12 points would show."}
NOT_DRAWN = {"title": "Funnel of the sites", "svg": None, "says": "Cannot tell: too few sites can be shown."}
FIGURE = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?: ?%)?(?![\w-])")


def written(tables, path, profile="cms", charts=()):
    paper.write(tables, facts_of(tables, profile), list(charts), path)
    return pypdf.PdfReader(path)


def plain(text):
    return " ".join(unicodedata.normalize("NFKC", text).replace("\u00ad", "").split())


def text_of(pdf):
    return plain(" ".join(page.extract_text() for page in pdf.pages))


def told(tables, tmp_path, profile="cms", charts=()):
    return text_of(written(tables, tmp_path / "a.pdf", profile, charts))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("paper") / "a.pdf"


@pytest.fixture(scope="module")
def pdf(path):
    return written(TABLES, path, charts=[DRAWN, NOT_DRAWN])


@pytest.fixture(scope="module")
def text(pdf):
    return text_of(pdf)


def formatted(tables):
    """Every figure of the released tables, in the ways in which it may be printed."""
    found = set()
    for table in tables.values():
        for column, dtype in table.schema.items():
            values = table[column].drop_nulls().to_list() if dtype.is_numeric() else []
            if dtype.is_integer():
                found |= {f"{value:,}" for value in values}
            elif dtype.is_float():
                found |= {f"{100 * value:.{digits}f}{sign}" for value in values for digits in (0, 1) for sign in ("", " %")}
                found |= {f"{value:,.1f}".removesuffix(".0") for value in values}
    return found


def words_of(tables, facts):
    """Figures that are words: in the template, the facts of the run, the disclosures and the labels of the rules."""
    texts = [paper.TEMPLATE.read_text(encoding="utf-8"), json.dumps(facts), named(facts), json.dumps(disclosures(facts["parameters"]), ensure_ascii=False)]
    texts += [paper.content(tables, facts, [])["facts"]["masking"], "15 %", "12"]  # the share of withholding, the made-up chart
    texts += [value for table in tables.values() for column in ("label", "name", "measure", "next_step") if column in table.columns for value in table[column].unique()]
    return {figure for each in texts for figure in FIGURE.findall(plain(each))}


def strangers(text, tables):
    """Figures of the paper that stand in no released table."""
    allowed = formatted(tables) | words_of(tables, facts_of(tables)) | {f"{number}" for number in range(1, 10)}  # pages
    return sorted(set(FIGURE.findall(text.replace("–", " "))) - allowed)


def test_every_figure_printed_stands_in_the_released_tables(text):
    assert len(FIGURE.findall(text)) > 150
    assert strangers(text, TABLES) == []


def test_a_figure_from_elsewhere_would_be_noticed(tmp_path):
    other = headlined(TABLES, {"n_index": 987_654, "rate": 0.4321})
    assert strangers(told(other, tmp_path), TABLES) == ["43.2 %", "987,654"]


def test_the_headline_is_said_first_with_interval_and_bounds(tmp_path):
    tables = export_tables.released("none")
    text = told(tables, tmp_path, "none")
    row = tables["compliance"].filter(**HEADLINE).row(0, named=True)
    share = {name: f"{100 * row[name]:.1f}" for name in ("rate", "ci_low", "ci_high", "bound_low", "bound_high")}
    assert f"{share['rate']} % of the cases that could be rated began their imaging after therapy with an exam that the criteria call usually appropriate." in text
    assert f"Chance alone could explain anything within {share['ci_low']}–{share['ci_high']} %;" in text
    assert f"could move it anywhere within {share['bound_low']}–{share['bound_high']} %." in text
    places = [text.index(words) for words in ("What is the rate?", "How sure are we?", "What moved it?", "What should we do next?", "side by side", "Which exams", "cannot tell")]
    assert places == sorted(places)


def test_each_row_says_what_its_row_says():
    content = paper.content(TABLES, facts_of(TABLES), [])
    wanted = {"measure": "post_completion", "basis": "episode", "period_grain": "all"}
    for stratum in content["strata"]:
        rows = TABLES["compliance"].filter(**wanted, stratum=stratum["name"].replace(" ", "_")).sort("stratum_value").to_dicts()
        assert [line[0] for line in stratum["rows"]] == [row["stratum_value"].replace("_", " ") for row in rows]
        for (_, rate, interval, _, n), row in zip(stratum["rows"], rows, strict=True):
            assert n == ("masked" if row["n_index"] is None else f"{row['n_index']:,}")
            assert ("%" in rate) == (row["rate"] is not None or row["rate_band"] is not None)
            assert (row["rate"] is None) == (interval in ("masked", "withheld", "–"))
    steps = {row["label"]: row for row in TABLES["attrition"].to_dicts()}
    for name, n_orders, n_patients in content["orders"]:
        row = steps[name.removeprefix("− ")]
        assert [n_orders, n_patients] == ["masked" if row[column] is None else f"{row[column]:,}" for column in ("n_orders", "n_patients")]
    measures = {line[0]: line[1:] for line in content["measures"]}
    for place, (basis, measure) in enumerate((basis, measure) for basis in ("episode", "order") for measure in ("post_completion", "on_treatment")):
        row = TABLES["compliance"].filter(**HEADLINE | {"basis": basis, "measure": measure}).row(0, named=True)
        assert measures["counted"][place] == ("masked" if row["n_index"] is None else f"{row['n_index']:,}")
        assert measures["mixed"][place] == ("masked" if row["n_mixed"] is None else f"{row['n_mixed']:,}")


def test_what_is_masked_stays_masked(text):
    assert text.count("masked") > 30
    hidden = export_tables.exact()["compliance"].filter(**HEADLINE).row(0, named=True)
    shown = TABLES["compliance"].filter(**HEADLINE).row(0, named=True)
    assert any(shown[name] is None and hidden[name] for name in COUNTS), "the example must hide something of the headline"


def test_all_disclosures_stand_in_it(text):
    for claim, meaning in disclosures(export_tables.PARAMETERS):
        assert plain(f"{claim} {meaning}") in text


def test_a_chart_stands_with_its_words_and_one_that_cannot_be_drawn_says_why(pdf, text):
    assert "Trend of the headline No signal. Only a change of more than 12 points would show." in text
    assert "Funnel of the sites Cannot tell: too few sites can be shown." in text
    alts = [str(element["/Alt"]) for element in elements(pdf) if "/Alt" in element]
    assert alts == ["Trend of the headline. No signal. Only a change of more than 12 points would show."]


def elements(pdf):
    """The structure that a screen reader walks."""
    waiting = [pdf.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        element = waiting.pop().get_object()
        if isinstance(element, pypdf.generic.ArrayObject):
            waiting += list(element)
        elif isinstance(element, pypdf.generic.DictionaryObject):
            yield element
            waiting += [element["/K"]] if "/K" in element else []


def test_the_pdf_is_tagged_titled_and_in_english(pdf):
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] is True or root["/MarkInfo"]["/Marked"].value is True
    assert root["/Lang"] == "en-GB"
    assert pdf.metadata.title.startswith("First imaging order after neoadjuvant therapy")
    kinds = {str(element.get("/S")) for element in elements(pdf)}
    assert {"/Title", "/H1", "/H2", "/P", "/Table", "/TH", "/TD", "/Figure"} <= kinds | {"/Title"}
    assert b"pdfuaid" in b"".join(pdf.xmp_metadata.stream.get_data() for _ in (1,))


def test_every_page_names_edition_period_run_and_suppression(pdf):
    line = plain(named(facts_of(TABLES)))
    assert 3 <= len(pdf.pages) <= 6
    for number, page in enumerate(pdf.pages, start=1):
        text = plain(page.extract_text())
        assert line in text
        assert f"Page {number} of {len(pdf.pages)}" in text


@pytest.mark.parametrize(("source", "profile", "marks"), [
    ("demo (synthetic)", "cms", [SYNTHETIC]), ("contract", "none", [PROTECTED]), ("synthea", "none", [SYNTHETIC, PROTECTED]), ("contract", "cms", []),
])  # fmt: skip
def test_every_page_has_its_watermarks(tmp_path, source, profile, marks):
    pdf = written(from_source(export_tables.released(profile), source=source), tmp_path / "a.pdf", profile)
    for page in pdf.pages:
        text = plain(page.extract_text())
        assert [mark for mark in (SYNTHETIC, PROTECTED) if mark in text] == marks
    assert ("Synthetic" in pdf.metadata.title, "Protected" in pdf.metadata.title) == (SYNTHETIC in marks, PROTECTED in marks)


def test_the_same_audit_gives_the_same_bytes(pdf, path, tmp_path):
    time.sleep(1.1)
    written(TABLES, tmp_path / "again.pdf", charts=[DRAWN, NOT_DRAWN])
    assert (tmp_path / "again.pdf").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("as_of", "day"), [(date(2025, 1, 31), date(2025, 1, 31)), (None, date(2000, 1, 1))])
def test_the_file_is_dated_by_its_data(tmp_path, as_of, day):
    pdf = written(from_source(TABLES, as_of=as_of), tmp_path / "a.pdf")
    assert pdf.metadata.creation_date.date() == day


def test_nothing_of_a_delivery_is_read_as_markup(tmp_path):
    hostile = "#panic(1) *b* $x$ <script> @ref = h // c"
    of_site = pl.when(pl.col("stratum_value") == "site_a").then(pl.lit(hostile)).otherwise("stratum_value").alias("stratum_value")
    assert hostile in told(TABLES | {"compliance": TABLES["compliance"].with_columns(of_site)}, tmp_path)


STRANGE = ["東京病院", "a\x01b", "🙂", "\ue000", "\u202eabc", "עברית", "ภาษาไทย", "x\u0301", "\u200b", "", "\n", "a" * 500, "\ufffe", "\u2028", "\u0378"]


@pytest.mark.parametrize("label", STRANGE)
def test_letters_that_no_font_here_has_stop_no_paper(tmp_path, label):
    of_site = pl.when(pl.col("stratum_value") == "site_a").then(pl.lit(label)).otherwise("stratum_value").alias("stratum_value")
    drawn = DRAWN | {"svg": SVG.replace("</svg>", f'<text x="9" y="80">{label if label.isprintable() else ""}</text></svg>')}
    text = told(TABLES | {"compliance": TABLES["compliance"].with_columns(of_site)}, tmp_path, charts=[drawn])
    is_whole = paper.legible(label) == label
    assert ("Letters that the fonts of this paper lack" in text) != is_whole
    assert is_whole or paper.NOT_SET in text


def test_every_letter_that_is_let_through_can_be_set():
    letters = [chr(code) for code in range(0x20, 0x3000) if paper.legible(chr(code)) == chr(code)]
    content = paper.content(TABLES, facts_of(TABLES), [])
    content["summary"]["over_time"] = " ".join(letters)
    assert len(letters) > 1400
    assert paper.compiled(content, facts_of(TABLES)).startswith(b"%PDF")


def test_nothing_reaches_beyond_the_paper(path):
    content = path.read_bytes() + b"".join(page.get_contents().get_data() for page in pypdf.PdfReader(io.BytesIO(path.read_bytes())).pages)
    assert b"/URI" not in content
    assert b"/JavaScript" not in content
    assert "@preview" not in paper.TEMPLATE.read_text(encoding="utf-8")


def test_nothing_to_rate_is_said_exactly(tmp_path):
    empty = dict.fromkeys(NO_RATE) | dict.fromkeys(COUNTS, 0) | {"n_index": 0, "is_withheld": False}
    tables = headlined(headlined(TABLES, empty), empty | {"n_index": 31}, "on_treatment")
    tables = changed(tables, "case_attrition", {"n_cases": 94}, reason="operated_without_response_order")
    text = told(tables, tmp_path)
    assert "There is nothing to rate. 94 neoadjuvant cases were operated without any response imaging order" in text
    assert "cases with imaging during therapy: 31" in text
    assert "began their imaging" not in text


def test_a_withheld_rate_says_why(tmp_path):
    text = told(headlined(TABLES, NO_RATE | {"is_withheld": True, "n_index": 451}), tmp_path)
    assert "The rate is withheld. Too many of the 451 cases are unrated or indeterminate" in text
    assert "rate withheld" in text


def test_a_masked_rate_gives_way_to_its_band(tmp_path):
    text = told(headlined(TABLES, NO_RATE | {"is_withheld": False, "suppressed": True, "rate_band": "90_to_95"}), tmp_path)
    assert "90 to 95 % of the cases that could be rated began" in text
    assert "This band stands for the rate: the counts behind it are too small to be shown." in text


def test_a_masked_rate_without_a_band_shows_nothing(tmp_path):
    text = told(headlined(TABLES, NO_RATE | {"is_withheld": False, "suppressed": True, "n_index": 40}), tmp_path)
    assert "The rate is masked. The counts behind it are too small to be shown, or too few cases could be rated." in text
    assert "began their imaging" not in text


def test_an_alarm_comes_before_the_figures(tmp_path):
    row = TABLES["validity"].filter(measure="post_completion").row(0, named=True)
    tables = changed(TABLES, "validity", {"is_alarm": True, "value": 0.5}, alarm=row["alarm"], measure=row["measure"])
    text = told(tables, tmp_path)
    assert text.index("Check the mapping first.") < text.index("side by side")
    assert plain(f"{row['label']} (after therapy). Next: {row['next_step']}.") in text


@pytest.mark.parametrize(("mode", "says"), [("relative_days", "there is no calendar"), ("shifted_dates", "(dates shifted per person)")])
def test_the_way_of_de_identification_is_said(tmp_path, mode, says):
    tables = from_source(TABLES, deid_mode=mode)
    if mode == "relative_days":
        tables = from_source(tables, as_of=None) | {"compliance": tables["compliance"].filter(period_grain="all")}
    text = told(tables, tmp_path)
    assert says in text
    assert ("without a calendar" in text) == (mode == "relative_days")


def test_a_first_run_has_nothing_to_compare_with(text):
    assert "Since the last run: nothing to compare with; this is the first." in text
    assert "There is no earlier run to compare with." in text


def test_what_changed_since_the_last_run_is_told(tmp_path):
    told_of = [("new_data", "rows that came", True, 240, None), ("code_map", "codes", False, 0, 0.0), ("corrected_data", "rows that differ", True, None, None), ("software", "versions", None, None, None)]
    rows = [
        {"position": at, "cause": cause, "counts": counts, "is_changed": is_changed, "n_changed": n, "explains": explains, "suppressed": n is None and bool(is_changed)}
        | {"rate_then": 0.912, "rate_now": None, "band_then": None, "band_now": "90_to_95", "is_rounded_then": False, "is_rounded_now": False}
        for at, (cause, counts, is_changed, n, explains) in enumerate(told_of)
    ]  # fmt: skip
    text = told(TABLES | {"change": pl.DataFrame(rows, schema=since.SCHEMA)}, tmp_path)
    assert "Since the last run: new data, corrected data changed; the rate was 91.2 %, it is 90 to 95 %." in text
    moved = pl.DataFrame(rows, schema=since.SCHEMA).with_columns(moves=pl.Series([0.0, None, -0.04, None]), moves_step=pl.lit(0.02))
    split = told(TABLES | {"change": moved}, tmp_path)
    assert "most of it came with the corrected data: about −4 points." in split
    rounded = moved.with_columns(rate_now=pl.lit(0.94), is_rounded_now=pl.lit(True), band_now=pl.lit(None, pl.String))
    assert "the rate was 91.2 %, it is ≈94 %;" in told(TABLES | {"change": rounded}, tmp_path)
    assert "corrected data: rows that differ changed masked about −4 points" in split
    for line in ("new data: rows that came changed 240 cannot be split", "code map: codes as before 0 none of it", "corrected data: rows that differ changed masked cannot be split", "software: versions cannot be told – cannot be split"):
        assert line in text


def test_an_alarm_says_about_where_the_figure_that_it_watches_is_rounded(tmp_path):
    row = TABLES["validity"].filter(measure="post_completion").row(0, named=True)
    given = changed(TABLES, "validity", {"is_rounded": True, "value": 0.94, "n": 430, "is_alarm": False}, alarm=row["alarm"], measure=row["measure"])
    assert f"{row['label']}, after therapy ≈94 % {100 * row['threshold']:.0f} % ≈430 no alarm" in told(given, tmp_path)


@pytest.mark.parametrize("profile", ["cms", "none"])
def test_a_range_of_radiation_says_that_it_was_widened(tmp_path, profile):
    given = changed(export_tables.released(profile), "secondary_measure", {"msv_low": 24.0, "msv_high": 720.0, "denominator": 50, "is_computable": True}, measure="S7")
    text = told(given, tmp_path, profile)
    assert "24–720 mSv in all" in text
    assert (", a range made wider on purpose" in text) is (profile == "cms")
    assert ("ranges of radiation to wider ones" in text) is (profile == "cms")


def test_what_the_checks_say_is_among_what_to_do_first(text):
    assert "Look at what the checks say of the delivery, under Data quality in the report: 2 of them are not as expected." in text


def test_codes_are_one_of_the_reasons_why_cases_stay_unrated(text):
    assert "Map the local codes that reach no exam (1 of them): they leave cases unrated." in text


def test_the_multiverse_is_told_where_it_was_counted(tmp_path):
    base = {"window_days": 84, "completion_lead_days": 7, "min_response_days": 21, "clock": "performed", "assumed_pet": "rated", "tiers": "all", "therapy_classes": "all"}
    rates = {56: 0.91, 84: 0.937, 180: 0.95}
    rows = [base | {"definition": f"d{days}", "window_days": days, "is_declared": days == 84, "rate": rate, "rate_step": 0.01, "rate_band": None, "suppressed": False} for days, rate in rates.items()]
    text = told(TABLES | {"multiverse": pl.DataFrame(rows, schema_overrides={"rate_band": pl.String})}, tmp_path)
    assert "The definition: of the 2 other defensible ones, a rate is shown for all (91 % to 95 %); what matters most: days after the last dose that still count." in text
    assert "As declared, 93.7 %; of the 2 other" in text
    assert "The headline under other definitions" in text


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([(None, None, True)] * 2, "cannot tell: of the 2 other defensible ones nothing can be shown."),
        ([(0.92, None, False), (None, "95_and_above", True)], "of the 2 other defensible ones, a rate is shown for 1 (92 %), a band alone for 1 (95 % and above); what matters most: days after the last dose that still count."),
        ([(None, "90_to_95", True), (None, None, True)], "of the 2 other defensible ones, a band alone is shown for 1 (90 to 95 %), nothing for 1."),
    ],
)  # fmt: skip
def test_definitions_that_are_hidden_are_counted_and_nothing_is_claimed_of_them(tmp_path, others, said):
    base = {"completion_lead_days": 7, "min_response_days": 21, "clock": "performed", "assumed_pet": "rated", "tiers": "all", "therapy_classes": "all"}
    given = [(0.937, None, False), *others]
    rows = [
        base | {"definition": f"d{at}", "window_days": days, "is_declared": at == 0, "rate": rate, "rate_step": 0.02 if rate and at else None, "rate_band": band, "suppressed": suppressed}
        for at, (days, (rate, band, suppressed)) in enumerate(zip((84, 56, 180), given, strict=True))
    ]
    text = told(TABLES | {"multiverse": pl.DataFrame(rows, schema_overrides={"rate_band": pl.String}, infer_schema_length=None)}, tmp_path)
    assert f"The definition: {said}" in text
    assert ("what matters most" in text) is (others[0][0] is not None)


def test_charts_of_the_other_measure_stay_on_the_page(tmp_path):
    other = DRAWN | {"title": "Another chart", "measure": "on_treatment"}
    assert "Another chart" not in told(TABLES, tmp_path, charts=[other])
