"""How the two funnels add up, and where they meet the rates."""

from flows.disclosure_book import COUNTS, OUTSIDE_HEADLINE, at_most, balance, equate

BESIDE = {
    "n_end_unknown": ("therapy_end_unknown",),
    "n_rerouted": ("progression", "discordance", "metastasis", "axilla"),
    "n_excluded": (
        "cancelled",
        "under_age",
        "collapsed",
        "not_breast_code",
        "guidance",
        "screening",
        "before_therapy",
        "after_surgery",
        "outside_window",
        "other_purpose",
        "contralateral",
        "too_early",
    ),
}


def funnels_add_up(book, orders, cases):
    """Order lines: what was removed and kept is the input. Persons, then cancers, in the other funnel."""
    if orders:
        equate(book, ("attrition", 0, "n_orders"), [("attrition", row, "n_orders") for row in range(1, len(orders))])
    at = {row["reason"]: number for number, row in enumerate(cases)}
    if "cancers" in at:
        equate(
            book,
            ("case_attrition", at["persons"], "n_patients"),
            [("case_attrition", at[reason], "n_patients") for reason in ("no_invasive_cancer", "cancers")],
        )
        after = [number for number, row in enumerate(cases) if row["step"] > cases[at["cancers"]]["step"]]
        equate(
            book,
            ("case_attrition", at["cancers"], "n_cases"),
            [("case_attrition", number, "n_cases") for number in after],
        )
    for name, rows, last in (("attrition", orders, "before_cancer"), ("case_attrition", cases, "no_invasive_cancer")):
        outside = next(
            (row["step"] for row in rows if row["reason"] == last), 0
        )  # until then persons leave, not cancers
        for number, row in enumerate(rows):
            if row["step"] > outside:
                equate(
                    book, (name, number, "n_cases"), [(name, number, "n_patients"), (name, number, "second_cancers")]
                )
    if "cancers" in at:  # every person with a cancer stands in one of the rows at least: no second cancers, no room
        at_most(
            book,
            [("case_attrition", at["cancers"], "n_patients")],
            *(("case_attrition", number, "n_patients") for number in after),
        )
    if orders and "cancers" in at:
        at_most(book, [("attrition", 0, "n_cases")], ("case_attrition", at["cancers"], "n_cases"))
    for number, row in enumerate(orders):
        at_most(book, [("attrition", number, "n_cases")], ("attrition", number, "n_orders"))
        at_most(book, [("attrition", number, "n_patients")], ("attrition", number, "n_orders"))
        if row["reason"] in at:
            for column in COUNTS["case_attrition"]:
                if row["reason"] != "no_invasive_cancer" or column == "n_patients":
                    at_most(book, [("attrition", number, column)], ("case_attrition", at[row["reason"]], column))


def funnels_meet_rates(book, rows):
    """The funnel keeps the index orders, all tiers of intent; what it removes from cases stands beside the measure."""
    at = {row["reason"]: number for number, row in enumerate(rows.get("attrition", ()))}
    sizes = {
        (row["measure"], row["basis"]): number
        for number, row in enumerate(rows.get("sensitivity", ()))
        if row["reading"] == "unresolved_included"
    }
    for (measure, basis), number in sizes.items():
        column = "n_orders" if basis == "order" else "n_cases"
        if f"index_{measure}" in at:
            equate(book, ("attrition", at[f"index_{measure}"], column), [("sensitivity", number, "n_index")])
    everyone = [
        number
        for number, row in enumerate(rows.get("compliance", ()))
        if row["basis"] == "order"
        and row["period_grain"] == "all"
        and (row["stratum"] == "all" or (row["stratum"], row["stratum_value"]) == OUTSIDE_HEADLINE)
    ]
    for column, reasons in BESIDE.items():
        removed = [("attrition", at[reason], "n_orders") for reason in reasons if reason in at]
        if removed and everyone:
            balance(book, removed, [("compliance", row, column) for row in everyone])
    cases = {row["reason"]: number for number, row in enumerate(rows.get("case_attrition", ()))}
    kept = [
        ("attrition", at[name], "n_cases") for name in ("index_post_completion", "index_on_treatment") if name in at
    ]
    answered = [
        ("case_attrition", cases[name], "n_cases")
        for name in ("operated_with_response_order", "unoperated_with_response_order")
        if name in cases
    ]
    if len(kept) == 2 and answered:
        balance(book, kept, [*answered, ("attrition", 0, "both_measures")])


def codes_meet_rates(book, rows):
    """The index orders of unmapped codes are those that the breakdown by exam calls unmapped, and the unresolved ones."""
    codes, compliance = rows.get("unmapped_code", ()), rows.get("compliance", ())
    for number in range(len(codes)):
        for column in ("n_cases", "n_index"):
            at_most(book, [("unmapped_code", number, column)], ("unmapped_code", number, "n_orders"))
    unmapped = [
        ("unmapped_code", number, "n_index") for number, row in enumerate(codes) if row["reason"] == "unmapped_code"
    ]
    counted = [
        ("compliance", number, "n_index")
        for number, row in enumerate(compliance)
        if row["basis"] == "order" and (row["stratum"], row["stratum_value"]) == ("procedure", "unmapped")
    ]
    if unmapped and compliance:
        balance(book, unmapped, [*counted, ("unmapped_code", 0, "unresolved")])
