"""What everybody knows of the published counts: what a rate, a band or a flag says of a row, and how rows add up (margins.py).

Written for the proof (flows/proof/prove.py) from the measure itself. Shares nothing with flows/disclosure, whose work it judges.
"""

import math

from flows.proof import margins

OUTCOMES = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated", "n_indeterminate")
FAILED, OPEN = OUTCOMES[1:4], OUTCOMES[4:]
COUNTS = {
    "compliance": ("n_index", *OUTCOMES, *margins.STATUS, "n_exception"),
    "sensitivity": ("n_index", *OUTCOMES),
    "attrition": ("n_orders", "n_cases", "n_patients"), "case_attrition": ("n_cases", "n_patients"),
    "unmapped_code": ("n_orders", "n_cases", "n_index"),
}
LIMITS = {"below_80": (0, 80), "80_to_90": (80, 90), "90_to_95": (90, 95), "95_and_above": (95, 101)}
WITHHELD = 15  # percent
TENS_REACH = 25  # how far a count in tens may be from the count that it stands for
Z = 1.959963984540054


class System:
    """Unknown counts with their least and largest value, and sums of them that lie between two numbers."""

    def __init__(self, tables, slack=0):
        self.rows = {name: tables[name].to_dicts() for name in COUNTS}
        self.columns = COUNTS
        self.slack = slack  # by how much a shown count may be rounded
        self.cells, self.low, self.high, self.is_masked, self.sums = {}, [], [], [], []
        for name, columns in COUNTS.items():
            for number, row in enumerate(self.rows[name]):
                for column in columns:
                    self._open((name, number, column), row)
        self._say()

    def _open(self, cell, row):
        value = row[cell[2]]
        low, high = 0, math.inf
        if value is not None:
            reach = TENS_REACH if row.get("is_rounded") and value else self.slack
            low, high = max(0, value - reach), value + reach
        self.cell(cell, low, high, value is None)

    def cell(self, name, low=0, high=math.inf, is_masked=False):
        self.cells[name] = len(self.low)
        self.low.append(low)
        self.high.append(high)
        self.is_masked.append(is_masked)
        return name

    def between(self, low, high, *terms):
        """Each term a factor and a cell."""
        found = {}
        for factor, cell in terms:
            found[self.cells[cell]] = found.get(self.cells[cell], 0) + factor
        # A band from 0 on says nothing of what was rated, and nothing times a count without a bound is no number.
        self.sums.append(({at: factor for at, factor in found.items() if factor}, low, high))

    def same(self, total, parts):
        self.between(0, 0, (1, total), *((-1, part) for part in parts))

    def at_most(self, less, more):
        self.between(-math.inf, 0, *((1, cell) for cell in less), *((-1, cell) for cell in more))

    def _say(self):
        for name in ("compliance", "sensitivity"):
            for number, row in enumerate(self.rows[name]):
                _row_says(self, name, number, row)
        margins.margins(self)
        margins.bases(self)
        margins.readings(self)
        margins.funnels(self)
        margins.codes(self)

    def of(self, name, number, columns):
        return [(name, number, column) for column in columns]

    def totals(self, measure, basis):
        """The row over all, then the tier that stands beside it."""
        found = [
            (row["stratum"] != "all", number) for number, row in enumerate(self.rows["compliance"])
            if (row["measure"], row["basis"], row["period_grain"]) == (measure, basis, "all")
            and (row["stratum"] == "all" or (row["stratum"], row["stratum_value"]) == margins.UNRESOLVED)
        ]
        return [number for _, number in sorted(found)]


def _row_says(system, name, number, row):
    at = {column: (name, number, column) for column in COUNTS[name]}
    bad, rated, open_ = (system.cell((name, number, word)) for word in ("bad", "rated", "open"))
    system.same(bad, [at[column] for column in FAILED])
    system.same(rated, [at["n_appropriate"], bad])
    system.same(open_, [at[column] for column in OPEN])
    system.same(at["n_index"], [rated, open_])
    system.between(0, 0, (1, at["n_may_be"]))
    if row["basis"] == "order":
        system.between(0, 0, (1, at["n_mixed"]))
    if row.get("stratum", "all") != "all" and row["n_index"] is None:
        system.between(1, math.inf, (1, at["n_index"]))
    if "n_exception" in at:
        system.at_most([at["n_exception"]], [at["n_index"]])
    if row["rate_band"]:
        low, high = LIMITS[row["rate_band"]]
        system.between(0, math.inf, (100, at["n_appropriate"]), (-low, rated))
        system.between(-math.inf, -1, (100, at["n_appropriate"]), (-high, rated))
    if row["is_withheld"] is not None:
        limits = (1, math.inf) if row["is_withheld"] else (-math.inf, 0)
        system.between(*limits, (100, open_), (-WITHHELD, at["n_index"]))
    if row["rate"] is None or system.slack:
        return  # rounded counts give their own rate, which says no more than they do
    if row["is_rounded"]:
        _steps_say(system, row, at, rated)
    else:
        _rate_says(system, row, at, rated)


def denominator(row):
    """How many are rated: a rate and one end of its interval leave one number."""
    end = row["ci_low"] if 0 < row["ci_low"] < 1 else row["ci_high"]
    return round(Z * Z * end * (1 - end) / (row["rate"] - end) ** 2)


def _rate_says(system, row, at, rated):
    n = denominator(row)
    good = round(n * row["rate"])
    system.between(n, n, (1, rated))
    system.between(good, good, (1, at["n_appropriate"]))
    if row["bound_low"]:
        whole = round(good / row["bound_low"])
        system.between(whole, whole, (1, at["n_index"]))
    elif row["bound_high"] is not None and row["bound_high"] < 1:
        whole = round((n - good) / (1 - row["bound_high"]))
        system.between(whole, whole, (1, at["n_index"]))


def _steps_say(system, row, at, rated):
    n, half = denominator(row), row["rate_step"] / 2
    system.between(n - TENS_REACH, n + TENS_REACH, (1, rated))
    system.between(-1e-6, math.inf, (1, at["n_appropriate"]), (-(row["rate"] - half), rated))
    system.between(-math.inf, 1e-6, (1, at["n_appropriate"]), (-(row["rate"] + half), rated))
