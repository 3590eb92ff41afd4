"""The history of runs in one folder: what went in, which rules, how the checks ended, what the headline was.

JSON lines rather than a table in a database: a run only ever appends one line and flushes it to disk, a torn last line
costs that line alone, no other process can hold it locked, and DuckDB reads it as it is: from 'ledger.jsonl'.
A run that finds its own result published appends nothing: it did nothing.
"""

import json
import os
from datetime import UTC, datetime

from flows.delivery.series import extract_of
from flows.formats import FORMAT

NAME = "ledger.jsonl"
# What goes into a run besides the delivery, by the folder that it stands in.
OURS = ("rules", "site", "sql", "flows", "expectations", "reports")
GROUPS = ("data", "code_map", *OURS)


def append(out, entry):
    add(out, line(entry))


def line(entry):
    return json.dumps({"recorded_at": datetime.now(UTC).isoformat(timespec="seconds"), "format": FORMAT, **entry}, default=str)


def add(out, written):
    with (out / NAME).open("ab") as ledger:
        # A line torn by a crash must not swallow this one.
        torn = b"\n" if _is_torn(out / NAME) else b""
        ledger.write(torn + written.encode() + b"\n")
        ledger.flush()
        os.fsync(ledger.fileno())


def add_once(out, written):
    """A line that may have been written just before its writer was killed."""
    if written not in _lines(out):
        add(out, written)


def read(out):
    """Every entry that was written whole, oldest first."""
    return [entry for line in _lines(out) if (entry := _entry(line))]


def of(out, *events):
    """Those of these kinds alone."""
    return [entry for entry in read(out) if entry["event"] in events]


def count_torn(out):
    return sum(_entry(line) is None for line in _lines(out))


def quality_history(out):
    """One row per run and check, oldest first: did a check begin to fail, and when?"""
    return [
        {"run_id": entry["run_id"], "recorded_at": entry["recorded_at"], **result}
        for entry in read(out)
        for result in entry.get("quality", [])
    ]


def grouped(inputs, files):
    """{group: {path: hash}} of what went into a run; a ledger keeps one digest a group, a manifest every file."""
    groups = {group: {} for group in GROUPS}
    for path, content in inputs.items():
        groups["code_map" if extract_of(path) == "code_map" else "data"][path] = content
    for path, content in files.items():
        groups[path.split("/")[0]][path] = content
    return groups


def _lines(out):
    path = out / NAME
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return [line for line in lines if line.strip()]


def _entry(line):
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) and {"recorded_at", "event", "run_id"} <= entry.keys() else None


def _is_torn(path):
    with path.open("rb") as ledger:
        if not ledger.seek(0, os.SEEK_END):
            return False
        ledger.seek(-1, os.SEEK_END)
        return ledger.read(1) != b"\n"
