"""Groups of rows that add up, and the one rule that keeps a closed row from being worked out.

A group is rows whose counts add up to a total. Where the total is shown, never exactly one row with something in it may be
closed: whatever is in a closed row may then as well stand in another, so no count of a closed row follows from the rest.
Where the total itself is closed, at least one of its rows is, or the rows would give it back.
"""

from collections import namedtuple

SHOWN = "shown"  # a total that some table shows
Group = namedtuple("Group", "total rows least_when_closed", defaults=(1,))


def settle(groups, closed, size, price, least_sum=0):
    """Close further rows until the rule holds in every group; `closed` grows in place.

    size(row): how much is in the row; an empty row neither needs company nor gives it. price(row): what is closed first.
    least_sum: closed rows under a shown total hold together more than this, so that their sum is not a small count either.
    """
    settled = False
    while not settled:
        settled = True
        for group in groups:
            row = _to_close(group, closed, size, price, least_sum)
            if row is not None:
                closed.add(row)
                settled = False
    return closed


def _to_close(group, closed, size, price, least_sum):
    hidden = [row for row in group.rows if row in closed and size(row)]
    spare = [row for row in group.rows if row not in closed and size(row)]
    if group.total in closed:
        is_short = len(hidden) < group.least_when_closed
    else:
        is_short = len(hidden) == 1 or (hidden and sum(size(row) for row in hidden) <= least_sum)
    if not is_short:
        return None
    if spare:
        return min(spare, key=price)
    # Nothing else to close: a lone row is its total, and the total must go with it.
    return group.total if group.total not in closed and group.total != SHOWN and hidden else None


def is_small(number, small):
    return number is not None and 1 <= number <= small
