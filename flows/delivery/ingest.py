"""From a folder of extracts to the raw tables: every value as delivered, as text, with its part and line.

Order matters. Names, columns and encoding are checked before any value is read; then one scan of every part looks for
identifiers; only then is anything stored.
"""

import difflib
import re

from flows import ROOT
from flows.delivery import deidentify, sources
from flows.delivery.part_rows import rejects_of, rows_of
from flows.delivery.parts import find_parts, open_part
from flows.errors import DeliveryError
from flows.logs import log
from flows.models import comment, grain

REQUIRED = ("orders", "diagnoses")
# Types of Parquet that hold more than one value a cell; a list as text would read as one unknown word.
LONGEST = 60  # characters of a column's name that are worth comparing
NESTED = re.compile(r"\]$|^(STRUCT|MAP|UNION|VARIANT|INTERVAL|GEOMETRY)")


def read_delivery(con, folder, settings):
    """Fills the raw schema; returns what was read and what is doubtful about it."""
    deidentify.require_mode(settings.deid_mode)
    contract = read_contract(con)
    if settings.source == "delivery":
        parts = open_parts(folder, contract)
        check_values(con, parts, contract, settings)
        _refuse_empty(parts, folder)
        fill_raw(con, contract, parts)
    else:
        fill_raw(con, contract, {extract: [] for extract in contract})
        sources.read_source(con, folder, settings)
    return delivery_info(con, contract, folder)


def read_contract(con):
    """{extract: {column: {kind, is_required}}} in the contract's order."""
    contract = {}
    rows = con.execute(
        'select extract, "column", kind, is_required from rule.contract order by extract, position'
    ).fetchall()
    for extract, column, kind, is_required in rows:
        contract.setdefault(extract, {})[column] = {"kind": kind, "is_required": is_required}
    contract.setdefault("code_map", _code_map_columns())
    return contract


def _code_map_columns():
    kinds = {"code_system": "code_system", "code": "code", "procedure": "word"}
    return {column: {"kind": kind, "is_required": True} for column, kind in kinds.items()}


def open_parts(folder, contract):
    """The parts of each extract, their names and columns checked; no value is read yet."""
    paths = find_parts(folder, list(contract))
    _refuse_missing(paths, folder)
    parts = {extract: [open_part(path, folder) for path in files] for extract, files in paths.items()}
    identifiers = deidentify.read_identifiers()
    each = [(extract, part) for extract, files in parts.items() for part in files]
    deidentify.refuse(
        [finding for extract, part in each for finding in deidentify.check_names(extract, part, identifiers)]
    )
    for extract, part in each:
        part["columns"] = check_columns(extract, part, contract)
    return parts


def _refuse_missing(paths, folder):
    missing = [extract for extract in REQUIRED if not paths[extract]]
    if missing:
        found = ", ".join(extract for extract, files in paths.items() if files) or "no extract at all"
        raise DeliveryError(
            f"the delivery lacks {' and '.join(missing)}; found: {found}",
            where=folder,
            next_step=f"add {missing[0]}.csv, .csv.gz or .parquet, or a folder {missing[0]} of such parts",
        )


def check_columns(extract, part, contract):
    """The part's columns in lower case; every one must be the contract's, and every required one be there."""
    columns = contract[extract]
    names = [name.strip().lower() for name in part["header"]]
    if not names and part["format"] != ".parquet":
        return []
    _refuse_no_header(part, names, columns)
    for place, name in enumerate(names, 1):
        if name not in columns:
            raise _unknown(extract, part, place, name, contract)
        if names.index(name) < place - 1:
            raise DeliveryError(f"column {name} stands twice", where=part["name"], next_step="keep one of the two")
        if NESTED.search(part.get("types", {}).get(name, "")):
            raise DeliveryError(
                f"column {name} holds lists or structures",
                where=part["name"],
                next_step="deliver one value a cell; lists as text with ; between",
            )
    missing = [column for column in _required(columns) if column not in names]
    if missing:
        raise DeliveryError(
            f"{extract} lacks the column {missing[0]}" + (f" (and {', '.join(missing[1:])})" if missing[1:] else ""),
            where=part["name"],
            next_step="add it; SPEC section 1 and the README list the columns of each extract",
        )
    return names


def _refuse_no_header(part, names, columns):
    if not set(names) & set(columns):
        # Where the header is missing, these "names" are a patient's values: none is repeated.
        raise DeliveryError(
            "the first line names no column of the contract",
            where=part["name"],
            next_step="give the part a header; it needs at least " + ", ".join(_required(columns)),
        )


def _required(columns):
    return [column for column, facts in columns.items() if facts["is_required"]]


def _unknown(extract, part, place, name, contract):
    """Only a slip of the pen is repeated: any other name may be a value, where the header is missing or abused."""
    known = {column for columns in contract.values() for column in columns}
    close = difflib.get_close_matches(name[:LONGEST], list(contract[extract]), n=1, cutoff=0.6)
    is_slip = re.fullmatch(r"[a-z_ .-]+", name) and difflib.get_close_matches(name[:LONGEST], known, n=1, cutoff=0.8)
    shown = f"'{name}'" if is_slip else f"number {place}" + ("" if name else ", without a name,")
    advice = (
        f"did you mean {close[0]}? Otherwise leave it out"
        if close
        else "leave it out: only columns of the contract are read"
    )
    return DeliveryError(f"column {shown} of {extract} is not in the contract", where=part["name"], next_step=advice)


def check_values(con, parts, contract, settings):
    """The gate: one scan of every part, before anything is stored."""
    mode, identifiers, findings = settings.deid_mode, deidentify.read_identifiers(), []
    for extract, files in parts.items():
        for part in files:
            kinds = {column: contract[extract][column]["kind"] for column in part["columns"]}
            findings += deidentify.check_values(con, extract, part, kinds, mode, identifiers)
            log.info("  %-32s %12d rows, %d rejected", part["name"], part["n_rows"], part["n_rejected"])
    every = [part for files in parts.values() for part in files]
    findings += deidentify.check_age(con, parts["patients"], every, mode, settings.as_of, identifiers)
    deidentify.refuse(findings)


def _refuse_empty(parts, folder):
    for extract in REQUIRED:
        if not any(part["n_rows"] or part["n_rejected"] for part in parts[extract]):
            raise DeliveryError(
                f"{extract} is empty",
                where=", ".join(part["name"] for part in parts[extract]) or folder,
                next_step="export it again: an audit needs its rows",
            )


def fill_raw(con, contract, parts):
    """Stores the rows, and of lines that could not be split, the number and the reason."""
    con.execute("create schema if not exists raw")
    for extract, columns in contract.items():
        named = ", ".join(columns)
        con.execute(
            f"create or replace table raw.{extract} as "
            f"select {named}, part, line from ({rows_of(parts[extract], columns)}) where reason is null"
        )
        comment(con, {f"raw.{extract}": f"One row per row of {extract} as delivered, every value as text."})
    rejected = "\nunion all\n".join(rejects_of(extract, files) for extract, files in parts.items())
    con.execute(f"create or replace table raw.rejected_row as {rejected}")
    comment(con, {"raw.rejected_row": "One row per line that could not be split into its columns, without its content."})


def delivery_info(con, contract, folder):
    """Doubts about keys and shifts are kept as rows, so that the report can show them."""
    query, shifts = ((ROOT / "sql" / "ingest" / f"{name}_warning.sql").read_text(encoding="utf-8") for name in ("delivery", "shift"))
    con.execute(f"create or replace table raw.delivery_warning as {query}")
    con.execute(f"insert into raw.delivery_warning {shifts}")
    comment(con, {"raw.delivery_warning": grain(query)})
    names = ("code", "extract", "label", "n_rows", "n_total", "why")
    rows = con.execute(f"select {', '.join(names)} from raw.delivery_warning order by code, extract").fetchall()
    return {
        "n_rows": {
            extract: con.execute(f"select count(*) from raw.{extract}").fetchall()[0][0] for extract in contract
        },
        "is_synthetic": (folder / "SYNTHETIC.txt").exists(),
        "warnings": [dict(zip(names, row, strict=True)) for row in rows],
    }
