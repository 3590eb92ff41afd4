"""The arithmetic of the control charts: equal to clinical-qikit's, to what was published, and lawful on random series."""

import math
import random
import warnings

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flows.control import spc, spc_sites

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from qikit import qic

SERIES = {
    "by hand": [(9, 10), (17, 20), (28, 30), (12, 15), (40, 44), (21, 25), (18, 20), (30, 35), (29, 30), (16, 19), (22, 25), (31, 33)],
    "one far off": [(45, 50)] * 6 + [(20, 50)] + [(46, 50), (44, 50)] * 3,
    "large": [(1800, 2000), (1700, 2000), (1900, 2000), (1750, 2000), (1850, 2000), (1600, 2000), (1950, 2000), (1790, 2000)],
}


def random_series(seed):
    chance = random.Random(seed)
    sizes = [chance.randint(5, 400) for _ in range(chance.randint(8, 40))]
    return [(min(n, max(0, round(n * chance.gauss(0.85, 0.08)))), n) for n in sizes]


SERIES |= {f"random {seed}": random_series(seed) for seed in range(6)}
D2 = 3e-4  # qikit takes d2 as 1.128; the exact constant moves a limit by less than this
ALL = pytest.mark.parametrize("points", SERIES.values(), ids=SERIES)


def theirs(kind, points, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return qic(x=list(range(len(points))), y=[x for x, _ in points], n=[n for _, n in points], chart=kind, **more)


def clipped(values):
    return [min(1.0, max(0.0, value)) for value in values]


# --- run chart


@ALL
def test_runs_and_crossings_are_counted_as_qikit_counts_them(points):
    values = [x / n for x, n in points]
    center = spc.middle(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        summary = qic(x=list(range(len(values))), y=values, chart="run").summary
    seen = spc.runs(values, center)
    assert (seen.n_useful, seen.longest, seen.crossings) == tuple(summary[name] for name in ("n_useful", "longest_run", "n_crossings"))
    if seen.n_useful >= 10:  # below, qikit says nothing; it names the last count that is a signal
        assert seen.crossings_min == summary["crossings_threshold"] + 1


# Anhøj and Olesen 2014: longest run and fewest crossings that chance leaves, by number of useful observations.
@pytest.mark.parametrize(
    ("n", "longest", "fewest"), [(10, 6, 2), (11, 6, 2), (12, 7, 3), (16, 7, 4), (20, 7, 6), (23, 8, 7), (24, 8, 8), (30, 8, 10), (100, 10, 41)]
)
def test_critical_values_are_those_published(n, longest, fewest):
    seen = spc.runs([1 - 2 * (at % 2) for at in range(n)], 0)
    assert (seen.longest_max, seen.crossings_min) == (longest, fewest)


def test_a_run_one_longer_than_chance_leaves_is_a_signal():
    values = [1, -1] * 4 + [1] * 8 + [-1, 1, -1, 1]
    assert spc.runs(values, 0).in_long_run == (tuple(range(8, 16)),)
    assert not spc.runs(values[:8] + values[9:], 0).is_long  # 19 useful points allow 7


def test_a_line_that_rarely_crosses_is_a_signal():
    values = [1] * 5 + [-1] * 5 + [1] * 5 + [-1] * 5
    seen = spc.runs(values, 0)
    assert (seen.crossings, seen.crossings_min, seen.is_long, seen.is_rarely_crossing) == (3, 6, False, True)


def test_points_on_the_centre_and_gaps_are_passed_over():
    assert spc.runs([1, 0, None, 1, -1], 0)[:4] == (3, 2, 5, 1)
    assert spc.runs([0, 0, None], 0).longest_max is None
    assert spc.runs([1, 2], None).n_useful == 0


# --- p-chart and p'


@ALL
def test_p_limits_are_qikits_cut_to_shares(points):
    found, data = spc.p_chart(points, overdispersion=math.inf), theirs("p", points).data
    assert found.center == pytest.approx(data["cl"].iloc[0])
    assert found.low == pytest.approx(clipped(data["lcl"]))
    assert found.high == pytest.approx(clipped(data["ucl"]))
    assert not found.is_prime


@ALL
def test_p_prime_limits_are_qikits_cut_to_shares(points):
    found, data = spc.p_chart(points, overdispersion=1.0), theirs("pp", points).data
    assert found.low == pytest.approx(clipped(data["lcl"]), abs=D2)
    assert found.high == pytest.approx(clipped(data["ucl"]), abs=D2)


@ALL
def test_frozen_limits_are_qikits(points):
    freeze = len(points) // 2
    found, data = spc.p_chart(points, range(freeze), overdispersion=1.0), theirs("pp", points, freeze=freeze).data
    assert found.center == pytest.approx(data["cl"].iloc[0])
    assert found.low == pytest.approx(clipped(data["lcl"]), abs=D2)
    assert found.high == pytest.approx(clipped(data["ucl"]), abs=D2)


def test_limits_are_widened_only_above_the_threshold():
    points = SERIES["large"]
    found = spc.p_chart(points, overdispersion=1.5)
    assert found.is_prime
    assert found.sigma_z > 1.5
    plain = spc.p_chart(points, overdispersion=found.sigma_z)
    assert not plain.is_prime
    assert plain.center - plain.low[0] == pytest.approx((found.center - found.low[0]) / found.sigma_z)


def test_a_gap_has_no_limits_and_no_moving_range():
    points = [(9, 10), None, (5, 10), (9, 10), None]
    found = spc.p_chart(points)
    assert [at for at, low in enumerate(found.low) if low is None] == [1, 4]
    assert found.sigma_z == pytest.approx(spc.sigma_z(points[2:4], found.center))


@pytest.mark.parametrize("points", [[], [None], [(10, 10)] * 12, [(0, 10)] * 12])
def test_where_nothing_varies_there_is_no_limit(points):
    found = spc.p_chart(points)
    assert set(found.low + found.high) <= {None}
    assert found.sigma_z is None


@pytest.mark.parametrize(("center", "n"), [(0.85, 52), (0.9, 82), (0.95, 172)])
def test_from_how_many_on_an_improvement_can_show(center, n):
    assert spc.least_n_for_upper(center) == n
    assert spc.p_limits(center, n)[1] < 1
    assert spc.p_limits(center, n - 1)[1] == pytest.approx(1)


# --- g-chart


@pytest.mark.parametrize("seed", range(5))
def test_g_limits_are_qikits_about_the_mean(seed):
    chance = random.Random(seed)
    gaps = [int(math.log(1 - chance.random()) / math.log(0.93)) for _ in range(20)]
    found = spc.g_chart(gaps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = qic(x=list(range(20)), y=gaps, chart="g", cl=found.center).data
        assert found.median == qic(x=list(range(20)), y=gaps, chart="g").data["cl"].iloc[0]
    assert found.sigma_high == pytest.approx(data["ucl"].iloc[0])
    assert data["lcl"].max() == 0


@pytest.mark.parametrize("mean", [0.5, 4, 16, 120])
def test_the_limit_of_a_g_chart_is_passed_as_rarely_as_it_says(mean):
    high = spc.g_chart([mean]).high
    tail = 0.0013498980316301
    beyond = (mean / (mean + 1)) ** (math.floor(high) + 1)  # P(X > high) of a geometric count with that mean
    assert beyond <= tail * (1 + 1e-9)
    assert beyond * (mean + 1) / mean > tail * (1 - 1e-9), "one order sooner it would be passed more often"
    assert spc.passed_once_in(mean, high) == pytest.approx(1 / beyond)


def test_a_g_chart_follows_its_baseline_and_says_nothing_of_nothing():
    assert spc.g_chart([10, 20, 500], base=[0, 1]).center == 15
    assert spc.g_chart([]) == (None, None, None, None)
    assert spc.g_chart([0, 0]).high is None


# --- funnel


@ALL
@pytest.mark.parametrize(("coverage", "low", "high"), [(0.95, "lcl_95", "ucl_95"), (0.998, "lcl", "ucl")])
def test_funnel_limits_are_qikits(points, coverage, low, high):
    """The lower ones directly, the upper ones as the lower ones of what is missing."""
    center, ordered = spc.pooled(points), sorted(points, key=lambda point: point[1])
    data, mirrored = theirs("p", ordered, funnel=True).data, theirs("p", [(n - x, n) for x, n in ordered], funnel=True).data
    found = [spc_sites.funnel_limits(center, n, coverage) for _, n in ordered]
    assert [one for one, _ in found] == pytest.approx(list(data[low]), abs=1e-7)
    assert [two for _, two in found] == pytest.approx([1 - value for value in mirrored[low]], abs=1e-7)
    assert all(abs(two - value) <= 1 / n + 1e-9 for (_, two), value, (_, n) in zip(found, data[high], ordered, strict=True))


@ALL
def test_overdispersion_is_qikits(points):
    ordered = sorted(points, key=lambda point: point[1])
    found, summary = spc_sites.dispersion(ordered, spc.pooled(points)), theirs("p", ordered, funnel=True).summary
    assert found.phi == pytest.approx(summary["dispersion_phi"])
    assert found.tau == pytest.approx(summary["dispersion_tau"], abs=1e-12)
    if found.tau:
        data = theirs("pp", ordered, funnel=True).data
        limits = [spc_sites.funnel_limits(spc.pooled(points), n, 0.998, found.tau) for _, n in ordered]
        assert [low for low, _ in limits] == pytest.approx(list(data["lcl"]), abs=1e-6)


@pytest.mark.parametrize("n", [1, 7, 33, 80])
@pytest.mark.parametrize("coverage", [0.95, 0.998])
def test_a_share_lies_outside_exactly_where_its_tail_is_smaller_than_the_limits(n, coverage):
    low, high = spc_sites.funnel_limits(0.93, n, coverage)
    weights = [math.comb(n, k) * 0.93**k * 0.07 ** (n - k) for k in range(n + 1)]
    for k in range(n + 1):
        assert (k / n < low - 1e-12) is (sum(weights[: k + 1]) < (1 - coverage) / 2)
        assert (k / n > high + 1e-12) is (sum(weights[k:]) < (1 - coverage) / 2)


# PEERS 4.6: how often a site with a true rate of 75 % is seen where 90 % is the rule.
@pytest.mark.parametrize(("n", "power"), [(20, 0.10), (40, 0.29), (60, 0.55), (100, 0.85)])
def test_the_power_of_a_site(n, power):
    assert spc_sites.flagged_below(n, 0.9, 0.75, 0.998) == pytest.approx(power, abs=0.006)


def test_the_rate_that_would_be_seen_is_where_the_power_says():
    rate = spc_sites.rate_flagged_with(0.8, 60, 0.9, 0.998)
    assert spc_sites.flagged_below(60, 0.9, rate, 0.998) == pytest.approx(0.8, abs=1e-6)
    assert spc_sites.rate_flagged_with(0.8, 2, 0.9, 0.998) is None


def test_too_few_sites_say_nothing_of_how_they_differ():
    assert spc_sites.dispersion([(9, 10), (5, 10), None], 0.7, least_sites=3) == (None, None)
    assert spc_sites.funnel_limits(0.9, 20, 0.998, tau=0.4) == (None, None)


# --- laws


POINT = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
POINTS = st.lists(st.one_of(st.none(), POINT), min_size=1, max_size=25)


@given(POINTS)
def test_limits_are_shares_around_the_centre(points):
    found = spc.p_chart(points, overdispersion=1.0)
    for point, low, high in zip(points, found.low, found.high, strict=True):
        assert (low is None) is (high is None)
        assert low is None or (point and 0 <= low <= found.center <= high <= 1)


@given(POINTS)
def test_what_is_good_and_what_is_bad_mirror_each_other(points):
    found, mirrored = (spc.p_chart(each) for each in (points, [point and (point[1] - point[0], point[1]) for point in points]))
    assert found.is_prime is mirrored.is_prime
    assert [None if low is None else 1 - low for low in found.low] == [None if high is None else pytest.approx(high) for high in mirrored.high]


@given(st.lists(POINT, min_size=2, max_size=12), st.randoms())
def test_the_order_of_sites_does_not_matter(points, chance):
    center, moved = spc.pooled(points), chance.sample(points, len(points))
    assert spc.pooled(moved) == center
    one, two = spc_sites.dispersion(points, center), spc_sites.dispersion(moved, center)
    assert one == (two if one.phi is None else (pytest.approx(two.phi), pytest.approx(two.tau, abs=1e-9)))


@given(st.integers(1, 200), st.floats(0.02, 0.98), st.floats(0.0, 0.1))
@settings(deadline=None)
def test_funnel_limits_hold_each_other(n, center, tau):
    (low, high), (far_low, far_high) = (spc_sites.funnel_limits(center, n, coverage, tau) for coverage in (0.95, 0.998))
    assume(low is not None)
    assert 0 <= far_low <= low <= high <= far_high <= 1


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=60))
def test_runs_add_up(values):
    seen = spc.runs(values, 0)
    assert seen.n_useful == sum(value != 0 for value in values)
    assert seen.n_useful == 0 or seen.crossings + seen.longest <= seen.n_useful
    assert seen == spc.runs([-value for value in values], 0)


@given(st.floats(0.01, 0.99), st.integers(2, 500))
def test_more_of_them_show_smaller_changes(share, n):
    assert spc.detectable_change(share, n) > spc.detectable_change(share, 2 * n) > 0


def test_the_smallest_change_by_hand():
    assert spc.detectable_change(0.9, 100) == pytest.approx(100 * 2.801585 * math.sqrt(2 * 0.09 / 100), abs=1e-4)
    assert spc.detectable_change(1.0, 40) == 2.5
    assert spc.detectable_change(None, 40) is None
