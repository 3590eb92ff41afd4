"""exports/datapackage.json: what each exported file is, so that a program can read the folder."""

import json

import polars as pl

from flows.exports import dictionary
from flows.exports.catalog import exported
from flows.exports.facts import masking, named
from flows.workspace import sha256

DESCRIPTION = "datapackage.json"
DICTIONARY = "data_dictionary"
APOSTROPHE = (
    "In the CSV files a text that a spreadsheet would run stands behind an apostrophe; Parquet holds it as it is."
)
MEDIA_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}
# What tells the rows of a table apart, where no part of it can be empty; of other tables nothing is promised.
KEYS = {
    "sensitivity": ("measure", "basis", "reading"),
    "attrition": ("reason",),
    "case_attrition": ("reason",),
    "scenario_compliance": ("scenario", "basis"),
    "edition_change": ("question", "answer_then", "answer_now"),
    "staging_summary": ("workup",),
    "label_basis": ("measure", "aspect", "kind"),
    "validity": ("alarm", "measure"),
    "notice": ("notice", "subject"),
    DICTIONARY: ("table", "column"),
}
DICTIONARY_MEANINGS = {
    "table": "exported table",
    "grain": "what one of its rows is",
    "position": "place of the column in the table",
    "column": "name of the column",
    "type": "what it holds",
    "meaning": "what it says",
}


def write(con, tables, facts, folder):
    """The dictionary of what was exported, then what every file in the folder is: the last of all exports."""
    said = dictionary.comments(con)
    dictionary.exported(said, exported(tables)).write_csv(folder / f"{DICTIONARY}.csv")
    text = json.dumps(describe(said, tables, facts, folder), indent=2, ensure_ascii=False)
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def describe(said, tables, facts, folder):
    """A Frictionless data package: every file with its hash, every table with its grain and columns."""
    kept = exported(tables)
    grains = {name: dictionary.grain(said, name) for name in kept} | {
        DICTIONARY: "One row per column of an exported table."
    }
    schemas = {name: schema(name, table, dictionary.meanings(said, name)) for name, table in kept.items()}
    schemas[DICTIONARY] = schema(DICTIONARY, dictionary.exported(said, kept), DICTIONARY_MEANINGS)
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name != DESCRIPTION)
    return {
        "profile": "data-package",
        "name": "imaging-order-audit",
        "id": facts["run_id"],
        "title": "First imaging order after neoadjuvant therapy for breast cancer",
        "description": " ".join([*facts["watermarks"], named(facts) + ".", masking(facts), APOSTROPHE]),
        "version": facts["versions"]["imaging-order-audit"],
        "run_id": facts["run_id"],
        "as_of": facts["as_of"],
        "period": facts["period"],
        "editions": facts["editions"],
        "suppression": facts["suppression"],
        "largest_masked": facts["largest_masked"],
        "watermarks": facts["watermarks"],
        "source": facts["source"],
        "deid_mode": facts["deid_mode"],
        "hashes": facts["hashes"],
        "resources": [resource(path, grains.get(path.stem), schemas.get(path.stem)) for path in paths],
    }


def resource(path, grain, fields):
    kind = path.suffix.removeprefix(".")
    is_table = kind in ("csv", "parquet") and fields is not None
    facts = {
        "name": path.name.lower(),
        "path": path.name,
        "format": kind,
        "mediatype": MEDIA_TYPES.get(kind, "application/octet-stream"),
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256(path)}",
    }
    if not is_table:
        return facts
    profile = {"profile": "tabular-data-resource", "encoding": "utf-8"} if kind == "csv" else {}
    return facts | profile | {"description": grain, "schema": fields}


def schema(name, table, comments):
    fields = [
        {"name": column, "type": field_type(dtype), "description": comments.get(column, "")}
        for column, dtype in table.schema.items()
    ]
    return {"fields": fields, "missingValues": [""]} | ({"primaryKey": list(KEYS[name])} if name in KEYS else {})


def field_type(dtype):
    """The words of Table Schema."""
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_temporal():
        return "date" if dtype == pl.Date else "datetime"
    if dtype.is_numeric():
        return "integer" if dtype.is_integer() else "number"
    return "string"
