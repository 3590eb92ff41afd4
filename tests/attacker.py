"""An attacker on what was released: sees the exported tables, knows how the counts add up, and solves for the rest.

Written from SPEC 8 and the SQL alone; shares no line with flows. A count is recovered if every world of whole numbers that
fits all that is shown gives it the same value. The truth is one such world (that is checked, so no relation here is wrong);
a second world with another value proves a cell safe.

    recovered(released, truth) → [(table, row number, column, value)], the counts of 1 to 10 that are not safe
"""

import csv
import math

from attacker_beside import tables_beside
from attacker_coarse import interval_says, share_says, tens_say
from attacker_search import pinned

from flows import ROOT

SMALL = 10
OUTCOMES = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated", "n_indeterminate")
BAD, UNDECIDED = OUTCOMES[1:4], OUTCOMES[4:]
BESIDE = {"n_end_unknown": "indeterminate", "n_rerouted": "rerouted", "n_excluded": "excluded"}
COUNTS = {
    "compliance": ("n_index", *OUTCOMES, *BESIDE, "n_exception"),
    "sensitivity": ("n_index", *OUTCOMES),
    "attrition": ("n_orders", "n_cases", "n_patients"),
    "case_attrition": ("n_cases", "n_patients"),
    "unmapped_code": ("n_orders", "n_cases", "n_index"),
}
IN_TENS = ("n_index", "n_orders", "n_cases", "n_patients")  # in a row that is_rounded
SUMS = {"bad": BAD, "rated": OUTCOMES[:4], "undecided": UNDECIDED}  # no column, but the complement and denominator of a rate
COARSER = {"year": "all", "quarter": "year", "month": "quarter"}
OF_THE_CASE = ("all", "therapy_class", "intent_tier", "sex", "gender_identity", "race", "ethnicity", "breast_density")
AT_MOST = (["n_index"], ["n_appropriate", "n_mixed"], ["n_not_appropriate", "n_mixed"], ["n_unrated"], ["n_indeterminate"], ["n_exception"])
BANDS = {"below_80": (0, 80), "80_to_90": (80, 90), "90_to_95": (90, 95), "95_and_above": (95, 101)}
Z = 1.959963984540054
UNRESOLVED, UNMAPPED = ("intent_tier", "unresolved"), ("procedure", "unmapped")


class Book:
    """Cells with what is shown and what is true, and relations among them: sums that are zero, or at most a number."""

    def __init__(self, released, truth, last=None):
        """last(table, row, column): what an earlier release showed; such a count may stand behind the tens of a row."""
        self.last = last or (lambda *place: None)
        self.rows = {name: released[name].to_dicts() for name in released if name in (*COUNTS, "quality_warning")}
        self.place, self.shown, self.given, self.true, self.relations = {}, [], {}, [], []
        for name, columns in COUNTS.items():
            for number, (row, real) in enumerate(zip(self.rows[name], truth[name].to_dicts(), strict=True)):
                for column in columns:
                    is_tens = row.get("is_rounded") and column in IN_TENS
                    self.add((name, number, column), None if is_tens else row[column], real[column])
                    self.given[name, number, column] = row[column]
                    if is_tens and name != "compliance":
                        tens_say(self, (name, number, column), row[column], self.last(name, row, column))
                for column, parts in SUMS.items() if "rate" in row else ():
                    self.add((name, number, column), None, sum(real[part] for part in parts))

    def add(self, cell, shown, true):
        self.place[cell] = len(self.true)
        self.shown.append(shown)
        self.true.append(true)

    def equal(self, left, right=(), number=0):
        self.relate(left, right, number, number)

    def at_most(self, left, right=(), number=0):
        self.relate(left, right, -math.inf, number)

    def relate(self, left, right, low, high):
        """The cells on the left, less those on the right, lie between low and high; a cell may come with a factor."""
        terms = {}
        for sign, cells in ((1, left), (-1, right)):
            for cell in cells:
                factor, cell = (cell[0], cell[1]) if len(cell) == 2 else (1, cell)
                terms[self.place[cell]] = terms.get(self.place[cell], 0) + sign * factor
        self.relations.append((terms, low, high))


def recovered(released, truth, last=None):
    book = opened(released, truth, last)
    tables_beside(book, released, truth)
    return found(book)


def opened(released, truth, last=None):
    """The exact tables, read."""
    book = Book(released, truth, last)
    for say in (rates_say, margins_add_up, bases_agree, readings_follow, funnels_add_up, codes_add_up):
        say(book)
    return book


def found(book):
    names = list(book.place)
    return [(*names[at], book.true[at]) for at in pinned(book)]


# --- what is public ---------------------------------------------------------------------------------------------------


def rates_say(book):
    for name in ("compliance", "sensitivity"):
        for number, row in enumerate(book.rows[name]):
            at = {column: (name, number, column) for column in (*COUNTS[name], *SUMS)}
            for column, parts in SUMS.items():
                book.equal([at[column]], [at[part] for part in parts])
            book.equal([at["n_index"]], [at["rated"], at["undecided"]])
            book.equal([at["n_may_be"]])
            if row["basis"] == "order":
                book.equal([at["n_mixed"]])
            if row["n_index"] is None and row.get("stratum", "all") != "all":  # an empty row is never closed
                book.relate([at["n_index"]], [], 1, math.inf)
            if name == "compliance":
                book.at_most([at["n_exception"]], [at["n_index"]])
            shares_say(book, row, at)


def coarse_say(book, name, row, at):
    """Tens stand for what the release before showed, if that is near; where it hid the denominator, for the rated."""
    good, bad, index = (book.last(name, row, column) for column in ("n_appropriate", "bad", "n_index"))
    rated = None if None in (good, bad) else good + bad
    tens_say(book, at["n_index"], row["n_index"], rated if index is None else index)
    if row["rate"] is not None:
        n = interval_says(row)
        assert n % 10 == 0, "the interval is that of the shown figures"
        tens_say(book, at["rated"], n, index if rated is None else rated)
        share_says(book, at["n_appropriate"], at["rated"], row["rate"], round(1 / row["rate_step"]))
        book.at_most([(100, at["undecided"])], [(15, at["n_index"])])


def shares_say(book, row, at):
    """Rate and interval give numerator and denominator, the bounds then the rest; bands and flags are limits."""
    if row.get("is_rounded"):
        coarse_say(book, at["n_index"][0], row, at)
        row = row | dict.fromkeys(("rate", "n_index", "is_withheld"))
    good, n_index = row["n_appropriate"], row["n_index"]
    if row["rate"] is not None:
        end = row["ci_low"] if 0 < row["ci_low"] < 1 else row["ci_high"]
        rated = round(Z * Z * end * (1 - end) / (row["rate"] - end) ** 2)
        good = round(rated * row["rate"])
        book.equal([at["n_appropriate"]], number=good)
        book.equal([at["rated"]], number=rated)
        if row["bound_low"]:
            n_index = round(good / row["bound_low"])
        elif row["bound_high"] is not None and row["bound_high"] < 1:
            n_index = round((rated - good) / (1 - row["bound_high"]))
    if n_index is not None:
        book.equal([at["n_index"]], number=n_index)
        if row["bound_low"] is not None:
            book.equal([at["n_appropriate"]], number=round(row["bound_low"] * n_index))
        if row["bound_high"] is not None:
            book.equal([at["bad"]], number=n_index - round(row["bound_high"] * n_index))
    if row["rate_band"]:
        low, high = BANDS[row["rate_band"]]
        book.at_most([(low, at["rated"])], [(100, at["n_appropriate"])])
        book.at_most([(100, at["n_appropriate"])], [(high, at["rated"])], -1)
    if row["is_withheld"] is True:
        book.at_most([(15, at["n_index"])], [(100, at["undecided"])], -1)
    if row["is_withheld"] is False or row["rate_band"] or row["rate"] is not None:
        book.at_most([(100, at["undecided"])], [(15, at["n_index"])])


def margins_add_up(book):
    """Each stratum divides the total, years divide it, quarters years, months quarters; the tier unresolved stands outside."""
    totals, groups = {}, {}
    for number, row in enumerate(book.rows["compliance"]):
        base, grain, start = (row["measure"], row["basis"]), row["period_grain"], row["period_start"]
        if row["stratum"] == "all":
            totals[base, grain, start] = number
        if row["stratum"] != "all" and (row["stratum"], row["stratum_value"]) != UNRESOLVED:
            groups.setdefault((base, "all", None, row["stratum"]), []).append(number)
        elif grain != "all":
            begin = {"year": None, "quarter": start.replace(month=1), "month": start.replace(month=(start.month + 2) // 3 * 3 - 2)}[grain]
            groups.setdefault((base, COARSER[grain], begin, grain), []).append(number)
    for (base, grain, start, _), parts in groups.items():
        for column in COUNTS["compliance"]:
            total = ("compliance", totals[base, grain, start], column)
            book.equal([total], [("compliance", part, column) for part in parts])


def bases_agree(book):
    """Orders beside the measure count alike on both bases; an episode holds an order at least of what it is called."""
    rows = {tuple(row[name] for name in ("basis", "measure", "period_grain", "period_start", "stratum", "stratum_value")): number
            for number, row in enumerate(book.rows["compliance"])}
    for (basis, *key), number in rows.items():
        twin = rows.get(("order", *key))
        if basis == "episode" and twin is not None:
            for column in BESIDE:
                book.equal([("compliance", number, column)], [("compliance", twin, column)])
            if key[3] in OF_THE_CASE:
                for columns in AT_MOST:
                    book.at_most([("compliance", number, column) for column in columns], [("compliance", twin, columns[0])])


def headlines(book, measure, basis):
    """The total and the tier beside it."""
    return [number for number, row in enumerate(book.rows["compliance"]) if (row["measure"], row["basis"]) == (measure, basis)
            and (row["stratum"] == row["period_grain"] == "all" or (row["stratum"], row["stratum_value"]) == UNRESOLVED)]


def readings_follow(book):
    for number, row in enumerate(book.rows["sensitivity"]):
        total, *outside = sorted(headlines(book, row["measure"], row["basis"]), key=lambda at: book.rows["compliance"][at]["stratum"] != "all")
        for column in COUNTS["sensitivity"]:
            cell, base = ("sensitivity", number, column), ("compliance", total, column)
            if row["reading"] in ("as_defined", "unresolved_included"):
                beside = outside if row["reading"] == "unresolved_included" else []
                book.equal([cell], [base, *(("compliance", at, column) for at in beside)])
            if row["reading"] == "exceptions_set_aside":
                less = [("compliance", total, "n_exception")] if row["basis"] == "order" else []
                if column == "n_index" and less:
                    book.equal([cell, *less], [base])
                elif less or column == "n_index":
                    book.at_most([cell], [base])


def funnels_add_up(book):
    attrition = {row["reason"]: number for number, row in enumerate(book.rows["attrition"])}
    cases = {row["reason"]: number for number, row in enumerate(book.rows["case_attrition"])}

    def orders(reasons, column="n_orders"):
        return [("attrition", attrition[reason], column) for reason in reasons]

    def of_cases(reasons, column="n_cases"):
        return [("case_attrition", cases[reason], column) for reason in reasons]

    book.equal(orders(["input"]), orders(attrition.keys() - {"input"}))
    book.equal(of_cases(["persons"], "n_patients"), of_cases(["no_invasive_cancer", "cancers"], "n_patients"))
    book.equal(of_cases(["cancers"]), of_cases(cases.keys() - {"persons", "no_invasive_cancer", "cancers"}))
    for name, rows in (("attrition", attrition), ("case_attrition", cases)):
        for reason, number in rows.items():
            if name == "attrition":
                book.at_most([(name, number, "n_cases")], [(name, number, "n_orders")])
                book.at_most([(name, number, "n_patients")], [(name, number, "n_orders")])
            if book.rows[name][number]["step"] > {"attrition": 9, "case_attrition": 2}[name]:
                book.at_most([(name, number, "n_patients")], [(name, number, "n_cases")])
            if name == "attrition" and reason in cases:
                column = "n_patients" if reason == "no_invasive_cancer" else "n_cases"
                book.at_most(orders([reason], column), of_cases([reason], column))
    measures = ("post_completion", "on_treatment")
    for column, status in BESIDE.items():
        beside = [("compliance", at, column) for measure in measures for at in headlines(book, measure, "order")]
        book.equal(orders(reasons_of(status)), beside)
    responded = of_cases(["operated_with_response_order", "unoperated_with_response_order"])
    index = orders([f"index_{measure}" for measure in measures], "n_cases")
    book.at_most(responded, index)
    for measure, with_index in zip(measures, index, strict=True):
        book.at_most([with_index], responded)
        for basis, column in (("order", "n_orders"), ("episode", "n_cases")):
            book.equal(orders([f"index_{measure}"], column), [("compliance", at, "n_index") for at in headlines(book, measure, basis)])
    for row in book.rows.get("quality_warning", ()):
        if row["code"] == "DUP-ORD":
            low, high = {None: (1, 10), 0: (0, 0), 20: (11, 25)}.get(row["n_rows"], ((row["n_rows"] or 0) - 5, (row["n_rows"] or 0) + 5))
            book.relate(orders(["exact_duplicate"]), [], low, high)


def reasons_of(status):
    """The reasons that the router gives with a status."""
    found = []
    with (ROOT / "rules" / "router.csv").open(encoding="utf-8") as text:
        for row in csv.DictReader(text):
            statuses, reasons = row["status"].split(";"), row["reason"].split(";")
            found += [reason for at, reason in enumerate(reasons) if statuses[min(at, len(statuses) - 1)] == status]
    return found


def codes_add_up(book):
    """Index orders of unmapped codes: those the breakdown by procedure calls unmapped, and some of the tier beside it."""
    codes = [("unmapped_code", at, "n_index") for at, row in enumerate(book.rows["unmapped_code"]) if row["reason"] == "unmapped_code"]
    other = [("unmapped_code", at, "n_orders") for at, row in enumerate(book.rows["unmapped_code"]) if row["reason"] == "not_breast_code"]
    for at in range(len(book.rows["unmapped_code"])):
        for column in ("n_cases", "n_index"):
            book.at_most([("unmapped_code", at, column)], [("unmapped_code", at, "n_orders")])
    counted = [("compliance", at, "n_index") for at, row in enumerate(book.rows["compliance"])
               if row["basis"] == "order" and (row["stratum"], row["stratum_value"]) in (UNMAPPED, UNRESOLVED)]
    inside = [cell for cell in counted if book.rows["compliance"][cell[1]]["stratum"] == UNMAPPED[0]]
    book.at_most(codes, counted)
    book.at_most(inside, codes)
    at = {row["reason"]: ("attrition", number, "n_orders") for number, row in enumerate(book.rows["attrition"])}
    book.at_most([at["not_breast_code"]], other)
    book.at_most(other, [at[reason] for reason in ("not_breast_code", "cancelled", "under_age", "collapsed")])
