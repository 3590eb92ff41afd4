"""Words that stand for figures: the band of a hidden rate, and that a rate was withheld. Said only where they pin no count."""

import numpy as np

from flows.disclosure_attack import bargain, glance, moved, system, unmoved
from flows.disclosure_mask import bounds_of, is_small
from flows.disclosure_relations import BANDS, band_limits, share_limit

LEAST_CHOICE = 3


TRADES = (
    (2, 0.1),
    (2, 0.01),
    (20, 0.001),
    (500, 0.0001),
)  # worlds close to the truth break few bands: how far, and the price of breaking one


FEW = 5


def claims_that_hold(world, seen, masked):
    """Bands, and that a rate was withheld: words that stand for figures, said only where they give none of them away."""
    claims = {
        (name, number): claim
        for name, number, at, has_rate, _, row in world.rates
        if (claim := claim_of(world, seen, at, has_rate, row))
    }
    targets = {at for at in np.flatnonzero(is_small(world)) if not seen[at]}
    targets |= {at["n_appropriate"] for *_, at in claims.values() if masked[at["n_appropriate"]]}
    left = traded(world, ~seen, targets, claims)
    while claims and left:
        look = unmoved if len(left) <= FEW else glance
        left = look(outsider(world, claims), ~seen, left)
        doubted = (doubtful(world, claims, left) or set(claims)) if left else set()
        claims = {key: claim for key, claim in claims.items() if key not in doubted}
    return {key: claim[0] for key, claim in claims.items()}


def outsider(world, claims):
    """The attacker who hears the claims as well; the row of each limit follows the book's own."""
    heard = [limit for _, limits, _ in claims.values() for limit in limits]
    return system(
        world.book._replace(limits=[*world.book.limits, *heard]), world.values, *bounds_of(world, is_told=False)
    )


def traded(world, unknown, targets, claims):
    """Give up the claims that hold many cells fast; the cells that no trade has set free."""
    if not claims:
        return targets
    known, owners, n_hard = (
        outsider(world, claims),
        [key for key, (_, limits, _) in claims.items() for _ in limits],
        len(world.book.limits),
    )
    left, given_up = glance(known, unknown, targets), set()
    for near, dear in TRADES:
        freed = left
        while left and freed:
            price = np.array(
                [0 if key in given_up else (50 if claims[key][2]["is_headline"] else 1) * dear for key in owners]
            )
            change = bargain(known, unknown, left, n_hard, price, near)
            freed = moved(change, left)
            left -= freed
            if freed:
                given_up |= {
                    owners[row] for row in np.flatnonzero((known.limits @ change)[n_hard:] > known.room[n_hard:] + 1e-6)
                }
    for key in given_up:
        del claims[key]
    return left


def claim_of(world, seen, at, has_rate, row):
    """What could be said of a row whose rate is hidden, and the limits that saying it puts on the counts."""
    if seen[at["bad"]] and seen[at["n_index"]]:
        return None
    facts = at | {"is_headline": row.get("stratum", "all") == row.get("period_grain", "all") == "all"}
    if row.get("is_withheld"):
        terms, _ = share_limit(at, world.share)
        return {"is_withheld": True}, [([(cell, -factor) for cell, factor in terms], -1e-4)], facts
    if seen[at["bad"]] or not has_rate or world.values[at["n_index"]] <= world.small:
        return None
    low, high, band = next(band for band in BANDS if band[0] <= 100 * row["rate"] < band[1])
    rated = int(world.values[at["rated"]])
    if sum(low * rated <= 100 * hits < high * rated for hits in range(rated)) < LEAST_CHOICE:
        return None  # a band of so few orders fixes their number by itself
    return {"rate_band": band, "is_withheld": False}, [*band_limits(at, low, high), share_limit(at, world.share)], facts


def doubtful(world, claims, exposed):
    """The claims on rows that share a relation with an exposed cell."""
    rows = {
        world.names[at][:2]
        for terms in world.book.equations
        if any(at in exposed for at, _ in terms)
        for at, _ in terms
    }
    return {key for key in claims if key in rows}
