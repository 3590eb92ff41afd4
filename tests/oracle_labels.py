"""Phase, router, rating and index orders (SPEC sections 4, 6, 7). Part of the oracle."""

from datetime import timedelta

from oracle_cases import concepts, days, diagnoses_of
from oracle_exams import clock_of, reasons_hold
from oracle_rows import TRUE_CALENDAR, day_done, is_live, meets, side_of, side_word, sides

NODE_BIOPSIES = {"us_guided_core_biopsy_axillary_node", "us_guided_fna_axillary_node"}
VARIANT = "2"


# ---- 4 The phase of an order -------------------------------------------------------------

def phase_of(line, world):
    case, clock_on, context = line.case, line.clock_on, line.context
    first, last, surgery_on = case.first, case.last, case.surgery_on
    lead = last - days(world["completion_lead_days"])
    if clock_on < first:
        return "before_therapy"
    if line.ordered_on < first and clock_on <= first + days(world["baseline_days"]):
        return "before_therapy"
    if surgery_on and clock_on >= surgery_on:
        return "after_surgery"
    runs_to_surgery = not case.is_set_by_chemotherapy and surgery_on
    if runs_to_surgery and clock_on >= surgery_on - days(world["preop_days"]):
        return "post_completion"
    if not case.is_closed and clock_on >= lead:
        return "end_unknown"
    is_early = clock_on < lead and clock_on < first + days(world["min_response_days"])
    if is_early and "response_assessment" not in context:
        return "early_treatment"
    if clock_on < lead:
        return "on_treatment"
    if clock_on <= last + days(world["window_days"]):
        return "post_completion"
    if surgery_on and surgery_on <= case.last_cover + days(world["surgery_max_days"]):
        return "post_completion"
    return "after_window"


# ---- 6 The router ------------------------------------------------------------------------
# Each row answers (status, reason, scenario) or None. `ticked` says whether a context word
# counts in rows 8-11; the reading `context_reroutes_put_back` sets it to False.

def row_1_cancelled(line, person, world, ticked):
    if not is_live(line.order):
        return "excluded", "cancelled", None


def row_2_under_age(line, person, world, ticked):
    birth_year = birth_year_of(person, world)
    if birth_year is not None and line.clock_on.year - birth_year < world["adult_age"]:
        return "excluded", "under_age", None


def row_3_collapsed(line, person, world, ticked):
    if not line.is_representative:
        return "excluded", "collapsed", None


def row_4_not_breast_code(line, person, world, ticked):
    if line.state == "not_breast":
        return "excluded", "not_breast_code", None


def row_5_guidance(line, person, world, ticked):
    if line.purpose == "guidance" or is_exam_of_a_biopsy(line, person, world):
        return "excluded", "guidance", None


def row_6_screening(line, person, world, ticked):
    if (
        line.purpose == "screening"
        or "screening" in line.context
        or reasons_hold(line.reason_codes, {"screening_encounter"}, world)
    ):
        return "excluded", "screening", None


def row_7_phase(line, person, world, ticked):
    phase = phase_of(line, world)
    if phase == "before_therapy":
        return "excluded", "before_therapy", "baseline"
    if phase == "after_surgery":
        return "excluded", "after_surgery", None
    if phase == "after_window":
        return "excluded", "outside_window", None


def row_8_progression(line, person, world, ticked):
    words = {"response_progressive", "clinical_progression"}
    if has(line, "progression_suspected", ticked) or found(line, words, person, world):
        return "rerouted", "progression", "clinical_worsening"


def row_9_discordance(line, person, world, ticked):
    if has(line, "discordant_findings", ticked) or found(line, {"discordant"}, person, world):
        return "rerouted", "discordance", "discordant_findings"


def row_10_metastasis(line, person, world, ticked):
    known = diagnoses_of(person, "distant_metastasis", world)
    if (
        has(line, "metastasis_suspected", ticked)
        or reasons_hold(line.reason_codes, {"distant_metastasis"}, world)
        or any(row.on <= line.ordered_on for row in known)
    ):
        return "rerouted", "metastasis", "suspected_metastasis"


def row_11_axilla(line, person, world, ticked):
    if is_axillary(line, world, ticked):
        return "rerouted", "axilla", "axilla"


def row_12_other_purpose(line, person, world, ticked):
    # What may hide a breast exam passes as if it were one.
    if line.state == "mapped" and world["procedure"][line.procedure]["response_pool"] != "true":
        return "excluded", "other_purpose", None


def row_13_contralateral(line, person, world, ticked):
    if len(line.exam_sides) == 1 and not meets(line.exam_sides, line.case.cancer.sides):
        return "excluded", "contralateral", None


def row_14_too_early_or_unknown(line, person, world, ticked):
    phase = phase_of(line, world)
    if phase == "early_treatment":
        return "excluded", "too_early", None
    if phase == "end_unknown":
        return "indeterminate", "therapy_end_unknown", None


def row_15_response(line, person, world, ticked):
    return None, None, "breast_response"


ROUTER = [
    row_1_cancelled, row_2_under_age, row_3_collapsed, row_4_not_breast_code, row_5_guidance,
    row_6_screening, row_7_phase, row_8_progression, row_9_discordance, row_10_metastasis,
    row_11_axilla, row_12_other_purpose, row_13_contralateral, row_14_too_early_or_unknown,
    row_15_response,
]


def route(line, person, world, ticked):
    for number, row in enumerate(ROUTER, start=1):
        answer = row(line, person, world, ticked)
        if answer:
            return number, *answer


def has(line, word, ticked):
    return ticked and word in line.context


def birth_year_of(person, world):
    """Decision 3: no calendar means no age."""
    if world["deid_mode"] != TRUE_CALENDAR or not person["patients"]:
        return None
    return person["patients"][0]["birth_year"]


def is_axillary(line, world, ticked):
    if line.procedure and world["procedure"][line.procedure]["is_axillary"] == "true":
        return True
    return has(line, "axilla_evaluation", ticked) and "response_assessment" not in line.context


def is_exam_of_a_biopsy(line, person, world):
    """Row 5, second half: the mammogram after a clip, the ultrasound for a wire."""
    if line.state != "mapped" or "response_assessment" in line.context:
        return False
    family = world["procedure"][line.procedure]["exam_family"]
    kinds = {"mammography": {"biopsy", "clip", "localisation"}, "us_breast": {"localisation"}}
    return any(
        day == day_done(line.order) and kind in kinds.get(family, ()) and
        meets(side, line.exam_sides)
        for day, kind, side in biopsy_rows(person, world)
    )


def biopsy_rows(person, world):
    """Decision 11: rows whose code acts on breast or axilla."""
    rows = [(row, day_done(row)) for row in person["orders"]]
    rows += [(row, row["performed_on"]) for row in person["procedures"]]
    found = []
    for row, day in rows:
        for rule in world["biopsy"].get((row["code_system"], row["code"]), []):
            if is_live(row) and rule["target"] in ("breast", "axilla"):
                found.append((day, rule["kind"], side_of(row, rule["laterality"], world["rules"])))
    return found


def found(line, words, person, world):
    """A finding that counts came before the order, from F on, and not from the same exam."""
    exam_ids = {each.id for each in line.exam}
    ordered_on = line.ordered_on
    for row in person["findings"]:
        on = row["reported_on"]
        is_before = on < ordered_on or (on == ordered_on and row["order_id"] is None)
        if (
            row["finding"] in words
            and is_before
            and on >= line.case.first
            and on >= ordered_on - days(world["evidence_days"])
            and meets(sides(row["laterality"]), line.case.cancer.sides)
            and row["order_id"] not in exam_ids
        ):
            return True
    return False


# ---- 2 and Decision 12: which editions could have been in force --------------------------

def edition_on(day, world):
    """The edition in force, or None before the first one."""
    known = [name for name, start in world["editions"] if start <= day]
    return known[-1] if known else None


def possible_editions(day, world):
    if world["edition_override"]:
        return [world["edition_override"]]
    if world["deid_mode"] == TRUE_CALENDAR:
        return [edition_on(day, world)]
    if world["deid_mode"] == "relative_days":
        found = [None, *(name for name, _ in world["editions"])]
    else:
        found = [edition_on(day, world)]
        for _, start in world["editions"]:
            if abs((day - start).days) <= world["max_shift_days"]:
                found += [edition_on(start - timedelta(1), world), edition_on(start, world)]
    if world["all_orders_after_first_edition"]:
        found = [name for name in found if name] or [None]
    return list(dict.fromkeys(found))


def only(values):
    """The value that all agree on, else None."""
    return values[0] if all(value == values[0] for value in values) else None


# ---- 7 Rating ----------------------------------------------------------------------------

def named(procedure, edition, world, axilla=False):
    """The name by which an edition rates a procedure."""
    scopes = ["any", "axilla"] if axilla else ["any"]
    for scope in scopes:
        procedure = world["alias"].get((edition, procedure, scope), procedure)
    return procedure


def rating_row(edition, variant, procedure, world, axilla=False):
    return world["rating"].get((edition, variant, named(procedure, edition, world, axilla)))


def verdict(line, edition, world):
    """Decision 13: the checks at row 15, in order → (status, reason, rating row)."""
    if line.state == "unmapped":
        return "unrated", "unmapped_code", None
    if edition is None:
        return "unrated", "no_edition_in_force", None
    rule = world["procedure"][line.procedure]
    if rule["modality"] == "mr" and rule["contrast"] == "unspecified":
        return "indeterminate", "contrast_unspecified", None
    row = rating_row(edition, VARIANT, line.procedure, world)
    return ("rated", None, row) if row else ("unrated", "not_rated_in_variant", None)


def rate(line, world):
    """The verdict under every edition that could have been in force."""
    editions = possible_editions(line.ordered_on, world)
    verdicts = [verdict(line, edition, world) for edition in editions]
    plain = [(status, reason, row and row["rating"]) for status, reason, row in verdicts]
    if not only(plain):
        return {"status": "unrated", "reason": "edition_unknown"}
    status, reason, rating = plain[0]
    rows = [row for _, _, row in verdicts if row]
    is_looked_up = status == "rated" or reason in ("not_rated_in_variant", "contrast_unspecified")
    return {
        "status": status,
        "reason": reason,
        "edition": editions[0] if len(editions) == 1 else "any",
        "variant": VARIANT if is_looked_up else None,
        "rating": rating,
        **scores(rows),
        **(alternatives(editions, world) if rating == "usually_not_appropriate" else {}),
    }


def scores(rows):
    if not rows:
        return {}
    return {
        "rating_score": only([int(row["rating_score"]) for row in rows]),
        "radiation_level": only([level(row) for row in rows]),
    }


def level(row):
    return int(row["radiation_level"]) if row["radiation_level"] else None


def alternatives(editions, world):
    """The usually appropriate procedures of the variant with the lowest radiation level."""
    found = []
    for edition in editions:
        rows = [
            row for (each, variant, _), row in world["rating"].items()
            if (each, variant) == (edition, VARIANT) and row["rating"] == "usually_appropriate"
        ]
        lowest = min(level(row) for row in rows)
        names = sorted(row["procedure"] for row in rows if level(row) == lowest)
        found.append(("; ".join(names), lowest))
    names, lowest = only(found) or (None, None)
    return {"alternative": names, "alternative_radiation_level": lowest}


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


def variant_of_baseline(line, edition, person, world):
    if line.procedure in NODE_BIOPSIES:
        if edition == "2022" and has_earlier_axillary_exam(line, person, world):
            return "8", None
        return None, "no_matching_variant"
    if is_axillary(line, world, ticked=True):
        is_positive = nodal_status(line, person, world) == "positive"
        return ("4" if edition == "2022" and is_positive else "3"), None
    if line.state == "unmapped" or world["procedure"][line.procedure]["response_pool"] == "true":
        return "1", None
    return None, "no_matching_variant"


def variant_of_scenario(line, scenario, edition, person, world):
    if scenario == "suspected_metastasis":
        return ("6" if edition == "2022" else "5"), None
    if scenario == "axilla":
        return variant_of_axilla(line, edition, person, world)
    if scenario == "baseline":
        return variant_of_baseline(line, edition, person, world)
    return None, "no_matching_variant"


def reroute_under(line, scenario, edition, person, world):
    """→ (variant, rating, reason) under one edition."""
    if edition is None:
        return None, None, "no_edition_in_force"
    variant, reason = variant_of_scenario(line, scenario, edition, person, world)
    if variant is None:
        return None, None, reason
    is_axilla = scenario == "axilla" or (scenario == "baseline" and variant in "348")
    row = rating_row(edition, variant, line.procedure, world, axilla=is_axilla)
    return (variant, row["rating"], None) if row else (variant, None, "no_matching_variant")


def reroute(line, scenario, person, world):
    editions = possible_editions(line.ordered_on, world)
    answers = [reroute_under(line, scenario, edition, person, world) for edition in editions]
    if not only([answer[1:] for answer in answers]):
        return {"reroute_reason": "edition_unknown"}
    return {
        "edition": editions[0] if len(editions) == 1 else "any",
        "reroute_variant": only([variant for variant, _, _ in answers]),
        "reroute_rating": answers[0][1],
        "reroute_reason": answers[0][2],
    }


# ---- the label ---------------------------------------------------------------------------

COLUMNS = [
    "order_id", "patient_id", "case_id", "site_id", "ordering_provider_id", "payer", "ordered_on",
    "clock_on", "code_system", "code", "procedure", "is_alias", "laterality", "phase", "scenario",
    "status", "reason", "edition", "variant", "rating", "rating_score", "is_appropriate",
    "measure", "is_first", "index_rank", "reroute_variant", "reroute_rating", "reroute_reason",
    "purpose_basis", "exception", "alternative", "radiation_level", "alternative_radiation_level",
    "contrast_assumed", "age_unknown", "router_row", "exam_id",
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
        label.update(rate(line, world), measure=label["phase"], is_first=False,
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
