"""Foreign shapes: an export that is not the delivery contract is mapped onto the raw tables by sql/sources/NAME.

Only the columns named here are read. The names, numbers, addresses and places of an export are never selected, so
they reach neither the database nor a spill file.
"""

from flows import ROOT
from flows.delivery import deidentify
from flows.delivery.parts import find_parts, open_part
from flows.delivery.stored import delivered, rejects, store
from flows.errors import DeidentificationError, DeliveryError
from flows.logs import log

# {source: {file: {column: the kind of the contract whose shapes it must not have}}}; a birth date is read for its year.
READ = {
    "synthea": {
        "conditions": {"start": "date", "patient": "id", "encounter": "id", "system": "code_system", "code": "code"},
        "medications": {
            "start": "date",
            "stop": "date",
            "patient": "id",
            "encounter": "id",
            "code": "code",
            "reasoncode": "code",
        },
        "patients": {
            "id": "key",
            "birthdate": "date",
            "deathdate": "date",
            "race": "text",
            "ethnicity": "text",
            "gender": "text",
        },
        "procedures": {"start": "date", "patient": "id", "encounter": "id", "system": "code_system", "code": "code"},
    }
}
# Columns that older exports lack: their conditions and procedures are SNOMED throughout.
OPTIONAL = {"synthea": {"system", "reasoncode"}}
# {source: the extracts that its SQL makes}
EXTRACTS = {"synthea": ("orders", "diagnoses", "therapies", "procedures", "patients")}
# {source: {file: the extract under which its unreadable lines are kept}}
KEPT_UNDER = {
    "synthea": {
        "conditions": "diagnoses",
        "medications": "therapies",
        "patients": "patients",
        "procedures": "procedures",
    }
}


def read_source(con, folder, settings):
    """Fills the (empty) raw tables from a foreign export."""
    source = settings.source
    if settings.deid_mode == "relative_days":
        raise DeidentificationError(
            f"{source} writes calendar dates, so relative_days cannot be true",
            where=folder,
            next_step="declare limited_data_set, or shifted_dates where the dates were shifted",
        )
    files = open_files(folder, source)
    _check_values(con, files, settings)
    with delivered(con) as folder:
        for file, columns in READ[source].items():
            store(con, folder, file, files[file], list(columns))
        for extract in EXTRACTS[source]:
            query = (ROOT / "sql" / "sources" / source / f"{extract}.sql").read_text(encoding="utf-8")
            con.execute(f"insert into raw.{extract} by name {query}")
        for file, extract in KEPT_UNDER[source].items():
            con.execute(f"insert into raw.rejected_row {rejects(file, extract)}")


def open_files(folder, source):
    found = find_parts(folder, list(READ[source]))
    missing = [file for file, paths in found.items() if not paths]
    if missing:
        raise DeliveryError(
            f"the {source} export lacks {' and '.join(missing)}",
            where=folder,
            next_step=f"add {missing[0]}.csv or {missing[0]}.csv.gz",
        )
    files = {file: [open_part(path, folder) for path in paths] for file, paths in found.items()}
    for file, parts in files.items():
        for part in parts:
            part["columns"] = _columns(source, file, part)
    return files


def _columns(source, file, part):
    delivered = {name.strip().lower() for name in part["header"]}
    lacking = [column for column in READ[source][file] if column not in delivered | OPTIONAL[source]]
    if lacking and part["header"]:
        raise DeliveryError(
            f"{file} lacks the column {lacking[0].upper()}",
            where=part["name"],
            next_step=f"export it as {source} writes it",
        )
    return [column for column in READ[source][file] if column in delivered]


def _check_values(con, files, settings):
    """The same gate as for a delivery, over the columns that are read."""
    identifiers, findings = deidentify.read_identifiers(), []
    for file, parts in files.items():
        for part in parts:
            kinds = {column: READ[settings.source][file][column] for column in part["columns"]}
            findings += deidentify.check_values(con, file, part, kinds, settings.deid_mode, identifiers)
            log.info("  %-32s %12d rows, %d rejected", part["name"], part["n_rows"], part["n_rejected"])
    deidentify.refuse(findings)
