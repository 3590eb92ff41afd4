"""The workbook: a read-me, charts, a sheet per exported table, what each column means. All figures are released."""

import re
from datetime import datetime

from flows import ROOT
from flows.exports import catalog, cells, dictionary, workbook_charts
from flows.exports.facts import NO_DAY, disclosures, masking, named, spoken_period

# Nothing in a cell is ever run, followed or turned into something else.
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}
LONGEST = 32_767  # characters that a cell may hold
NARROW, WIDE = 9, 60
FIRST_ROW = 4  # title, grain, what the table is of, a gap; then the header
RUN_BY_SPREADSHEETS = re.compile(r"^[\s]*[=+\-@＝＋－＠]")
TITLES = {
    "compliance": "Measure",
    "sensitivity": "Readings",
    "multiverse": "Multiverse",
    "attrition": "Orders funnel",
    "case_attrition": "Cases funnel",
    "unmapped_code": "Unmapped codes",
    "secondary_measure": "Secondary measures",
    "scenario_compliance": "Other questions",
    "edition_change": "Change of edition",
    "staging_summary": "Staging",
    "radiation": "Radiation",
    "maturity": "Maturity",
    "label_basis": "Basis of labels",
    "validity": "Alarms",
    "notice": "Compared with earlier",
    "quality_warning": "Doubtful rows",
    "quality_result": "Quality checks",
    "change": "Since the last run",
    "differencing": "Differencing",
}
HEADINGS = {
    "ci_low": "Interval, low",
    "ci_high": "Interval, high",
    "bound_low": "Bound, low",
    "bound_high": "Bound, high",
    "n": "Number",
    "n_changed": "Number changed",
    "moves": "Moves the rate by",
    "moves_step": "In steps of",
    "n_index": "Number counted",
    "msv_low": "mSv, low",
    "msv_high": "mSv, high",
    "avoidable_msv_low": "Avoidable mSv, low",
    "avoidable_msv_high": "Avoidable mSv, high",
    "median_days": "Median, days",
    "q1_days": "Lower quartile, days",
    "q3_days": "Upper quartile, days",
    "is_alarm": "Alarm raised",
    "is_all_three": "All three",
    "follows_either_or": "Follows either/or",
}


def write(tables, facts, path, charts=()):
    """charts: what flows/control/charts.py says of the charts; a funnel among them lends its limits to the sheet Charts."""
    import xlsxwriter

    kept = catalog.exported(tables)
    book = Book(xlsxwriter.Workbook(path, OPTIONS), facts)
    book.file.set_properties(
        {
            "title": "First imaging order after neoadjuvant therapy",
            "subject": named(facts),
            "comments": " ".join(facts["watermarks"]),
            "created": datetime.fromisoformat(facts["as_of"]) if facts["as_of"] else NO_DAY,
        }
    )
    _read_me(book, kept)
    workbook_charts.write(book, kept, charts)
    for name, table in kept.items():
        _table(book, name, table)
    _columns(book, kept)
    book.file.close()


class Book:
    """The file with its formats, and what every sheet carries."""

    def __init__(self, file, facts):
        self.file, self.facts = file, facts
        looks = {
            "title": {"bold": True, "font_size": 14},
            "soft": {"font_color": "#4B5A68"},
            "strong": {"bold": True},
            "mark": {"bold": True, "font_color": "#8A1C00", "bg_color": "#FDEDE7"},
            "head": {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1},
            "word": {"valign": "top"},
            "long": {"text_wrap": True, "valign": "top"},
            "quoted": {"quote_prefix": True, "valign": "top"},
            "gone": {"italic": True, "font_color": "#4B5A68", "align": "right", "valign": "top"},
            "day": {"num_format": "yyyy-mm-dd", "valign": "top"},
            "count": {"num_format": "#,##0", "valign": "top"},
            "place": {"num_format": "0", "valign": "top"},
            "share": {"num_format": "0.0%", "valign": "top"},
            "about_count": {"num_format": f'"{cells.ABOUT} "#,##0', "valign": "top"},
            "about_share": {"num_format": f'"{cells.ABOUT} "0%', "valign": "top"},
            "amount": {"num_format": "#,##0.0", "valign": "top"},
            "flag": {"valign": "top"},
        }
        self.looks = {name: file.add_format(look) for name, look in looks.items()}

    def sheet(self, title, says):
        """A sheet with its head: what it shows, of which run, and the watermark that no print may lose."""
        sheet = self.file.add_worksheet(title)
        sheet.write_string(0, 0, title, self.looks["title"])
        sheet.write_string(1, 0, says, self.looks["soft"])
        sheet.write_string(2, 0, named(self.facts), self.looks["soft"])
        watermark = " ".join(self.facts["watermarks"])
        if watermark:
            sheet.set_row(3, None, self.looks["mark"])
            sheet.write_string(3, 0, watermark, self.looks["mark"])
            sheet.set_header(f'&C&"-,Bold"{watermark.replace("&", "&&")}')
        sheet.set_footer(f"&L&8{named(self.facts).replace('&', '&&')}&R&8&A, page &P of &N")
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        return sheet

    def put(self, sheet, at, value, kind, instead=cells.NOTHING):
        """One value as what it is: a text stays a text, and what is not there says why."""
        if value is None:
            sheet.write_string(*at, instead, self.looks["gone"])
        elif kind == "flag":
            sheet.write_boolean(*at, value, self.looks["flag"])
        elif kind == "day":
            sheet.write_datetime(*at, value, self.looks["day"])
        elif kind == "word":
            self.text(sheet, at, value)
        else:
            sheet.write_number(*at, value, self.looks[kind])

    def text(self, sheet, at, text):
        look = "quoted" if RUN_BY_SPREADSHEETS.match(text) else "long" if len(text) > WIDE else "word"
        sheet.write_string(*at, text if len(text) <= LONGEST else text[: LONGEST - 1] + "…", self.looks[look])


def title_of(name):
    return TITLES.get(name, name.replace("_", " ").capitalize())[:31]


def heading(column):
    """A column's name as people read it; the sheet Columns leads back."""
    if column in HEADINGS:
        return HEADINGS[column]
    return column.removeprefix("is_").removeprefix("n_").replace("_", " ").capitalize()


def headings(table):
    """Told apart where two columns would read alike, as Excel asks for."""
    found = [heading(column) for column in table.columns]
    return [text if found.count(text) == 1 else column for text, column in zip(found, table.columns, strict=True)]


def _table(book, name, table):
    sheet = book.sheet(title_of(name), f"Table {name}: {table.height:,} rows, as in exports/{name}.csv")
    heads = headings(table)
    kinds = {column: cells.kind(column, dtype) for column, dtype in table.schema.items()}
    for down, row in enumerate(table.iter_rows(named=True), start=FIRST_ROW + 1):
        for across, (column, kind) in enumerate(kinds.items()):
            instead = cells.empty(row, column, kind) if row[column] is None else ""
            book.put(sheet, (down, across), row[column], cells.look(row, column, kind), instead)
    _as_table(book, sheet, heads, table.height, f"t_{name}")
    for across, column in enumerate(table.columns):
        sheet.set_column(across, across, _width(heads[across], table[column].cast(str, strict=False).to_list()))


def _as_table(book, sheet, heads, n_rows, name):
    """Filters, a header that stays in sight and stands on every printed page. Excel wants a row at least."""
    if not n_rows:
        book.text(sheet, (FIRST_ROW + 1, 0), "No rows.")
    columns = [{"header": text, "header_format": book.looks["head"]} for text in heads]
    shape = {"columns": columns, "style": "Table Style Light 1", "name": name}
    sheet.add_table(FIRST_ROW, 0, FIRST_ROW + max(n_rows, 1), len(heads) - 1, shape)
    sheet.freeze_panes(FIRST_ROW + 1, 0)
    sheet.repeat_rows(0, FIRST_ROW)


def _width(head, texts):
    longest = max([len(word) for word in head.split()] + [len(text) for text in texts if text] + [NARROW])
    return min(longest + 3, WIDE)


def _read_me(book, tables):
    facts = book.facts
    sheet = book.sheet(
        "Read me",
        "First imaging order after neoadjuvant therapy for breast cancer, against the ACR Appropriateness Criteria",
    )
    told = {
        "editions": "; ".join(_edition(row) for row in facts["editions"]),
        "period": spoken_period(facts),
        "as_of": facts["as_of"] or "without a calendar",
        "run_id": facts["run_id"],
        "source": facts["source"],
        "deid_mode": facts["deid_mode"].replace("_", " "),
        "masking": masking(facts),
        "versions": ", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
        "hashes": ", ".join(digest[:12] for digest in facts["hashes"].values()),
    }
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 110)
    lines = [
        line.format(**told) for line in (ROOT / "reports" / "workbook.txt").read_text(encoding="utf-8").splitlines()
    ]
    lines += ["# What it cannot tell", *("\t".join(pair) for pair in disclosures(facts["parameters"]))]
    lines += ["# Sheets", "Charts\tThe figures of the measure drawn; only what is shown is drawn"]
    lines += [f"{title_of(name)}\tTable {name}, {table.height:,} rows" for name, table in tables.items()]
    for down, line in enumerate([*lines, "Columns\tWhat each column means"], start=FIRST_ROW + 1):
        first, _, rest = line.partition("\t")
        if line.startswith("# "):
            sheet.write_string(down, 0, line[2:], book.looks["title"])
        else:
            sheet.write_string(down, 0, first, book.looks["head" if rest else "word"])
            sheet.write_string(down, 1, rest, book.looks["long"])


def _edition(row):
    return f"{row['edition']}, in force here from {row['effective_from']} ({row['citation']})"


def _columns(book, tables):
    sheet = book.sheet(
        "Columns", "What each column of each sheet means, and its name in the files beside this workbook"
    )
    rows = [
        (title_of(name), head, column, dictionary.meaning(name, column))
        for name, table in tables.items()
        for column, head in zip(table.columns, headings(table), strict=True)
    ]
    for down, row in enumerate(rows, start=FIRST_ROW + 1):
        for across, text in enumerate(row):
            book.text(sheet, (down, across), text)
    _as_table(book, sheet, ["Sheet", "Heading", "Column", "Meaning"], len(rows), "t_columns")
    for across, width in enumerate((22, 26, 26, 90)):
        sheet.set_column(across, across, width)
