"""What may be said of the headline on the way from the last release to this one: by how much each cause moved it, in steps.

Each station is one more definition and leaves its rate in steps, as in flows/disclosure/multiverse.py; but two wholes are known
here, that of either release, and the wider steps of the two hold. The moves are differences in the widest step of the whole way, so
that they add up, and no station says more beside the others than alone.
"""

from flows.disclosure.multiverse import known_whole
from flows.disclosure.rounding import share_of, tens


def moves(then, stations, now, small, withhold_share):
    """({cause: move}, step); None where a station or an end shows no rate.

    then, now: the headline as either release shows it. stations: (cause, counts) in their order, and the last cause with None.
    """
    ends = (then, now)
    if None in [row.get("rate") for row in ends]:
        return None
    shown = [station(counts, ends, small, withhold_share) for _, counts in stations[:-1]]
    if None in shown:
        return None
    step = max([one["rate_step"] for one in shown] + [row.get("rate_step") or 0 for row in ends])
    rates = [round(rate / step) for rate in (then["rate"], *(one["rate"] for one in shown), now["rate"])]
    steps = [after - before for before, after in zip(rates, rates[1:], strict=False)]
    return {cause: at * step for (cause, _), at in zip(stations, steps, strict=True)}, step


def exactly(then, stations, now):
    """The same for the protected zone."""
    rated = [then["rate"], *(counts["n_rated"] and counts["n_appropriate"] / counts["n_rated"] for _, counts in stations[:-1]), now["rate"]]
    if None in rated or 0 in [counts["n_rated"] for _, counts in stations[:-1]]:
        return None
    return {cause: after - before for (cause, _), before, after in zip(stations, rated, rated[1:], strict=False)}, None


def station(counts, ends, small, withhold_share):
    """A rate in steps; None where it is closed or would be withheld."""
    if counts["n_undecided"] > withhold_share * counts["n_index"]:
        return None
    whole = counts["n_rated"]
    each = [share_of(counts["n_appropriate"], whole, tens(whole, small, known_whole(row)), small) for row in ends]
    each.sort(key=lambda shown: shown["rate_step"] or 1)
    return None if None in [shown["rate"] for shown in each] else each[-1]
