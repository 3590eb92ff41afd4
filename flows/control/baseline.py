"""Frozen baselines of the control charts: rows of rules/baseline.csv that a person has set, and gave a reason for."""

from datetime import date

from flows.drawings.slots import period_words


def frozen(baselines, measure, basis):
    """The baseline that holds for a series: the one set last; those before it are history. None where none was set."""
    own = [row for row in baselines if (row["measure"], row["basis"]) == (measure, basis)]
    rows = [row | {name: _day(row[name]) for name in ("first_period", "last_period", "set_on")} for row in own]
    return max(rows, key=lambda row: row["set_on"], default=None)


def _day(value):
    return date.fromisoformat(value) if isinstance(value, str) else value


def is_within(start, baseline):
    """Whether a period sets the limits: one of the baseline, or any where there is none."""
    return baseline is None or baseline["first_period"] <= start <= baseline["last_period"]


def frozen_words(baseline):
    """Since when and why; by whom stands in the rules."""
    if baseline is None:
        return ""
    span = " to ".join(period_words("quarter", baseline[name]) for name in ("first_period", "last_period"))
    return f" Centre and limits are frozen on {span} (set on {baseline['set_on']}: {baseline['reason'].rstrip('.')})."
