"""The data dictionary: what the database says of itself in its comments, as a page and as a table."""

import polars as pl

from flows import models

SCHEMAS = ("out", "rule")
# Columns that disclosure control adds are in no table of the database, so their comments stand here.
ADDED = {
    "suppressed": "true where disclosure control masked a cell of the row",
    "is_rounded": "counts stand in tens and shares in steps: exact ones would tell what moved since the last release",
    "protected_zone_only": "no disclosure control was applied: the file must not leave the protected zone",
    "rate_band": "what stands for a rate that is not shown: below_80, 80_to_90, 90_to_95, 95_and_above (percent)",
    "rate_step": "the step to which the rate was rounded",
    "share_band": "what stands for a share that is not shown, in the words of rate_band",
}
# Tables that are made of releases, not of rows about persons, are in no database either: their grain and columns.
MADE = {
    "differencing": (
        "One row per count that is not exact, because it would tell what moved since the last release.",
        {
            "table_name": "exported table",
            "row": "key of the row, its parts joined",
            "column_name": "column of the count",
            "last_shown": "the count as it was last given exactly",
            "given": "what stands for it now",
        },
    ),
    "change": (
        "One row per cause that can move the headline from one release to the next.",
        {
            "position": "place in the order of causes",
            "cause": "new, corrected or gone data, code map, edition, other rules, definition, software",
            "counts": "what of the cause is counted",
            "is_changed": "true where the two releases differ in it; null where one of them no longer says",
            "n_changed": "how many differ; rows of the delivery in tens",
            "explains": "share of the headline's move that the cause explains; null where it is not the only one",
            "moves": "by how much the cause moved the headline, the last release's rows judged again with one cause more at a time",
            "moves_step": "the step in which the moves of all causes are given",
            "names": "which of it differ, where it is ours or the site's: parameters, ratings, files, versions",
            "rate_then": "headline of the last release, as it was shown",
            "rate_now": "headline of this release, as it is shown",
            "band_then": "what stood for a headline that was not shown, in the words of rate_band",
            "band_now": "what stands for a headline that is not shown, in the words of rate_band",
            "is_rounded_then": "true where the headline of the last release was rounded",
            "is_rounded_now": "true where that of this release is rounded",
        },
    ),
}
TYPES = {
    "BIGINT": "whole number",
    "INTEGER": "whole number",
    "DOUBLE": "number",
    "DECIMAL": "number",
    "VARCHAR": "text",
    "BOOLEAN": "true or false",
    "DATE": "day",
    "TIMESTAMP": "moment (UTC)",
    "JSON": "JSON",
}
INTRODUCTION = """\
# Data dictionary

Every table and column of the schemas `out` (the results) and `rule` (what was judged by), as the comments in
`audit.duckdb` say it. Exports hold a part of the tables of `out`, under disclosure control: see
`exports/data_dictionary.csv` and the sheet *Columns* of the workbook.

Written by `.venv/bin/python tests/data_dictionary.py > docs/data_dictionary.md`; `tests/test_dictionary.py` fails where
it is out of date.
"""
PURPOSE = {"out": "results", "rule": "rules, vocabularies and parameters"}


def page(con):
    """All of it as Markdown."""
    lines = [INTRODUCTION]
    described = columns(con)
    for schema in SCHEMAS:
        lines.append(f"## `{schema}`: {PURPOSE[schema]}\n")
        for table, grain in tables(con, schema).items():
            lines += [f"### `{schema}.{table}`\n", f"{grain}\n", "| column | type | meaning |", "|---|---|---|"]
            lines += [_line(name, kind, comment) for name, kind, comment in described[schema, table]]
            lines.append("")
    return "\n".join(lines)


def _line(name, kind, comment):
    return f"| `{name}` | {spoken_type(kind)} | {comment.replace('|', chr(92) + '|')} |"


def tables(con, schema):
    """Table → what one of its rows is, and why."""
    rows = con.execute(
        "select table_name, comment from duckdb_tables() where schema_name = ? order by 1", [schema]
    ).fetchall()
    return {name: comment and comment.rstrip(".") + "." for name, comment in rows}


def columns(con):
    """(schema, table) → its columns in their order: name, type, comment."""
    rows = con.execute(
        "select schema_name, table_name, column_name, data_type, comment, column_index from duckdb_columns()"
    ).fetchall()
    found = {}
    for schema, table, name, kind, comment, _ in sorted(rows, key=lambda row: (row[0], row[1], row[5])):
        found.setdefault((schema, table), []).append((name, kind, comment or ""))
    return found


def spoken_type(kind):
    return TYPES.get(kind.split("(")[0], kind.lower())


def comments(con):
    """What the database says of its tables and columns, asked once: (grains, columns)."""
    return tables(con, "out"), columns(con)


def grain(said, table):
    return MADE[table][0] if table in MADE else said[0].get(table, "")


def meanings(said, table):
    """Column → what it says, in an exported table."""
    if table in MADE:
        return MADE[table][1] | ADDED
    return {name: comment for name, _, comment in said[1].get(("out", table), [])} | ADDED


def meaning(table, column):
    """The same where no database is at hand: the comments are rows of sql/column.csv."""
    known = models.column_comments()
    told = (
        MADE[table][1].get(column) if table in MADE else known.get((f"out.{table}", column)) or known.get(("", column))
    )
    return ADDED.get(column) or told or ""


def exported(said, released):
    """One row per column of an exported table, as it was released: masks may add columns and take some away."""
    rows = []
    for table, frame in released.items():
        known, what = meanings(said, table), grain(said, table)
        rows += [
            {
                "table": table,
                "grain": what,
                "position": position,
                "column": name,
                "type": spoken_dtype(dtype),
                "meaning": known.get(name, ""),
            }
            for position, (name, dtype) in enumerate(frame.schema.items(), start=1)
        ]
    return pl.DataFrame(
        rows,
        schema=dict.fromkeys(("table", "grain", "position", "column", "type", "meaning"), pl.String)
        | {"position": pl.Int64},
    )


def spoken_dtype(dtype):
    if dtype == pl.Boolean:
        return "true or false"
    if dtype.is_temporal():
        return "day" if dtype == pl.Date else "moment (UTC)"
    if dtype.is_numeric():
        return "whole number" if dtype.is_integer() else "number"
    return "text"
