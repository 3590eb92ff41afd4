"""The runner: every file of sql/ is one SELECT and becomes one table. This is the whole framework.

folder = schema, NN_ = order, name = table, first comment line = comment on the table,
sql/column.csv = comments on the columns (one meaning per name, so that one row serves every table).
A folder of AGAIN is a question to the models themselves: what if? Its tables stand in for those of the same name,
and the models between two of `core` are built once more on them, word for word, in a schema of its own that goes when
`out` stands.
"""

import csv
import functools
import re
import time

from flows import ROOT
from flows.errors import AuditError, is_the_machines

SQL = ROOT / "sql"
SCHEMAS = ("stg", "core", "out")
# Before them, of a series: which of the rows in the schema `delivered` stand.
FROM_DELIVERED = ("raw", *SCHEMAS)
# Read more than once while the delivery is open, and gone with it.
VIEWS = ("raw.standing_order",)
AGAIN = {"other_clock": ("core.clocked_line", "core.index_unit")}
WORDS = re.compile(r"\b[a-z]\w*\.[a-z]\w*")
NAME = re.compile(r"\b(?:stg|core)\.\w+")


def build(con, schemas=SCHEMAS, on_model=None, given=()):
    """Create the tables of the schemas in order but for those given; returns (schema.table, seconds) of each."""
    spent, made = [], {}
    for schema, path, text in steps(schemas):
        table = f"{schema}.{table_name(path)}"
        if table in given:
            continue
        started = time.monotonic()
        con.execute(f"create schema if not exists {schema}")
        _create(con, table, path, text)
        if schema in FROM_DELIVERED and table not in VIEWS:
            made[table] = grain(text)
        spent.append((table, time.monotonic() - started))
        if on_model:
            on_model(*spent[-1])
    comment(con, made)
    for view in VIEWS if "raw" in schemas else ():
        con.execute(f"drop view {view}")
    for schema in AGAIN if "out" in schemas else ():
        con.execute(f"drop schema if exists {schema} cascade")
    return spent


def steps(schemas=SCHEMAS):
    """(schema, file, SELECT) of every table in the order of building."""
    for schema in schemas:
        for path in model_files(schema):
            yield schema, path, path.read_text(encoding="utf-8")
            for again, (first, last) in AGAIN.items():
                if last == f"{schema}.{table_name(path)}":
                    yield from _again(again, first, last)


def _again(schema, first, last):
    own = {table_name(path): path for path in model_files(schema)}
    models = {f"core.{table_name(path)}": path for path in model_files("core")}
    between = _between(models, first, last)
    replaced = {f"stg.{name}" for name in own} | between
    for path in [*own.values(), *(path for name, path in models.items() if name in between)]:
        text = path.read_text(encoding="utf-8")
        if path not in own.values():
            text = NAME.sub(lambda name: f"{schema}.{name[0].split('.')[1]}" if name[0] in replaced else name[0], text)
        yield schema, path, text


def _between(models, first, last):
    """The models on a way from the first to the last: those that stand on the one and that the other stands on."""
    read = {name: reads(path.read_text(encoding="utf-8")) for name, path in models.items()}
    return standing_on(read, first) & under(read, {last})


def standing_on(read, changed):
    """The table, and every later one that reads it, however indirectly; read: what each names, in the order of building."""
    found = {changed}
    for table, named in read.items():
        found |= {table} if named & found else set()
    return found


def under(read, wanted):
    """The tables, and every earlier one that they read, however indirectly."""
    found = set(wanted)
    for table in reversed(read):
        found |= read[table] if table in found else set()
    return found


def reads(text):
    """Every schema.table that a SELECT names; some are a column of an alias, and no table has such a name."""
    return set(WORDS.findall(re.sub("--.*", "", text)))


def model_files(schema):
    return sorted((SQL / schema).glob("*.sql"))


def table_name(path):
    return re.sub(r"^\d+_", "", path.stem)


def create(con, schema, path, is_kept=True):
    """One table; where it is not kept, without the comments, which take longer than a small table."""
    text = path.read_text(encoding="utf-8")
    _create(con, f"{schema}.{table_name(path)}", path, text)
    if is_kept:
        comment(con, {f"{schema}.{table_name(path)}": grain(text)})


def _create(con, table, path, text):
    try:
        con.execute(f"create or replace {'view' if table in VIEWS else 'table'} {table} as {text}")
    except Exception as error:
        if is_the_machines(error):
            raise
        # The engine's message may quote a value: say where it happened and of which kind it was.
        raise AuditError(
            f"the model {table} failed ({type(error).__name__})",
            where=f"sql/{path.parent.name}/{path.name}",
            next_step="run with debug = true on data that may be seen, or report the file's name",
        ) from (error if _may_show(error) else None)


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


def comment(con, tables):
    """tables: {schema.table: what one row is}. All in one transaction: two thousand comments of their own take seconds."""
    known, said = column_comments(), []
    for table, words in tables.items():
        said.append(f"comment on table {table} is {quoted(words)}")
        for column, *_ in con.execute(f"describe {table}").fetchall():  # information_schema goes through every table there is
            meaning = known.get((table, column)) or known.get(("", column))
            if meaning:
                said.append(f'comment on column {table}."{column}" is {quoted(meaning)}')
    con.execute(";\n".join(["begin", *said, "commit"]))


@functools.cache  # one file serves the eighty models of a run
def column_comments():
    with open(SQL / "column.csv", encoding="utf-8", newline="") as file:
        return {(row["table"], row["column"]): row["comment"] for row in csv.DictReader(file)}


def quoted(words):
    return "'" + words.replace("'", "''") + "'"
