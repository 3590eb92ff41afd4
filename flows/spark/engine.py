"""Builds the models on Spark: tables go out as Parquet, each model comes to rest as Parquet, its table comes back.

A model reads files and not the plan of those before it, so that no plan grows and no row is worked out twice.
"""

import shutil
import time
from contextlib import contextmanager

import duckdb

from flows import doors, models
from flows.errors import AuditError
from flows.spark.session import session
from flows.spark.translate import SPARK_TYPE, readable, translate, view

GIVEN = ("raw", "rule")
# Big enough to be read in one go, small enough that many may read at once.
FILE_SIZE = "128MB"
WHOLE = {"tinyint", "smallint", "int", "bigint"}


def build(con, settings, work, schemas=models.SCHEMAS, on_model=None):
    """As models.build: the same tables in the same database; returns (schema.table, seconds) of each."""
    folder, shapes, spent = work / "spark", shapes_of(con), []
    known = readable(shapes)
    before = (*GIVEN, *models.SCHEMAS[: models.SCHEMAS.index(schemas[0])])
    with session(con, settings, folder) as spark:
        for schema in before:
            for table, columns in shapes[schema].items():
                _send(con, spark, folder, schema, table, columns)
        for schema, path, text in models.steps(schemas):
            started, table = time.monotonic(), models.table_name(path)
            with _told(f"{schema}.{table}", path):
                make(spark, folder, schema, table, translate(text, known), shapes[schema][table])
            spent.append((f"{schema}.{table}", time.monotonic() - started))
            if on_model:
                on_model(*spent[-1])
    _fetch(con, folder, shapes, schemas)
    return spent


def shapes_of(con):
    """{schema: {table: {column: type}}} of every table there is and will be: the models are built once on no rows."""
    empty, shapes = duckdb.connect(config=doors.FETCHES_NOTHING), {}
    columns = "select schema_name, table_name, column_name, data_type from duckdb_columns() where schema_name in ('raw', 'rule') order by table_oid, column_index"
    for schema, table, column, kind in con.execute(columns).fetchall():
        shapes.setdefault(schema, {}).setdefault(table, {})[column] = kind
    for schema, tables in shapes.items():
        empty.execute(f"create schema {schema}")
        for table, kinds in tables.items():
            fields = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
            empty.execute(f"create table {schema}.{table} ({fields})")
    for schema, path, text in models.steps():
        table = models.table_name(path)
        empty.execute(f"create schema if not exists {schema}")
        empty.execute(f"create table {schema}.{table} as {text}")
        shapes.setdefault(schema, {})[table] = {row[0]: row[1] for row in empty.execute(f"describe {schema}.{table}").fetchall()}
    empty.close()
    return shapes


def _place(folder, schema, table):
    return folder / schema / table


def _address(folder, schema, table):
    """In full: workers stand elsewhere, and a cluster's own file system may be another."""
    return f"file://{_place(folder, schema, table).resolve()}"


def _send(con, spark, folder, schema, table, columns):
    """What this machine knows and Spark has not made itself; columns said, so that Spark need not look for them."""
    place = _place(folder, schema, table)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        con.execute(f"copy {schema}.{table} to {models.quoted(str(place))} (format parquet, file_size_bytes '{FILE_SIZE}')")
    fields = ", ".join(f"`{name}` {SPARK_TYPE.get(kind, kind)}" for name, kind in columns.items())
    spark.read.schema(fields).parquet(_address(folder, schema, table)).createOrReplaceTempView(view(schema, table))


def make(spark, folder, schema, table, query, columns):
    place = _address(folder, schema, table)
    made = _typed(spark.sql(query), columns)
    made.write.mode("overwrite").parquet(place)
    spark.read.schema(made.schema).parquet(place).createOrReplaceTempView(view(schema, table))


@contextmanager
def _told(model, path):
    try:
        yield
    except AuditError:
        raise
    except Exception as error:
        # Spark's message may quote a value, but for what it says of the SQL itself.
        kind = type(error).__name__
        raise AuditError(
            f"the model {model} failed on Spark ({kind})",
            where=f"sql/{path.parent.name}/{path.name}",
            next_step="run it without --engine spark, and report the file's name",
        ) from (error if kind in ("AnalysisException", "ParseException") else None)


def _typed(frame, columns):
    """The types that DuckDB gives the table; only widths may differ, and a column of nothing but nulls has none."""
    found = [(field.name, field.dataType.simpleString()) for field in frame.schema.fields]
    wanted = [(name, SPARK_TYPE.get(kind, kind).lower()) for name, kind in columns.items()]
    wrong = [f"{name} {kind}" for (name, kind), want in zip(found, wanted, strict=False) if not _fits(name, kind, *want)]
    if wrong or len(found) != len(wanted):
        raise AuditError(
            f"Spark made other columns than DuckDB: {', '.join(wrong) or 'more or fewer of them'}",
            where=", ".join(columns),
            next_step="see docs/spark.md, What is the same; tests/test_portable.py should have refused this model",
        )
    return frame.selectExpr(*(f"cast(`{name}` as {kind}) as `{name}`" for name, kind in wanted))


def _fits(name, kind, wanted_name, wanted_kind):
    return name == wanted_name and (kind in (wanted_kind, "void") or {kind, wanted_kind} <= WHOLE)


def _fetch(con, folder, shapes, schemas):
    made = {}
    for schema, path, text in models.steps(schemas):
        if schema not in models.SCHEMAS:
            continue
        table = models.table_name(path)
        files = models.quoted(str(_place(folder, schema, table) / "*.parquet"))
        columns = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in shapes[schema][table].items())
        con.execute(f"create schema if not exists {schema}")
        con.execute(f"create or replace table {schema}.{table} as select {columns} from read_parquet({files})")
        made[f"{schema}.{table}"] = models.grain(text)
    models.comment(con, made)
    if "out" in schemas:
        shutil.rmtree(folder)
