"""The attacker's solver: which unknown counts have one value in every world that fits (see attacker.py)."""

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix, csr_matrix, vstack
from scipy.sparse.csgraph import connected_components

SMALL = 10
FAR = 60  # how far a second world is sought before the search goes everywhere


def pinned(book):
    true = np.array(book.true, dtype=float)
    entries = [(row, at, factor) for row, (terms, _, _) in enumerate(book.relations) for at, factor in terms.items()]
    rows, columns, factors = zip(*entries, strict=True)
    matrix = csr_matrix(coo_matrix((factors, (rows, columns)), shape=(len(book.relations), len(true))), dtype=float)
    low, high = (np.array([relation[at] for relation in book.relations]) for at in (1, 2))
    wrong = np.flatnonzero((matrix @ true < low) | (matrix @ true > high))
    names = list(book.place)
    assert not wrong.size, ("the truth itself does not fit", [names[at] for at in book.relations[wrong[0]][0]])
    free = np.array([shown is None for shown in book.shown])
    matrix, low, high = matrix[:, free], low - matrix @ (true * ~free), high - matrix @ (true * ~free)
    parts, label = connected_components(vstack([matrix.T @ matrix]), directed=False)
    place, left = np.flatnonzero(free), []
    small = (true[free] >= 1) & (true[free] <= SMALL)
    for part in range(parts):
        inside = np.flatnonzero(label == part)
        touched = np.unique(matrix[:, inside].nonzero()[0])
        if small[inside].any() and touched.size:
            rules = LinearConstraint(matrix[touched][:, inside], low[touched], high[touched])
            left += [place[inside[at]] for at in pinned_in(rules, true[free][inside], np.flatnonzero(small[inside]))]
    return sorted(left)


def pinned_in(rules, true, targets):
    """Worlds in random directions first: each shows many cells safe. Who is left is asked about alone, both ways."""
    dice, left, idle = np.random.default_rng(0), set(targets.tolist()), 0
    while left and idle < 2:
        cost = np.zeros(len(true))
        cost[sorted(left)] = dice.choice((-1.0, 1.0), len(left))
        other = world(rules, true, cost, FAR)
        moved = {at for at in left if differs(other, true, at)}
        left, idle = left - moved, idle + 1 if len(moved) < 1 + len(left) / 20 else 0
    for far in (FAR, 1e5):
        for at in sorted(left):
            if at in left:
                for sign in (1.0, -1.0):
                    other = world(rules, true, sign * np.eye(1, len(true), at)[0], far)
                    left = {cell for cell in left if not differs(other, true, cell)}
    return left


def differs(other, true, at):
    return other is not None and other[at] != true[at]


def world(rules, true, cost, far):
    bounds = Bounds(np.maximum(0, true - far), true + far)
    found = milp(cost, integrality=np.ones(len(true)), bounds=bounds, constraints=rules, options={"time_limit": 5, "mip_rel_gap": 0 if np.count_nonzero(cost) == 1 else 0.5})
    if found.x is None:
        return None
    other = np.round(found.x)
    fits = (rules.A @ other >= rules.lb - 1e-9).all() and (rules.A @ other <= rules.ub + 1e-9).all()
    return other if fits else None
