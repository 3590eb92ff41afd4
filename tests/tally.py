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


# The sums that a reader wants first: which kinds are in it, and how (came out well, all) are said.
OF_INPUTS, BY_FAMILY, REFUSED_INPUT = "input: ", "bad input: ", "bad input refused"
LEAKS, STOPPED, ALARMS = ("canaries not repeated", "keys of rows not released"), "canary refused", "no false alarm"


def figures():
    """{figure: (one, other)} of everything that was counted."""
    def total(*begins):
        found = [counts for kind, counts in COUNTS.items() if kind.startswith(begins)]
        return sum(n_ok for n_ok, _ in found), sum(n for _, n in found)

    everything, told_apart = total(""), [total(each) for each in (OF_INPUTS, BY_FAMILY, REFUSED_INPUT, *LEAKS, STOPPED, ALARMS)]
    faults = tuple(all_of_it - sum(part[at] for part in told_apart) for at, all_of_it in enumerate(everything))
    inputs, leaks, alarms = total(OF_INPUTS), total(*LEAKS), total(ALARMS)
    return {
        "faults survived / injected": faults,
        "inputs refused / crashed": (total(REFUSED_INPUT)[0], inputs[1] - inputs[0]),
        "inputs read or refused as they should / given": inputs,
        "canaries leaked / planted": (leaks[1] - leaks[0], leaks[1]),
        "identifiers stopped by the gate / planted in a cell, a header or a name": total(STOPPED),
        "false alarms / rows": (alarms[1] - alarms[0], alarms[1]),
    }


def lines():
    """The table, then its sums; nothing where nothing was injected."""
    if not COUNTS:
        return []
    width = max(map(len, COUNTS))
    head = f"{'fault':<{width}}  survived / injected"
    rows = [f"{kind:<{width}}  {n_ok:>8,} / {n:,}" for kind, (n_ok, n) in sorted(COUNTS.items())]
    sums = [f"{one:>10,} / {other:<10,}  {figure}" for figure, (one, other) in figures().items() if other or one]
    return [head, *rows, *NOTES, "", *sums]


def write():
    if COUNTS:
        PATH.parent.mkdir(exist_ok=True)
        counts = {kind: {"survived": n_ok, "injected": n} for kind, (n_ok, n) in sorted(COUNTS.items())}
        PATH.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
