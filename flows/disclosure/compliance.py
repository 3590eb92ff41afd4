"""Which rows of out.compliance are closed, and what of them still shows."""

from flows.disclosure.differencing import PARTS, SUMS
from flows.disclosure.funnel import status_of
from flows.disclosure.groups import SHOWN, Group, is_small, settle
from flows.disclosure.rounding import share_of, tens
from flows.disclosure.states import BAD, OF_THE_ORDER, UNDECIDED
from flows.disclosure.swaps import Swaps

BESIDE = {"n_end_unknown": "indeterminate", "n_rerouted": "rerouted", "n_excluded": "excluded"}
SHARES = ("rate", "ci_low", "ci_high", "bound_low", "bound_high", "rate_without_exception", "is_withheld")
FUNNEL = "funnel"  # the total of four rows, in another table


class Compliance(Swaps):
    """Rows are closed block by block until no group gives one back, then written as they may leave."""

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

    def close_block(self, name, small, size, columns):
        hidden = {key for key in self.closed["outcome"] if self.state[key] != "rated"}
        self.closed[name] = self.settle(small | hidden | self.moved_by_few(columns), size, columns)

    def close_beside(self, column, closed_reasons):
        """Counts beside the measure are the same on both bases, and add up to the reasons of the order funnel."""
        small = {key for key in self.rows if is_small(self.truth[key][column], self.small)} | self.moved_by_few((column,))
        fourth = [key for root in self.roots if root[1] == "order" for key in (root, *self.beside(root))]
        if closed_reasons and self.past.is_there:
            small.add(FUNNEL)  # a sum that moved by few there must not be added up here
        links = [Group(FUNNEL if closed_reasons else SHOWN, fourth)] if self.past.is_there or not closed_reasons else []
        groups = [*self.groups, *links]
        size = self.size(column)
        while True:
            settle(groups, small, lambda key: 0 if self.is_known(key, (column,)) else size(key), self.price)
            more = self.lone([*self.groups, Group(SHOWN, fourth)], small, (column,))  # even a closed sum may be told by the input
            if not more:
                break
            small |= more
        self.closed[column] = {key for key in self.rows if {(key[0], basis, *key[2:]) for basis in ("order", "episode")} & small}

    def room_for_mixed(self, key):
        """Orders beyond one for each episode: where there are none, everybody knows that none is mixed."""
        if key[1] == "episode" and key[4] not in OF_THE_ORDER and self.twin(key) in self.truth:
            return self.truth[self.twin(key)]["n_index"] - self.truth[key]["n_index"]
        return sum(self.truth[key][part] for part in BAD)

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
