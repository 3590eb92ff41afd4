"""The label of an order, and the first orders (SPEC section 7). Part of the oracle."""

from oracle_ratings import named, only, possible_editions, rate, rate_now
from oracle_reroutes import reroute
from oracle_router import birth_year_of, phase_of, route
from oracle_rows import side_word

# ---- the label ---------------------------------------------------------------------------

COLUMNS = [
    "order_id", "patient_id", "case_id", "site_id", "ordering_provider_id", "payer", "ordered_on",
    "clock_on", "code_system", "code", "procedure", "is_alias", "laterality", "phase", "scenario",
    "status", "reason", "edition", "variant", "rating", "rating_score", "is_appropriate",
    "measure", "is_first", "index_rank", "reroute_variant", "reroute_rating", "reroute_reason",
    "purpose_basis", "exception", "alternative", "radiation_level", "alternative_radiation_level",
    "contrast_assumed", "age_unknown", "router_row", "exam_id", "reroute_scenario",
    "reroute_status", "reroute_is_first", "reroute_index_rank", "rating_current_edition",
    "reroute_rating_current_edition", "_status_now", "_answer_now",
]


def label_of(line, person, world, ticked):
    number, status, reason, scenario = route(line, person, world, ticked)
    label = dict.fromkeys(COLUMNS)
    label["_state"] = line.state
    for column in ("order_id", "patient_id", "site_id", "ordering_provider_id", "payer",
                   "ordered_on", "code_system", "code"):
        label[column] = line.order[column]
    label.update(
        case_id=line.case.cancer.case_id, clock_on=line.clock_on,
        laterality=side_word(line.exam_sides), phase=phase_of(line, world),
        scenario=scenario, status=status, reason=reason, router_row=number,
        contrast_assumed=line.contrast_assumed, exam_id=line.exam[0].id,
        age_unknown=birth_year_of(person, world) is None,
        **procedure_name(line, world),
    )
    if number == 15:
        label.update(rate(line, world), **rate_now(line, world), measure=label["phase"], is_first=False,
                     purpose_basis=purpose_basis(line, world))
        label["is_appropriate"] = is_appropriate(label["rating"])
        label["exception"] = exception(line, label, world)
    elif status == "rerouted" or scenario == "baseline":
        label.update(reroute(line, scenario, person, world))
    return label


def procedure_name(line, world):
    """Decision 14: the name that the edition in force uses."""
    names = [named(line.procedure, edition, world)
             for edition in possible_editions(line.ordered_on, world)]
    name = only(names) or line.procedure
    return {"procedure": name, "is_alias": name != line.procedure}


def purpose_basis(line, world):
    if "response_assessment" in line.context:
        return "stated"
    is_pet = line.procedure and world["procedure"][line.procedure]["is_fdg_pet"] == "true"
    return "assumed" if is_pet else "code"


def is_appropriate(rating):
    return {"usually_appropriate": True, "usually_not_appropriate": False}.get(rating)


def exception(line, label, world):
    if label["is_appropriate"] is not False:
        return None
    return ";".join(sorted(line.context & world["exception_words"])) or None


# ---- 7 The first order -------------------------------------------------------------------

def mark_index_orders(labels):
    """Sets is_first and index_rank; → (case_id, measure) → (index day, its orders)."""
    groups = {}
    for label in labels:
        if label["scenario"] == "breast_response":
            groups.setdefault((label["case_id"], label["measure"]), []).append(label)
    return {key: index_orders(group) for key, group in groups.items()}


def index_orders(group):
    mapped = [label["clock_on"] for label in group if label["reason"] != "unmapped_code"]
    index_on = min(mapped or [label["clock_on"] for label in group])
    chosen = [
        label for label in group
        if label["clock_on"] == index_on
        or (label["reason"] == "unmapped_code" and label["clock_on"] <= index_on)
    ]
    chosen.sort(key=lambda label: (label["ordered_on"], label["order_id"]))
    for rank, label in enumerate(chosen, start=1):
        label["is_first"], label["index_rank"] = True, rank
    return index_on, chosen
