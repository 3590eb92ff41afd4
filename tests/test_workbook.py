"""The workbook read back by another library: every cell says what the released table says, and no text of a delivery runs."""

import math
import re
import time
import zipfile
from datetime import date, datetime

import export_tables
import openpyxl
import polars as pl
import pytest
from export_tables import facts_of, from_source, headlined

from flows.exports import cells, facts, packaging, workbook
from flows.exports.facts import PROTECTED, SYNTHETIC, disclosures

TABLES = export_tables.released()
HEAD = workbook.FIRST_ROW + 1  # openpyxl counts from 1
NOT_THERE = ("masked", "withheld", "not shown", "–")
HOSTILE = [
    "=1+1", "=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "＝1+1", "＠x", "\t=1", "\r=1", "  =1", "=HYPERLINK(\"http://x\",\"y\")", "http://example.invalid/a",
    "{=1}", "'=1", "<b>&amp;", "_x003D_1", "\x01\x0b", "nan", "1e3", "0012", "TRUE", "a\nb", "ﬀ", "\ufffe", "é" * 40_000,
]  # fmt: skip


def written(tables, path, profile="cms", charts=()):
    workbook.write(tables, facts_of(tables, profile), path, charts)
    return openpyxl.load_workbook(path)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("workbook") / "audit.xlsx"


@pytest.fixture(scope="module")
def book(path):
    return written(TABLES, path)


def body(book, name, table):
    """The rows of a table's sheet, as they stand."""
    sheet = book[workbook.title_of(name)]
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=HEAD + 1, max_row=HEAD + table.height, max_col=table.width)]


def plain(value):
    return value.date() if isinstance(value, datetime) else value


def says(cell, value):
    """A workbook knows one kind of number, and keeps 16 digits of it."""
    if value is None:
        return cell in NOT_THERE
    if isinstance(value, float):
        return isinstance(cell, int | float) and not isinstance(cell, bool) and math.isclose(cell, value, rel_tol=1e-15)
    return type(cell) is type(value) and cell == value


def disagreements(book, tables):
    """Cells that do not say what the released table says: table, row, column, cell, value."""
    found = []
    for name, table in packaging.exported(tables).items():
        for at, (told, row) in enumerate(zip(body(book, name, table), table.to_dicts(), strict=True)):
            for cell, (column, value) in zip(told, row.items(), strict=True):
                if not says(plain(cell), value):
                    found.append((name, at, column, cell, value))
    return found


def test_every_cell_equals_the_released_table(book):
    assert disagreements(book, TABLES) == []
    assert sum(table.height * table.width for table in packaging.exported(TABLES).values()) > 5000


def test_every_cell_equals_the_released_table_where_nothing_is_masked(tmp_path):
    tables = export_tables.released("none")
    assert disagreements(written(tables, tmp_path / "a.xlsx", "none"), tables) == []


def test_another_value_would_be_noticed(book):
    row = TABLES["compliance"].row(0, named=True)
    other = headlined(TABLES, {"n_index": 999_999})
    assert [(name, column) for name, _, column, *_ in disagreements(book, other)] == [("compliance", "n_index")]
    assert row["n_index"] != 999_999


def test_what_is_masked_is_said_so_and_never_empty_or_zero(book):
    n_masked = 0
    for name, table in packaging.exported(TABLES).items():
        for told, row in zip(body(book, name, table), table.to_dicts(), strict=True):
            for cell, (column, value) in zip(told, row.items(), strict=True):
                if value is None and row["suppressed"] and column.startswith("n_") and column != "n_unknown_band":
                    assert cell == "masked", (name, column)
                    n_masked += 1
    assert n_masked > 200


def test_an_empty_cell_that_is_no_mask_is_a_dash(book):
    periods = TABLES["compliance"]["period_start"].is_null().to_list()
    cells_of = [row[TABLES["compliance"].columns.index("period_start")] for row in body(book, "compliance", TABLES["compliance"])]
    assert {cell for cell, is_empty in zip(cells_of, periods, strict=True) if is_empty} == {"–"}


@pytest.mark.parametrize(("row", "column", "said"), [
    ({"n_index": 0, "rate": None, "suppressed": False}, "rate", "–"),
    ({"n_index": 0, "rate": None, "suppressed": True}, "rate", "–"),
    ({"n_index": None, "rate": None, "suppressed": True, "is_withheld": None}, "rate", "masked"),
    ({"n_index": 40, "rate": None, "suppressed": False, "is_withheld": True}, "rate", "withheld"),
    ({"n_index": 40, "bound_low": None, "suppressed": True, "is_withheld": True}, "bound_low", "masked"),
    ({"n_index": None, "suppressed": True}, "n_index", "masked"),
    ({"rate": None, "rate_band": None, "suppressed": True}, "rate_band", "–"),
    ({"measure": "S7", "part": "all", "median_days": None, "suppressed": True}, "median_days", "–"),
    ({"measure": "S8", "part": "all", "median_days": None, "denominator": 40, "suppressed": True}, "median_days", "masked"),
    ({"measure": "S8", "part": "all", "median_days": None, "denominator": 0, "suppressed": False}, "median_days", "–"),
    ({"radiation_level": None, "msv_low": None, "suppressed": True}, "msv_low", "–"),
    ({"radiation_level": 3, "msv_low": None, "suppressed": True}, "msv_low", "masked"),
    ({"rate_then": None, "band_then": None, "suppressed": False}, "rate_then", "not shown"),
    ({"explains": None, "suppressed": True}, "explains", "–"),
    ({"is_alarm": None, "suppressed": True}, "is_alarm", "masked"),
    ({"follows_either_or": None, "suppressed": True}, "follows_either_or", "–"),
])  # fmt: skip
def test_why_a_cell_is_empty(row, column, said):
    kind = "flag" if column in ("is_alarm", "follows_either_or") else "count" if column.startswith("n_") else "word" if column.endswith("band") else "share"
    assert cells.empty(row, column, kind) == said


def test_there_is_a_sheet_for_every_exported_table_and_no_other(book):
    tables = [workbook.title_of(name) for name in packaging.exported(TABLES)]
    assert book.sheetnames == ["Read me", "Charts", *tables, "Columns"]
    assert "audit_run" not in packaging.exported(TABLES)
    hidden = [column for table in packaging.exported(TABLES).values() for column in table.columns if column in ("run_id", "checked_at")]
    assert hidden == []


def test_each_table_can_be_filtered_scrolled_and_printed(book):
    for name, table in packaging.exported(TABLES).items():
        sheet = book[workbook.title_of(name)]
        (listed,) = sheet.tables.values()
        assert listed.autoFilter is not None
        assert [column.name for column in listed.tableColumns] == workbook.headings(table)
        assert sheet.freeze_panes == f"A{HEAD + 1}"
        assert sheet.print_title_rows == f"$1:${HEAD}"
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage) == ("landscape", 0, True)


def test_the_columns_sheet_leads_from_heading_to_column_and_meaning(book):
    rows = [[cell.value for cell in row] for row in book["Columns"].iter_rows(min_row=HEAD + 1, max_col=4)]
    told = {(sheet, column): (head, meaning) for sheet, head, column, meaning in rows}
    for name, table in packaging.exported(TABLES).items():
        for head, column in zip(workbook.headings(table), table.columns, strict=True):
            assert told[workbook.title_of(name), column][0] == head
            assert told[workbook.title_of(name), column][1]


def test_percentages_and_counts_are_formatted_as_such(book):
    sheet, table = book["Measure"], TABLES["compliance"]
    formats = {}
    for column in ("rate", "n_index"):
        at = next(number for number, value in enumerate(table[column].to_list(), start=HEAD + 1) if value is not None)
        formats[column] = sheet.cell(at, table.columns.index(column) + 1).number_format
    assert formats == {"rate": "0.0%", "n_index": "#,##0"}


def texts_of(book):
    return [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]


def test_the_read_me_says_what_this_is(book):
    told = " ".join(cell.value for row in book["Read me"].iter_rows() for cell in row if cell.value)
    facts = facts_of(TABLES)
    for word in (facts["run_id"], "2025-01-31", "limited data set", "2022-01-01 to 2024-12-31", "2017, in force here from 2017-11-01", "counts of 1 to 10", "The figure is hidden"):
        assert word in told
    assert len(disclosures(facts["parameters"])) == 10
    assert all(claim in told and meaning in told for claim, meaning in disclosures(facts["parameters"]))
    assert all(title in told for title in book.sheetnames[1:])


def marks_of(book):
    return {sheet.title: (sheet["A4"].value, sheet.oddHeader.center.text) for sheet in book}


def test_a_real_delivery_has_no_watermark(book):
    assert set(marks_of(book).values()) == {(None, None)}


def test_synthetic_data_are_watermarked_on_every_sheet_and_print(tmp_path):
    book = written(from_source(TABLES, source="demo (synthetic)"), tmp_path / "a.xlsx")
    assert set(marks_of(book).values()) == {(SYNTHETIC, SYNTHETIC)}


def test_the_profile_none_is_watermarked_on_every_sheet_and_print(tmp_path):
    book = written(export_tables.released("none"), tmp_path / "a.xlsx", "none")
    assert set(marks_of(book).values()) == {(PROTECTED, PROTECTED)}
    assert all("suppression none" in sheet.oddFooter.left.text for sheet in book)


def hostile_tables():
    sites = {f"site_{letter}": text for letter, text in zip("abcdef", HOSTILE, strict=False)}
    of_site = pl.when(pl.col("stratum") == "site").then(pl.col("stratum_value").replace(sites)).otherwise("stratum_value")
    codes = pl.DataFrame([("LOCAL", text, "unmapped_code", 20, 20, 20, False, False) for text in HOSTILE], orient="row", schema=TABLES["unmapped_code"].drop("is_rounded", strict=False).schema)  # fmt: skip
    return TABLES | {"compliance": TABLES["compliance"].with_columns(of_site.alias("stratum_value")), "unmapped_code": codes}


def test_no_text_of_a_delivery_runs_links_or_turns_into_a_number(tmp_path):
    tables = hostile_tables()
    book = written(tables, tmp_path / "a.xlsx", charts=[FUNNEL])
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate)
                assert cell.hyperlink is None
    column = tables["unmapped_code"].columns.index("code") + 1
    told = [book["Unmapped codes"].cell(HEAD + 1 + at, column) for at in range(len(HOSTILE))]
    assert {cell.data_type for cell in told} == {"s"}
    for cell, text in zip(told, HOSTILE, strict=True):
        expected = text if len(text) <= workbook.LONGEST else text[: workbook.LONGEST - 1] + "…"
        read = re.sub("_x([0-9A-F]{4})_", lambda code: chr(int(code[1], 16)), cell.value)
        assert read.replace("\n", "") == re.sub("_x003D_", "=", expected).replace("\r", "\r").replace("\n", "") or read == expected
    with zipfile.ZipFile(tmp_path / "a.xlsx") as parts:
        assert [name for name in parts.namelist() if "external" in name.lower() or "vba" in name.lower()] == []
        assert all(b"<f>" not in parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets/"))


def test_what_a_spreadsheet_would_run_is_marked_as_text(tmp_path):
    book = written(hostile_tables(), tmp_path / "a.xlsx")
    sheet = book["Unmapped codes"]
    quoted = {cell.value: cell.quotePrefix for row in sheet.iter_rows(min_row=HEAD + 1, min_col=2, max_col=2) for cell in row}
    assert all(quoted[text] for text in HOSTILE if text[0] in "=+-@＝＠")
    assert not quoted["0012"]


FUNNEL = {"kind": "funnel", "measure": "post_completion", "title": "Funnel", "svg": None, "says": "", "table": [
    {"label": "a", "n": 40, "value": 0.9, "center": 0.93, "low": 0.8, "high": 1.0}, {"label": "b", "n": 90, "value": 0.95, "center": 0.93, "low": 0.85, "high": 0.99},
    {"label": "c", "n": None, "value": None, "center": 0.93, "low": None, "high": None},
]}  # fmt: skip


def chart_parts(path):
    with zipfile.ZipFile(path) as parts:
        return [parts.read(name).decode() for name in sorted(parts.namelist()) if name.startswith("xl/charts/chart")]


def values_drawn(path):
    """The cells that the charts draw as numbers."""
    sheet = openpyxl.load_workbook(path)["Charts"]
    found = []
    for text in chart_parts(path):
        for part in ("c:val", "c:yVal", "c:xVal"):
            for place in re.findall(rf"<{part}>.*?<c:f>Charts!(.*?)</c:f>", text):
                found += [cell.value for row in sheet[place.replace("$", "")] for cell in (row if isinstance(row, tuple) else (row,))]
    return found


@pytest.mark.parametrize(("profile", "n_charts", "n_least"), [("cms", 3, 15), ("none", 5, 40)])
def test_charts_draw_only_figures_that_are_shown(tmp_path, profile, n_charts, n_least):
    tables = export_tables.released(profile)
    written(tables, tmp_path / "a.xlsx", profile)
    drawn = values_drawn(tmp_path / "a.xlsx")
    assert len(chart_parts(tmp_path / "a.xlsx")) == n_charts
    assert len(drawn) > n_least
    assert not [value for value in drawn if isinstance(value, str)]
    shown = {row[column] for row in tables["compliance"].to_dicts() for column in ("rate", "n_index")} | set(tables["case_attrition"]["n_cases"])
    assert not [value for value in drawn if not any(says(value, one) for one in shown - {None}) and value is not None]


def test_a_masked_period_is_a_gap_in_the_line(tmp_path):
    tables = export_tables.released("none")
    gone = pl.col("period_start") == date(2023, 4, 1)
    table = tables["compliance"].with_columns(rate=pl.when(gone).then(None).otherwise("rate"), suppressed=gone)
    book = written(tables | {"compliance": table}, tmp_path / "a.xlsx")
    (row,) = [row for row in book["Charts"].iter_rows(max_col=6) if row[0].value == "2023 Q2"]
    assert (row[2].value, row[5].value) == (None, "masked")
    assert not [text for text in chart_parts(tmp_path / "a.xlsx") if "dispBlanksAs" in text]  # Excel's default is a gap
    assert None in values_drawn(tmp_path / "a.xlsx")


def test_the_funnel_brings_its_limits(tmp_path):
    written(export_tables.released("none"), tmp_path / "a.xlsx", "none", charts=[FUNNEL])
    assert {0.8, 0.85, 0.99, 1.0, 40, 90} <= set(values_drawn(tmp_path / "a.xlsx"))


def test_nothing_to_draw_draws_nothing(tmp_path):
    gone = TABLES["compliance"].with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("rate", "ci_low", "ci_high"))
    gone = gone.with_columns(n_index=pl.lit(None, pl.Int64), suppressed=True)
    cases = TABLES["case_attrition"].with_columns(n_cases=pl.lit(None, pl.Int64), suppressed=True)
    book = written(TABLES | {"compliance": gone, "case_attrition": cases}, tmp_path / "a.xlsx")
    assert chart_parts(tmp_path / "a.xlsx") == []
    assert [value for value in texts_of(book) if value == "No figure of this chart is shown."] != []


def test_an_empty_table_is_a_sheet_that_says_so(tmp_path):
    book = written(TABLES | {"unmapped_code": TABLES["unmapped_code"].clear()}, tmp_path / "a.xlsx")
    assert book["Unmapped codes"].cell(HEAD + 1, 1).value == "No rows."


def test_the_same_audit_gives_the_same_bytes_whenever_it_is_written(path, book, tmp_path):
    time.sleep(2.1)  # zip archives count time in steps of two seconds
    written(TABLES, tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == path.read_bytes()


def test_index_days_end_with_the_data():
    rows = pl.DataFrame({"period_grain": ["quarter"], "period_start": [date(2025, 7, 1)], "n_index": [30], "stratum": ["all"]})
    for as_of, last in ((date(2025, 8, 31), "2025-08-31"), (date(2026, 1, 1), "2025-09-30"), (None, "2025-09-30")):
        assert facts.period(rows, as_of) == {"first": "2025-07-01", "last": last}


@pytest.mark.parametrize(("as_of", "day"), [(date(2025, 1, 31), date(2025, 1, 31)), (None, date(2000, 1, 1))])
def test_the_file_is_dated_by_its_data(tmp_path, as_of, day):
    book = written(from_source(TABLES, as_of=as_of), tmp_path / "a.xlsx")
    assert book.properties.created.date() == day


def test_the_mask_is_that_of_the_release(tmp_path):
    """Exact figures of masked cells must not be found: compared with the tables before disclosure control."""
    exact = export_tables.exact()["compliance"].drop("suppressed").to_dicts()
    key = ("measure", "basis", "period_grain", "period_start", "stratum", "stratum_value")
    true = {tuple(row[name] for name in key): row for row in exact}
    book = written(TABLES, tmp_path / "a.xlsx")
    small = 0
    for told, row in zip(body(book, "compliance", TABLES["compliance"]), TABLES["compliance"].to_dicts(), strict=True):
        for cell, column in zip(told, row, strict=True):
            if column.startswith("n_") and 1 <= true[tuple(row[name] for name in key)][column] <= 10:
                assert not isinstance(cell, int) or row["is_rounded"], (row, column)
                small += 1
    assert small > 100


def test_every_heading_reads_like_the_others():
    """alarm and is_alarm would read alike, and stood there as the columns are called."""
    found = {name: workbook.headings(table) for name, table in packaging.exported(TABLES).items()}
    assert {name: [head for head in heads if "_" in head or head == head.lower()] for name, heads in found.items()} == dict.fromkeys(found, [])
    assert [head for head in found["validity"] if "larm" in head] == ["Alarm", "Alarm raised"]


def test_a_rounded_figure_looks_rounded(tmp_path):
    """The cell keeps the number; ≈ 94 % stood there as 94.0 %."""
    tables = headlined(TABLES, {"is_rounded": True, "rate": 0.94, "n_index": 430})
    at = next(at for at, row in enumerate(tables["compliance"].to_dicts(), start=HEAD + 1) if row["is_rounded"])
    sheet = written(tables, tmp_path / "a.xlsx")["Measure"]
    looks = {column: (cell.value, cell.number_format) for column, cell in zip(tables["compliance"].columns, sheet[at], strict=False)}
    assert (looks["rate"], looks["n_index"]) == ((0.94, '"≈ "0%'), (430, '"≈ "#,##0'))
    charts = [(row[2].value, row[2].number_format) for row in openpyxl.load_workbook(tmp_path / "a.xlsx")["Charts"].iter_rows(min_row=6)]
    assert (0.94, '"≈ "0%') in charts
    with zipfile.ZipFile(tmp_path / "a.xlsx") as parts:
        assert "≈94\u00a0%" in parts.read("xl/charts/chart1.xml").decode()


def test_headings_are_told_apart():
    table = pl.DataFrame({"n_rows": [1], "rows": [2], "ci_low": [0.5]})
    assert workbook.headings(table) == ["n_rows", "rows", "Interval, low"]
