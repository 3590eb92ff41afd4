"""What everybody knows of the published counts: how they add up, and what a rate, a band or a flag says of them.

Written for the proof (flows/proof/prove.py) from the measure itself. Shares nothing with flows/disclosure, whose work it judges.
"""

import csv
import math

from flows import ROOT

OUTCOMES = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated", "n_indeterminate")
FAILED, OPEN = OUTCOMES[1:4], OUTCOMES[4:]
STATUS = {"n_end_unknown": "indeterminate", "n_rerouted": "rerouted", "n_excluded": "excluded"}
COUNTS = {
    "compliance": ("n_index", *OUTCOMES, *STATUS, "n_exception"),
    "sensitivity": ("n_index", *OUTCOMES),
    "attrition": ("n_orders", "n_cases", "n_patients"), "case_attrition": ("n_cases", "n_patients"),
    "unmapped_code": ("n_orders", "n_cases", "n_index"),
}
MEASURES = ("post_completion", "on_treatment")
OF_THE_CASE = ("all", "therapy_class", "intent_tier", "sex", "gender_identity", "race", "ethnicity", "breast_density")
WIDER = {"year": "all", "quarter": "year", "month": "quarter"}
LIMITS = {"below_80": (0, 80), "80_to_90": (80, 90), "90_to_95": (90, 95), "95_and_above": (95, 101)}
WITHHELD = 15  # percent
TENS_REACH = 25  # how far a count in tens may be from the count that it stands for
Z = 1.959963984540054


class System:
    """Unknown counts with their least and largest value, and sums of them that lie between two numbers."""

    def __init__(self, tables, slack=0):
        self.rows = {name: tables[name].to_dicts() for name in COUNTS}
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
        self.sums.append((found, low, high))

    def same(self, total, parts):
        self.between(0, 0, (1, total), *((-1, part) for part in parts))

    def at_most(self, less, more):
        self.between(-math.inf, 0, *((1, cell) for cell in less), *((-1, cell) for cell in more))

    def _say(self):
        for name in ("compliance", "sensitivity"):
            for number, row in enumerate(self.rows[name]):
                _row_says(self, name, number, row)
        _margins(self)
        _bases(self)
        _readings(self)
        _funnels(self)
        _codes(self)

    def of(self, name, number, columns):
        return [(name, number, column) for column in columns]

    def totals(self, measure, basis):
        """The row over all, then the tier that stands beside it."""
        found = [
            (row["stratum"] != "all", number) for number, row in enumerate(self.rows["compliance"])
            if (row["measure"], row["basis"], row["period_grain"]) == (measure, basis, "all")
            and (row["stratum"] == "all" or row["stratum_value"] == "unresolved")
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
        _rate_says(system, row, at, bad, rated)


def denominator(row):
    """How many are rated: a rate and one end of its interval leave one number."""
    end = row["ci_low"] if 0 < row["ci_low"] < 1 else row["ci_high"]
    return round(Z * Z * end * (1 - end) / (row["rate"] - end) ** 2)


def _rate_says(system, row, at, bad, rated):
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


def _margins(system):
    totals, parts = {}, {}
    for number, row in enumerate(system.rows["compliance"]):
        of, grain, start = (row["measure"], row["basis"]), row["period_grain"], row["period_start"]
        if row["stratum"] == "all":
            totals[of, grain, start] = number
        elif row["stratum_value"] != "unresolved":
            parts.setdefault((of, "all", None, row["stratum"]), []).append(number)
        if row["stratum"] == "all" and grain != "all":
            parts.setdefault((of, WIDER[grain], _begin(WIDER[grain], start), grain), []).append(number)
    for (of, grain, start, _), rows in parts.items():
        for column in COUNTS["compliance"]:
            system.same(("compliance", totals[of, grain, start], column), [("compliance", row, column) for row in rows])


def _begin(grain, start):
    month = {"year": 1, "quarter": (start.month - 1) // 3 * 3 + 1}.get(grain)
    return month and start.replace(month=month, day=1)


def _bases(system):
    """Counts beside the measure are those of the orders; every episode has an order of the kind that it is counted as."""
    rows = {}
    for number, row in enumerate(system.rows["compliance"]):
        key = tuple(row[name] for name in ("measure", "period_grain", "period_start", "stratum", "stratum_value"))
        rows.setdefault(key, {})[row["basis"]] = number
    for key, pair in rows.items():
        if len(pair) < 2:
            continue
        episode, order = pair["episode"], pair["order"]
        for column in STATUS:
            system.same(("compliance", episode, column), [("compliance", order, column)])
        for columns in (["n_index"], ["n_appropriate", "n_mixed"], ["n_not_appropriate", "n_mixed"], ["n_unrated"], ["n_indeterminate"], ["n_exception"]):
            if key[3] in OF_THE_CASE:
                system.at_most(system.of("compliance", episode, columns), [("compliance", order, columns[0])])


def _readings(system):
    for number, row in enumerate(system.rows["sensitivity"]):
        total, *beside = system.totals(row["measure"], row["basis"])
        for column in COUNTS["sensitivity"]:
            cell, base = ("sensitivity", number, column), ("compliance", total, column)
            if row["reading"] == "as_defined":
                system.same(cell, [base])
            elif row["reading"] == "unresolved_included":
                system.same(cell, [base, *(("compliance", at, column) for at in beside)])
            elif row["reading"] == "exceptions_set_aside" and (row["basis"] == "order" or column == "n_index"):
                system.at_most([cell], [base])
        if row["reading"] == "exceptions_set_aside" and row["basis"] == "order":
            system.same(("compliance", total, "n_index"), [("sensitivity", number, "n_index"), ("compliance", total, "n_exception")])


def _funnels(system):
    orders = {row["reason"]: number for number, row in enumerate(system.rows["attrition"])}
    cases = {row["reason"]: number for number, row in enumerate(system.rows["case_attrition"])}

    def of_orders(reason, column="n_orders"):
        return "attrition", orders[reason], column

    def of_cases(reason, column="n_cases"):
        return "case_attrition", cases[reason], column

    system.same(of_orders("input"), [of_orders(reason) for reason in orders if reason != "input"])
    system.same(of_cases("persons", "n_patients"), [of_cases(reason, "n_patients") for reason in ("no_invasive_cancer", "cancers")])
    system.same(of_cases("cancers"), [of_cases(reason) for reason in cases if reason not in ("persons", "cancers", "no_invasive_cancer")])
    for reason in orders:
        system.at_most([of_orders(reason, "n_cases")], [of_orders(reason)])
        system.at_most([of_orders(reason, "n_patients")], [of_orders(reason)])
        if reason in cases:
            column = "n_patients" if reason == "no_invasive_cancer" else "n_cases"
            system.at_most([of_orders(reason, column)], [of_cases(reason, column)])
    for column, status in STATUS.items():
        beside = [("compliance", at, column) for measure in MEASURES for at in system.totals(measure, "order")]
        system.between(0, 0, *((1, of_orders(reason)) for reason in _reasons(status)), *((-1, cell) for cell in beside))
    responded = [of_cases(f"{kind}_with_response_order") for kind in ("operated", "unoperated")]
    index = [of_orders(f"index_{measure}", "n_cases") for measure in MEASURES]
    system.at_most(responded, index)
    for measure, cell in zip(MEASURES, index, strict=True):
        system.at_most([cell], responded)
        for basis, column in (("order", "n_orders"), ("episode", "n_cases")):
            system.same(of_orders(f"index_{measure}", column), [("compliance", at, "n_index") for at in system.totals(measure, basis)])


def _reasons(status):
    with (ROOT / "rules" / "router.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            statuses, reasons = row["status"].split(";"), row["reason"].split(";")
            yield from (reason for at, reason in enumerate(reasons) if statuses[min(at, len(statuses) - 1)] == status)


def _codes(system):
    of = {}
    for number, row in enumerate(system.rows["unmapped_code"]):
        of.setdefault(row["reason"], []).append(number)
        for column in ("n_cases", "n_index"):
            system.at_most([("unmapped_code", number, column)], [("unmapped_code", number, "n_orders")])
    rows = [(number, row["stratum_value"]) for number, row in enumerate(system.rows["compliance"]) if row["basis"] == "order"]
    here, beside = ([("compliance", at, "n_index") for at, value in rows if value == word] for word in ("unmapped", "unresolved"))
    codes = [("unmapped_code", number, "n_index") for number in of.get("unmapped_code", [])]
    system.at_most(here, codes)
    system.at_most(codes, [*here, *beside])
    other = [("unmapped_code", number, "n_orders") for number in of.get("not_breast_code", [])]
    steps = {row["reason"]: ("attrition", number, "n_orders") for number, row in enumerate(system.rows["attrition"])}
    system.at_most([steps["not_breast_code"]], other)
    system.at_most(other, [steps[reason] for reason in ("not_breast_code", "cancelled", "under_age", "collapsed")])
