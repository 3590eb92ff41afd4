"""Rounding for tables that stand beside the measure, so coarse that no difference to an exact table fixes a small count.

Counts are given in tens. A share is given in steps at least WIDE units wide, whatever whole its tens may stand for, and
only where no small part and no small rest would look the same: so it says nothing of the whole, and never one part alone.
"""

import functools
import itertools
import math
from collections import Counter

from flows.disclosure.groups import is_small

Z = 1.959963984540054
BANDS = ((0.95, "95_and_above"), (0.9, "90_to_95"), (0.8, "80_to_90"), (0.0, "below_80"))
STEPS = (100, 50, 20, 10)  # to the whole
WIDE = 5
REACH = 2


def tens(number, small, near=None):
    """A count to the nearest ten, at least 20; 0 stays 0, a small count is None.

    `near` is a count that others know: where the two differ by few its tens are given, so that they do not tell by how many.
    REACH goes beyond the small counts, so that no small difference is the largest one that fits.
    """
    if not number or is_small(number, small):
        return 0 if number == 0 else None
    if near is not None and abs(number - near) <= REACH * small:
        if near <= 2 * small:
            return None  # so near to the small counts themselves that hardly another could be meant
        number = near
    return max(20, (number + 5) // 10 * 10)


def wholes(n, small):
    """The counts that n, in tens, may stand for."""
    return range(max(small + 1, n - 5 - REACH * small), n + 5 + REACH * small)


def steps(n, small):
    """How many steps a share has, by the tens of its whole: they are public and must not say more."""
    return next((count for count in STEPS if wholes(n, small)[0] >= WIDE * count), STEPS[-1])


def coarse_share(part, whole, n, small):
    """A share in steps; None where it is closed. n: the tens that are given for the whole."""
    if not whole or not n:
        return None
    count, rest = steps(n, small), whole - part
    at = (2 * min(part, rest) * count + whole) // (2 * whole)  # so that part and rest say the same
    at = at if part <= rest else count - at
    least = (2 * min(at, count - at) - 1) * wholes(n, small)[0]  # of the parts and rests that look the same, times 2 count
    return at / count if part in (0, whole) or least > 2 * count * small else None


def band(part, whole, n, small):
    """What may stand for a closed share: its band, where one unit more or less would not leave it."""
    return _bands(n, small).get((part, whole)) if n else None


@functools.cache
def _bands(n, small):
    def firm_band(part, whole):
        near = {band_of(part + by, whole - part - by) for by in (-1, 0, 1)}
        return near.pop() if len(near) == 1 else None

    return names_of_closed(n, small, firm_band)


def names_of_closed(n, small, name_of):
    """(part, whole) → name of closed shares: only names, and only gaps between them, that fit several parts of every whole."""
    found = {whole: {part: name_of(part, whole) for part in closed_parts(whole, n, small)} for whole in wholes(n, small)}
    tally = [Counter(parts.values()) for parts in found.values()]
    told = {name for name in tally[0] if name is not None and all(each[name] > 1 for each in tally)}
    untold = [sum(number for name, number in each.items() if name not in told) for each in tally]
    if 1 in untold or (0 in untold and any(untold)):
        return {}
    return {(part, whole): name for whole, parts in found.items() for part, name in parts.items() if name in told}


def closed_parts(whole, n, small):
    """From both ends until the first share that is open."""

    def is_closed(part):
        return coarse_share(part, whole, n, small) is None

    return {*itertools.takewhile(is_closed, range(1, whole)), *itertools.takewhile(is_closed, range(whole - 1, 0, -1))}


def wilson(rate, n):
    """Wilson's interval of a rate over n, both as shown."""
    spread = Z**2 / n
    half = math.sqrt(spread * (rate * (1 - rate) + spread / 4))
    middle = rate + spread / 2
    # Rounding must not push an end past the rate itself.
    return max(0.0, min(rate, (middle - half) / (1 + spread))), min(1.0, max(rate, (middle + half) / (1 + spread)))

def band_of(good, bad):
    return next(name for floor, name in BANDS if good >= floor * (good + bad)) if good + bad else None


def share_of(part, whole, n, small, is_hidden=False):
    """A rate with its interval as they may leave. n: the denominator as it is given, None where that is hidden."""
    rate = None if is_hidden and part < whole else coarse_share(part, whole, n, small)
    is_closed = n is None or (whole > 0 and rate is None)
    low, high = (None, None) if rate is None else wilson(rate, n)
    return {
        "rate": rate, "ci_low": low, "ci_high": high, "rate_step": None if rate is None else 1 / steps(n, small),
        "rate_band": band(part, whole, n, small) if is_closed else None, "suppressed": is_closed,
    }
