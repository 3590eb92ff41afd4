"""Statistics of the control charts: plain numbers in, plain numbers out, and None where a limit cannot be computed.

A point is (how many, of how many), or None where nothing is shown: a gap stays a gap. `base` holds the places of the
points that set centre and limits (a frozen baseline, say); without it all do. Who reads them: flows/control/charts.py.
"""

import math
from statistics import NormalDist, median
from typing import NamedTuple

MOVING_RANGE = 2 / math.sqrt(math.pi)  # mean distance of two standard normal numbers (d2 of two)


class Runs(NamedTuple):
    """Runs about a centre: what is seen, and what chance would keep to."""

    n_useful: int
    longest: int
    longest_max: int | None
    crossings: int
    crossings_min: int | None
    in_long_run: tuple  # places of the points of each run that is longer than longest_max

    @property
    def is_long(self):
        return bool(self.in_long_run)

    @property
    def is_rarely_crossing(self):
        return self.crossings_min is not None and self.crossings < self.crossings_min


class Limits(NamedTuple):
    """A control chart: its centre, and for each point its limits (both None where there is no point)."""

    center: float | None
    low: tuple
    high: tuple
    sigma_z: float | None = None
    is_prime: bool = False


class Gaps(NamedTuple):
    """A g-chart: mean and median of what lies between the events, three sigma above the mean, and where chance ends."""

    center: float | None
    median: float | None
    sigma_high: float | None
    high: int | None  # the most that chance leaves


# --- run chart


def runs(values, center):
    """Anhøj's two rules (Anhøj and Olesen 2014; Anhøj 2015); a value on the centre is not useful, a gap is passed over.

    The longest run is to be no longer than log2 of the useful points + 3, rounded; the line is to cross the centre no
    less often than the lower 5 % quantile of a fair coin's n - 1 tosses.
    """
    if center is None:
        return Runs(0, 0, None, 0, None, ())
    useful = [(place, value > center) for place, value in enumerate(values) if value is not None and value != center]
    found = []
    for place, side in useful:
        if found and found[-1][0] == side:
            found[-1][1].append(place)
        else:
            found.append((side, [place]))
    if not useful:
        return Runs(0, 0, None, 0, None, ())
    longest_max = round(math.log2(len(useful))) + 3
    long = tuple(tuple(places) for _, places in found if len(places) > longest_max)
    longest = max(len(places) for _, places in found)
    return Runs(len(useful), longest, longest_max, len(found) - 1, fewest_crossings(len(useful)), long)


def fewest_crossings(n_useful):
    """The smallest k to which at least 5 % of a fair coin's n - 1 tosses come; counted in whole numbers."""
    tosses, so_far = n_useful - 1, 0
    for k in range(tosses + 1):
        so_far += math.comb(tosses, k)
        if 20 * so_far >= 2**tosses:
            return k
    return 0


def middle(values):
    """The median of what is shown."""
    shown = [value for value in values if value is not None]
    return median(shown) if shown else None


# --- p-chart and Laney's p'


def pooled(points):
    """All that were counted over all there were."""
    shown = [point for point in points if point]
    n = sum(n for _, n in shown)
    return sum(x for x, _ in shown) / n if n else None


def p_chart(points, base=None, sigma=3.0, overdispersion=1.5):
    """Limits by each point's own n (Shewhart's p-chart), widened by sigma_z above `overdispersion` (Laney 2002).

    Only then: sigma_z of a dozen points strays from 1 by chance alone. Limits are cut to what a share can be.
    """
    chosen = points if base is None else [point if place in base else None for place, point in enumerate(points)]
    center = pooled(chosen)
    excess = sigma_z(chosen, center)
    is_prime = excess is not None and excess > overdispersion
    ends = [p_limits(center, point and point[1], sigma * (excess if is_prime else 1.0)) for point in points]
    return Limits(center, tuple(low for low, _ in ends), tuple(high for _, high in ends), excess, is_prime)


def p_limits(center, n, sigma=3.0):
    """Where every unit is alike no spread is known, and so no limit."""
    if not n or center is None or not 0 < center < 1:
        return None, None
    reach = sigma * math.sqrt(center * (1 - center) / n)
    return max(0.0, center - reach), min(1.0, center + reach)


def sigma_z(points, center):
    """How much more neighbours differ than chance would have them (Laney 2002): moving ranges of z, over gaps none."""
    if center is None or not 0 < center < 1:
        return None
    z = [point and (point[0] / point[1] - center) / math.sqrt(center * (1 - center) / point[1]) for point in points]
    ranges = [abs(two - one) for one, two in zip(z, z[1:], strict=False) if one is not None and two is not None]
    return sum(ranges) / len(ranges) / MOVING_RANGE if ranges else None


def least_n_for_upper(center, sigma=3.0):
    """From how many units on a point can lie above its upper limit at all: p + 3 sigma must stay below 1."""
    if center is None or not 0 < center < 1:
        return None
    return math.floor(round(sigma**2 * center / (1 - center), 9)) + 1


# --- g-chart


def g_chart(gaps, base=None, sigma=3.0):
    """Counts between events are geometric: mean + 3 x sqrt(mean x (mean + 1)) (Benneyan 2001), and a probability limit.

    A geometric count passes three sigma once in some fifty by chance; `high` as rarely as a normal passes them. Both
    lower limits are 0: so runs about the median tell a change for the worse.
    """
    chosen = [gap for place, gap in enumerate(gaps) if gap is not None and (base is None or place in base)]
    if not chosen:
        return Gaps(None, None, None, None)
    mean = sum(chosen) / len(chosen)
    high = math.ceil(math.log(NormalDist().cdf(-sigma)) / math.log(mean / (mean + 1))) - 1 if mean else None
    return Gaps(mean, median(chosen), mean + sigma * math.sqrt(mean * (mean + 1)), high)


def passed_once_in(mean, limit):
    """In how many stretches chance alone passes the limit once: a geometric count has no upper end."""
    return (mean / (mean + 1)) ** -(math.floor(limit) + 1)


# --- what could have been seen


def detectable_change(share, n, power=0.8, z=1.959963984540054):
    """The smallest difference of two shares of n that would probably show, in percentage points.

    Two proportions, two-sided 5 %, normal approximation: (z + z of the power) × sqrt(2 p (1 - p) / n). Near 0 or 1 that
    would promise too much: it is held at one unit in n.
    """
    if not n or share is None:
        return None
    reach = (z + NormalDist().inv_cdf(power)) * math.sqrt(2 * share * (1 - share) / n)
    return 100 * max(reach, 1 / n)
