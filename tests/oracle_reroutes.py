"""Orders rated under their own variant (SPEC section 6, Decisions 46 to 48). Part of the oracle."""

from oracle_events import concepts
from oracle_exams import clock_of
from oracle_ratings import current_edition, only, possible_editions, rating_row
from oracle_router import is_axillary, is_exam, phase_of
from oracle_rows import is_live

NODE_BIOPSIES = {"us_guided_core_biopsy_axillary_node", "us_guided_fna_axillary_node"}
OF_THE_AXILLA = {"axilla", "baseline_axilla", "baseline_axillary_biopsy"}


# ---- 6 Orders rated under their own variant ----------------------------------------------

def nodal_status(line, person, world):
    """Of the latest diagnosis row that states one on or before ordered_on."""
    stated = []
    for row in person["diagnoses"]:
        status = row["nodal_status"]
        if status is None and "axillary_node_metastasis" in concepts(row, world):
            status = "positive"
        if status and row["diagnosed_on"] <= line.ordered_on:
            stated.append((row["diagnosed_on"], row["diagnosis_id"], status))
    return max(stated)[2] if stated else "unknown"


def has_earlier_axillary_exam(line, person, world):
    axillary = {each.id for each in person["lines"] if each.procedure
                and world["procedure"][each.procedure]["is_axillary"] == "true"}
    return any(
        is_live(order) and clock_of(order, world) < line.clock_on
        and (order["order_id"] in axillary or "axilla_evaluation" in order["context"])
        for order in person["orders"]
    )


def variant_of_axilla(line, edition, person, world):
    """→ (variant, reason)"""
    if phase_of(line, world) != "post_completion":
        return None, "no_matching_variant"
    is_seen = has_earlier_axillary_exam(line, person, world)
    nodes = nodal_status(line, person, world)
    if edition == "2017":
        return (None, "no_matching_variant") if is_seen else ("4", None)
    if nodes == "unknown":
        return None, "nodal_status_unknown"
    if nodes == "negative" and not is_seen:
        return "5", None
    if nodes == "positive" and is_seen:
        return "7", None
    return None, "no_matching_variant"


def question_of(line, scenario, world):
    """Decision 47: the question that was asked, or None on a baseline order that asks none."""
    if scenario != "baseline":
        return scenario
    if line.procedure in NODE_BIOPSIES:
        return "baseline_axillary_biopsy"
    if is_exam(line, world) and is_axillary(line, world, ticked=True):
        return "baseline_axilla"
    # What may hide a breast exam passes as if it were one.
    if line.state == "unmapped" or world["procedure"][line.procedure]["response_pool"] == "true":
        return "baseline_breast"
    return None


def variant_of_baseline_axilla(line, edition, person, world):
    """Decision 46: unknown nodes matter only where variants 3 and 4 rate the procedure differently."""
    if edition == "2017":
        return "3", None
    nodes = nodal_status(line, person, world)
    if nodes == "unknown":
        rows = [rating_row(edition, variant, line.procedure, world, axilla=True) for variant in "34"]
        ratings = [row and row["rating"] for row in rows]
        return ("3", None) if ratings[0] == ratings[1] else (None, "nodal_status_unknown")
    return ("4" if nodes == "positive" else "3"), None


def variant_of(line, question, edition, person, world):
    if question == "suspected_metastasis":
        return ("6" if edition == "2022" else "5"), None
    if question == "axilla":
        return variant_of_axilla(line, edition, person, world)
    if question == "baseline_axilla":
        return variant_of_baseline_axilla(line, edition, person, world)
    if question == "baseline_breast":
        return "1", None
    is_suspicious = question == "baseline_axillary_biopsy" and has_earlier_axillary_exam(line, person, world)
    if is_suspicious and edition == "2022":
        return "8", None
    return None, "no_matching_variant"


def reroute_under(line, question, edition, person, world):
    """→ (variant, rating, reason) under one edition."""
    if edition is None:
        return None, None, "no_edition_in_force"
    variant, reason = variant_of(line, question, edition, person, world)
    if variant is None:
        return None, None, reason
    row = rating_row(edition, variant, line.procedure, world, axilla=question in OF_THE_AXILLA)
    return (variant, row["rating"], None) if row else (variant, None, "no_matching_variant")


def reroute(line, scenario, person, world):
    question = question_of(line, scenario, world)
    editions = possible_editions(line.ordered_on, world)
    answers = [reroute_under(line, question, edition, person, world) for edition in editions]
    found = {"reroute_scenario": question, "reroute_is_first": False if question else None}
    if only([answer[1:] for answer in answers]):
        variants = [variant for variant, _, _ in answers]
        found.update(edition=editions[0] if len(editions) == 1 else "any", reroute_variant=only(variants),
                     reroute_rating=answers[0][1], reroute_reason=answers[0][2])
    else:
        found["reroute_reason"] = "edition_unknown"
    found["reroute_status"] = reroute_status(found.get("reroute_rating"), found["reroute_reason"])
    if question:
        _, rating_now, reason_now = reroute_under(line, question, current_edition(world), person, world)
        found.update(reroute_rating_current_edition=rating_now, _answer_now=rating_now or reason_now)
    return found


def reroute_status(rating, reason):
    """Decision 47."""
    if rating:
        return "rated"
    return "indeterminate" if reason == "nodal_status_unknown" else "unrated"


def mark_reroute_index_orders(labels):
    """Decision 49: sets reroute_is_first and reroute_index_rank; → (case_id, scenario) → (index day, its orders)."""
    groups = {}
    for label in labels:
        if label["reroute_scenario"]:
            groups.setdefault((label["case_id"], label["reroute_scenario"]), []).append(label)
    return {key: reroute_index_orders(group) for key, group in groups.items()}


def reroute_index_orders(group):
    mapped = [label["clock_on"] for label in group if label["_state"] == "mapped"]
    index_on = min(mapped or [label["clock_on"] for label in group])
    chosen = []
    for label in group:
        is_before = label["_state"] == "unmapped" and label["clock_on"] <= index_on
        if label["clock_on"] == index_on or is_before:
            chosen.append(label)
    chosen.sort(key=lambda label: (label["ordered_on"], label["order_id"]))
    for rank, label in enumerate(chosen, start=1):
        label["reroute_is_first"], label["reroute_index_rank"] = True, rank
    return index_on, chosen
