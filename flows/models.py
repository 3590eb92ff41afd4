"""The runner: every file of sql/ is one SELECT and becomes one table. This is the whole framework.

folder = schema, NN_ = order, name = table, first comment line = comment on the table,
sql/column.csv = comments on the columns (one meaning per name, so that one row serves every table).
"""

import csv
import functools
import re
import time

from flows import ROOT
from flows.errors import AuditError, is_the_machines

SQL = ROOT / "sql"
SCHEMAS = ("stg", "core", "out")


def build(con, schemas=SCHEMAS, on_model=None):
    """Create the tables of the schemas in order; returns (schema.table, seconds) of each."""
    spent = []
    for schema in schemas:
        con.execute(f"create schema if not exists {schema}")
        for path in model_files(schema):
            started = time.monotonic()
            create(con, schema, path)
            spent.append((f"{schema}.{table_name(path)}", time.monotonic() - started))
            if on_model:
                on_model(*spent[-1])
    return spent


def model_files(schema):
    return sorted((SQL / schema).glob("*.sql"))


def table_name(path):
    return re.sub(r"^\d+_", "", path.stem)


def create(con, schema, path):
    table = f"{schema}.{table_name(path)}"
    text = path.read_text(encoding="utf-8")
    try:
        con.execute(f"create or replace table {table} as {text}")
    except Exception as error:
        if is_the_machines(error):
            raise
        # The engine's message may quote a value: say where it happened and of which kind it was.
        raise AuditError(
            f"the model {table} failed ({type(error).__name__})",
            where=f"sql/{schema}/{path.name}",
            next_step="run with debug = true on data that may be seen, or report the file's name",
        ) from (error if _may_show(error) else None)
    comment(con, table, grain(text))


def _may_show(error):
    """Errors of the SQL itself (binder, parser, catalog) name columns, never values."""
    return type(error).__name__ in {"BinderException", "ParserException", "CatalogException"}


def grain(text):
    """The header: its first line says what one row is, the lines after it why the model is as it is."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def comment(con, table, words):
    con.execute(f"comment on table {table} is {quoted(words)}")
    schema, name = table.split(".")
    columns = con.execute(
        "select column_name from information_schema.columns where table_schema = ? and table_name = ?", [schema, name]
    ).fetchall()
    known = column_comments()
    for (column,) in columns:
        said = known.get((table, column)) or known.get(("", column))
        if said:
            con.execute(f'comment on column {table}."{column}" is {quoted(said)}')


@functools.cache  # one file serves the eighty models of a run
def column_comments():
    with open(SQL / "column.csv", encoding="utf-8", newline="") as file:
        return {(row["table"], row["column"]): row["comment"] for row in csv.DictReader(file)}


def quoted(words):
    return "'" + words.replace("'", "''") + "'"
