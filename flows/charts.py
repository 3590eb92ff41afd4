"""Geometry of the page's charts. The drawing is SVG in reports/figures.html; here figures become positions."""

import math
from datetime import date

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 260, 68, 12, 18, 46
BAND_ENDS = {"below_80": (0.5, 0.8), "80_to_90": (0.8, 0.9), "90_to_95": (0.9, 0.95), "95_and_above": (0.95, 1.0)}
POWER = 1.959963984540054 + 0.8416212335729143  # two-sided 5 %, power 80 %


def strip(row):
    """One rate with its interval and bounds on a scale that never starts so high that it flatters; None without a rate."""
    if row["rate"] is None:
        return None
    names = ("rate", "ci_low", "ci_high", "bound_low", "bound_high")
    floor = floor_of(row[name] for name in names if row[name] is not None)

    def x(share):
        return None if share is None else round(20 + 600 * (share - floor) / (1 - floor), 1)

    ticks = [{"x": x(share), "label": f"{100 * share:.0f}"} for share in quarters(floor)]
    return {name: x(row[name]) for name in names} | {"ticks": ticks}


def trend(periods):
    """Points with whiskers over time; a period without a rate is a gap that says why."""
    periods = _from_first_to_last(periods)
    if not periods:
        return None
    shares = [row["ci_low"] for row in periods if row["rate"] is not None]
    floor = floor_of(shares + [BAND_ENDS[row["rate_band"]][0] for row in periods if row["rate_band"]])
    slots = _slots(periods)
    step = (WIDTH - LEFT - RIGHT) / len(slots)

    def y(share):
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share) / (1 - floor), 1)

    points = [_point(row, LEFT + step * (number + 0.5), y) for number, row in enumerate(slots)]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "bottom": HEIGHT - BOTTOM,
        "points": points,
        "lines": _lines(points),
        "grid": [{"y": y(share), "label": f"{100 * share:.0f} %"} for share in quarters(floor)],
        "band_width": round(min(0.7 * step, 56), 1),
        "has_rates": any(point["is_shown"] for point in points),
        "has_bands": any(point["band"] for point in points),
        "has_immature": any(point["is_immature"] and (point["is_shown"] or point["band"]) for point in points),
        "is_crowded": len(points) > 14,
    }


def _from_first_to_last(periods):
    """Without the empty periods at either end: orders there may be, but no episode."""
    inside = [number for number, row in enumerate(periods) if row["n_index"] != 0]
    return periods[inside[0] : inside[-1] + 1] if inside else []


def _slots(periods):
    """The periods and the empty ones between them, so that equal distances are equal times."""
    grain = periods[0]["period_grain"]
    months = {"year": 12, "quarter": 3}[grain]
    there = {(12 * row["period_start"].year + row["period_start"].month - 1) // months: row for row in periods}
    empty = {"period_grain": grain, "n_index": 0, "rate": None, "rate_band": None}
    starts = {number: date(number * months // 12, number * months % 12 + 1, 1) for number in range(min(there), max(there) + 1)}
    return [there.get(number, empty | {"period_start": start}) for number, start in starts.items()]


def floor_of(shares):
    return min(0.6, math.floor(10 * min(shares, default=0.6)) / 10)


def quarters(floor):
    return [floor + part * (1 - floor) / 4 for part in range(5)]


def _point(row, x, y):
    start, is_shown = row["period_start"], row["rate"] is not None
    quarter = "" if row["period_grain"] == "year" else f"Q{(start.month + 2) // 3}"
    point = {
        "x": round(x, 1), "year": start.year, "quarter": quarter, "row": row, "is_shown": is_shown,
        "is_empty": row["n_index"] == 0, "is_immature": row.get("is_immature", False), "band": None,
    }
    if row["rate_band"]:
        low, high = BAND_ENDS[row["rate_band"]]
        point["band"] = {"y": y(high), "height": round(y(low) - y(high), 1)}
    return point | ({"y": y(row["rate"]), "low": y(row["ci_low"]), "high": y(row["ci_high"])} if is_shown else {})


def _lines(points):
    """Line segments between neighbours that both have a rate: a line must not bridge what is not shown."""
    pairs = zip(points, points[1:], strict=False)
    return [(one, two) for one, two in pairs if one["is_shown"] and two["is_shown"]]


def with_bars(rows, column):
    """Each row with the length of its bar, in percent of the longest; 0 where the count is masked."""
    longest = max([row[column] or 0 for row in rows], default=0) or 1
    return [row | {"bar": round(100 * (row[column] or 0) / longest, 1)} for row in rows]


def smallest_change(row):
    """The smallest difference between two such figures that would probably show; None where there is no rate.

    Two proportions, two-sided 5 %, power 80 %, normal approximation: 2.80 × √(2 p (1 − p) / n).
    """
    return _detectable(row["rate"], _rated(row)) if _rated(row) else None


def smallest_change_between(periods):
    """The same for two periods of the size that is usual among those shown."""
    shown = sorted((row for row in periods if _rated(row)), key=_rated)
    if not shown:
        return None
    usual = _rated(shown[len(shown) // 2])
    pooled = sum(row["rate"] * _rated(row) for row in shown) / sum(_rated(row) for row in shown)
    return {"n": usual, "points": _detectable(pooled, usual)}


def _rated(row):
    """How many a shown rate rests on: its parts may be masked one by one, yet it gives their sum."""
    return round(row["n_appropriate"] / row["rate"]) if row["rate"] and row["n_appropriate"] else 0


def _detectable(share, n):
    """In percentage points. Near 0 or 1 the formula would promise too much: it is held at one unit in n."""
    return 100 * max(POWER * math.sqrt(2 * share * (1 - share) / n), 1 / n)
