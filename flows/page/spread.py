"""The multiverse in a few lines: how far the headline moves under other defensible definitions, and by which choice."""

AXES = {
    "window_days": "days after the last dose that still count",
    "completion_lead_days": "days before the last dose that already count as after it",
    "min_response_days": "days of therapy before imaging can show a response",
    "clock": "the day that decides: exam done, or ordered",
    "assumed_pet": "FDG-PET without a stated purpose",
    "tiers": "how sure the neoadjuvant intent must be",
    "therapy_classes": "therapies that count",
}


def spread(rows):
    """Lowest, middle and highest rate that is shown, and each choice alone; None where nothing was counted."""
    declared = next((row for row in rows if row["is_declared"]), None)
    shown = [row for row in rows if row["rate"] is not None]
    shown.sort(key=lambda row: (row["rate"], str(row["definition"])))
    if declared is None or not shown:
        return None
    axes = [axis(name, rows, declared) for name in AXES]
    # Where the declared value is off the grid, a choice can move the figure though it is not varied beside the declared one.
    axes = [one for one in axes if len(one["choices"]) > 1 or one["moves"] is not None]
    lowest, highest = min(shown, key=lambda row: ends(row)[1]), max(shown, key=lambda row: ends(row)[0])
    return {
        "n": len(rows), "n_shown": len(shown), "declared": declared, "lowest": lowest, "highest": highest,
        "middle": shown[(len(shown) - 1) // 2], "is_wide": ends(highest)[0] - ends(lowest)[1] > -1e-9 and lowest != highest,
        "axes": sorted(axes, key=lambda one: -(one["moves"] or 0)),
    }  # fmt: skip


def ends(row):
    """Where a rate in steps may lie: one in wide steps is neither the lowest nor the highest by its rounding alone."""
    half = (row.get("rate_step") or 0) / 2
    return row["rate"] - half, row["rate"] + half


def even(rate, step):
    """A rate in the widest step of those beside it: an exact one beside a coarse one would move by rounding alone."""
    return rate if rate is None or not step else round(rate / step) * step


def axis(name, rows, declared):
    """The declared definition with this one choice changed, and the most that the choice moves anywhere in the grid."""
    others = [other for other in AXES if other != name]
    choices = [row for row in rows if all(row[other] == declared[other] for other in others)]
    alike = {}
    for row in rows:
        if row["rate"] is not None:
            alike.setdefault(tuple(row[other] for other in others), []).append(row)
    moves = [between(group) for group in alike.values() if len(group) > 1]
    choices.sort(key=lambda row: by_value(row[name]))
    return {"axis": name, "label": AXES[name], "choices": choices, "moves": max(moves, default=None)}


def between(group):
    """How far apart the rates of some definitions lie, in the widest step of any of them."""
    step = max(row.get("rate_step") or 0 for row in group)
    rates = [even(row["rate"], step) for row in group]
    return max(rates) - min(rates)


def by_value(value):
    """Numbers as numbers, words as words."""
    text = str(value)
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
