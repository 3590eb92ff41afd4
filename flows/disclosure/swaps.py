"""Whether a small count of a closed row can still move: a unit of it may change places with one of another closed row."""

from flows.disclosure.differencing import SUMS
from flows.disclosure.groups import is_small
from flows.disclosure.rounding import band_of
from flows.disclosure.states import States


class Swaps(States):
    """The closed rows of a group against each other, on both bases, with and without their bands."""

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
