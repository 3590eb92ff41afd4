"""Phase and router (SPEC sections 4 and 6). Part of the oracle."""

from oracle_events import days, diagnoses_of
from oracle_exams import is_elsewhere, reasons_hold
from oracle_rows import TRUE_CALENDAR, day_done, is_live, meets, side_of, sides

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
# counts in rows 8-11; the reading `context_reroutes_put_back` sets it to False. Decision 113: what goes
# with an exam and is none asks no question, so rows 8-11 pass over it.

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
    if not is_exam(line, world):
        return None
    words = {"response_progressive", "clinical_progression"}
    if has(line, "progression_suspected", ticked) or found(line, words, person, world):
        return "rerouted", "progression", "clinical_worsening"


def row_9_discordance(line, person, world, ticked):
    if not is_exam(line, world):
        return None
    if has(line, "discordant_findings", ticked) or found(line, {"discordant"}, person, world):
        return "rerouted", "discordance", "discordant_findings"


def row_10_metastasis(line, person, world, ticked):
    if not is_exam(line, world):
        return None
    known = diagnoses_of(person, "distant_metastasis", world)
    if (
        has(line, "metastasis_suspected", ticked)
        or reasons_hold(line.reason_codes, {"distant_metastasis"}, world)
        or any(row.on <= line.ordered_on for row in known)
    ):
        return "rerouted", "metastasis", "suspected_metastasis"


def row_11_axilla(line, person, world, ticked):
    if not is_exam(line, world):
        return None
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


def is_exam(line, world):
    return line.procedure not in world["no_exam"]


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
        day == day_done(line.order) and rule["kind"] in kinds.get(family, ()) and
        meets(side, line.exam_sides)
        for day, rule, side in biopsy_rows(person, world)
    )


def biopsy_rows(person, world):
    """Decisions 11, 118: rows whose code, or mapped local code, acts on breast or axilla → (day, rule, sides)."""
    rows = [(row, day_done(row)) for row in person["orders"] if not is_of_another_part(row, world)]
    rows += [(row, row["performed_on"]) for row in person["procedures"]]
    found = []
    for row, day in rows:
        for rule in world["biopsy"].get((row["code_system"], row["code"]), []):
            if is_live(row) and rule["target"] in ("breast", "axilla"):
                found.append((day, rule, side_of(row, rule["laterality"], world["rules"])))
    return found


def is_of_another_part(order, world):
    """Decision 119: an order under a code that may mean the axilla, whose reasons say that it does not."""
    rules = world["imaging"].get((order["code_system"], order["code"]), [])
    return any(rule["requires"] == "axilla_indication" for rule in rules) and is_elsewhere(order, world)


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
