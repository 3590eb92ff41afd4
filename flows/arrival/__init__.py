"""Deliveries that arrive: from the drop folder into the series, and on to the audits that they make due."""

from flows.arrival.days import due, is_by_day, refuse_unfit, run_due
from flows.arrival.drop import is_waiting

__all__ = ["due", "is_by_day", "is_waiting", "refuse_unfit", "run_due"]
