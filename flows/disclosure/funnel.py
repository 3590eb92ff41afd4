"""Which rows of the funnels, and of the codes that reached nothing, are closed."""

import csv
import functools

from flows import ROOT
from flows.disclosure.groups import SHOWN, Group, is_small, settle
from flows.disclosure.rounding import tens

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


def close_orders(rows, small, must, shown, past):
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
    groups.append(Group("input", [reason for reason in size if reason in rest]))
    return close(rows, "attrition", ("n_orders", "n_cases", "n_patients"), small, groups, past, must)


def responded(rows):
    """Cases that have a response order."""
    return sum(row["n_cases"] for row in rows if row["reason"] in RESPONDED)


def close_cases(rows, small, has_one_measure, is_near, past):
    """Persons, then cancers, then cases. With one measure alone, the cases that have an order are its episodes.

    is_near: those cases are so few more than the episodes shown of a measure that they would tell how many are not shown.
    """
    reasons = [row["reason"] for row in rows if row["kind"] != "input"]
    groups = [Group("persons", ["no_invasive_cancer", "cancers"]), Group("cancers", [reason for reason in reasons if reason != "no_invasive_cancer"])]
    if has_one_measure:
        groups += [Group(SHOWN, list(RESPONDED)), Group(SHOWN, [reason for reason in groups[1].rows if reason not in RESPONDED])]
    elif is_near:
        parts = [row for row in rows if row["reason"] in RESPONDED]
        both = {"reason": "both", "kind": "kept"} | {column: sum(row[column] for row in parts) for column in ("n_cases", "n_patients")}
        groups[1] = Group("cancers", ["both", *(reason for reason in groups[1].rows if reason not in RESPONDED)])
        return close([*rows, both], "case_attrition", ("n_cases", "n_patients"), small, [*groups, Group("both", list(RESPONDED))], past, {"both"})
    return close(rows, "case_attrition", ("n_cases", "n_patients"), small, groups, past)


def close(rows, table, columns, small, groups, past, must=frozenset()):
    """Closes rows in place; those that only moved by few since the release before are given in tens. Gives both."""
    by_reason = {row["reason"]: row for row in rows}

    def counts(reason):
        return {column: by_reason[reason][column] for column in columns}

    def size(reason):
        return by_reason[reason][columns[0]] or by_reason[reason][columns[-1]]

    def hides(reason):
        return 0 if past.is_known(table, (reason,), counts(reason)) else size(reason)

    def price(reason):
        return by_reason[reason]["kind"] != "removed", size(reason), reason

    closed = {reason for reason in by_reason if any(is_small(count, small) for count in counts(reason).values())} | (must & by_reason.keys())
    closed |= {reason for reason in by_reason if past.stays_hidden(table, (reason,), counts(reason)) and not past.was_rounded(table, (reason,))}
    settle(groups, closed, hides, price, small)
    hidden = closed | {reason for reason in by_reason if past.few(table, (reason,), counts(reason), small)}
    while True:
        settle(groups, hidden, hides, price, small)
        more = past.lone(table, groups, hidden, counts, small, price)
        if not more:
            break
        hidden |= more
    for reason, row in by_reason.items():
        row["suppressed"], row["is_rounded"] = reason in hidden, reason in hidden - closed
        then = {column: past.last(table, (reason,), column) for column in columns}
        row.update({column: tens(row[column], small, then[column]) if row["is_rounded"] else None for column in columns} if reason in hidden else {})
    return hidden


def status_of(reason):
    """The status that a reason of the router stands for, where compliance counts it beside the measure."""
    return next((status for status, reasons in statuses().items() if reason in reasons), None)


def close_codes(rows, small, is_sum_closed, past):
    """Codes of one reason add up to index orders of compliance, or to order lines of the funnel; one part of a sum may be closed there."""
    columns = ("n_orders", "n_cases", "n_index")
    closed = {at for at, row in enumerate(rows) if any(is_small(row[column], small) for column in columns)}
    for at, row in enumerate(rows):
        told = "unmapped_code", (row["code_system"], row["code"], row["reason"]), {column: row[column] for column in columns}
        closed |= {at} if past.few(*told, small) or past.stays_hidden(*told) else set()
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
