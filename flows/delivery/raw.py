"""The raw tables: the rows of a delivery, or those of a series that stand (sql/raw), and where each came from."""

from flows.delivery.part_rows import rejects_of, rows_of
from flows.models import build, comment, grain, model_files, table_name


def deliveries_of(parts):
    """The deliveries that some parts came with."""
    return list(dict.fromkeys(part["delivery"] for files in parts.values() for part in files))


def fill_raw(con, contract, parts):
    """Stores the rows, and of lines that could not be split, the number and the reason."""
    con.execute("create schema if not exists raw")
    _list_parts(con, parts)
    rejected = "\nunion all\n".join(rejects_of(extract, files) for extract, files in parts.items())
    con.execute(f"create or replace table raw.rejected_row as {rejected}")
    comment(con, {"raw.rejected_row": "One row per line that could not be split into its columns, without its content."})
    con.execute("create schema delivered")
    is_series = len(deliveries_of(parts)) > 1
    _open(con, contract, parts, as_tables=is_series)
    build(con, schemas=("raw",), given=() if is_series else _nothing_superseded(con))
    con.execute("drop schema delivered cascade")


def _list_parts(con, parts):
    con.execute(
        "create or replace table raw.delivery_part "
        "(extract varchar, part varchar, delivery varchar, covers_days_to date, series_place integer)"
    )
    for extract, files in parts.items():
        for part in files:
            each = part["delivery"]
            row = [extract, part["name"], each.name, each.covers_to, each.position]
            con.execute("insert into raw.delivery_part values (?, ?, ?, ?, ?)", row)
    comment(con, {"raw.delivery_part": "One row per file of a delivery that was read, with the delivery's place in its series."})


def _open(con, contract, parts, as_tables):
    """Of a single delivery nothing is stored but what the models take; of a series every key is compared with every other."""
    kind = "table" if as_tables else "view"
    for extract, columns in contract.items():
        named = ", ".join(columns)
        # A filter over fields that were just split costs as much as splitting them: the gate knows whether one is needed.
        whole = "where reason is null" if any(part["n_rejected"] for part in parts[extract]) else ""
        con.execute(
            f"create {kind} delivered.{extract} as "
            f"select {named}, part, line from ({rows_of(parts[extract], columns)}) {whole}"
        )


def _nothing_superseded(con):
    """Of a single delivery every row stands: no key of it is compared, and the table is there all the same."""
    model = next(path for path in model_files("raw") if table_name(path) == "superseded_row").read_text(encoding="utf-8")
    con.execute(f"create or replace table raw.superseded_row as select * from (\n{model}\n) limit 0")
    comment(con, {"raw.superseded_row": grain(model)})
    return ("raw.superseded_row",)
