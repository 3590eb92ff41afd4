"""How the published counts add up: over strata and periods, from orders to episodes, from table to table.

Part of flows/proof/laws.py, and like it without a line from flows/disclosure.
"""

import csv

from flows import ROOT

STATUS = {"n_end_unknown": "indeterminate", "n_rerouted": "rerouted", "n_excluded": "excluded"}
MEASURES = ("post_completion", "on_treatment")
OF_THE_CASE = ("all", "therapy_class", "intent_tier", "sex", "gender_identity", "race", "ethnicity", "breast_density")
UNRESOLVED, UNMAPPED = ("intent_tier", "unresolved"), ("procedure", "unmapped")
WIDER = {"year": "all", "quarter": "year", "month": "quarter"}


def margins(system):
    totals, parts = {}, {}
    for number, row in enumerate(system.rows["compliance"]):
        of, grain, start = (row["measure"], row["basis"]), row["period_grain"], row["period_start"]
        if row["stratum"] == "all":
            totals[of, grain, start] = number
        elif (row["stratum"], row["stratum_value"]) != UNRESOLVED:
            parts.setdefault((of, "all", None, row["stratum"]), []).append(number)
        if row["stratum"] == "all" and grain != "all":
            parts.setdefault((of, WIDER[grain], _begin(WIDER[grain], start), grain), []).append(number)
    for (of, grain, start, _), rows in parts.items():
        for column in system.columns["compliance"]:
            system.same(("compliance", totals[of, grain, start], column), [("compliance", row, column) for row in rows])


def _begin(grain, start):
    month = {"year": 1, "quarter": (start.month - 1) // 3 * 3 + 1}.get(grain)
    return month and start.replace(month=month, day=1)


def bases(system):
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


def readings(system):
    for number, row in enumerate(system.rows["sensitivity"]):
        total, *beside = system.totals(row["measure"], row["basis"])
        for column in system.columns["sensitivity"]:
            cell, base = ("sensitivity", number, column), ("compliance", total, column)
            if row["reading"] == "as_defined":
                system.same(cell, [base])
            elif row["reading"] == "unresolved_included":
                system.same(cell, [base, *(("compliance", at, column) for at in beside)])
            elif row["reading"] == "exceptions_set_aside" and (row["basis"] == "order" or column == "n_index"):
                system.at_most([cell], [base])
        if row["reading"] == "exceptions_set_aside" and row["basis"] == "order":
            system.same(("compliance", total, "n_index"), [("sensitivity", number, "n_index"), ("compliance", total, "n_exception")])


def funnels(system):
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


def codes(system):
    of = {}
    for number, row in enumerate(system.rows["unmapped_code"]):
        of.setdefault(row["reason"], []).append(number)
        for column in ("n_cases", "n_index"):
            system.at_most([("unmapped_code", number, column)], [("unmapped_code", number, "n_orders")])
    rows = [(number, (row["stratum"], row["stratum_value"])) for number, row in enumerate(system.rows["compliance"]) if row["basis"] == "order"]
    here, beside = ([("compliance", at, "n_index") for at, value in rows if value == word] for word in (UNMAPPED, UNRESOLVED))
    codes = [("unmapped_code", number, "n_index") for number in of.get("unmapped_code", [])]
    system.at_most(here, codes)
    system.at_most(codes, [*here, *beside])
    other = [("unmapped_code", number, "n_orders") for number in of.get("not_breast_code", [])]
    steps = {row["reason"]: ("attrition", number, "n_orders") for number, row in enumerate(system.rows["attrition"])}
    system.at_most([steps["not_breast_code"]], other)
    system.at_most(other, [steps[reason] for reason in ("not_breast_code", "cancelled", "under_age", "collapsed")])
