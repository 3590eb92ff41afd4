"""What stands beside the measure: other scenarios, the work-up for metastases, the current edition
(Decisions 47 to 50). Part of the oracle.
"""

from datetime import timedelta

from oracle_counts import (
    BASES,
    COUNTS,
    HEADLINE_TIERS,
    cases_of_tiers,
    count,
    episode_verdict,
    outcome,
    rates,
)
from oracle_exams import is_exam_line
from oracle_labels import is_appropriate
from oracle_ratings import named

SCENARIOS = ["baseline_breast", "baseline_axilla", "baseline_axillary_biopsy", "axilla",
             "suspected_metastasis", "clinical_worsening", "discordant_findings"]


# ---- Decision 48: the answer then, and the answer now ------------------------------------

def edition_change_rows(labels):
    groups = {}
    for label in labels:
        if label["scenario"] == "breast_response":
            key = "breast_response", label["rating"] or label["reason"], label["_answer_now"]
        elif label["reroute_scenario"]:
            then = label["reroute_rating"] or label["reroute_reason"]
            key = label["reroute_scenario"], then, label["_answer_now"]
        else:
            continue
        groups.setdefault(key, []).append(label)
    return [
        {"question": question, "answer_then": then, "answer_now": now, "n_orders": len(group),
         "n_cases": len({label["case_id"] for label in group})}
        for (question, then, now), group in sorted(groups.items())
    ]


# ---- Decision 49: the first order of another scenario ------------------------------------

def as_answered(reroute_index):
    """The index orders of the other scenarios, in the columns in which the measure is counted."""
    return {
        key: (index_on, [
            {**label, "status": label["reroute_status"], "is_appropriate": is_appropriate(label["reroute_rating"])}
            for label in labels])
        for key, (index_on, labels) in reroute_index.items()
    }


def scenario_episode_rows(reroute_index):
    rows = []
    for (case_id, scenario), (index_on, labels) in sorted(as_answered(reroute_index).items()):
        outcomes = [outcome(label) for label in labels]
        row = {"case_id": case_id, "patient_id": labels[0]["patient_id"], "scenario": scenario,
               "index_on": index_on, "verdict": episode_verdict(outcomes), "n_orders": len(labels)}
        row.update((name, outcomes.count(name)) for name in COUNTS if name != "n_mixed")
        rows.append(row)
    return rows


def scenario_compliance_rows(reroute_index, cases, world):
    case_ids = cases_of_tiers(cases, HEADLINE_TIERS)
    answered, rows = as_answered(reroute_index), []
    for scenario in SCENARIOS:
        for basis in BASES:
            counts = count(answered, scenario, basis, case_ids)
            rows.append({"scenario": scenario, "basis": basis, **counts, **rates(counts, world)})
    return rows


# ---- Decision 50: the either/or of variant 6 ---------------------------------------------

PET_CT = "fdg_pet_ct_skull_base_to_mid_thigh"
BONE_SCAN = "bone_scan_whole_body"
CT = "ct_chest_abdomen_pelvis_with_contrast"
# (PET/CT, bone scan, CT) → the word for it, and whether it follows the either/or.
WORKUPS = {
    (True, False, False): ("pet_ct_alone", True),
    (False, True, True): ("bone_scan_with_ct", True),
    (True, True, True): ("all_three", False),
    (True, True, False): ("pet_ct_with_bone_scan", False),
    (True, False, True): ("pet_ct_with_ct", False),
    (False, True, False): ("bone_scan_alone", False),
    (False, False, True): ("ct_alone", False),
    (False, False, False): ("none_of_them", None),
}


def staging_rows(reroute_index, lines, world):
    rows = []
    for (case_id, scenario), (index_on, labels) in sorted(reroute_index.items()):
        is_asked = any(label["edition"] == "2022" and label["reroute_variant"] == "6" for label in labels)
        if scenario != "suspected_metastasis" or not is_asked:
            continue
        near = timedelta(world["staging_days"])
        exams = {
            named(line.procedure, "2022", world) for line in lines
            if line.case.cancer.case_id == case_id and is_exam_line(line)
            and abs(line.clock_on - index_on) <= near
        }
        has = PET_CT in exams, BONE_SCAN in exams, CT in exams
        workup, follows = WORKUPS[has]
        rows.append({
            "case_id": case_id, "patient_id": labels[0]["patient_id"], "index_on": index_on, "edition": "2022",
            "has_pet_ct": has[0], "has_bone_scan": has[1], "has_ct": has[2], "workup": workup,
            "follows_either_or": follows, "is_all_three": workup == "all_three",
        })
    return rows
