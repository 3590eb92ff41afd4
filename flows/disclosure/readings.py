"""What may be shown of the same rate under other readings, out.sensitivity."""

from flows.disclosure.compliance import hidden_columns, known_zeros
from flows.disclosure.differencing import SUMS, key_of, summed
from flows.disclosure.groups import is_small
from flows.disclosure.states import BAD, UNDECIDED, outcomes

WITH_BESIDE = "unresolved_included"


def close_readings(rows, compliance, small):
    """Other readings differ from the measure by few orders: what is shown of them must not give that difference away.

    One of them differs by the tier beside the measure alone: while anything of that is hidden, so is the reading.
    """
    shown = {}
    for row in sorted(rows, key=lambda row: row["reading"] != "as_defined"):
        root = (row["measure"], row["basis"], "all", None, "all", "all")
        truth, base = dict(row), compliance.truth[root]
        gives_back = row["reading"] == WITH_BESIDE and any(compliance.state[key] != "open" for key in compliance.beside(root))
        is_same = not gives_back and all(row[column] == base[column] for column in ("n_index", "n_appropriate", *BAD, *UNDECIDED))
        is_apart = all(gap == 0 or abs(gap) > small for other in [base, *shown.get(root, [])] for gap in gaps(truth, other))
        key, told = key_of("sensitivity", row), {column: summed(row)[column] for column in SUMS}
        is_apart &= not (compliance.past.few("sensitivity", key, told, small) or compliance.past.stays_hidden("sensitivity", key, told))
        is_large = not any(is_small(number, small) for number in outcomes(truth))
        is_open = is_apart and is_large and not gives_back and compliance.state[root] == "open"
        state = compliance.state[root] if is_same else "open" if is_open else "closed"
        gone = hidden_columns(state, *(not is_same or root in compliance.closed[name] for name in ("bad", "undecided")))
        gone = (gone & row.keys()) - known_zeros(truth, row["basis"], state)
        row["rate_band"] = compliance.band(root) if is_same else None
        row["is_rounded"], row["rate_step"] = is_same and root in compliance.coarse, None
        row["suppressed"] = any(truth[column] is not None for column in gone)
        row.update(dict.fromkeys(gone))
        if row["is_rounded"]:
            row.update(compliance.in_steps(root))
        if state == "open" and not is_same:
            shown.setdefault(root, []).append(truth)


def gaps(one, other):
    """Differences of the three sums and of the whole."""
    for columns in (("n_index",), ("n_appropriate",), BAD, UNDECIDED):
        yield sum(one[column] for column in columns) - sum(other[column] for column in columns)
