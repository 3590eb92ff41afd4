"""Which rows of out.compliance are closed, and what of them still shows."""

from flows.disclosure.differencing import PARTS, SUMS, Past, summed
from flows.disclosure.funnel import status_of
from flows.disclosure.groups import SHOWN, Group, is_small, settle
from flows.disclosure.rounding import band_of, share_of, tens

BAD, UNDECIDED = ("n_mixed", "n_may_be", "n_not_appropriate"), ("n_unrated", "n_indeterminate")
BESIDE = {"n_end_unknown": "indeterminate", "n_rerouted": "rerouted", "n_excluded": "excluded"}
SHARES = ("rate", "ci_low", "ci_high", "bound_low", "bound_high", "rate_without_exception", "is_withheld")
OF_THE_ORDER = ("site", "payer", "procedure", "edition")  # an episode takes these from its first order
FUNNEL = "funnel"  # the total of four rows, in another table
FINER = {"all": "year", "year": "quarter", "quarter": "month"}


class Compliance:
    """The rows of out.compliance with what of each may be shown.

    State of a row: open shows everything; rated (totals only) the rate without its denominator; index the denominator
    without the outcomes; closed nothing. A total that may not be shown to the last unit because it moved by few since
    the release before is closed to its groups, and shows tens and steps (`coarse`).
    """

    def __init__(self, rows, small, withhold_share, past=None):
        self.small, self.withhold_share, self.rows = small, withhold_share, {self.key(row): row for row in rows}
        self.past = past or Past()
        self.truth = {key: dict(row) for key, row in self.rows.items()}
        self.roots = [key for key in self.rows if key[2:] == ("all", None, "all", "all")]
        self.groups = [group for root in self.roots for group in self.groups_under(root)]
        self.finer = {group.total: group.rows for group in self.groups if group.total not in self.roots}
        self.coarse = {key for key in self.roots if self.stays_coarse(key)}
        self.state = {key: self.state_since(key) for key in self.rows}
        self.closed, self.bands = {}, {}

    @staticmethod
    def key(row):
        return tuple(row[name] for name in ("measure", "basis", "period_grain", "period_start", "stratum", "stratum_value"))

    def outcomes(self, key):
        return outcomes(self.truth[key])

    def state_of(self, key):
        good, bad, undecided = (is_small(number, self.small) for number in self.outcomes(key))
        if not (good or bad or undecided):
            return "open"
        if key in self.roots and not good and not bad and self.truth[key]["rate"] is not None and self.has_room(key):
            return "rated"
        return "index" if self.truth[key]["n_index"] > self.small else "closed"

    def state_since(self, key):
        """As a release by itself would have it, unless the one before is still there to be compared."""
        state = self.state_of(key)
        if key in self.coarse or self.past.few("compliance", key, self.counts(key, SUMS), self.small):
            return "closed"
        if key in self.roots:
            return self.total_since(key, state)
        if state == "closed" or not self.past.stays_hidden("compliance", key, self.counts(key, SUMS)):
            return state
        return "closed" if self.past.stays_hidden("compliance", key, self.counts(key, SUMS[:1])) else "index"

    def stays_coarse(self, key):
        told = "compliance", key, self.counts(key, SUMS)
        return self.past.few(*told, self.small) or self.past.was_rounded(*told)

    def total_since(self, key, state):
        """A rate that stands without its denominator must not meet that denominator in the release before, or the other way round."""
        if state == "rated" and self.is_known(key, SUMS[:1]):
            return "index"
        if state in ("open", "index") and self.past.stays_hidden("compliance", key, self.counts(key, SUMS[:1])):
            return "rated" if state == "open" and self.truth[key]["rate"] is not None and self.has_room(key) else "closed"
        return state

    def counts(self, key, columns):
        told = summed(self.truth[key])
        return {column: told[column] for column in columns}

    def moved_by_few(self, columns):
        """Rows of which the counts must be hidden because of the release before."""
        return {
            key for key in self.rows
            if self.past.few("compliance", key, self.counts(key, columns), self.small)
            or self.past.stays_hidden("compliance", key, self.counts(key, columns))
        }

    def has_room(self, key):
        """A rate that is shown is not withheld: that must leave more undecided possible than a small count."""
        return sum(self.outcomes(key)[:2]) * self.withhold_share > (self.small + 1) * (1 - self.withhold_share)

    def has_episodes_near(self, n_cases):
        """One case more than the episodes of a measure, and there are unresolved ones: it is their only one."""
        unresolved = {key[0] for key in self.rows if key[1] == "episode" and key[5] == "unresolved" and self.truth[key]["n_index"]}
        return any(self.truth[key]["n_index"] == n_cases - 1 for key in self.roots if key[1] == "episode" and key[0] in unresolved)

    def index_links(self):
        """Index reasons of the order funnel that would give back a hidden count here, and those whose orders are shown here."""
        must, shown = set(), set()
        for measure in ("post_completion", "on_treatment"):
            pairs = {
                basis: [key for key in self.rows if key[:2] == (measure, basis) and (key in self.roots or key[5] == "unresolved")]
                for basis in ("order", "episode")
            }
            bases = {basis for basis, pair in pairs.items() if all(self.state[key] in ("open", "index") for key in pair)}
            must |= {f"index_{measure}"} if len(bases) < 2 else set()
            shown |= {f"index_{measure}"} if "order" in bases else set()
        return must, shown

    def is_closed(self, *place):
        """Whether a row of that basis and stratum is closed for either measure."""
        return any((key[1], *key[4:]) == place and state == "closed" for key, state in self.state.items())

    def close(self, attrition, orders):
        for name, parts in zip(("bad", "undecided"), PARTS, strict=True):
            small = {key for key in self.rows if any(is_small(self.truth[key][part], self.small) for part in parts)}
            self.close_block(name, small, lambda key, parts=parts: sum(self.truth[key][part] for part in parts), parts)
        self.closed["bad"] = self.settle(self.closed["bad"], self.room_for_mixed, PARTS[0])
        small = {key for key in self.rows if is_small(self.truth[key]["n_exception"], self.small)}
        self.close_block("exception", small, self.size("n_exception"), ("n_exception",))
        for column, status in BESIDE.items():
            self.close_beside(column, {row["reason"] for row in attrition if status_of(row["reason"]) == status} & orders)

    def close_outcomes(self):
        hidden_n = {key for key, state in self.state.items() if state in ("closed", "rated")}
        self.settle(hidden_n, self.size("n_index"), SUMS[:1], self.small)
        hidden = {key for key, state in self.state.items() if state != "open"} | hidden_n
        while True:
            self.settle(hidden, self.size("n_index"), SUMS, self.small)
            stuck = next((group for group in self.groups if group.total not in hidden and not self.is_loose(group, hidden)), None)
            if not stuck:
                break
            spare = [key for key in stuck.rows if key not in hidden and self.truth[key]["n_index"] and not self.is_known(key, SUMS)]
            hidden.add(min(spare, key=self.price) if spare else stuck.total)
        self.coarse |= {key for key in hidden & set(self.roots) if self.past.is_there and self.state[key] == "open"}
        hidden_n |= self.coarse
        for key in hidden:
            if key in hidden_n:
                self.state[key] = "rated" if self.state[key] == "rated" else "closed"
            elif self.state[key] == "open":
                self.state[key] = "index"
        self.closed["outcome"] = hidden
        for group in self.groups:
            if group.total in self.roots and group.total not in hidden:
                self.give_bands(group, hidden)

    def settle(self, closed, size, columns, least_sum=0):
        """Every group settled, and alike on both bases: an episode's counts are nearly those of its orders."""
        def hides(key):
            return 0 if self.is_known(key, columns) else size(key)

        while True:
            settle(self.groups, closed, hides, self.price, least_sum)
            more = {self.twin(key) for key in closed} & self.rows.keys() - closed - set(self.roots)
            more |= self.lone(self.groups, closed, columns)
            if not more:
                return closed
            closed |= more

    def lone(self, groups, closed, columns):
        rated = [key for key in self.roots if self.state[key] == "rated"]  # their rate tells nearly all of what moved
        return self.past.lone("compliance", groups, closed, lambda key: self.counts(key, columns), self.small, self.price, rated)

    def is_known(self, key, columns):
        """Shown in the release before, and the same now: to hide it again would hide nothing."""
        return self.past.is_known("compliance", key, self.counts(key, columns))

    @staticmethod
    def twin(key):
        other = "episode" if key[1] == "order" else "order"
        return key if key[4] in OF_THE_ORDER else (key[0], other, *key[2:])

    def is_loose(self, group, hidden, bands=None):
        """Every small count of a closed row can move: a unit of it changes places with one of another closed row."""
        closed = [key for key in group.rows if key in hidden and self.truth[key]["n_index"] and not self.is_known(key, SUMS)]
        return all(
            any(self.can_swap(one, other, cell, hidden, bands or {}) and self.has_twin(one, other, cell, hidden) for other in closed if other != one)
            for one in closed for cell, number in enumerate(self.outcomes(one)) if is_small(number, self.small)
        )

    def can_swap(self, one, other, cell, hidden, bands):
        """Whether a unit of the cell may as well stand in the other row, and one of another outcome here in return."""
        for gives, takes in ((one, other), (other, one)):
            for against in {0, 1, 2} - {cell}:
                if not (self.holds(gives, cell, hidden) and self.holds(takes, against, hidden)):
                    continue
                if self.fits(gives, cell, against, bands) and self.fits(takes, against, cell, bands):
                    return True
        return False

    def has_twin(self, one, other, cell, hidden):
        """On the other basis the same unit can move too, or in both rows there is more than one order for some episode."""
        twins = self.twin(one), self.twin(other)
        if twins[0] == one or not all(key in self.truth for key in twins):
            return True
        if all(self.truth[key]["n_index"] != self.truth[twin]["n_index"] for key, twin in zip((one, other), twins, strict=True)):
            return True
        return self.outcomes(twins[0])[cell] > 0 and self.can_swap(*twins, cell, hidden, {})

    def holds(self, key, cell, hidden):
        """A unit of the outcome in the row, in closed rows down to the finest period: open ones would tell of it."""
        if not self.outcomes(key)[cell]:
            return False
        finer = self.finer.get(key)
        return not finer or any(self.holds(row, cell, hidden) for row in finer if row in hidden)

    def fits(self, key, less, more, bands):
        """Whether the row keeps its band with one unit less of an outcome and one more of another."""
        counts = list(self.outcomes(key))
        counts[less] -= 1
        counts[more] += 1
        if counts[less] < 0:
            return False
        is_withheld = counts[2] > self.withhold_share * sum(counts)
        return key not in bands or (bands[key] == band_of(*counts[:2]) and not is_withheld)

    def give_bands(self, group, hidden):
        """A band for rows whose denominator is shown, if with all bands of the group known every small count still moves."""
        bands = {
            key: band_of(*self.outcomes(key)[:2])
            for key in group.rows if key[1] == "episode" and self.state[key] == "index" and self.truth[key]["rate"] is not None
        }
        if self.is_loose(group, hidden, bands):
            self.bands |= bands

    def close_block(self, name, small, size, columns):
        hidden = {key for key in self.closed["outcome"] if self.state[key] != "rated"}
        self.closed[name] = self.settle(small | hidden | self.moved_by_few(columns), size, columns)

    def close_beside(self, column, closed_reasons):
        """Counts beside the measure are the same on both bases, and add up to the reasons of the order funnel."""
        small = {key for key in self.rows if is_small(self.truth[key][column], self.small)} | self.moved_by_few((column,))
        fourth = [key for key in self.rows if key[1] == "order" and (key in self.roots or key[5] == "unresolved")]
        if closed_reasons and self.past.is_there:
            small.add(FUNNEL)  # a sum that moved by few there must not be added up here
        links = [Group(FUNNEL if closed_reasons else SHOWN, fourth)] if self.past.is_there or not closed_reasons else []
        groups = [*self.groups, *links]
        size = self.size(column)
        while True:
            settle(groups, small, lambda key: 0 if self.is_known(key, (column,)) else size(key), self.price)
            more = self.lone(self.groups, small, (column,))
            if not more:
                break
            small |= more
        self.closed[column] = {key for key in self.rows if {(key[0], basis, *key[2:]) for basis in ("order", "episode")} & small}

    def size(self, column):
        return lambda key: self.truth[key][column] or 0

    def room_for_mixed(self, key):
        """Orders beyond one for each episode: where there are none, everybody knows that none is mixed."""
        if key[1] == "episode" and key[4] not in OF_THE_ORDER and self.twin(key) in self.truth:
            return self.truth[self.twin(key)]["n_index"] - self.truth[key]["n_index"]
        return sum(self.truth[key][part] for part in BAD)

    def price(self, key):
        return key in self.roots, self.truth[key]["n_index"], str(key)

    def groups_under(self, root):
        """The strata of a total, and its years, their quarters, their months."""
        mine = [key for key in self.rows if key[:2] == root[:2] and key != root and key[5] != "unresolved"]
        strata = {}
        for key in mine:
            if key[2] == "all":
                strata.setdefault(key[4], []).append(key)
        yield from (Group(root, rows, 2) for rows in strata.values())
        for total in [root, *(key for key in mine if key[2] in FINER and key[2] != "all")]:
            finer = [key for key in mine if key[2] == FINER[total[2]] and (total == root or within(key[3], total))]
            yield Group(total, finer, 2 if total == root or self.state_of(root) == "rated" else 1)

    def band(self, key):
        """What may stand for a hidden rate; for a total, if each hidden count has a neighbour that fits the band too.

        Episodes only: next to them the orders, which are nearly the same counts, would narrow both.
        """
        if key not in self.roots or self.state[key] != "index" or key[1] != "episode" or self.truth[key]["rate"] is None:
            return self.bands.get(key)
        good, bad, undecided = self.outcomes(key)
        bands = {key: band_of(good, bad)}
        swaps = [pair for pair, number in (((0, 1), bad), ((0, 2), undecided)) if number]
        is_free = all(self.fits(key, *pair, bands) or (self.fits(key, *pair[::-1], bands)) for pair in swaps)
        return bands[key] if is_free else None

    def write(self):
        for key, row in self.rows.items():
            truth, state = self.truth[key], self.state[key]
            gone = hidden_columns(state, *(key in self.closed[name] for name in ("bad", "undecided")))
            gone |= {"n_exception", "rate_without_exception"} if key in self.closed["exception"] else set()
            gone |= {column for column in BESIDE if key in self.closed[column]}
            if truth["n_exception"] and min(sum(truth[name] for name in BAD), truth["n_appropriate"]) - truth["n_exception"] <= self.small:
                gone.add("rate_without_exception")  # what is left of a numerator or its complement may be small
            gone -= known_zeros(truth, key[1], state)
            row["rate_band"] = self.band(key)
            row["suppressed"] = any(truth[column] is not None for column in gone)
            row.update(dict.fromkeys(gone) | {"rate_step": None, "is_rounded": False})
            if key in self.coarse:
                row.update(self.in_steps(key))

    def in_steps(self, key):
        """What is given of a total that moved by few: its denominator in tens, its rate in steps that hold several counts."""
        good, bad, undecided = self.outcomes(key)
        then = {column: self.past.last("compliance", key, column) for column in SUMS[:3]}
        rated = None if None in (then["n_appropriate"], then["n_bad"]) else then["n_appropriate"] + then["n_bad"]
        n = tens(good + bad + undecided, self.small, rated if then["n_index"] is None else then["n_index"])
        n_rated = n and tens(good + bad, self.small, then["n_index"] if rated is None else rated)
        if not n_rated or self.truth[key]["is_withheld"]:
            return {"n_index": n, "is_rounded": n is not None}
        shown = share_of(good, good + bad, n_rated, self.small)
        return shown | {"n_index": n, "is_withheld": False, "is_rounded": True, "suppressed": True}


def outcomes(row):
    return row["n_appropriate"], sum(row[name] for name in BAD), sum(row[name] for name in UNDECIDED)


def hidden_columns(state, is_bad_closed, is_undecided_closed):
    gone = {
        "open": set(),
        "rated": {"n_index", *UNDECIDED, "bound_low", "bound_high"},
        "index": {"n_appropriate", *BAD, *UNDECIDED, *SHARES},
        "closed": {"n_index", "n_appropriate", *BAD, *UNDECIDED, *SHARES},
    }[state]
    return gone | (set(BAD) if is_bad_closed else set()) | (set(UNDECIDED) if is_undecided_closed else set())


def known_zeros(truth, basis, state):
    """What everybody knows needs no mask: mixed and may be do not exist on the order basis, and bad is then one number."""
    if state not in ("open", "rated"):
        return set()
    known = {"n_may_be"} | (set(BAD) if basis == "order" else set())
    known |= set(BAD) if not sum(truth[name] for name in BAD) else set()
    return known | (set(UNDECIDED) if state == "open" and not sum(truth[name] for name in UNDECIDED) else set())


def within(start, total):
    """Whether a period that begins on that day lies in the year or quarter of the total."""
    first = total[3]
    return start.year == first.year and (total[2] == "year" or (start.month - 1) // 3 == (first.month - 1) // 3)
