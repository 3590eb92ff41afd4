"""The history of runs in one folder: what went in, which rules, how the checks ended, what the headline was.

JSON lines rather than a table in a database: a run only ever appends one line and flushes it to disk, a torn last line
costs that line alone, no other process can hold it locked, and DuckDB reads it as it is: from 'ledger.jsonl'.
"""

import json
import os
from datetime import UTC, datetime

NAME = "ledger.jsonl"


def append(out, entry):
    line = json.dumps({"recorded_at": datetime.now(UTC).isoformat(timespec="seconds"), **entry}, default=str)
    with (out / NAME).open("ab") as ledger:
        # A line torn by a crash must not swallow this one.
        ledger.write(b"\n" if _is_torn(out / NAME) else b"")
        ledger.write(line.encode() + b"\n")
        ledger.flush()
        os.fsync(ledger.fileno())


def read(out):
    """Every entry that was written whole, oldest first."""
    path = out / NAME
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return [entry for line in lines if (entry := _entry(line))]


def quality_history(out):
    """One row per run and check, oldest first: did a check begin to fail, and when?"""
    return [
        {"run_id": entry["run_id"], "recorded_at": entry["recorded_at"], **result}
        for entry in read(out)
        for result in entry.get("quality", [])
    ]


def _entry(line):
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None


def _is_torn(path):
    with path.open("rb") as ledger:
        if not ledger.seek(0, os.SEEK_END):
            return False
        ledger.seek(-1, os.SEEK_END)
        return ledger.read(1) != b"\n"
