"""The rows of one part as SQL, every value as text: what the gate counts over and what is stored."""

import re

from flows import ROOT
from flows.errors import DeliveryError

FIRST_LINE = 2  # the header of a CSV is line 1, so the first row of a Parquet file is line 2 as well
CSV_ROW = (ROOT / "sql" / "ingest" / "csv_row.sql").read_text(encoding="utf-8")


def damaged(part):
    # DuckDB's own message may quote the row it stumbled over, so it is not passed on.
    return DeliveryError(
        "the part is cut short, damaged or not what its name says",
        where=part["name"],
        next_step="copy it again and compare sizes",
    )


def relation(part, columns):
    """SQL of one part's rows in its order: the given columns as text, `reason` where a line cannot be split, `is_blank`; of Parquet `line` too."""
    if part["format"] == ".parquet":
        return _parquet_relation(part, columns)
    if not part["header"]:
        return _no_rows(columns)
    places = {name.lower(): place for place, name in enumerate(part["header"], 1)}
    chosen = "".join(f"nullif(fields[{places[column]}], '') as {column}, " for column in columns)
    rows = with_values(
        CSV_ROW,
        path=as_pattern(part["path"]),
        new_line=part["newline"],
        compression="gzip" if part["format"] == ".csv.gz" else "none",
        n_columns=len(part["header"]),
    )
    return f"select {chosen}reason, is_blank from (\n{rows}\n)"


def _no_rows(columns):
    return f"select {nothing(columns)}{no('reason')}, false as is_blank where false"


def nothing(columns):
    return "".join(f"{no(column)}, " for column in columns)


def no(column):
    return f"cast(null as varchar) as {column}"


def _parquet_relation(part, columns):
    names = {name.strip().lower(): name for name in part["header"]}
    chosen = "".join(f"{_as_text(names[column], part['types'][column])} as {column}, " for column in columns)
    return f"select {chosen}file_row_number + {FIRST_LINE} as line, {no('reason')}, false as is_blank from {parquet(part['path'])}"


def parquet(path):
    """SQL of a Parquet file."""
    return f"read_parquet({as_literal(as_pattern(str(path)))}, binary_as_string = true, hive_partitioning = false)"


def _as_text(name, kind):
    column = '"' + name.replace('"', '""') + '"'
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({column} at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ')"
    if kind.startswith("TIMESTAMP"):
        return f"strftime(cast({column} as timestamp), '%Y-%m-%dT%H:%M:%S')"
    if kind in ("DOUBLE", "FLOAT"):
        return _whole_number_as_text(column)
    if kind.startswith("DECIMAL"):
        return f"regexp_replace(cast({column} as varchar), '[.]0+$', '')"
    return f"nullif(cast({column} as varchar), '')"


def _whole_number_as_text(column):
    # A column of whole numbers with gaps becomes floating point in many tools: 1950.0 is the year 1950, NaN a gap.
    return (
        f"case when isnan({column}) then null when {column} = trunc({column}) and abs({column}) < 1e15 "
        f"then cast(cast({column} as bigint) as varchar) else cast({column} as varchar) end"
    )


def as_literal(value):
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def as_pattern(path):
    # DuckDB reads a path as a pattern: part[1].csv would otherwise name part1.csv.
    return re.sub(r"[*?\[]", r"[\g<0>]", path)


def with_values(sql, **values):
    """The SQL with each $name as a literal: a view, unlike a query, takes no parameters."""
    return re.sub(r"\$(\w+)", lambda found: as_literal(values[found[1]]), sql)
