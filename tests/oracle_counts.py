"""Episodes, rates and the funnel (SPEC sections 7 and 8). Part of the oracle."""

from math import sqrt

from oracle_labels import is_appropriate

MEASURES = ["post_completion", "on_treatment"]
BASES = ["episode", "order"]
HEADLINE_TIERS = {"explicit", "inferred", "presumptive"}
COUNTS = ["n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated",
          "n_indeterminate"]


# ---- 7 Episodes --------------------------------------------------------------------------

def outcome(label):
    """The count that an index order belongs to."""
    if label["status"] != "rated":
        return "n_" + label["status"]
    if label["is_appropriate"] is None:
        return "n_may_be"
    return "n_appropriate" if label["is_appropriate"] else "n_not_appropriate"


def episode_verdict(outcomes):
    if "n_appropriate" in outcomes:
        return "mixed" if "n_not_appropriate" in outcomes else "compliant"
    if "n_not_appropriate" in outcomes:
        return "non_compliant"
    if "n_may_be" in outcomes:
        return "may_be"
    return "unrated" if "n_unrated" in outcomes else "indeterminate"


COUNT_OF_VERDICT = {
    "compliant": "n_appropriate", "mixed": "n_mixed", "may_be": "n_may_be",
    "non_compliant": "n_not_appropriate", "unrated": "n_unrated",
    "indeterminate": "n_indeterminate",
}


def episode_rows(index):
    rows = []
    for (case_id, measure), (index_on, labels) in sorted(index.items()):
        outcomes = [outcome(label) for label in labels]
        row = {
            "case_id": case_id, "patient_id": labels[0]["patient_id"], "measure": measure,
            "index_on": index_on, "verdict": episode_verdict(outcomes), "n_orders": len(labels),
        }
        for name in COUNTS:
            if name != "n_mixed":
                row[name] = outcomes.count(name)
        rows.append(row)
    return rows


# ---- 8 Rates -----------------------------------------------------------------------------

def count(index, measure, basis, case_ids):
    """The counts of one measure on one basis, over index orders or episodes."""
    counts = {"n_index": 0, **dict.fromkeys(COUNTS, 0)}
    for (case_id, each), (_, labels) in index.items():
        if each != measure or case_id not in case_ids:
            continue
        units = [outcome(label) for label in labels]
        if basis == "episode":
            units = [COUNT_OF_VERDICT[episode_verdict(units)]]
        counts["n_index"] += len(units)
        for unit in units:
            counts[unit] += 1
    return counts


def rates(counts, world):
    known = sum(counts[name] for name in COUNTS[:4])
    n, good = counts["n_index"], counts["n_appropriate"]
    found = dict.fromkeys(["rate", "ci_low", "ci_high", "bound_low", "bound_high"])
    found["share"] = good / known if known else None
    found["is_withheld"] = is_withheld(counts, world)
    if n:
        bad = known - good
        found.update(bound_low=good / n, bound_high=(n - bad) / n)
    if known and not found["is_withheld"]:
        low, high = wilson(good, known, world["wilson_z"])
        found.update(rate=good / known, ci_low=low, ci_high=high)
    return found


def is_withheld(counts, world):
    unknown = counts["n_unrated"] + counts["n_indeterminate"]
    return bool(counts["n_index"]) and (
        unknown / counts["n_index"] > world["unrated_withhold_share"]
    )


def wilson(good, n, z):
    share = good / n
    middle = share + z * z / (2 * n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def without_exceptions(index):
    """Index orders that carry an exception are set aside; an episode without orders goes."""
    kept = {}
    for key, (index_on, labels) in index.items():
        labels = [label for label in labels if not label["exception"]]
        if labels:
            kept[key] = index_on, labels
    return kept


def with_assumed_pet_indeterminate(index):
    changed = {}
    for key, (index_on, labels) in index.items():
        labels = [
            {**label, "status": "indeterminate", "reason": "purpose_assumed"}
            if label["status"] == "rated" and label["purpose_basis"] == "assumed" else label
            for label in labels
        ]
        changed[key] = index_on, labels
    return changed


def with_current_edition(index):
    """Decision 48: the same index orders, had the current edition been in force."""
    changed = {}
    for key, (index_on, labels) in index.items():
        labels = [{**label, "status": label["_status_now"], "rating": label["rating_current_edition"],
                   "is_appropriate": is_appropriate(label["rating_current_edition"])} for label in labels]
        changed[key] = index_on, labels
    return changed


def compliance_rows(index, labels, cases, world):
    case_ids = cases_of_tiers(cases, HEADLINE_TIERS)
    rows = []
    for measure in MEASURES:
        for basis in BASES:
            counts = count(index, measure, basis, case_ids)
            row = {"measure": measure, "basis": basis, **counts, **rates(counts, world)}
            row.update(orders_beside(labels, measure, case_ids))
            row["n_exception"] = n_exceptions(index, measure, basis, case_ids)
            rest = rates(count(without_exceptions(index), measure, basis, case_ids), world)
            row["rate_without_exception"] = None if row["is_withheld"] else rest["share"]
            rows.append(row)
    return rows


def cases_of_tiers(cases, tiers):
    return {case.cancer.case_id for case in cases if case.is_case and case.tier in tiers}


def orders_beside(labels, measure, case_ids):
    """Orders that are no index orders, by the phase of their own clock."""
    during = {"on_treatment", "early_treatment"}
    mine = [
        label for label in labels
        if label["case_id"] in case_ids
        and (label["phase"] in during) == (measure == "on_treatment")
    ]
    return {
        "n_end_unknown": sum(label["reason"] == "therapy_end_unknown" for label in mine),
        "n_rerouted": sum(label["status"] == "rerouted" for label in mine),
        "n_excluded": sum(label["status"] == "excluded" for label in mine),
    }


def n_exceptions(index, measure, basis, case_ids):
    n = 0
    for (case_id, each), (_, labels) in index.items():
        if each == measure and case_id in case_ids:
            found = sum(1 for label in labels if label["exception"])
            n += min(found, 1) if basis == "episode" else found
    return n


# ---- readings beside the headline --------------------------------------------------------

def sensitivity_rows(index, put_back_index, cases, world):
    headline = cases_of_tiers(cases, HEADLINE_TIERS)
    everyone = cases_of_tiers(cases, HEADLINE_TIERS | {"unresolved"})
    readings = {
        "as_defined": (index, headline),
        "context_reroutes_put_back": (put_back_index, headline),
        "exceptions_set_aside": (without_exceptions(index), headline),
        "assumed_pet_indeterminate": (with_assumed_pet_indeterminate(index), headline),
        "unresolved_included": (index, everyone),
        "current_edition": (with_current_edition(index), headline),
    }
    rows = []
    for reading, (chosen, case_ids) in readings.items():
        for measure in MEASURES:
            for basis in BASES:
                counts = count(chosen, measure, basis, case_ids)
                found = rates(counts, world)
                found.pop("is_withheld")
                rows.append(
                    {"measure": measure, "basis": basis, "reading": reading, **counts, **found}
                )
    return rows


# ---- the funnel --------------------------------------------------------------------------

def final_step(label):
    """Where an order of a case leaves the funnel, or the index group that it ends in."""
    if label["is_first"]:
        return "index_" + label["measure"]
    return "later_order" if label["scenario"] == "breast_response" else label["reason"]


def unmapped_rows(labels):
    groups = {}
    for label in labels:
        if label["_state"] != "mapped":
            reason = {"unmapped": "unmapped_code", "not_breast": "not_breast_code"}[label["_state"]]
            groups.setdefault((label["code_system"], label["code"], reason), []).append(label)
    return [
        {"code_system": system, "code": code, "reason": reason, "n_orders": len(group),
         "n_cases": len({label["case_id"] for label in group}),
         "n_index": sum(bool(label["is_first"]) for label in group)}
        for (system, code, reason), group in sorted(groups.items())
    ]
