"""Figures that a proof is worth only with: how many faults were injected, how many survived, per kind.

`record(kind, n_ok, n)` adds up over a session; conftest.py prints the table at its end and leaves it in build/faults.json.
"""

import json
from contextlib import contextmanager

from flows import ROOT

COUNTS = {}
NOTES = []  # what the counts do not say: what this machine could not do, how near it came
PATH = ROOT / "build" / "faults.json"


def record(kind, n_ok, n):
    ok, all_of_them = COUNTS.get(kind, (0, 0))
    COUNTS[kind] = (ok + n_ok, all_of_them + n)


@contextmanager
def counted(kind):
    """One fault: it counts as survived unless what is asserted about it fails."""
    n_ok = 0
    try:
        yield
        n_ok = 1
    finally:
        record(kind, n_ok, 1)


def given():
    """What one of several processes counted, for the one that reports."""
    return {"counts": COUNTS, "notes": NOTES}


def take(told):
    for kind, (n_ok, n) in told["counts"].items():
        record(kind, n_ok, n)
    NOTES.extend(told["notes"])


def lines():
    """The table; nothing where nothing was injected."""
    if not COUNTS:
        return []
    width = max(map(len, COUNTS))
    head = f"{'fault':<{width}}  survived / injected"
    rows = [f"{kind:<{width}}  {n_ok:>8,} / {n:,}" for kind, (n_ok, n) in sorted(COUNTS.items())]
    return [head, *rows, *NOTES]


def write():
    if COUNTS:
        PATH.parent.mkdir(exist_ok=True)
        counts = {kind: {"survived": n_ok, "injected": n} for kind, (n_ok, n) in sorted(COUNTS.items())}
        PATH.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
