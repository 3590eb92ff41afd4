"""Read-only questions to the published database: one statement that selects, and nothing of the machine in its reach.

Rows go to stdout as they come, talk to stderr. What DuckDB says of a statement is shown where it speaks of words and
names; where it speaks of a row it may quote a value, and only the kind of the error is told.
"""

import csv
import io
import itertools
import json
import math
from contextlib import contextmanager
from decimal import Decimal

import duckdb
import typer

from flows import doors, machine
from flows.errors import THE_MACHINES, PublishError, is_the_machines
from flows.exports.catalog import for_spreadsheets
from flows.logs import log
from flows.publish import published_database

FORMATS = ("table", "csv", "json")
SHOWN = 100  # rows of a table where no limit is given; files and programs get all
AT_ONCE = 1000
WIDEST = 60
WARNING = (
    "Rows and exact counts of the protected zone, without disclosure control: keep them there. "
    "What may leave is in exports/ and report.html."
)
HELP = 'imaging-audit query "show all tables" lists the tables, "describe out.TABLE" its columns'
# Errors that name words, columns and tables of the statement, never what stands in a row.
ABOUT_THE_WORDS = {"BinderException", "CatalogException", "ParserException"}


def query(out, sql, form="table", limit=None):
    """The lines of the answer; what is wrong with the statement is said as a mistake in the command line."""
    if form not in FORMATS:
        raise typer.BadParameter(f"no such format: {form}; known: {', '.join(FORMATS)}", param_hint="'--format'")
    with _explained(), _opened(published_database(out)) as con:
        _check(con, sql)
        answer = con.execute(sql)
        log.warning(WARNING)
        names = _told_apart([column[0] for column in answer.description])
        limit = limit or (SHOWN if form == "table" else None)
        rows = _rows(answer)
        yield from {"table": _table, "csv": _csv, "json": _json}[form](names, itertools.islice(rows, limit))
        if next(rows, None):
            log.warning("Only the first %d rows are shown: --limit says how many", limit)


def _opened(path):
    """DuckDB writes nothing, spills nothing, fetches nothing and sees no file but this one."""
    config = doors.ONE_DATABASE | machine.config() | {"temp_directory": ""}  # in DuckDB's order: closed first, it takes the folder
    return duckdb.connect(str(path), read_only=True, config=config)


def _check(con, sql):
    """DuckDB's own parser says what a statement is: a word at its beginning would not."""
    statements = con.extract_statements(sql)
    kinds = [statement.type.name for statement in statements]
    if kinds == ["SELECT"]:
        return
    if len(kinds) == 1:
        told = f"this is a statement of the kind {kinds[0]}, and only one that selects is answered"
    else:
        told = f"{len(kinds)} statements, and one is answered"
    raise _mistake(f"{told}; write a single select, with, from, describe, summarize or show (a pivot is more than one)")


@contextmanager
def _explained():
    try:
        yield
    except duckdb.Error as error:
        raise _told(error) from None


def _told(error):
    kind = type(error).__name__
    if kind in ABOUT_THE_WORDS:
        # The first lines say what is wrong; those after the gap repeat the statement, and with it what stands in it.
        said = " ".join(str(error).split("\n\n")[0].split())
        return _mistake(f"{said} ({HELP})")
    if kind == "PermissionException":
        return _mistake("a query reads the published database alone: no files, no network, no settings")
    if kind == "OutOfMemoryException":
        next_step = "ask for fewer rows or columns: a query spills nothing to disk"
        return PublishError(THE_MACHINES[kind][0], next_step=next_step)
    if is_the_machines(error):
        next_step = "check its rights; imaging-audit run makes it anew"
        return PublishError("the database cannot be read", next_step=next_step)
    return _mistake(
        f"the statement stopped at a row ({kind}); the message may quote a value and is not shown: "
        "look at casts and functions in it (try_cast gives null where a value cannot be read)"
    )


def _mistake(said):
    return typer.BadParameter(said, param_hint="'SQL'")


def _rows(answer):
    while some := answer.fetchmany(AT_ONCE):
        yield from some


def _told_apart(names):
    """Two columns of one name would be one in JSON."""
    told = []
    for name in names:
        numbers = itertools.count(2)
        unique = name
        while unique in told:
            unique = f"{name}_{next(numbers)}"
        told.append(unique)
    return told


def _table(names, rows):
    rows = list(rows)
    lines = [[_cell(value) for value in row] for row in (names, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    # Numbers stand under each other at their last digit.
    aligns = [">" if _is_of_numbers(row[at] for row in rows) else "<" for at in range(len(names))]
    for line in lines:
        cells = zip(line, aligns, widths, strict=True)
        yield "  ".join(f"{cell:{align}{width}}" for cell, align, width in cells).rstrip()


def _is_of_numbers(values):
    known = [value for value in values if value is not None]
    return bool(known) and all(map(_is_number, known))


def _is_number(value):
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _cell(value):
    """One line of plain signs: a value of a delivery must not steer the terminal. Null is an answer and says so."""
    text = "null" if value is None else _text(value)
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return plain if len(plain) <= WIDEST else plain[: WIDEST - 1] + "…"


def _csv(names, rows):
    """As the exports are written: a text that a spreadsheet would run stands behind an apostrophe."""
    yield _line(_guarded(names))
    while some := list(itertools.islice(rows, AT_ONCE)):
        cells = itertools.chain.from_iterable(some)
        texts = iter(_guarded([_text(cell) for cell in cells if not _is_number(cell)]))
        for row in some:
            yield _line([cell if _is_number(cell) else next(texts) for cell in row])


def _guarded(texts):
    """Texts as the exports write them, whatever may come of them in a spreadsheet."""
    import polars as pl

    return for_spreadsheets(pl.DataFrame({"text": texts}, schema={"text": pl.String}))["text"].to_list()


def _line(cells):
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)  # so that a cell with a line break is quoted
    return text.getvalue().removesuffix("\r\n")


def _json(names, rows):
    yield "["
    before = ""
    for row in rows:
        if before:
            yield before + ","
        before = "  " + json.dumps(dict(zip(names, map(_plain, row), strict=True)), default=_text, ensure_ascii=False)
    if before:
        yield before
    yield "]"


def _plain(value):
    """JSON has no infinity, no "not a number", one kind of fraction, and texts as keys."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        value = float(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _text(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex()
    is_nested = isinstance(value, list | dict | tuple)
    return json.dumps(_plain(value), default=_text, ensure_ascii=False) if is_nested else str(value)
