"""Runs the SQL models on rows held in memory: what the unit tests, vignettes and differential tests share."""

from types import SimpleNamespace

import duckdb

from flows import models, rules
from flows.delivery import series

NO_SETTINGS = {"deid_mode": "limited_data_set", "source": "delivery"}
CODE_MAP = ["code_system", "code", "procedure"]


def audit(delivery, build=None, **settings):
    """A connection in which the models were built from `delivery` (extract → rows as delivered)."""
    # A mistake that multiplies rows without end must fail as a query, not take the machine's memory with it. For so few rows one
    # thread is the fastest.
    con = duckdb.connect(config={"memory_limit": "3GB", "threads": 1})
    rules.load_rules(con, SimpleNamespace(**(NO_SETTINGS | settings)))
    con.execute("create schema raw")
    con.execute("create schema delivered")
    for extract, columns in contract(con).items():
        load(con, extract, columns, delivery.get(extract, []))
    load(con, "code_map", CODE_MAP, delivery.get("code_map", []))
    load_parts(con, delivery)
    con.execute("create table raw.rejected_row (extract varchar, part varchar, line bigint, column_name varchar, reason varchar)")
    load_warnings(con)
    models.build(con, ("raw",))  # which of the delivered rows stand: DuckDB's part whatever the engine
    (build or models.build)(con)
    return con


def contract(con):
    columns = {}
    rows = con.execute('select extract, "column" from rule.contract order by extract, position').fetchall()
    for extract, column in rows:
        columns.setdefault(extract, []).append(column)
    return columns


def load(con, extract, columns, rows):
    fields = ", ".join(f'"{column}" varchar' for column in columns)
    con.execute(f"create table delivered.{extract} ({fields}, part varchar, line bigint)")
    values = [
        [as_delivered(row.get(column)) for column in columns] + [part_of(extract, row), number]
        for number, row in enumerate(rows, start=2)
    ]
    if values:
        insert(con, f"delivered.{extract}", values)


def part_of(extract, row):
    """The file that a row came in: a row of a series says with `delivery` which of its deliveries that was."""
    return f"{row['delivery']}/{extract}.csv" if row.get("delivery") else f"{extract}.csv"


def load_parts(con, delivery):
    columns = "extract varchar, part varchar, delivery varchar, covers_days_to date, series_place integer"
    con.execute(f"create table raw.delivery_part ({columns})")
    names = {row["delivery"] for rows in delivery.values() for row in rows if row.get("delivery")}
    places = {name: place for place, name in enumerate(sorted(names, key=series.order), 1)}
    for extract, rows in delivery.items():
        for name in sorted({row.get("delivery") or "" for row in rows}):
            covers_to = series.covered(name) if name else None
            values = [extract, part_of(extract, {"delivery": name}), name or None, covers_to, places.get(name, 1)]
            con.execute("insert into raw.delivery_part values (?, ?, ?, ?, ?)", values)


def load_warnings(con):
    columns = "code varchar, extract varchar, label varchar, n_rows bigint, n_total bigint, why varchar"
    con.execute(f"create table raw.delivery_warning ({columns})")


def as_delivered(value):
    return None if value is None or value == "" else str(value)


def insert(con, table, values):
    """Column by column through Polars: executemany costs a millisecond a row."""
    import polars

    columns = {f"c{number}": [row[number] for row in values] for number in range(len(values[0]))}
    last = f"c{len(values[0]) - 1}"
    frame = polars.DataFrame(columns, schema={name: polars.Int64 if name == last else polars.String for name in columns})
    con.register("frame", frame)
    con.execute(f"insert into {table} select * from frame")
    con.unregister("frame")


def rows(con, table):
    """The rows of a table as dictionaries."""
    names = [name for name, *_ in con.execute(f"describe {table}").fetchall()]
    return [dict(zip(names, values, strict=True)) for values in con.execute(f"select * from {table}").fetchall()]
