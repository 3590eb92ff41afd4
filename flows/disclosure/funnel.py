"""Which rows of the funnels, and of the codes that reached nothing, are closed."""

import csv
import functools

from flows import ROOT
from flows.disclosure.groups import SHOWN, Group, is_small, settle

RESPONDED = ("operated_with_response_order", "unoperated_with_response_order")


@functools.cache
def statuses():
    """The reasons of each status, as the router's rows say; where a row says several, the rows of the phases do."""
    found = {}
    for file in ("router.csv", "phase.csv"):
        with (ROOT / "rules" / file).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                if row["status"] and ";" not in row["reason"]:
                    found.setdefault(row["status"], set()).add(row["reason"])
    return found


def close_orders(rows, small, must, shown):
    """Order lines add up to the input, and those of one status to counts of compliance. Gives the closed reasons.

    Where the count of a status is shown, its reasons must keep each other company: to the others they are one known sum.
    """
    size = {row["reason"]: row["n_orders"] for row in rows if row["kind"] != "input"}
    rest, groups = set(size) - shown, []
    for named in statuses().values():
        reasons = [reason for reason in size if reason in named]
        if sum(size[reason] for reason in reasons) > small:
            groups.append(Group(SHOWN, reasons))
            rest -= named
    groups.append(Group(SHOWN, [reason for reason in size if reason in rest]))
    return close(rows, ("n_orders", "n_cases", "n_patients"), small, groups, must)


def responded(rows):
    """Cases that have a response order."""
    return sum(row["n_cases"] for row in rows if row["reason"] in RESPONDED)


def close_cases(rows, small, has_one_measure, is_near):
    """Persons, then cancers, then cases. With one measure alone, the cases that have an order are its episodes.

    is_near: those cases are so few more than the episodes shown of a measure that they would tell how many are not shown.
    """
    reasons = [row["reason"] for row in rows if row["kind"] != "input"]
    groups = [Group(SHOWN, ["no_invasive_cancer", "cancers"]), Group(SHOWN, [reason for reason in reasons if reason != "no_invasive_cancer"])]
    if has_one_measure:
        groups += [Group(SHOWN, list(RESPONDED)), Group(SHOWN, [reason for reason in groups[1].rows if reason not in RESPONDED])]
    elif is_near:
        parts = [row for row in rows if row["reason"] in RESPONDED]
        both = {"reason": "both", "kind": "kept"} | {column: sum(row[column] for row in parts) for column in ("n_cases", "n_patients")}
        groups[1] = Group(SHOWN, ["both", *(reason for reason in groups[1].rows if reason not in RESPONDED)])
        return close([*rows, both], ("n_cases", "n_patients"), small, [*groups, Group("both", list(RESPONDED))], {"both"})
    return close(rows, ("n_cases", "n_patients"), small, groups)


def close(rows, columns, small, groups, must=frozenset()):
    by_reason = {row["reason"]: row for row in rows}
    closed = {row["reason"] for row in rows if any(is_small(row[column], small) for column in columns)} | (must & by_reason.keys())

    def size(reason):
        return by_reason[reason][columns[0]] or by_reason[reason][columns[-1]]

    settle(groups, closed, size, lambda reason: (by_reason[reason]["kind"] != "removed", size(reason), reason), small)
    for reason, row in by_reason.items():
        row["suppressed"] = reason in closed
        row.update(dict.fromkeys(columns) if reason in closed else {})
    return closed


def status_of(reason):
    """The status that a reason of the router stands for, where compliance counts it beside the measure."""
    return next((status for status, reasons in statuses().items() if reason in reasons), None)


def close_codes(rows, small, is_sum_closed):
    """Codes of one reason add up to index orders of compliance, or to order lines of the funnel; one part of a sum may be closed there."""
    columns = ("n_orders", "n_cases", "n_index")
    closed = {at for at, row in enumerate(rows) if any(is_small(row[column], small) for column in columns)}
    unmapped = [at for at, row in enumerate(rows) if row["reason"] == "unmapped_code" and row["n_index"]]
    if is_sum_closed and unmapped:
        closed.add(min(unmapped, key=lambda at: (rows[at]["n_index"], at)))
    reasons = {row["reason"] for row in rows}
    groups = [Group(SHOWN, [at for at, row in enumerate(rows) if row["reason"] == reason]) for reason in sorted(reasons)]
    for column in ("n_orders", "n_index"):
        settle(groups, closed, lambda at, column=column: rows[at][column], lambda at: (rows[at]["n_orders"], at), small)
    for at, row in enumerate(rows):
        row["suppressed"] = at in closed
        row.update(dict.fromkeys(columns) if at in closed else {})
