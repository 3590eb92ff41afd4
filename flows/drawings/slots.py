"""Periods as the slots of a time axis, and what each of them says in words."""

from datetime import date, timedelta

from flows.drawings.canvas import percent
from flows.headline import BANDS

BAND_ENDS = {"below_80": (0.5, 0.8), "80_to_90": (0.8, 0.9), "90_to_95": (0.9, 0.95), "95_and_above": (0.95, 1.0)}
MONTHS = {"year": 12, "quarter": 3}


def slots(periods):
    """The periods from the first to the last that hold something, with the empty ones between: time without jumps."""
    periods = sorted(periods, key=lambda row: row["period_start"])
    inside = [number for number, row in enumerate(periods) if row["n_index"] != 0]
    if not inside:
        return []
    periods = periods[inside[0] : inside[-1] + 1]
    months = MONTHS[periods[0]["period_grain"]]
    there = {_month(row["period_start"]) // months: row for row in periods}
    empty = {"period_grain": periods[0]["period_grain"], "n_index": 0, "rate": None}
    return [
        _slot(there.get(number) or empty | {"period_start": _day(number * months)})
        for number in range(min(there), max(there) + 1)
    ]


def _month(day):
    return 12 * day.year + day.month - 1


def _day(month):
    return date(month // 12, month % 12 + 1, 1)


def last_day(period):
    """The last day of a slot's period."""
    return _day(_month(period["period_start"]) + MONTHS[period["period_grain"]]) - timedelta(days=1)


def _slot(row):
    slot = {name: row.get(name) for name in ("period_start", "period_grain", "n_index", "ci_low", "ci_high")}
    return slot | {
        "label": period_words(row["period_grain"], row["period_start"]),
        "value": row["rate"],
        "n": rated(row),
        "band": row.get("rate_band") if row["rate"] is None else None,
        "is_withheld": bool(row.get("is_withheld")),
        "is_immature": bool(row.get("is_immature")),
        "low": None,
        "high": None,
        "is_signal": False,
    }


def finest(quarters, years):
    """Quarters where most of them can be shown, else years: a chart of gaps is no chart."""
    return quarters if 2 * sum(row["rate"] is not None for row in quarters) > len(quarters) else years


def period_words(grain, start):
    return str(start.year) if grain == "year" else f"Q{(start.month + 2) // 3} {start.year}"


def rated(row):
    """How many a shown rate rests on: its parts may be masked one by one, yet it gives their sum."""
    if row["rate"] is None:
        return None
    if row["rate"] == 0:
        parts = [row.get(name) for name in ("n_mixed", "n_may_be", "n_not_appropriate")]
        return None if None in parts else sum(parts)
    return round(row["n_appropriate"] / row["rate"]) if row.get("n_appropriate") else None


def said(point):
    """What a point says to whoever cannot see it, or asks."""
    if point["n_index"] == 0:
        return f"{point['label']}: no episode"
    if point["band"]:
        many = "" if point["n_index"] is None else f", {point['n_index']} episodes"
        return f"{point['label']}: {BANDS[point['band']]}{many}; the exact rate is hidden under disclosure control"
    if point["value"] is None:
        return f"{point['label']}: " + (
            "withheld, too many unread" if point["is_withheld"] else "hidden under disclosure control"
        )
    said = [f"{point['label']}: {percent(point['value'])}"]
    if point["ci_low"] is not None and point["ci_high"] is not None:
        said.append(f"95 % interval {100 * point['ci_low']:.0f} to {percent(point['ci_high'], 0)}")
    if point["n"]:
        said.append(f"{point['n']} rated episodes")
    if point["low"] is not None:
        said.append(f"limits {100 * point['low']:.1f} to {percent(point['high'])}")
    said += ["a signal"] * point["is_signal"] + ["immature, may still change"] * point["is_immature"]
    return ", ".join(said)


def words(points):
    n_shown = sum(point["value"] is not None for point in points)
    shown = f"{n_shown} of {len(points)} rates are shown"
    return f"{points[0]['label']} to {points[-1]['label']}: {shown}; the table has every figure."
