"""What may be shown of the headline under the other definitions of the grid, out.multiverse.

They differ from the headline by few orders each, and from each other by fewer: exact figures would tell by how many. Of a
definition leaves its rate alone, in steps as wide as for a table beside the measure, and where that is closed its band. No
count, no interval, no bounds: what one definition adds to another has no upper end to be held against. The declared one
repeats the headline.
"""

from flows.disclosure.rounding import share_of, tens
from flows.disclosure.states import BAD, UNDECIDED

COUNTED = {"n_index", "n_appropriate", *BAD, *UNDECIDED, "ci_low", "ci_high", "bound_low", "bound_high", "is_withheld"}
SHOWN = ("rate", "rate_step", "rate_band", "suppressed")


def multiverse(rows, small, compliance):
    headline = compliance.rows["post_completion", "episode", "all", None, "all", "all"]
    return [definition(row, headline, small) for row in rows]


def definition(row, headline, small):
    kept = {name: value for name, value in row.items() if name not in COUNTED}
    if row["is_declared"]:
        return kept | {name: headline[name] for name in SHOWN}
    rated = row["n_appropriate"] + sum(row[name] for name in BAD)
    # Wholes near the one that is known get its steps: which step a definition has must not tell by how many it differs.
    n = None if headline["n_index"] is None and headline["rate"] is None else tens(rated, small, known_whole(headline))
    if n is None or row["is_withheld"]:
        return kept | dict.fromkeys(SHOWN) | {"suppressed": row["rate"] is not None}
    shown = share_of(row["n_appropriate"], rated, n, small)
    return kept | {name: shown[name] for name in SHOWN}


def known_whole(headline):
    """The rated orders that everybody knows of, as near as the headline lets them."""
    if headline["rate"] and headline["n_appropriate"]:
        return round(headline["n_appropriate"] / headline["rate"])
    return headline["n_index"]
