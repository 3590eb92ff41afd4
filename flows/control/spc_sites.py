"""The funnel between sites: exact limits, how much more sites differ than chance, and what a site could have shown.

A point is (how many, of how many), or None where nothing is shown. Limits that cannot be computed are None.
"""

import math
from typing import NamedTuple

LEAST_TAU = 1e-4  # a smaller spread of true rates moves no limit that is drawn, and drowns in rounding


class Dispersion(NamedTuple):
    """How much more sites differ than chance: phi as a factor of the variance, tau as a spread of the true rates."""

    phi: float | None
    tau: float | None


def funnel_limits(center, n, coverage, tau=0.0):
    """Exact limits of a share of n (Spiegelhalter 2005, appendix A.1.1), between the whole numbers interpolated.

    The upper limit is the lower one of what is missing: so a share lies outside exactly where its tail is smaller than
    the limit's, and 100 % of few is never above. With tau, true rates spread about the centre with that standard
    deviation (his additive model): a beta-binomial.
    """
    if not n or center is None or not 0 < center < 1:
        return None, None
    if tau < LEAST_TAU:
        weights = _binomial(n, center)
    else:
        size = center * (1 - center) / tau**2 - 1
        if size <= 0:
            return None, None  # no spread of rates is that wide
        weights = _beta_binomial(n, center * size, (1 - center) * size)
    tail = (1 - coverage) / 2
    low, missing = (max(0.0, _quantile(each, tail) / n) for each in (weights, weights[::-1]))
    return low, 1 - missing


def dispersion(points, center, winsorised=0.1, least_sites=2):
    """phi from winsorised z, tau by moments (Spiegelhalter 2005, section 5; DerSimonian and Laird 1986)."""
    shown = [point for point in points if point]
    if center is None or not 0 < center < 1 or len(shown) < max(2, least_sites):
        return Dispersion(None, None)
    weights = [n / (center * (1 - center)) for _, n in shown]
    z = [(x / n - center) * math.sqrt(weight) for (x, n), weight in zip(shown, weights, strict=True)]
    low, high = _percentile(z, winsorised), _percentile(z, 1 - winsorised)
    phi = sum(min(max(one, low), high) ** 2 for one in z) / len(z)
    excess, whole = len(z) * phi - (len(z) - 1), sum(weights)
    spread = whole - sum(weight**2 for weight in weights) / whole
    return Dispersion(phi, math.sqrt(excess / spread) if excess > 0 and spread > 0 else 0.0)


def flagged_below(n, center, true_rate, coverage):
    """Power: how probably a site of n whose true rate is that one falls below its lower limit."""
    low, _ = funnel_limits(center, n, coverage)
    return None if low is None else _below(n, low, true_rate)


def rate_flagged_with(power, n, center, coverage):
    """The highest true rate that a site of n would still be flagged for with that power; None where none would."""
    limit, _ = funnel_limits(center, n, coverage)
    if limit is None or _below(n, limit, 0.0) < power:
        return None
    low, high = 0.0, center
    for _ in range(40):
        half = (low + high) / 2
        low, high = (half, high) if _below(n, limit, half) >= power else (low, half)
    return low


def _below(n, limit, true_rate):
    return math.fsum(weight for k, weight in enumerate(_binomial(n, true_rate)) if k < limit * n - 1e-9)


def _binomial(n, share):
    if not 0 < share < 1:
        return [float(k == (n if share >= 1 else 0)) for k in range(n + 1)]
    yes, no = math.log(share), math.log1p(-share)
    return [math.exp(_log_choose(n, k) + k * yes + (n - k) * no) for k in range(n + 1)]


def _beta_binomial(n, a, b):
    base = _log_beta(a, b)
    return [math.exp(_log_choose(n, k) + _log_beta(k + a, n - k + b) - base) for k in range(n + 1)]


def _log_choose(n, k):
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _log_beta(a, b):
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _quantile(weights, share):
    so_far = 0.0
    for k, weight in enumerate(weights):
        so_far += weight
        if so_far >= share:
            return k - (so_far - share) / weight
    return len(weights) - 1


def _percentile(values, share):
    ordered, at = sorted(values), share * (len(values) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])
