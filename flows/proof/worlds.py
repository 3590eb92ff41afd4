"""The values that a masked count may have: worlds of whole numbers in which everything published is true.

A count is safe as soon as two such worlds differ in it. Worlds in random directions show that of most counts at once; of
whoever is left the least and the largest value are sought alone. No clock and no time limit: the same exports give the same.
"""

import math

FAR = 1e5  # more than any count that a search needs
IDLE = 2  # directions in a row that showed nothing new


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
        for at, factor in terms.items():
            floor = sum(min(each * low[cell], each * high[cell]) for cell, each in terms.items() if cell != at)
            roof = sum(max(each * low[cell], each * high[cell]) for cell, each in terms.items() if cell != at)
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

    dice = np.random.default_rng(0)
    first = _world(rules, low, high, np.zeros(len(low)))
    if first is None:
        raise Contradiction
    span = {at: (first[at], first[at]) for at in targets}
    left, idle = set(targets.tolist()), 0
    while left and idle < IDLE:
        before = len(left)
        cost = np.zeros(len(low))
        cost[sorted(left)] = dice.choice((-1.0, 1.0), len(left))
        for sign in (1, -1):
            _widen(span, _world(rules, low, high, sign * cost, 0.5))
        left = {at for at in left if span[at][0] == span[at][1]}
        idle = idle + 1 if before - len(left) <= before / 20 else 0
    for at in sorted(left):
        for sign in (1.0, -1.0):
            if span[at][0] == span[at][1]:
                _widen(span, _world(rules, low, high, sign * np.eye(1, len(low), at)[0]))
    return span


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
