"""The files of a delivery: which of them are parts of which extract, and how one part is read."""

import csv
import difflib
import gzip
import re
import zlib
from pathlib import Path

import duckdb

from flows import doors
from flows.delivery.part_bytes import MAX_LINE, line_end, open_bytes
from flows.delivery.part_rows import as_literal, as_pattern, damaged, parquet
from flows.errors import DeliveryError

FORMATS = (".csv.gz", ".csv", ".parquet")
# Endings that say "this holds rows", so that orders.xlsx is a mistake to report and README.txt is not.
DATA_ENDINGS = (
    ".csv",
    ".gz",
    ".parquet",
    ".tsv",
    ".txt.gz",
    ".zip",
    ".xlsx",
    ".xls",
    ".json",
    ".ndjson",
    ".zst",
    ".bz2",
)
# Rows with keys of their own take bytes, not bits: a Parquet file beyond this is a bomb.
ROWS_A_BYTE = 10
MANY = 10_000_000


def find_parts(folder, extracts):
    """{extract: [path]} in a fixed order; a name that nearly is an extract's stops the run."""
    if not folder.is_dir():
        raise DeliveryError(
            "the delivery is not a folder",
            where=folder,
            next_step="point --extracts at the folder that holds orders.csv",
        )
    found = {extract: [] for extract in extracts}
    for entry in sorted(folder.iterdir()):
        extract = _extract_of(entry, extracts)
        if extract:
            found[extract].append(entry)
        else:
            _refuse_near_miss(entry, extracts)
    return {extract: _files(extract, entries, folder) for extract, entries in found.items()}


def _extract_of(entry, extracts):
    ending = format_of(entry.name) or ""
    stem = entry.name.removesuffix(ending)
    if stem in extracts and (ending or entry.is_dir()):
        return stem
    return None


def format_of(name):
    return next((ending for ending in FORMATS if name.endswith(ending)), None)


def _refuse_near_miss(entry, extracts):
    name = entry.name.lower()
    if name.startswith((".", "_")) or not (entry.is_dir() or name.endswith(DATA_ENDINGS)):
        return
    nearest = _nearest_extract(name.split(".")[0], extracts)
    if nearest:
        raise DeliveryError(
            f"'{entry.name}' is not the name of an extract",
            where=entry.parent,
            next_step=f"name it {nearest}.csv, .csv.gz or .parquet, or {nearest} where it is a folder of parts; "
            "or take it out of the delivery",
        )


def _nearest_extract(stem, extracts):
    """'orders_2024' and 'order' are meant for orders; 'therapy' for therapies; 'notes' for nothing."""
    first_word = re.split(r"[^a-z]", stem)[0]
    if first_word in extracts:
        return first_word
    close = difflib.get_close_matches(re.sub(r"[^a-z]+", "_", stem), extracts, n=1, cutoff=0.75)
    return close[0] if close else None


def _files(extract, entries, folder):
    if len(entries) > 1:
        names = ", ".join(entry.name for entry in entries)
        raise DeliveryError(
            f"{extract} is delivered more than once: {names}", where=folder, next_step="keep one of them"
        )
    files = [path for entry in entries for path in (_folder_files(entry) if entry.is_dir() else [entry])]
    for path in files:
        if not path.is_file():
            raise DeliveryError("the part cannot be read: it is no file", where=path, next_step="deliver it again")
        if not path.resolve().is_relative_to(folder.resolve()):
            raise DeliveryError(
                "the part is a link that leads out of the delivery",
                where=path,
                next_step="copy the file into the delivery",
            )
    return files


def _folder_files(entry):
    # Spark and others leave _SUCCESS and .crc files beside the parts; anything else may be rows nobody would miss.
    files = [path for path in sorted(entry.iterdir()) if not path.name.startswith((".", "_"))]
    for path in files:
        if path.is_dir() or not format_of(path.name):
            raise DeliveryError(
                "not a part that can be read",
                where=path,
                next_step="a folder of parts holds .csv, .csv.gz or .parquet files only",
            )
    return files


def open_part(path, folder):
    """What is known of a part before any of its values is read."""
    part = {"name": path.relative_to(folder).as_posix(), "path": str(path), "format": format_of(path.name)}
    return part | (_parquet_shape(part) if part["format"] == ".parquet" else _csv_shape(part))


def _csv_shape(part):
    try:
        newline = line_end(part)
        with open_bytes(part) as stream:
            first = stream.readline() if newline != r"\r" else stream.read(MAX_LINE).split(b"\r")[0]
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise DeliveryError(
            "the gzip file is cut short, damaged or not what its name says",
            where=part["name"],
            next_step="copy it again and compare sizes; a file that is not compressed is named .csv",
        ) from None
    return {"newline": newline, "header": _header(first.decode("utf-8-sig"), part["name"])}


def _header(line, name):
    line = line.rstrip("\r\n")
    if not line.strip():
        return []
    if "," not in line and any(mark in line for mark in ";\t|"):
        raise DeliveryError(
            "the columns are not separated by commas",
            where=name,
            next_step="export the file with commas between its columns",
        )
    try:
        return [column.strip() for column in next(csv.reader([line], strict=True))]
    except csv.Error:
        raise DeliveryError(
            "the header cannot be read",
            where=f"{name}, line 1",
            next_step="close its quotes; no column name holds a line break",
        ) from None


def _parquet_shape(part):
    path = as_literal(as_pattern(part["path"]))
    try:
        with duckdb.connect(config=doors.FETCHES_NOTHING) as con:  # an encrypted part asks for an extension
            rows = con.execute(f"describe select * from {parquet(part['path'])}").fetchall()
            n_rows = con.execute(f"select sum(num_rows) from parquet_file_metadata({path})").fetchall()[0][0]
            said = con.execute(f"select key, value from parquet_kv_metadata({path})").fetchall()
    except (duckdb.Error, UnicodeError):
        raise damaged(part) from None
    if n_rows > max(MANY, ROWS_A_BYTE * Path(part["path"]).stat().st_size):
        raise DeliveryError(
            "the Parquet file claims more rows than it can hold", where=part["name"], next_step="export it again"
        )
    return {
        "header": [row[0] for row in rows],
        "types": {row[0].strip().lower(): row[1] for row in rows},
        "metadata": [b"=".join(pair).decode(errors="replace") for pair in said],
    }
