"""The sheet Charts: Excel's own charts over small tables of shown figures. What is not shown is a gap, never a zero."""

import math

from flows.drawings.slots import finest
from flows.exports import cells
from flows.headline import HEADLINE, MEASURE_WORDS

BLUE, SOFT, DARK = "#0B5394", "#6D94B8", "#16212C"
FIRST, AT_COLUMN = 5, 7  # where the figures begin, and where the charts stand beside them
HEIGHT = 21  # rows that a chart takes
SIZE = {"width": 780, "height": 390}
NAMES = {name: words.capitalize() for name, words in MEASURE_WORDS.items()}
RATED = {"Number counted": "n_index", "Rate": "rate", "Interval, low": "ci_low", "Interval, high": "ci_high"}
NOT_SHOWN = "No figure of this chart is shown."


def write(book, tables, charts=()):
    sheet = book.sheet(
        "Charts", "Drawn from the sheets of this workbook; what is masked or withheld there is a gap here"
    )
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, AT_COLUMN - 1, 12)
    compliance, down = tables["compliance"], FIRST
    down = _rates(book, sheet, down, "The rate with its 95 % interval", _overall(compliance))
    down = _rates(book, sheet, down, "After therapy, by period of the index day", _periods(compliance), is_line=True)
    down = _sites(book, sheet, down, _stratum(compliance, "site"), charts)
    exams = [
        (row["stratum_value"].replace("_", " "), row, row["n_index"])
        for row in _stratum(compliance, "procedure", basis="order")
    ]
    down = _bars(book, sheet, down, "Index orders after therapy, by exam", "Orders", exams)
    steps = [(row["label"], row, row["n_cases"]) for row in tables["case_attrition"].to_dicts() if row["n_cases"] != 0]
    _bars(book, sheet, down, "From cancers to cases: where they leave the audit", "Cancers", steps)


def _overall(compliance):
    rows = compliance.filter(
        **{name: value for name, value in HEADLINE.items() if name not in ("measure", "basis")}
    ).to_dicts()
    rows.sort(key=lambda row: (list(NAMES).index(row["measure"]), row["basis"]))
    return [(f"{NAMES[row['measure']]}, by {row['basis']}", row) for row in rows]


def _periods(compliance):
    rows = compliance.filter(measure="post_completion", basis="episode", stratum="all").to_dicts()
    of_grain = {grain: [row for row in rows if row["period_grain"] == grain] for grain in ("quarter", "year")}
    chosen = finest(of_grain["quarter"], of_grain["year"])
    return [(cells.period(row), row) for row in sorted(chosen, key=lambda row: row["period_start"])]


def _stratum(compliance, stratum, basis="episode"):
    rows = compliance.filter(measure="post_completion", basis=basis, period_grain="all", stratum=stratum).to_dicts()
    return [row for row in rows if row["n_index"] != 0]


def _rates(book, sheet, down, title, named_rows, is_line=False):
    """Rates with their intervals as whiskers."""
    top = _rated(book, sheet, down, title, named_rows)
    shown = [row for _, row in named_rows if row["rate"] is not None]
    if not shown:
        return _nothing(book, sheet, top, len(named_rows))
    chart = book.file.add_chart({"type": "line"})
    chart.add_series(
        {
            "name": "Rate",
            "categories": _cells(top, len(named_rows), 0),
            "values": _cells(top, len(named_rows), 2),
            "line": {"color": BLUE, "width": 1.5} if is_line else {"none": True},
            "marker": {"type": "circle", "size": 8, "fill": {"color": BLUE}, "border": {"color": DARK}},
            "y_error_bars": _whiskers([row for _, row in named_rows]),
            "data_labels": {"value": True, "position": "right", "num_format": "0.0%", "custom": _labels(named_rows)},
        }
    )
    chart.show_blanks_as("gap")
    chart.set_y_axis(_percent_axis(row["ci_low"] for row in shown))
    return _place(sheet, down, chart, title, len(named_rows))


def _labels(named_rows):
    """What was rounded says so in words of its own; the others as their cells are."""
    return [{"value": cells.share(row, "rate")} if cells.about(row, "rate") else None for _, row in named_rows]


def _whiskers(rows):
    up = [0 if row["rate"] is None else row["ci_high"] - row["rate"] for row in rows]
    low = [0 if row["rate"] is None else row["rate"] - row["ci_low"] for row in rows]
    return {"type": "custom", "plus_values": up, "minus_values": low, "line": {"color": SOFT, "width": 2}}


def _percent_axis(shares):
    """A scale that never starts so high that it flatters."""
    floor = min(0.6, math.floor(10 * min(shares)) / 10)
    return {
        "min": floor,
        "max": 1,
        "num_format": "0%",
        "major_gridlines": {"visible": True, "line": {"color": "#D5DCE3"}},
    }


def _bars(book, sheet, down, title, what, named_counts):
    """Counts as bars, the longest first as the sheet has them; a masked one is left out."""
    shown = [(name, row, (what,)) for name, row, number in named_counts if number is not None]
    rows = [(name, {what: number}, (what,)) for name, _, number in named_counts if number is not None]
    top = _figures(book, sheet, down, title, (what,), rows)
    left_out = [name for name, _, number in named_counts if number is None]
    if left_out:
        book.text(sheet, (top + len(rows), 0), "Masked, and so not drawn: " + "; ".join(left_out))
    if not shown:
        return _nothing(book, sheet, top, 1)
    chart = book.file.add_chart({"type": "bar"})
    chart.add_series(
        {
            "name": what,
            "categories": _cells(top, len(rows), 0),
            "values": _cells(top, len(rows), 1),
            "fill": {"color": BLUE},
            "data_labels": {"value": True},
            "gap": 40,
        }
    )
    chart.set_y_axis({"reverse": True})
    return _place(sheet, down, chart, title, len(rows) + 1)


def _sites(book, sheet, down, rows, charts):
    """Each site's rate over its size, with the limits of the funnel where they were worked out."""
    title = "After therapy, by site: rate over number of episodes"
    shown = sorted(
        (row for row in rows if row["rate"] is not None), key=lambda row: (row["n_index"], row["stratum_value"])
    )
    top = _rated(book, sheet, down, title, [(row["stratum_value"], row) for row in shown])
    if not shown:
        return _nothing(book, sheet, top, 1)
    chart = book.file.add_chart({"type": "scatter"})
    names = [{"value": f"=Charts!$A${at}"} for at in range(top + 1, top + len(shown) + 1)]
    chart.add_series(
        {
            "name": "Sites",
            "categories": _cells(top, len(shown), 1),
            "values": _cells(top, len(shown), 2),
            "marker": {"type": "diamond", "size": 9, "fill": {"color": BLUE}, "border": {"color": DARK}},
            "data_labels": {"custom": names, "value": True, "position": "right"},
        }
    )
    chart.set_x_axis({"name": "Episodes", "min": 0, "num_format": "#,##0"})
    lows = [row["rate"] for row in shown] + _limits(book, sheet, chart, top + len(shown) + 1, charts)
    chart.set_y_axis(_percent_axis(lows))
    return _place(sheet, down, chart, title, 2 * len(shown) + 4)


def _limits(book, sheet, chart, top, charts):
    """The funnel's lines: centre and limits at the size of each site, in dashes. Gives the low ends."""
    funnel = next(
        (one["table"] for one in charts if (one["kind"], one["measure"]) == ("funnel", "post_completion")), []
    )
    points = sorted(
        (row for row in funnel if None not in (row["n"], row["center"], row["low"], row["high"])),
        key=lambda row: row["n"],
    )
    if not points:
        return []
    for across, text in enumerate(("Limits of the funnel", "Number", "Centre", "Limit, low", "Limit, high")):
        sheet.write_string(top, across, text, book.looks["head"])
    for at, row in enumerate(points, start=top + 1):
        book.text(sheet, (at, 0), row["label"])
        for across, (column, kind) in enumerate(
            (("n", "count"), ("center", "share"), ("low", "share"), ("high", "share")), start=1
        ):
            sheet.write_number(at, across, row[column], book.looks[kind])
    for across, name, dash in ((2, "Centre", "solid"), (3, "Limit, low", "dash"), (4, "Limit, high", "dash")):
        chart.add_series(
            {
                "name": name,
                "categories": _cells(top + 1, len(points), 1),
                "values": _cells(top + 1, len(points), across),
                "line": {"color": SOFT, "width": 1.5, "dash_type": dash},
                "marker": {"type": "none"},
            }
        )
    return [row["low"] for row in points]


def _rated(book, sheet, down, title, named_rows):
    return _figures(book, sheet, down, title, RATED, [(name, row, RATED.values()) for name, row in named_rows])


def _figures(book, sheet, down, title, heads, rows):
    """The figures under their title. Of what is not shown the last column says why. Gives the first row."""
    sheet.write_string(down, 0, title, book.looks["strong"])
    for across, text in enumerate((*heads, "Not shown"), start=1):
        sheet.write_string(down + 1, across, text, book.looks["head"])
    for at, (name, row, columns) in enumerate(rows, start=down + 2):
        book.text(sheet, (at, 0), name)
        for across, column in enumerate(columns, start=1):
            if row[column] is not None:
                look = cells.look(row, column, "share" if column in cells.SHARES else "count")
                sheet.write_number(at, across, row[column], book.looks[look])
        gone = [column for column in columns if row[column] is None]
        if gone:
            kind = "rate" if "rate" in gone else gone[0]
            book.text(sheet, (at, len(columns) + 1), cells.share(row, kind))
    return down + 2


def _cells(top, n_rows, across):
    """Where a series stands, in the words of the library."""
    return ["Charts", top, across, top + n_rows - 1, across]


def _nothing(book, sheet, top, n_rows):
    sheet.write_string(top + n_rows + 1, 0, NOT_SHOWN, book.looks["soft"])
    return top + n_rows + 3


def _place(sheet, down, chart, title, n_rows):
    chart.set_title({"name": title, "name_font": {"size": 12, "color": DARK}, "overlay": False})
    chart.set_legend({"none": True})
    chart.set_size(SIZE)
    sheet.insert_chart(
        down, AT_COLUMN, chart, {"description": f"{title}; its figures stand to the left.", "object_position": 1}
    )
    return down + max(HEIGHT, n_rows + 4)
