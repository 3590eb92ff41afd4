"""The lines of a delivery, taken apart once: in a database among what is spilled, which goes when the delivery was read.

The number of a line is its row's id there. A table that all threads fill in the order of the file numbers its rows as it
grows; a window over the file would let one thread work and the others wait.
"""

from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from flows.delivery.part_rows import FIRST_LINE, as_literal, no, nothing, relation

IN_MEMORY = ":memory:"


@contextmanager
def delivered(con):
    """The database `delivered`, for as long as the delivery is open."""
    path = _beside(con)
    con.execute(f"attach {as_literal(path)} as delivered")
    try:
        yield
    finally:
        with suppress(duckdb.Error):  # what stopped the run matters more, and its folder goes with it
            con.execute("pragma disable_checkpoint_on_shutdown")  # what goes need not be made whole on the disk first
            con.execute("detach delivered")
            con.execute("pragma enable_checkpoint_on_shutdown")
        for ending in ("", ".wal") if path != IN_MEMORY else ():
            Path(path + ending).unlink(missing_ok=True)


def _beside(con):
    """Where what is spilled stands, for it is as large; a database in memory has no disk."""
    own, spill = con.execute(
        "select path, current_setting('temp_directory') from duckdb_databases() where database_name = current_database()"
    ).fetchall()[0]
    if not own:
        return IN_MEMORY
    Path(spill).mkdir(exist_ok=True)
    return str(Path(spill) / "delivered.duckdb")


def store(con, name, parts, columns):
    """delivered.NAME: the rows of all parts with their place, a column that a part lacks as null.

    Lines that cannot be split stand in delivered.NAME_line only, with the reason.
    """
    lines = [_lines(con, f"delivered.{name}_{number}", part, columns) for number, part in enumerate(parts)]
    lines.append(f"select {nothing([*columns, 'part'])}cast(null as bigint) as line, {no('reason')} where false")
    con.execute(f"create view delivered.{name}_line as {' union all '.join(lines)}")
    con.execute(f"create view delivered.{name} as select * exclude (reason) from delivered.{name}_line where reason is null")


def _lines(con, table, part, columns):
    """SQL of a part's lines. A Parquet file knows the places of its rows and is read as it is."""
    rows, line = f"({relation(part, part['columns'])})", "line"
    if part["format"] != ".parquet":
        _fill(con, table, rows)
        rows, line = table, f"rowid + {FIRST_LINE} as line"  # row ids begin at 0
    chosen = "".join(f"{column if column in part['columns'] else no(column)}, " for column in columns)
    return f"select {chosen}{as_literal(part['name'])} as part, {line}, reason from {rows} where not is_blank"


def _fill(con, table, rows):
    # Read two or three times and then gone: to compress it would cost more than all that is asked of it.
    con.execute("set force_compression = 'uncompressed'")
    try:
        con.execute(f"create table {table} as select * from {rows}")
    finally:
        con.execute("set force_compression = 'auto'")


def rejects(name, extract):
    """The lines of a file that could not be split, under the extract's name and without their content."""
    return f"select '{extract}' as extract, part, line, {no('column_name')}, reason from delivered.{name}_line where reason is not null"
