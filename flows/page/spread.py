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
    step = max((row["rate_step"] for row in rows if row.get("rate_step")), default=None)
    rows = [row | {"even": even(row["rate"], step)} for row in rows]
    declared = next((row for row in rows if row["is_declared"]), None)
    shown = [row for row in rows if row["rate"] is not None]
    shown.sort(key=lambda row: (row["even"], str(row["definition"])))
    if declared is None or not shown:
        return None
    axes = [axis(name, rows, declared) for name in AXES]
    axes = [one for one in axes if len(one["choices"]) > 1]
    return {
        "n": len(rows), "n_shown": len(shown), "declared": declared, "lowest": shown[0], "highest": shown[-1],
        "middle": shown[(len(shown) - 1) // 2], "axes": sorted(axes, key=lambda one: -(one["moves"] or 0)),
    }  # fmt: skip


def even(rate, step):
    """A rate in the widest step of any definition: an exact one beside a coarse one would move by rounding alone."""
    return rate if rate is None or step is None else round(rate / step) * step


def axis(name, rows, declared):
    """The declared definition with this one choice changed, and the most that the choice moves anywhere in the grid."""
    others = [other for other in AXES if other != name]
    choices = [row for row in rows if all(row[other] == declared[other] for other in others)]
    alike = {}
    for row in rows:
        if row["even"] is not None:
            alike.setdefault(tuple(row[other] for other in others), []).append(row["even"])
    moves = [max(group) - min(group) for group in alike.values() if len(group) > 1]
    choices.sort(key=lambda row: by_value(row[name]))
    return {"axis": name, "label": AXES[name], "choices": choices, "moves": max(moves, default=None)}


def by_value(value):
    """Numbers as numbers, words as words."""
    text = str(value)
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
