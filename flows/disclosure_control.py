"""What may leave: counts of 1 to 10 masked, and with them whatever would give one back.

Rows are shown or closed whole, block by block: the outcomes of a row, their parts, its exceptions, and each count beside the
measure. flows/masking.py says why a closed row stays closed. A masked count is null with suppressed = true, never 0; a zero
stays 0. `bad` is mixed + may be + not appropriate, `undecided` is unrated + indeterminate: a shown rate gives both away.
"""

import math

import polars as pl

from flows.errors import PublishError
from flows.masking import SHOWN, Group, settle

BAD, UNDECIDED = ("n_mixed", "n_may_be", "n_not_appropriate"), ("n_unrated", "n_indeterminate")
BESIDE = {"n_end_unknown": "indeterminate", "n_rerouted": "rerouted", "n_excluded": "excluded"}
SHARES = ("rate", "ci_low", "ci_high", "bound_low", "bound_high", "rate_without_exception", "is_withheld")
BANDS = ((0.95, "95_and_above"), (0.9, "90_to_95"), (0.8, "80_to_90"), (0.0, "below_80"))
FINER = {"all": "year", "year": "quarter", "quarter": "month"}
TENS = {"quality_warning": ("n_rows", "n_total"), "quality_result": ("n_unexpected", "n_total")}
PROFILES = {"cms": None, "nhs": 7, "none": None}


def release(tables, profile="cms", small_cell_max=10):
    """The aggregate tables as they may leave, under one mask for every format that is made of them."""
    if profile not in PROFILES:
        raise PublishError(f"no such suppression profile: {profile}", next_step="use one of " + ", ".join(PROFILES))
    if profile == "none":
        return {name: unmasked(table) for name, table in tables.items()}
    small = PROFILES[profile] or small_cell_max
    rows = {name: [dict(row) for row in table.to_dicts()] for name, table in tables.items()}
    compliance = Compliance(rows["compliance"], small)
    orders = close_funnel(rows["attrition"], ("n_orders", "n_cases", "n_patients"), small, compliance.index_links())
    close_funnel(rows["case_attrition"], ("n_cases", "n_patients"), small)
    compliance.close(rows["attrition"], orders)
    close_readings(rows["sensitivity"], compliance, small)
    compliance.write()
    for row in rows["unmapped_code"]:
        hide_if(row, ("n_orders", "n_cases", "n_index"), small)
    for name, columns in TENS.items():
        for row in rows[name]:
            to_tens(row, columns, small)
    for row in rows["audit_run"]:
        row.pop("row_counts", None)  # row counts of the tables would give back what the rest hides
    frames = {name: frame(rows[name], table) for name, table in tables.items()}
    return {name: rounded(table) for name, table in frames.items()} if profile == "nhs" else frames


def unmasked(table):
    """For the protected zone only, and every table says so."""
    band = {"rate_band": pl.lit(None, pl.String)} if "rate" in table.columns else {}
    return table.with_columns(suppressed=False, protected_zone_only=True, **band)


def is_small(number, small):
    return number is not None and 1 <= number <= small


def hide_if(row, columns, small):
    """One row that adds up to nothing published: if one count is small, all of them go."""
    row["suppressed"] = any(is_small(row[column], small) for column in columns)
    if row["suppressed"]:
        row.update(dict.fromkeys(columns))


def to_tens(row, columns, small):
    """Counts of rows that were checked: what they count is counted elsewhere to the last unit, so tens must do here."""
    row["suppressed"] = any(is_small(row[column], small) for column in columns)
    for column in columns:
        number = row[column]
        row[column] = None if is_small(number, small) else number and max(20, round(number, -1))


def close_funnel(rows, columns, small, links=None):
    """A funnel: removed and kept rows add up to the input before them. Gives the closed reasons."""
    by_reason = {row["reason"]: row for row in rows}
    must, must_not = links or (set(), set())
    closed = {row["reason"] for row in rows if any(is_small(row[column], small) for column in columns)} | (must & by_reason.keys())
    groups = [Group(SHOWN, [reason for reason in reasons if reason not in must_not]) for reasons in funnel_groups(rows)]
    is_kept = {row["reason"]: row["kind"] != "removed" for row in rows}
    settle(groups, closed, lambda reason: by_reason[reason][columns[0]] or by_reason[reason][columns[-1]],
           lambda reason: (is_kept[reason], by_reason[reason][columns[0]], reason), small)
    for reason, row in by_reason.items():
        row["suppressed"] = reason in closed
        if reason in closed:
            row.update(dict.fromkeys(columns))
    return closed


def funnel_groups(rows):
    """Which reasons add up: all of them to the input, and those of one status to a count of compliance."""
    inputs = [row["reason"] for row in rows if row["kind"] == "input"]
    others = [row["reason"] for row in rows if row["kind"] != "input"]
    if len(inputs) == 2:  # persons → cancers → cases
        return [["no_invasive_cancer", inputs[1]], [reason for reason in others if reason != "no_invasive_cancer"]]
    statuses = {}
    for row in rows:
        statuses.setdefault(status_of(row["reason"]), []).append(row["reason"])
    return [others, *(reasons for status, reasons in statuses.items() if status)]


def status_of(reason):
    """The status that a reason of the router stands for, where compliance counts it beside the measure."""
    if reason in ("progression", "discordance", "metastasis", "axilla"):
        return "rerouted"
    if reason == "therapy_end_unknown":
        return "indeterminate"
    excluded = ("cancelled", "under_age", "collapsed", "not_breast_code", "guidance", "screening", "before_therapy",
                "after_surgery", "outside_window", "other_purpose", "contralateral", "too_early")
    return "excluded" if reason in excluded else None


class Compliance:
    """The rows of out.compliance with what of each may be shown.

    State of a row: open shows everything; rated (totals only) the rate without its denominator; index the denominator
    without the outcomes; closed nothing.
    """

    def __init__(self, rows, small):
        self.small, self.rows = small, {self.key(row): row for row in rows}
        self.truth = {key: dict(row) for key, row in self.rows.items()}
        self.roots = [key for key in self.rows if key[2:] == ("all", None, "all", "all")]
        self.groups = [group for root in self.roots for group in self.groups_under(root)]
        self.finer = {group.total: group.rows for group in self.groups if group.total not in self.roots}
        self.state = {key: self.state_of(key) for key in self.rows}
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
        if key in self.roots and not good and not bad and self.truth[key]["rate"] is not None:
            return "rated"
        return "index" if self.truth[key]["n_index"] > self.small else "closed"

    def index_links(self):
        """Reasons of the order funnel that follow from a shown count here, or would give back a hidden one."""
        must, must_not = set(), set()
        for measure in ("post_completion", "on_treatment"):
            pair = [key for key in self.rows if key[0] == measure and (key in self.roots or key[5] == "unresolved")]
            is_shown = all(self.state[key] in ("open", "index") for key in pair)
            (must_not if is_shown else must).add(f"index_{measure}")
        return must, must_not

    def close(self, attrition, orders):
        self.close_outcomes()
        for name, parts in (("bad", BAD), ("undecided", UNDECIDED)):
            small = {key for key in self.rows if any(is_small(self.truth[key][part], self.small) for part in parts)}
            self.close_block(name, small, lambda key, parts=parts: sum(self.truth[key][part] for part in parts))
        small = {key for key in self.rows if is_small(self.truth[key]["n_exception"], self.small)}
        self.close_block("exception", small, self.size("n_exception"))
        for column, status in BESIDE.items():
            self.close_beside(column, {row["reason"] for row in attrition if status_of(row["reason"]) == status} & orders)

    def close_outcomes(self):
        hidden_n = {key for key, state in self.state.items() if state in ("closed", "rated")}
        settle(self.groups, hidden_n, self.size("n_index"), self.price, self.small)
        hidden = {key for key, state in self.state.items() if state != "open"} | hidden_n
        while True:
            settle(self.groups, hidden, self.size("n_index"), self.price, self.small)
            stuck = next((group for group in self.groups if group.total not in hidden and not self.is_loose(group, hidden)), None)
            if not stuck:
                break
            spare = [key for key in stuck.rows if key not in hidden and self.truth[key]["n_index"]]
            hidden.add(min(spare, key=self.price) if spare else stuck.total)
        for key in hidden:
            if key in hidden_n:
                self.state[key] = "rated" if self.state[key] == "rated" else "closed"
            elif self.state[key] == "open":
                self.state[key] = "index"
        self.closed["outcome"] = hidden
        for group in self.groups:
            if group.total in self.roots and group.total not in hidden:
                self.give_bands(group, hidden)

    def is_loose(self, group, hidden, bands=None):
        """Every small count of a closed row can move: a unit of it changes places with one of another closed row."""
        closed = [key for key in group.rows if key in hidden and self.truth[key]["n_index"]]
        return all(
            any(self.can_swap(one, other, cell, hidden, bands or {}) for other in closed if other != one)
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
        return bands.get(key) in (None, band_of(*counts[:2]))

    def give_bands(self, group, hidden):
        """A band for rows whose denominator is shown, if with all bands of the group known every small count still moves."""
        bands = {
            key: band_of(*self.outcomes(key)[:2])
            for key in group.rows if self.state[key] == "index" and self.truth[key]["rate"] is not None
        }
        if self.is_loose(group, hidden, bands):
            self.bands |= bands

    def close_block(self, name, small, size):
        self.closed[name] = settle(self.groups, small | {key for key in self.closed["outcome"] if self.state[key] != "rated"}, size, self.price)

    def close_beside(self, column, closed_reasons):
        """Counts beside the measure are the same on both bases, and add up to the reasons of the order funnel."""
        small = {key for key in self.rows if is_small(self.truth[key][column], self.small)}
        fourth = [key for key in self.rows if key[1] == "order" and (key in self.roots or key[5] == "unresolved")]
        links = [] if closed_reasons else [Group(SHOWN, fourth)]
        closed = settle([*self.groups, *links], small, self.size(column), self.price)
        self.closed[column] = {key for key in self.rows if {(key[0], basis, *key[2:]) for basis in ("order", "episode")} & closed}

    def size(self, column):
        return lambda key: self.truth[key][column] or 0

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
            yield Group(total, finer, 2 if total == root else 1)

    def write(self):
        for key, row in self.rows.items():
            truth, state = self.truth[key], self.state[key]
            gone = hidden_columns(state, *(key in self.closed[name] for name in ("bad", "undecided")))
            gone |= {"n_exception", "rate_without_exception"} if key in self.closed["exception"] else set()
            gone |= {column for column in BESIDE if key in self.closed[column]}
            gone -= known_zeros(truth, key[1], state)
            row["rate_band"] = band(truth, self.small) if key in self.roots and state == "index" else self.bands.get(key)
            row["suppressed"] = any(truth[column] is not None for column in gone)
            row.update(dict.fromkeys(gone))


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


def band(row, small):
    """What may stand for a hidden rate, if the band alone fixes no count: a neighbour of each hidden count fits it too."""
    good, bad, undecided = outcomes(row)
    if row["rate"] is None or row["n_index"] <= small:
        return None
    name = band_of(good, bad)
    moves = [(-1, 1, 0), (1, -1, 0)] if bad else []
    moves_undecided = [(-1, 0, 1), (1, 0, -1)] if undecided else []
    for options in (moves, moves_undecided):
        fits = [step for step in options if min(good + step[0], bad + step[1], undecided + step[2]) >= 0 and band_of(good + step[0], bad + step[1]) == name]
        if options and not fits:
            return None
    return name


def band_of(good, bad):
    return next(name for floor, name in BANDS if good >= floor * (good + bad)) if good + bad else None


def close_readings(rows, compliance, small):
    """Other readings differ from the measure by few orders: what is shown of them must not give that difference away."""
    shown = {}
    for row in sorted(rows, key=lambda row: row["reading"] != "as_defined"):
        root = (row["measure"], row["basis"], "all", None, "all", "all")
        truth, base = dict(row), compliance.truth[root]
        is_same = all(row[column] == base[column] for column in ("n_index", "n_appropriate", *BAD, *UNDECIDED))
        is_apart = all(gap == 0 or abs(gap) > small for other in [base, *shown.get(root, [])] for gap in gaps(truth, other))
        is_open = is_apart and compliance.state[root] == "open" and not any(is_small(number, small) for number in outcomes(truth))
        state = compliance.state[root] if is_same else "open" if is_open else "closed"
        gone = hidden_columns(state, *(not is_same or root in compliance.closed[name] for name in ("bad", "undecided")))
        gone = (gone & row.keys()) - known_zeros(truth, row["basis"], state)
        row["rate_band"] = None if state in ("open", "rated") or compliance.state[root] == "closed" else band(truth, small)
        row["suppressed"] = any(truth[column] is not None for column in gone)
        row.update(dict.fromkeys(gone))
        if state == "open" and not is_same:
            shown.setdefault(root, []).append(truth)


def gaps(one, other):
    """Differences of the three sums and of the whole."""
    for columns in (("n_index",), ("n_appropriate",), BAD, UNDECIDED):
        yield sum(one[column] for column in columns) - sum(other[column] for column in columns)


def frame(rows, table):
    """The masked rows with the types of the table they come from."""
    added = {name: kind for name, kind in (("suppressed", pl.Boolean), ("rate_band", pl.String)) if rows and name in rows[0]}
    schema = {name: kind for name, kind in table.schema.items() if not rows or name in rows[0]} | added
    return pl.DataFrame(rows, schema=schema, orient="row")


def rounded(table):
    """The nhs profile: what is left is rounded to 5, and rates are those of the rounded counts."""
    counts = [name for name, kind in table.schema.items() if name.startswith("n_") and kind.is_integer()]
    table = table.with_columns((pl.col(name) / 5).round().cast(pl.Int64) * 5 for name in counts)
    if "rate" not in table.columns:
        return table
    return pl.DataFrame([rates_of_rounded(row) for row in table.to_dicts()], schema=table.schema, orient="row")


def rates_of_rounded(row):
    known = [row[name] for name in ("n_index", "n_appropriate", *BAD)]
    row.update({name: None for name in SHARES[:6] if name in row})
    if None not in known and row["n_index"] and sum(known[1:]) and row.get("is_withheld") is not True:
        rated = sum(known[1:])
        row["rate"], spread = row["n_appropriate"] / rated, 1.959963984540054**2 / rated
        half = math.sqrt(spread * (row["rate"] * (1 - row["rate"]) + spread / 4))
        row["ci_low"] = max(0.0, (row["rate"] + spread / 2 - half) / (1 + spread))
        row["ci_high"] = min(1.0, (row["rate"] + spread / 2 + half) / (1 + spread))
    return row
