"""From a folder of extracts to the raw tables: every value as delivered, as text, with its part and line.

Order matters. Names, columns and encoding are checked before any value is read; then one scan of every part looks for
identifiers; only then is anything stored.
"""

import difflib
import re

from flows import ROOT
from flows.delivery import deidentify, series, sources
from flows.delivery.parts import find_parts, open_part
from flows.delivery.raw import deliveries_of, fill_raw
from flows.errors import DeliveryError
from flows.logs import log
from flows.models import comment, grain

REQUIRED = ("orders", "diagnoses")
PAGE = "docs/extracts.md"
# Types of Parquet that hold more than one value a cell; a list as text would read as one unknown word.
LONGEST = 60  # characters of a column's name that are worth comparing
NESTED = re.compile(r"\]$|^(STRUCT|MAP|UNION|VARIANT|INTERVAL|GEOMETRY)")


def read_delivery(con, folder, settings):
    """Fills the raw schema; returns what was read and what is doubtful about it."""
    deidentify.require_mode(settings.deid_mode)
    contract = read_contract(con)
    if settings.source == "delivery":
        parts = open_parts(folder, contract, settings.as_of)
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


def open_parts(folder, contract, until=None):
    """The parts of each extract, of a series those of every delivery up to a day; no value is read yet."""
    parts = opened(series.needed(folder, until), contract)
    _refuse_missing(parts, folder)
    return check_headers(parts, contract)


def opened(deliveries, contract):
    """The parts of each extract in some deliveries."""
    parts = {extract: [] for extract in contract}
    for delivery in deliveries:
        for extract, paths in find_parts(delivery.folder, list(contract)).items():
            parts[extract] += [_of(delivery, open_part(path, delivery.folder)) for path in paths]
    return parts


def _of(delivery, part):
    """A part that says which delivery of a series it came with."""
    return part | {"delivery": delivery, "name": delivery.prefix + part["name"]}


def check_headers(parts, contract):
    """The parts with their columns, once every name among them is one that may be there."""
    identifiers = deidentify.read_identifiers()
    each = [(extract, part) for extract, files in parts.items() for part in files]
    deidentify.refuse(
        [finding for extract, part in each for finding in deidentify.check_names(extract, part, identifiers)]
    )
    for extract, part in each:
        part["columns"] = check_columns(extract, part, contract)
    return parts


def _refuse_missing(parts, folder):
    missing = [extract for extract in REQUIRED if not parts[extract]]
    if missing:
        found = ", ".join(extract for extract, files in parts.items() if files) or "no extract at all"
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
            raise _unknown(extract, part, place, names, contract)
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
            next_step=f"add it; {PAGE} lists the columns of each extract",
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


def _unknown(extract, part, place, names, contract):
    """Only a slip of the pen is repeated: any other name may be a value, where the header is missing or abused."""
    name, known = names[place - 1], {column for columns in contract.values() for column in columns}
    is_slip = re.fullmatch(r"[a-z_ .-]+", name) and _close(name, known, 0.8)
    shown = f"'{name}'" if is_slip else f"number {place}" + ("" if name else ", without a name,")
    advice = f"{_meant(name, names, contract[extract])}; {PAGE} lists the columns"
    return DeliveryError(f"column {shown} of {extract} is not in the contract", where=part["name"], next_step=advice)


def _meant(name, names, columns):
    """A required column that is missing is likelier meant than one that nobody asked for, save for a mere slip."""
    absent = [column for column in columns if column not in names]
    missing = [column for column in _required(columns) if column in absent]
    meant = _close(name, absent, 0.85) or _close(name, missing, 0.5) or (None if missing else _close(name, absent, 0.6))
    advice = f"did you mean {meant}{', which is missing' if meant in missing else ''}? Otherwise leave it out" if meant else "leave it out"
    others = [column for column in missing if column != meant]
    return f"{advice}, or, if it is {' or '.join(others)}, which must be there, name it so" if others else advice


def _close(name, known, cutoff):
    return next(iter(difflib.get_close_matches(name[:LONGEST], known, n=1, cutoff=cutoff)), None)


def check_values(con, parts, contract, settings):
    """The gate: one scan of every part, before anything is stored."""
    mode, identifiers, findings = settings.deid_mode, deidentify.read_identifiers(), []
    for extract, files in parts.items():
        for part in files:
            kinds = {column: contract[extract][column]["kind"] for column in part["columns"]}
            findings += deidentify.check_values(con, extract, part, kinds, mode, identifiers)
            log.info("  %-32s %12d rows, %d rejected", part["name"], part["n_rows"], part["n_rejected"])
            if not part["n_rows"] and not part["n_rejected"]:
                log.warning("  %-32s holds no row: an export that failed looks like this", part["name"])
    for delivery in deliveries_of(parts):
        theirs = {extract: [part for part in files if part["delivery"] == delivery] for extract, files in parts.items()}
        every = [part for files in theirs.values() for part in files]
        # Who was young enough when a delivery ended has not become an identifier since.
        ends = delivery.covers_to or settings.as_of
        findings += deidentify.check_age(con, theirs["patients"], every, mode, ends, identifiers)
    deidentify.refuse(findings)


def check_one(con, delivery, settings):
    """The gate for one delivery of a series before it is taken in; gives the rows of each extract that it holds."""
    contract = read_contract(con)
    parts = opened([delivery], contract)
    if not any(parts.values()):
        raise DeliveryError("it holds no extract", next_step=f"put {REQUIRED[0]}.csv and the others into it")
    check_values(con, check_headers(parts, contract), contract, settings)
    return {extract: sum(part["n_rows"] for part in files) for extract, files in parts.items() if files}


def _refuse_empty(parts, folder):
    for extract in REQUIRED:
        if not any(part["n_rows"] or part["n_rejected"] for part in parts[extract]):
            raise DeliveryError(
                f"{extract} is empty",
                where=", ".join(part["name"] for part in parts[extract]) or folder,
                next_step="export it again: an audit needs its rows",
            )


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
        "is_synthetic": series.is_synthetic(folder),
        "warnings": [dict(zip(names, row, strict=True)) for row in rows],
    }
