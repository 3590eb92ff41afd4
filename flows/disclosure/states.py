"""What each row of out.compliance may show by itself, which rows add up to which, and what the release before says of them."""

from flows.disclosure.differencing import SUMS, Past, summed
from flows.disclosure.groups import Group, is_small

BAD, UNDECIDED = ("n_mixed", "n_may_be", "n_not_appropriate"), ("n_unrated", "n_indeterminate")
OF_THE_ORDER = ("site", "payer", "procedure", "edition")  # an episode takes these from its first order
UNRESOLVED = ("intent_tier", "unresolved")  # stands beside the measure; a site may bear any name
FINER = {"all": "year", "year": "quarter", "quarter": "month"}


class States:
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

    def is_known(self, key, columns):
        """Shown in the release before, and the same now: to hide it again would hide nothing."""
        return self.past.is_known("compliance", key, self.counts(key, columns))

    def has_room(self, key):
        """A rate that is shown is not withheld: that must leave more undecided possible than a small count."""
        return sum(self.outcomes(key)[:2]) * self.withhold_share > (self.small + 1) * (1 - self.withhold_share)

    def has_episodes_near(self, n_cases):
        """One case more than the episodes of a measure, and there are unresolved ones: it is their only one."""
        unresolved = {key[0] for key in self.rows if key[1] == "episode" and key[4:] == UNRESOLVED and self.truth[key]["n_index"]}
        return any(self.truth[key]["n_index"] == n_cases - 1 for key in self.roots if key[1] == "episode" and key[0] in unresolved)

    def beside(self, root):
        """The tier that stands beside a total. The two add up to a reading (readings.py) and to a step of the order funnel."""
        return [key for key in self.rows if key[:2] == root[:2] and key[4:] == UNRESOLVED]

    def index_links(self):
        """Index reasons of the order funnel that would give back a hidden count here, and those whose orders are shown here."""
        must, shown = set(), set()
        for measure in ("post_completion", "on_treatment"):
            totals = {key[1]: [key, *self.beside(key)] for key in self.roots if key[0] == measure}
            bases = {basis for basis, pair in totals.items() if all(self.state[key] in ("open", "index") for key in pair)}
            must |= {f"index_{measure}"} if len(bases) < 2 else set()
            shown |= {f"index_{measure}"} if "order" in bases else set()
        return must, shown

    def is_closed(self, *place):
        """Whether a row of that basis and stratum is closed for either measure."""
        return any((key[1], *key[4:]) == place and state == "closed" for key, state in self.state.items())

    @staticmethod
    def twin(key):
        other = "episode" if key[1] == "order" else "order"
        return key if key[4] in OF_THE_ORDER else (key[0], other, *key[2:])

    def size(self, column):
        return lambda key: self.truth[key][column] or 0

    def price(self, key):
        return key in self.roots, self.truth[key]["n_index"], str(key)

    def groups_under(self, root):
        """The strata of a total, and its years, their quarters, their months."""
        mine = [key for key in self.rows if key[:2] == root[:2] and key != root and key[4:] != UNRESOLVED]
        strata = {}
        for key in mine:
            if key[2] == "all":
                strata.setdefault(key[4], []).append(key)
        yield from (Group(root, rows, 2) for rows in strata.values())
        for total in [root, *(key for key in mine if key[2] in FINER and key[2] != "all")]:
            finer = [key for key in mine if key[2] == FINER[total[2]] and (total == root or within(key[3], total))]
            yield Group(total, finer, 2 if total == root or self.state_of(root) == "rated" else 1)


def outcomes(row):
    return row["n_appropriate"], sum(row[name] for name in BAD), sum(row[name] for name in UNDECIDED)


def within(start, total):
    """Whether a period that begins on that day lies in the year or quarter of the total."""
    first = total[3]
    return start.year == first.year and (total[2] == "year" or (start.month - 1) // 3 == (first.month - 1) // 3)
