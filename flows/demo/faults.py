"""The faults of a real delivery, few enough to stay far below the share at which a run refuses it."""

import random

from flows.demo.figures import day, iso

SMALLEST_SPOILED = 600  # rows of an extract: below it one bad row would weigh too much
N_REPEATED = 12
N_LATE = 5
UNREADABLE = {
    "orders": ("ordered_on", "2024-13-40"),
    "diagnoses": ("code_system", "ICD11"),
    "therapies": ("days_supply", "ninety"),
    "procedures": ("patient_id", ""),
    "findings": ("finding", "improved"),
}


def spoil(rows, seed):
    """Repeat some rows, spoil a few: the gate must count them, the labels must not feel them."""
    rng = random.Random(f"{seed}:faults")
    for extract, lines in rows.items():
        if len(lines) < SMALLEST_SPOILED:
            continue
        repeated = rng.sample(lines, N_REPEATED)
        if extract in UNREADABLE:
            column, value = UNREADABLE[extract]
            rng.choice(lines)[column] = value
        lines += [line.copy() for line in repeated]
    _contradict(rows, rng)
    _too_late(rows, rng)
    _same_key_twice(rows, rng)
    return rows


def _contradict(rows, rng):
    """A laterality column that says the other side than the code: ignored, and counted."""
    right = [line for line in rows["diagnoses"] if line["code"] in ("C50.411", "C50.911", "C50811")]
    for line in rng.sample(right, min(4, len(right))):
        line["laterality"] = "left"


def _too_late(rows, rng):
    """Extracts are pulled some days after the last day that they cover: what came in between is not read."""
    if len(rows["orders"]) >= SMALLEST_SPOILED:
        for order in rng.sample(rows["orders"], N_LATE):
            late = {"order_id": order["order_id"][::-1], "ordered_on": iso(day("as_of") + 3), "status": "active"}
            rows["orders"].append(order | late | {"performed_on": "", "scheduled_on": ""})


def _same_key_twice(rows, rng):
    if len(rows["patients"]) >= SMALLEST_SPOILED:
        twin = rng.choice(rows["patients"])
        rows["patients"].append(twin | {"birth_year": str(int(twin["birth_year"]) - 1)})


def cut_short(path):
    """One line that lost its end on the way."""
    with path.open("a", encoding="utf-8", newline="") as text:
        text.write("ocutshort22,pcutshort22,2024-03-01\n")
