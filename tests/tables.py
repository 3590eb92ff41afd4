"""Tables drawn in text: a header, one row a line, a pipe between cells. What vignettes and model tests are written in.

    order_id | ordered_on | code
    o1       | S-42       | us breast
"""

import re
from datetime import date, timedelta

DAY = re.compile(r"([A-Z][A-Za-z0-9]*)([+-]\d+)?")


def read_table(text):
    """The rows of a drawn table, each a dictionary of texts; an empty cell is ''."""
    lines = [line for line in text.splitlines() if line.strip()]
    header, *rows = [[unquoted(cell.strip()) for cell in line.split("|")] for line in lines]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"{len(row)} cells where the header has {len(header)}: {' | '.join(row)}")
    return [dict(zip(header, row, strict=True)) for row in rows]


def unquoted(cell):
    """Quotes keep the spaces that a delivery may have around a word."""
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def days_of(named):
    """Named days as dates: each is a date, or another one named before it plus or minus days."""
    days = {}
    for name, written in named.items():
        days[name] = written if isinstance(written, date) else on(str(written), days)
    return days


def on(cell, days):
    """The day that a cell names (S-42), or the cell itself where it names none."""
    match = DAY.fullmatch(cell)
    if match and match[1] in days:
        return days[match[1]] + timedelta(int(match[2] or 0))
    return cell


def shown(value):
    """A value of the database as it is written in an expected table."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def is_same(expected, value):
    """A number is compared to as many decimals as were written; `~ words` asks for a text that holds the words."""
    if expected.startswith("~ "):
        return expected[2:] in shown(value)
    if isinstance(value, float) and re.fullmatch(r"-?\d+(\.\d+)?", expected):
        decimals = len(expected.partition(".")[2])
        return abs(value - float(expected)) <= 0.5000001 * 10**-decimals
    return expected == shown(value)


def differences(expected, found, key, is_whole=True):
    """Sentences that say where the rows found differ from those expected; none where they agree.

    Rows are matched by their key. `is_whole` forbids rows that were not expected.
    """
    by_key = {}
    for row in found:
        by_key.setdefault(key_of(row, key), []).append(row)
    said = []
    for row in expected:
        rows = by_key.pop(key_of(row, key), [])
        name = " ".join(key_of(row, key))
        if len(rows) != 1:
            said.append(f"{name}: found {len(rows)} rows, expected one")
        said += [
            f"{name}: {column} is {shown(one[column])}, expected {cell}"
            for one in rows
            for column, cell in row.items()
            if not is_same(cell, one[column])
        ]
    if is_whole:
        said += [f"{' '.join(name)}: found, not expected" for name in by_key]
    return said


def key_of(row, key):
    return tuple(shown(row[column]) for column in key)
