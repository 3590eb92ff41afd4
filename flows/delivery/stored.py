"""The lines of a delivery, taken apart once: as Parquet among what is spilled, which goes when the delivery was read.

A Parquet file knows the places of its rows, whichever thread asks; a window over a CSV would let one thread work and the
others wait. It is written faster than a table of a database, to a third of the room.
"""

from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from flows.delivery.part_rows import FIRST_LINE, as_literal, no, nothing, parquet, relation

GONE = "drop schema if exists delivered cascade"


@contextmanager
def delivered(con):
    """The views of the schema `delivered`, and the folder of what they read, for as long as the delivery is open."""
    with TemporaryDirectory(prefix="delivered-", dir=_spill(con), ignore_cleanup_errors=True) as folder:
        con.execute(GONE)  # a try before this one may have been stopped by the very disk that its views lay on
        con.execute("create schema delivered")
        try:
            yield Path(folder)
        finally:
            with suppress(duckdb.Error):  # what stopped the run matters more
                con.execute(GONE)


def _spill(con):
    """What is taken apart is as large as what is spilled; a database in memory has no folder for either."""
    own, spill = con.execute(
        "select path, current_setting('temp_directory') from duckdb_databases() where database_name = current_database()"
    ).fetchall()[0]
    if not own:
        return None
    Path(spill).mkdir(exist_ok=True)
    return spill


def store(con, folder, name, parts, columns):
    """delivered.NAME: the rows of all parts with their place, a column that a part lacks as null.

    Lines that cannot be split stand in delivered.NAME_line only, with the reason.
    """
    lines = [_lines(con, folder / f"{name}_{number}.parquet", part, columns) for number, part in enumerate(parts)]
    lines.append(f"select {nothing([*columns, 'part'])}cast(null as bigint) as line, {no('reason')} where false")
    con.execute(f"create view delivered.{name}_line as {' union all '.join(lines)}")
    con.execute(f"create view delivered.{name} as select * exclude (reason) from delivered.{name}_line where reason is null")


def _lines(con, path, part, columns):
    """SQL of a part's lines. A part that is Parquet is read as it is."""
    rows, line = f"({relation(part, part['columns'])})", "line"
    if part["format"] != ".parquet":
        con.execute(f"copy (from {rows}) to {as_literal(str(path))} (format parquet, compression lz4_raw)")
        rows, line = parquet(path), f"file_row_number + {FIRST_LINE} as line"
    chosen = "".join(f"{column if column in part['columns'] else no(column)}, " for column in columns)
    return f"select {chosen}{as_literal(part['name'])} as part, {line}, reason from {rows} where not is_blank"


def rejects(name, extract):
    """The lines of a file that could not be split, under the extract's name and without their content."""
    return f"select '{extract}' as extract, part, line, {no('column_name')}, reason from delivered.{name}_line where reason is not null"
