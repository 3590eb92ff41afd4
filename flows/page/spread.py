"""The multiverse in a few lines: what other defensible definitions show of the headline, and which choice moves it most.

Of a definition is shown a rate, in steps or as it is, or a band, or nothing. What is hidden or rounded away may lie
anywhere it can: no choice is said to matter most that another might outdo.
"""

from itertools import permutations

from flows.disclosure.rounding import BANDS

AXES = {
    "window_days": "days after the last dose that still count",
    "completion_lead_days": "days before the last dose that already count as after it",
    "min_response_days": "days of therapy before imaging can show a response",
    "clock": "the day that decides: exam done, or ordered",
    "assumed_pet": "FDG-PET without a stated purpose",
    "tiers": "how sure the neoadjuvant intent must be",
    "therapy_classes": "therapies that count",
}
INERT = "min_response_days"  # parts two phases that both come before completion: the headline cannot hang on it
ENDS = {name: (floor, top) for (floor, name), top in zip(BANDS, (1.0, 0.95, 0.9, 0.8), strict=True)}
NEAR = 1e-9


def spread(rows):
    """What the definitions beside the declared one show, and each choice alone; None where none was counted."""
    declared = next((row for row in rows if row["is_declared"]), None)
    if declared is None:
        return None
    others = [row for row in rows if not row["is_declared"]]
    rates = sorted((row for row in others if row["rate"] is not None), key=lambda row: (row["rate"], str(row["definition"])))
    axes = [axis(name, rows, declared) for name in AXES]
    lowest = min(rates, key=lambda row: reach(row)[1], default=None)
    highest = max(rates, key=lambda row: reach(row)[0], default=None)
    bands = banded(others)
    return {
        "n": len(rows), "n_others": len(others), "n_rates": len(rates), "bands": bands, "n_bands": sum(one["n"] for one in bands),
        "declared": declared, "lowest": lowest, "highest": highest, "middle": rates[(len(rates) - 1) // 2] if rates else None,
        "step": max((row["rate_step"] or 0 for row in rates), default=0), "is_wide": bool(rates) and is_apart(lowest, highest), "by": outdone_by_none(axes),
        # Where the declared value is off the grid, a choice can move the figure though it is not varied beside the declared one.
        "axes": sorted((one for one in axes if len(one["choices"]) > 1 or one["moves"] is not None), key=lambda one: -(one["moves"] or 0)),
    }  # fmt: skip


def banded(rows):
    """The bands that stand for a rate, from the lowest: how many definitions each, and one of them."""
    found = {}
    for row in rows:
        if row["rate"] is None and row["rate_band"]:
            found.setdefault(row["rate_band"], []).append(row)
    return [{"row": found[name][0], "n": len(found[name])} for name in reversed(ENDS) if name in found]


def reach(row):
    """From where to where a rate may lie: in steps, in a band, or anywhere if it is hidden; None where there is none."""
    if row["rate"] is not None:
        half = (row["rate_step"] or 0) / 2
        return row["rate"] - half, row["rate"] + half
    if row["rate_band"]:
        return ENDS[row["rate_band"]]
    return (0.0, 1.0) if row["suppressed"] else None


def is_apart(lowest, highest):
    """One in wide steps is neither the lowest nor the highest by its rounding alone."""
    return highest["rate"] - lowest["rate"] > NEAR and reach(highest)[0] - reach(lowest)[1] > -NEAR


def even(rate, step):
    """A rate in the widest step of those beside it: an exact one beside a coarse one would move by rounding alone."""
    return rate if rate is None or not step else round(rate / step) * step


def axis(name, rows, declared):
    """The declared definition with this one choice changed, and by how much the choice moves the figure anywhere in the grid.

    moves: how far shown rates lie apart; least and most: how far the rates themselves must, and may.
    """
    others = [other for other in AXES if other != name]
    choices = [row for row in rows if all(row[other] == declared[other] for other in others)]
    alike = {}
    for row in rows:
        alike.setdefault(tuple(row[other] for other in others), []).append(row)
    shown = [[row for row in group if row["rate"] is not None] for group in alike.values()]
    moves = [between(group) for group in shown if len(group) > 1]
    gaps = [(one[0] - other[1], one[1] - other[0]) for group in alike.values() for one, other in permutations(filter(None, map(reach, group)), 2)]
    choices.sort(key=lambda row: by_value(row[name]))
    return {
        "axis": name, "label": AXES[name], "choices": choices, "moves": max(moves, default=None), "is_inert": name == INERT,
        "least": max([0, *(least for least, _ in gaps)]), "most": max([0, *(most for _, most in gaps)]),
    }  # fmt: skip


def between(group):
    """How far apart the rates of some definitions lie, in the widest step of any of them."""
    step = max(row["rate_step"] or 0 for row in group)
    rates = [even(row["rate"], step) for row in group]
    return max(rates) - min(rates)


def outdone_by_none(axes):
    """The choice that moves the figure most, whatever rounding and masks hide; None where another might, or as much."""
    top, *others = sorted((one for one in axes if not one["is_inert"]), key=lambda one: -one["least"])
    is_clear = top["least"] > max(one["least"] for one in others) + NEAR
    return top if is_clear and top["least"] > max(one["most"] for one in others) - NEAR else None


def by_value(value):
    """Numbers as numbers, words as words."""
    text = str(value)
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
