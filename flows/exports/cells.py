"""What a column of a released table holds, and what an empty one says, for workbook and paper alike."""

import polars as pl

from flows.headline import BANDS

MASKED = "masked"  # disclosure control took the figure away; never zero
NOT_SHOWN = "not shown"  # the release that the figure comes from did not show it
WITHHELD = "withheld"  # too much of it rests on orders that nobody could rate
NOTHING = "–"  # there is no such figure: an empty denominator has no rate
HARD_SPACE = "\u00a0"  # keeps a figure and its sign on one line

ABOUT = "≈"
ALWAYS_EXACT = ("n_end_unknown", "n_rerouted", "n_excluded", "threshold")  # a rounded row still says these to the last unit
SHARES = (
    *("rate", "ci_low", "ci_high", "bound_low", "bound_high", "rate_without_exception", "rate_step"),
    *("share", "settled_share", "value", "threshold", "explains", "moves", "moves_step", "rate_then", "rate_now"),
)
WITHHOLDABLE = ("rate", "ci_low", "ci_high", "rate_without_exception")
COUNTS = ("denominator", "n")  # and whatever begins with n_
# What stands for a figure, not a figure: nothing was taken away where it is empty.
STAND_INS = ("rate_band", "share_band", "rate_step", "band_then", "band_now", "moves", "moves_step")
BAND_OF = {"rate": "rate_band", "share": "share_band", "rate_then": "band_then", "rate_now": "band_now"}
EXPLAINED = {1.0: "all of it", 0.0: "none of it", None: "cannot be split"}
OF_A_RELEASE = ("rate_then", "rate_now")
MASKABLE_FLAGS = ("is_withheld", "is_immature", "is_alarm")
# Columns that say something of one secondary measure alone.
ONLY_OF = {
    "median_days": "S8",
    "q1_days": "S8",
    "q3_days": "S8",
    "msv_low": "S7",
    "msv_high": "S7",
    "n_unknown_band": "S7",
}


def kind(column, dtype):
    """share, amount, count, place, day, flag or word."""
    if dtype == pl.Boolean:
        return "flag"
    if dtype.is_temporal():
        return "day"
    if dtype.is_float():
        return "share" if column in SHARES or column.endswith("_share") else "amount"
    if dtype.is_integer():
        return "count" if column in COUNTS or column.startswith("n_") else "place"
    return "word"


def empty(row, column, kind):
    """Why there is nothing: masked, withheld, or nothing to show. It reads the released row and no more."""
    if column in STAND_INS or kind in ("word", "day", "place"):
        return NOTHING
    if kind == "flag" and column not in MASKABLE_FLAGS:
        return NOTHING
    if column in OF_A_RELEASE:
        return NOT_SHOWN
    if column == "explains" or _cannot_be(row, column):
        return NOTHING
    if row.get("is_withheld") and column in WITHHOLDABLE:
        return WITHHELD
    return MASKED if row.get("suppressed") else NOTHING


def _cannot_be(row, column):
    """A figure that no such row has, whatever was counted."""
    if "part" in row and column in ONLY_OF:
        return row["measure"] != ONLY_OF[column]
    if "radiation_level" in row and column in ("msv_low", "msv_high"):
        return row["radiation_level"] is None
    is_of_a_whole = column in SHARES or column in ONLY_OF
    return is_of_a_whole and 0 in (row.get("n_index"), row.get("denominator"))


def is_rounded(row, column):
    """In tens or steps: the exact figure would tell what changed since the last release."""
    flag = column.replace("rate", "is_rounded") if column in OF_A_RELEASE else "is_rounded"
    return bool(row.get(flag)) and column not in ALWAYS_EXACT


def about(row, column):
    """A sign before figures that were rounded."""
    return ABOUT if is_rounded(row, column) and row[column] else ""


def look(row, column, kind):
    """How a number stands in a cell of the workbook: one that was rounded says so."""
    return f"about_{kind}" if kind in ("count", "share") and about(row, column) else kind


def count(row, column):
    return empty(row, column, "count") if row[column] is None else f"{about(row, column)}{row[column]:,}"


def amount(row, column):
    """A quantity with at most one decimal; a whole one without."""
    return empty(row, column, "amount") if row[column] is None else f"{row[column]:,.1f}".removesuffix(".0")


def share(row, column, digits=1):
    """A percentage; for a rate that is not shown, its band where there is one."""
    if row[column] is not None:
        return f"{about(row, column)}{_percent(row, column, digits)}{HARD_SPACE}%"
    stand_in = row.get(BAND_OF.get(column))
    return band(stand_in) if stand_in else empty(row, column, "share")


def digits(rate):
    """A rate that was given in steps is not told to the tenth."""
    return 0 if rate is not None and abs(rate - round(rate, 2)) < 1e-9 else 1


def points(move, step=None):
    """A difference of rates in percentage points; given in steps, one that is too small to be seen is not called none."""
    if step is not None and not move:
        return "not visibly"
    text = f"{100 * move:+.{1 if step is None else 0}f}".replace("-", "−")
    return f"{'' if step is None else 'about '}{text} points"


def moved(row):
    """What a cause did to the headline: its move where the way was gone, else whether it explains all or none of it."""
    if row["moves"] is not None:
        return points(row["moves"], row["moves_step"])
    return EXPLAINED[row["explains"]]


def span(row, low, high, digits=1):
    """An interval of shares. Both ends or neither."""
    gone = next((column for column in (low, high) if row[column] is None), None)
    if gone:
        return empty(row, gone, "share")
    return f"{about(row, low)}{_percent(row, low, digits)}–{_percent(row, high, digits)}{HARD_SPACE}%"


def _percent(row, column, digits):
    return f"{100 * row[column]:.{0 if is_rounded(row, column) else digits}f}"


def reach(row, low, high):
    """A range of quantities. Both ends or neither."""
    gone = next((column for column in (low, high) if row[column] is None), None)
    return empty(row, gone, "amount") if gone else f"{amount(row, low)}–{amount(row, high)}"


def band(slug):
    return BANDS[slug].replace(" %", HARD_SPACE + "%")


def period(row):
    """2024, 2024 Q3, 2024-08, or all."""
    start = row["period_start"]
    if start is None:
        return "all"
    named = {"year": f"{start.year}", "quarter": f"{start.year} Q{(start.month + 2) // 3}", "month": f"{start:%Y-%m}"}
    return named[row["period_grain"]]
