"""What the attacker makes of figures in tens and in steps, for whatever table gives them (tests/attacker.py)."""

import math

REACH = 20  # how near a count is to another one whose tens stand for it
Z = 1.959963984540054


def rounded(number):
    return max(20, (number + 5) // 10 * 10)


def spans(n, near=None):
    """The counts that tens may stand for. near: a count that is known; None: some such count may be, and he does not know it."""
    low, high = 11 if n == 20 else n - 5, n + 4
    if near is None:
        return max(11, low - REACH), high + REACH
    if rounded(near) == n:
        return min(low, max(11, near - REACH)), max(high, near + REACH)
    return low, high


def tens_say(book, cell, n, near=None):
    if n == 0:
        book.equal([cell])
    elif n is not None:
        book.relate([cell], [], *spans(n, near))


def share_says(book, part, whole, share, count):
    """A share in so many steps; halves go to the middle, and a share that is shown has no small part."""
    if share in (0, 1):
        book.equal([part], [whole] if share else [])
        return
    at = round(share * count)
    book.at_most([(2 * at - 1, whole)], [(2 * count, part)], -1 if 2 * at > count else 0)
    book.at_most([(2 * count, part)], [(2 * at + 1, whole)], -1 if 2 * at < count else 0)
    book.relate([part], [], 11, math.inf)
    book.relate([whole], [part], 11, math.inf)


def interval_says(row):
    """The denominator behind a rate and its interval, as it was given: in tens."""
    end = row["ci_low"] if 0 < row["ci_low"] < 1 else row["ci_high"]
    return round(Z * Z * end * (1 - end) / (row["rate"] - end) ** 2)
