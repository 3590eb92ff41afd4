"""The secondary measures S1 to S14, each as the units of its denominator (Decisions 51 to 65). Part of the oracle.

S1(study) or S2(study, part) → units, each with the day that decides its period and whether it is met.
"""

from oracle_events import days
from oracle_router import biopsy_rows
from oracle_rows import is_live, meets, side_of, sides
from oracle_study import (
    Unit,
    before_surgery,
    exam_of_result,
    findings_of,
    is_within,
    net_band,
    was_performed,
)

BOTH = {"left", "right"}


# ---- Decision 51 -------------------------------------------------------------------------

def s1_any_response_imaging(study, part):
    """Every operated case, of any tier → an order of it asks for the response."""
    return [
        Unit(case.surgery_on, bool(study.answers(case)))
        for case in study.all_cases if case.is_operated
    ]


# ---- Decision 52 -------------------------------------------------------------------------

def s2_mammogram_beside_us(study, measure):
    units = []
    for case, index_on, labels in study.episodes(measure):
        for label in labels:
            if label["procedure"] == "us_breast":
                units.append(Unit(index_on, has_mammogram(label, case, study)))
    return units


def has_mammogram(label, case, study):
    near, exam_sides = days(study.world["companion_days"]), study.line(label).exam_sides
    return any(
        study.family(exam) == "mammography" and exam.purpose == "diagnostic"
        and is_within(exam.clock_on, label["clock_on"] - near, label["clock_on"] + near)
        and meets(exam.sides, exam_sides) and not is_guidance(exam, study)
        for exam in study.exams(case)
    )


def is_guidance(exam, study):
    """Excluded as guidance: what the router said of the exam's representative."""
    if exam.case is None or not exam.exam:
        return False
    id = exam.exam[0].id
    labels = study.labels.get(exam.case.cancer.case_id, [])
    return any(label["order_id"] == id and label["reason"] == "guidance" for label in labels)


# ---- Decision 53 -------------------------------------------------------------------------

def s3_baseline(study, measure):
    units, world = [], study.world
    for case, index_on, labels in study.episodes(measure):
        earliest = case.first - days(world["baseline_lookback_days"])
        if world["data_from"] and earliest < world["data_from"]:
            continue
        latest = case.first + days(world["baseline_after_days"])
        for label in labels:
            if label["_state"] == "mapped":
                units.append(Unit(index_on, any(
                    is_same_exam(exam, study.line(label), study)
                    and exam.purpose in ("diagnostic", "screening")
                    and is_within(exam.clock_on, earliest, latest) and exam.clock_on < index_on
                    for exam in study.exams(case)
                )))
    return units


def is_same_exam(exam, line, study):
    """Of the same exam family, on a side that meets."""
    return study.family(exam) == study.family(line) and meets(exam.sides, line.exam_sides)


# ---- Decision 55 -------------------------------------------------------------------------

CONTRAST_MRI = "mri_breast_contrast"


def s4_mri_after_indeterminate(study, measure):
    units = []
    for case, index_on, labels in study.episodes(measure):
        ids = {label["order_id"] for label in labels}
        found = [row for row in findings_of(case, {"response_indeterminate"}, study)
                 if exam_of_result(row, case, study) in ids]
        is_done = any(study.family(study.line(label)) == CONTRAST_MRI for label in labels)
        if found and not is_done:
            first = found[0]["reported_on"]
            last = first + days(study.world["escalation_days"])
            units.append(Unit(index_on, any(
                study.family(exam) == CONTRAST_MRI and is_within(exam.ordered_on, first, last)
                for exam in study.exams(case)
            )))
    return units


# ---- Decision 56 -------------------------------------------------------------------------

def s5_clip(study, part):
    """Computable only where the delivery speaks of clips at all."""
    if not any(clip_rows(person, study.world) or clips_seen(person) for person in study.people.values()):
        return []
    return [Unit(case.first, has_clip(case, part, study)) for case in study.cases]


def clip_rows(person, world):
    """Rows on the breast that place a marker, or may → (day, certain or possible, sides)."""
    certainty = {"yes": "certain", "possible": "possible"}
    return [
        (day, certainty[rule["places_marker"]], side)
        for day, rule, side in biopsy_rows(person, world)
        if rule["target"] == "breast" and rule["places_marker"] in certainty
        and rule["kind"] in ("biopsy", "clip", "localisation")
    ]


def clips_seen(person):
    return [(row["reported_on"], "certain", sides(row["laterality"]))
            for row in person["findings"] if row["finding"] == "clip_seen"]


def has_clip(case, part, study):
    person, wanted = study.person(case), {"certain": {"certain"}, "possible": {"certain", "possible"}}[part]
    return any(
        certainty in wanted and is_during_workup(day, case, study.world) and meets(side, case.cancer.sides)
        for day, certainty, side in [*clip_rows(person, study.world), *clips_seen(person)]
    )


def is_during_workup(day, case, world):
    return is_within(day, case.cancer.diagnosed_on - days(world["workup_days"]), case.first)


# ---- Decision 57 -------------------------------------------------------------------------

WORRYING = {"discordant", "response_stable", "response_progressive", "clinical_progression"}


def s6_escalation(study, part):
    units = []
    for case in study.cases:
        found = [
            row for row in findings_of(case, WORRYING, study)
            if row["reported_on"] >= case.first and before_surgery(row["reported_on"], case)
            and meets(sides(row["laterality"]), case.cancer.sides)
        ]
        if found:
            units.append(Unit(found[0]["reported_on"], is_escalated(found[0], case, study)))
    return units


def is_escalated(finding, case, study):
    first = finding["reported_on"]
    last = first + days(study.world["escalation_days"])

    def in_time(day):
        return is_within(day, first, last) and before_surgery(day, case)

    return (
        any(in_time(row["reported_on"]) for row in findings_of(case, {"tumor_board_review"}, study))
        or any(rule["kind"] == "biopsy" and in_time(day) and meets(side, case.cancer.sides)
               for day, rule, side in biopsy_rows(study.person(case), study.world))
        or any(in_time(exam.ordered_on) for exam in second_modalities(finding, case, study))
    )


def second_modalities(finding, case, study):
    """Breast exams of another family than the one that the finding names (any, where it names none)."""
    named = {study.family(line) for line in study.person(case)["lines"] if line.id == finding["order_id"]}
    return [
        exam for exam in study.exams(case)
        if study.world["procedure"][exam.procedure]["response_pool"] == "true" and study.family(exam) not in named
    ]


# ---- Decision 58 -------------------------------------------------------------------------

def s7_avoidable_radiation(study, measure):
    units = []
    for case in study.cases:
        for label in study.answers(case, measure):
            if label["status"] == "rated" and was_performed(study.line(label).order):
                is_met = label["is_appropriate"] is False
                band = net_band(label, study.world) if is_met else None
                units.append(Unit(label["clock_on"], is_met, band=band))
    return units


# ---- Decision 59 -------------------------------------------------------------------------

def s8_waiting(study, part):
    if part == "last_dose_to_surgery":
        spans = [(case.last, case.surgery_on) for case in study.cases if case.is_operated]
    else:
        episodes = list(study.episodes("post_completion"))
        if part == "last_dose_to_index":
            spans = [(case.last, index_on) for case, index_on, _ in episodes]
        else:
            spans = [(index_on, case.surgery_on) for case, index_on, _ in episodes if case.surgery_on]
    waited = [(end, (end - start).days) for start, end in spans]
    return [Unit(end, n <= study.world["timely_days"], n_days=n) for end, n in waited]


# ---- Decision 60 -------------------------------------------------------------------------

def s9_laterality(study, measure):
    units = []
    for case in study.cases:
        for label in study.labels.get(case.cancer.case_id, []):
            is_known = study.line(label).exam_sides and case.cancer.sides
            if label["router_row"] in (13, 15) and label["phase"] == measure and is_known:
                units.append(Unit(label["clock_on"], label["router_row"] == 15))
    return units


# ---- Decisions 61 and 62 -----------------------------------------------------------------

def s10_mri(study, measure):
    return [
        Unit(index_on, any(is_breast_mri(label, study) for label in study.answers(case, measure)))
        for case, index_on, _ in study.episodes(measure)
    ]


def is_breast_mri(label, study):
    procedure = study.line(label).procedure
    return bool(procedure) and study.world["procedure"][procedure]["modality"] == "mr"


def s11_exceptions(study, measure):
    return [
        Unit(index_on, bool(label["exception"]))
        for _, index_on, labels in study.episodes(measure)
        for label in labels if label["is_appropriate"] is False
    ]


# ---- Decision 63 -------------------------------------------------------------------------

def s12_repeats(study, measure):
    units = []
    for case, index_on, labels in study.episodes(measure):
        for label in labels:
            if label["_state"] == "mapped":
                first = label["clock_on"] + days(1)
                last = label["clock_on"] + days(study.world["repeat_days"])
                units.append(Unit(index_on, any(
                    is_same_exam(exam, study.line(label), study) and exam.purpose == "diagnostic"
                    and is_within(exam.clock_on, first, last) and before_surgery(exam.clock_on, case)
                    and not is_guidance(exam, study)
                    for exam in study.exams(case)
                )))
    return units


# ---- Decision 64 -------------------------------------------------------------------------

def s13_performed(study, measure):
    """Computable only where some imaging order line of the delivery was performed."""
    lines = [line for person in study.people.values() for line in person["lines"]]
    if not any(line.order["performed_on"] for line in lines):
        return []
    units, usual = [], days(study.world["performed_within_days"])
    for case, index_on, labels in study.episodes(measure):
        for label in labels:
            order = study.line(label).order
            done, due = order["performed_on"], order["ordered_on"] + usual
            if case.covered_to > due and (done or order["status"] != "completed"):
                units.append(Unit(index_on, bool(done) and done <= due))
    return units


# ---- Decision 65 -------------------------------------------------------------------------

def s14_every_site(study, part):
    units = []
    for case, index_on, _ in study.episodes("post_completion"):
        biopsies = biopsies_before_therapy(case, study)
        if part == "sides" and set().union(*(side for side, _ in biopsies)) == BOTH:
            seen = [study.line(label).exam_sides for label in study.answers(case, "post_completion")]
            units.append(Unit(index_on, set().union(*seen) == BOTH))
        labels = {label for _, label in biopsies if label}
        if part == "sites" and len(labels) >= 2:
            units.append(Unit(index_on, labels <= sites_reported(case, study)))
    return units


def biopsies_before_therapy(case, study):
    """(sides, site label) of the breast biopsies among the procedures."""
    found = []
    for row in study.person(case)["procedures"]:
        for rule in study.world["biopsy"].get((row["code_system"], row["code"]), []):
            side = side_of(row, rule["laterality"], study.world["rules"])
            if (
                is_live(row) and rule["kind"] == "biopsy" and rule["target"] == "breast"
                and is_during_workup(row["performed_on"], case, study.world) and meets(side, case.cancer.sides)
            ):
                found.append((side, site_of(row)))
    return found


def site_of(row):
    return row["site_label"].lower() if row["site_label"] else None


def sites_reported(case, study):
    return {
        site_of(row) for row in study.person(case)["findings"]
        if row["reported_on"] >= case.first and before_surgery(row["reported_on"], case)
    }
