"""Lengths and places of the small bars that stand beside figures in a table; the charts are drawn in flows/drawings/."""

from flows.drawings.canvas import floor_of
from flows.drawings.slots import BAND_ENDS


def with_bars(rows, column):
    """Each row with the length of its bar, in percent of the longest; 0 where the count is masked."""
    longest = max([row[column] or 0 for row in rows], default=0) or 1
    return [row | {"bar": round(100 * (row[column] or 0) / longest, 1)} for row in rows]


def with_lanes(strata):
    """Each row with its rate, interval or band as percentages of one scale for all: {strata, lane_floor}."""
    rows = [row for group in strata.values() for row in group]
    lows = [row["ci_low"] for row in rows if row["rate"] is not None]
    floor = floor_of(lows + [BAND_ENDS[row["rate_band"]][0] for row in rows if row["rate_band"]])
    lanes = {name: [row | {"lane": lane(row, floor)} for row in group] for name, group in strata.items()}
    return {"strata": lanes, "lane_floor": floor}


def lane(row, floor):
    """Where rate and interval, or the band that stands for them, lie between the floor and 100 %; None without either."""

    def x(share):
        return round(100 * (share - floor) / (1 - floor), 1)

    if row["rate"] is not None:
        return {"rate": x(row["rate"]), "low": x(row["ci_low"]), "high": x(row["ci_high"]), "band": None}
    if row["rate_band"]:
        low, high = (max(end, floor) for end in BAND_ENDS[row["rate_band"]])
        return {"band": (x(low), round(x(high) - x(low), 1))}
    return None
