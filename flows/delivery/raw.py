"""The raw tables: the rows of a delivery, or those of a series that stand (sql/raw), and where each came from."""

from flows.delivery.stored import delivered, rejects, store
from flows.models import build, comment, grain, model_files, table_name


def deliveries_of(parts):
    """The deliveries that some parts came with."""
    return list(dict.fromkeys(part["delivery"] for files in parts.values() for part in files))


def fill_raw(con, contract, parts):
    """Stores the rows, and of lines that could not be split, the number and the reason."""
    con.execute("create schema if not exists raw")
    _list_parts(con, parts)
    with delivered(con) as folder:
        for extract, columns in contract.items():
            store(con, folder, extract, parts[extract], list(columns))
        rejected = "\nunion all\n".join(rejects(extract, extract) for extract in contract)
        con.execute(f"create or replace table raw.rejected_row as {rejected}")
        comment(con, {"raw.rejected_row": "One row per line that could not be split into its columns, without its content."})
        build(con, schemas=("raw",), given=() if len(deliveries_of(parts)) > 1 else _nothing_superseded(con))


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


def _nothing_superseded(con):
    """Of a single delivery every row stands: no key of it is compared, and the table is there all the same."""
    model = next(path for path in model_files("raw") if table_name(path) == "superseded_row").read_text(encoding="utf-8")
    con.execute(f"create or replace table raw.superseded_row as select * from (\n{model}\n) limit 0")
    comment(con, {"raw.superseded_row": grain(model)})
    return ("raw.superseded_row",)
