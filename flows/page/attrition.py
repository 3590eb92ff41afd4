"""The way from what was delivered to what was counted, as boxes whose numbers add up.

A box in between is a sum of published cells; with a masked one among them there is no sum, and the box says so.
"""

NOT_READ = ("superseded", "unreadable_row", "quarantined", "exact_duplicate", "after_as_of")
NOT_A_CASE = (
    *("no_invasive_cancer", "before_cancer", "no_therapy_in_time", "surgery_first", "metastatic_at_start"),
    *("other_intent", "unoperated_endocrine", "not_observable", "limited_exposure"),
)
REROUTED = ("progression", "discordance", "metastasis", "axilla")
OPERATED = ("operated_with_response_order", "operated_without_response_order")
UNOPERATED = ("unoperated_with_response_order", "unoperated_without_response_order")
INDEX = ("index_post_completion", "index_on_treatment")
# What order lines are taken off by, one box each; what stands in none of them was excluded by the router.
LEAVES = (
    ("rows that were not read", NOT_READ),
    ("rows that are no imaging order", ("not_imaging",)),
    ("imaging of persons or cancers that are no neoadjuvant case", NOT_A_CASE),
)
ROUTED = (
    ("excluded: does not ask how the tumour responded", None),
    ("rerouted: asks another question", REROUTED),
    ("the end of therapy is unknown", ("therapy_end_unknown",)),
    ("later response imaging of a case already counted", ("later_order",)),
)


def cases(rows):
    """Levels from persons to cases: [{box, leaves, splits}], each box a label and the cells that it is the sum of."""
    found = {row["reason"]: row for row in rows}
    removed = [row["reason"] for row in rows if row["kind"] == "removed"]
    not_cases = [reason for reason in removed if reason != "no_invasive_cancer"]
    table = "case_attrition"
    return [
        {
            "box": one(table, found, "persons", "n_patients"),
            "leaves": [one(table, found, "no_invasive_cancer", "n_patients")],
            "splits": [],
        },
        {
            "box": one(table, found, "cancers", "n_cases"),
            "also": one(table, found, "cancers", "n_patients") | {"label": "persons"},
            "leaves": [part for reason in not_cases if (part := one(table, found, reason, "n_cases"))["n"] != 0],
            "splits": [],
        },
        {
            "box": total(table, found, "neoadjuvant cases", (*OPERATED, *UNOPERATED), "n_cases"),
            "leaves": [],
            "splits": [
                split(table, found, "operated", OPERATED, "n_cases"),
                split(table, found, "not operated so far", UNOPERATED, "n_cases"),
            ],
        },
    ]


def orders(rows):
    """Levels from rows of the extract to index orders, in the same form."""
    found, table, column = {row["reason"]: row for row in rows}, "attrition", "n_orders"
    named = {reason for _, reasons in (*LEAVES, *ROUTED) for reason in reasons or ()}
    excluded = [row["reason"] for row in rows if row["kind"] == "removed" and row["reason"] not in named]
    routed = [(label, reasons or excluded) for label, reasons in ROUTED]
    of_cases = [reason for _, reasons in routed for reason in reasons]
    return [
        {
            "box": one(table, found, "input", column),
            "leaves": [total(table, found, *leaf, column) for leaf in LEAVES],
            "splits": [],
        },
        {
            "box": total(table, found, "imaging order lines of neoadjuvant cases", (*of_cases, *INDEX), column),
            "leaves": [total(table, found, *leaf, column) for leaf in routed],
            "splits": [],
        },
        {
            "box": total(table, found, "first response imaging: index orders", INDEX, column),
            "leaves": [],
            "splits": [
                {"label": "after therapy", "parts": [one(table, found, INDEX[0], column)]},
                {"label": "during therapy", "parts": [one(table, found, INDEX[1], column)]},
            ],
        },
    ]


def one(table, found, reason, column):
    row = found[reason]
    return {
        "table": table, "column": column, "keys": [reason], "label": row["label"], "n": row[column],
        "is_rounded": row.get("is_rounded"), "parts": [],
    }  # fmt: skip


def total(table, found, label, reasons, column):
    """A sum of cells; none where one of them is masked. Empty parts are not worth a line."""
    parts = [one(table, found, reason, column) for reason in reasons]
    numbers = [part["n"] for part in parts]
    return {
        "table": table, "column": column, "keys": list(reasons), "label": label,
        "n": None if None in numbers else sum(numbers),
        "is_rounded": any(part["is_rounded"] for part in parts),
        "parts": [part for part in parts if part["n"] != 0] if len(parts) > 1 else [],
    }  # fmt: skip


def split(table, found, label, reasons, column):
    words = ("with a response imaging order", "without any")
    parts = [one(table, found, reason, column) | {"label": word} for reason, word in zip(reasons, words, strict=True)]
    return {"label": label, "parts": parts}
