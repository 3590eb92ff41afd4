"""The values that a masked count may have: worlds of whole numbers in which everything published is true.

A count is safe as soon as two such worlds differ in it. Worlds in which as many counts as can be differ by one from the first
show that of most; what is left is sought as far as it goes, together where all of it stands at an end of what it may be, else
alone. No clock and no time limit: the same exports give the same.
"""

import math

FAR = 1e5  # more than any count that a search needs


class Contradiction(Exception):
    """No world fits what is published."""


def ranges(system):
    """Masked cell → least and largest value found; where both are one, the search went to the end both ways."""
    import numpy as np

    matrix, least, most = _matrix(system)
    low, high = np.array(system.low, dtype=float), np.array(system.high, dtype=float)
    _tighten(system.sums, low, high)
    if (low > high).any():
        raise Contradiction
    masked, found = np.flatnonzero(system.is_masked), {}
    for inside, rows in _parts(matrix, low < high):
        targets = np.flatnonzero(np.isin(inside, masked))
        if targets.size:
            fixed = low * (low == high)
            shift = matrix[rows] @ fixed
            rules = matrix[rows][:, inside], least[rows] - shift, most[rows] - shift
            spans = _searched(rules, low[inside], np.minimum(high[inside], FAR), targets)
            found |= {inside[at]: span for at, span in spans.items()}
    names = list(system.cells)
    return {names[at]: found.get(at, (low[at], high[at])) for at in masked}  # a count that stands in no sum may be anything


def _matrix(system):
    import numpy as np
    from scipy.sparse import csr_matrix

    places = [(row, at, factor) for row, (terms, _, _) in enumerate(system.sums) for at, factor in terms.items()]
    rows, columns, factors = zip(*places, strict=True)
    matrix = csr_matrix((factors, (rows, columns)), shape=(len(system.sums), len(system.low)), dtype=float)
    return matrix, *(np.array([each[side] for each in system.sums], dtype=float) for side in (1, 2))


def _tighten(sums, low, high):
    """What follows of each sum by itself, until nothing more does."""
    waiting, of = list(range(len(sums))), {}
    for row, (terms, _, _) in enumerate(sums):
        for at in terms:
            of.setdefault(at, []).append(row)
    queued = set(waiting)
    while waiting:
        row = waiting.pop()
        queued.discard(row)
        terms, least, most = sums[row]
        ends = {at: sorted((factor * low[at], factor * high[at])) for at, factor in terms.items()}
        floor_of, roof_of = (_without({at: both[end] for at, both in ends.items()}) for end in (0, 1))
        for at, factor in terms.items():
            floor, roof = floor_of(at), roof_of(at)
            down, up = sorted(((least - roof) / factor, (most - floor) / factor))
            least_here = max(low[at], math.ceil(down - 1e-6) if math.isfinite(down) else low[at])
            most_here = min(high[at], math.floor(up + 1e-6) if math.isfinite(up) else high[at])
            if (least_here, most_here) != (low[at], high[at]):
                low[at], high[at] = least_here, most_here
                if least_here > most_here:
                    raise Contradiction
                again = [each for each in of[at] if each not in queued]
                waiting += again
                queued |= set(again)


def _without(ends):
    """The sum of all but one, of numbers that may have no bound."""
    bounded = sum(end for end in ends.values() if math.isfinite(end))
    boundless = {at: end for at, end in ends.items() if not math.isfinite(end)}

    def but(at):
        others = [end for other, end in boundless.items() if other != at]
        return others[0] if others else bounded - (0 if at in boundless else ends[at])

    return but


def _parts(matrix, is_free):
    """Unknown counts that hang together, with the sums that they stand in."""
    import numpy as np
    from scipy.sparse.csgraph import connected_components

    places = np.flatnonzero(is_free)
    free = matrix[:, places]
    _, label = connected_components(free.T @ free, directed=False)
    for part in range(label.max() + 1 if places.size else 0):
        inside = np.flatnonzero(label == part)
        rows = np.unique(free[:, inside].nonzero()[0])
        if rows.size:
            yield places[inside], rows


def _searched(rules, low, high, targets):
    """Of each target the least and the largest value that was found."""
    import numpy as np

    first = _world(rules, low, high, np.zeros(len(low)))
    if first is None:
        raise Contradiction
    span = {at: (first[at], first[at]) for at in targets.tolist()}
    dice, n_left = np.random.default_rng(0), len(span) + 1
    while (left := _alone(span)) and len(left) < n_left:
        n_left = len(left)
        _widen(span, _nearby(rules, low, high, {at: span[at][0] for at in left}, dice))
    for at in sorted(_alone(span) - _at_their_ends(rules, low, high, span)):
        for sign in (1.0, -1.0):
            if span[at][0] == span[at][1]:
                _widen(span, _world(rules, low, high, _towards({at: sign}, low)))
    return span


def _alone(span):
    return {at for at, (least, most) in span.items() if least == most}


def _nearby(rules, low, high, values, dice):
    """A world in which many of these counts differ from their value; by one each, or a sum would be moved by one count alone."""
    near, far = low.copy(), high.copy()
    signs = {at: _inwards(value, low[at], high[at]) or dice.choice((-1.0, 1.0)) for at, value in sorted(values.items())}
    for at, value in values.items():
        near[at], far[at] = max(low[at], value - 1), min(high[at], value + 1)
    return _world(rules, near, far, _towards(signs, low), 0.5)


def _at_their_ends(rules, low, high, span):
    """Counts that no world moves from the end where they stand: what moves none of them moves not even one."""
    while True:
        signs = {at: sign for at in _alone(span) if (sign := _inwards(span[at][0], low[at], high[at]))}
        world = _world(rules, low, high, _towards(signs, low)) if signs else None
        if world is None:
            return set()
        _widen(span, world)
        if signs.keys() <= _alone(span):
            return signs.keys()


def _inwards(value, low, high):
    """The sign of the cost that leads away from the end where a value stands; 0 in between."""
    return -1.0 if value == low else 1.0 if value == high else 0.0


def _towards(signs, low):
    import numpy as np

    cost = np.zeros(len(low))
    cost[list(signs)] = list(signs.values())
    return cost


def _widen(span, world):
    for at, (least, most) in span.items() if world is not None else ():
        span[at] = min(least, world[at]), max(most, world[at])


def _world(rules, low, high, cost, gap=0.0):
    """Whole numbers that fit, as far in a direction as they go; None where the search found none."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    matrix, least, most = rules
    found = milp(
        cost, integrality=np.ones(len(low)), bounds=Bounds(low, high), constraints=LinearConstraint(matrix, least, most),
        options={"mip_rel_gap": gap},
    )
    if found.x is None:
        return None
    world = np.round(found.x)
    sums = matrix @ world
    return world if (sums >= least - 1e-6).all() and (sums <= most + 1e-6).all() else None
