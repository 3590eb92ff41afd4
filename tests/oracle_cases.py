"""Which cancers were treated before surgery (SPEC section 3). Part of the oracle."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from oracle_events import Found, days, diagnoses_of, events_of, events_of_cancer, floor, in_order, is_continuation
from oracle_rows import is_live, meaning, meets, side_of, side_word

STATED = {"neoadjuvant", "adjuvant", "palliative"}


@dataclass
class Cancer:
    patient_id: str
    number: int
    diagnosed_on: date
    diagnosis_id: str
    sides: set
    next_on: date | None = None

    @property
    def case_id(self):
        return f"{self.patient_id}#{self.number}"


@dataclass
class Case:
    cancer: Cancer
    covered_to: date
    start: date | None = None            # the candidate start
    start_id: str | None = None
    course: list = field(default_factory=list)
    first: date | None = None            # F
    last: date | None = None             # L
    last_cover: date | None = None       # M
    first_id: str | None = None
    last_id: str | None = None
    surgery: Found | None = None         # S
    metastasis: Found | None = None
    radiation: Found | None = None
    planned: Found | None = None
    reason: str | None = None
    tier: str | None = None
    is_closed: bool | None = None

    @property
    def is_case(self):
        return self.reason is None

    @property
    def surgery_on(self):
        return self.surgery.on if self.surgery else None

    @property
    def is_operated(self):
        """Surgery follows the candidate start."""
        return bool(self.surgery and self.start and self.surgery.on > self.start)

    @property
    def says_neoadjuvant(self):
        return any(event.intent == "neoadjuvant" for event in self.course)

    @property
    def deciding(self):
        chosen = [e for e in self.course if e.therapy_class in ("chemotherapy", "unspecified")]
        return chosen or self.course

    @property
    def is_set_by_chemotherapy(self):
        return any(e.therapy_class in ("chemotherapy", "unspecified") for e in self.course)

    def cut(self, day):
        """A cover end, at most the day before surgery."""
        return min(day, self.surgery.on - timedelta(1)) if self.is_operated else day


# ---- 3.1 Cancer --------------------------------------------------------------------------

def cancers_of(patient_id, person, world):
    cancers = []
    for row in diagnoses_of(person, "invasive_breast_cancer", world):
        if cancers and not starts_new_cancer(row, cancers, world):
            cancers[-1].sides |= row.sides
            continue
        if cancers:
            cancers[-1].next_on = row.on
        cancers.append(Cancer(patient_id, len(cancers) + 1, row.on, row.id, set(row.sides)))
    return cancers


def starts_new_cancer(row, cancers, world):
    named = set().union(*(cancer.sides for cancer in cancers))
    return (
        len(row.sides) == 1
        and not row.sides & named
        and all(cancer.sides for cancer in cancers)
        and row.on > cancers[-1].diagnosed_on + days(world["metachronous_days"])
    )


# ---- 3.4 Surgery -------------------------------------------------------------------------

def is_definitive(row, day, world):
    """The rule row, where the code is a definitive surgery here."""
    key = (row["code_system"], row["code"])
    rule = meaning(world["surgery"].get(key), day, "definitive")
    if rule is None:
        return None
    if rule["definitive"] == "conditional" and key in world["conditional_surgery"]:
        return rule
    return rule if rule["definitive"] == "yes" else None


def is_radiation_delivery(row, day, world):
    rule = meaning(world["radiation"].get((row["code_system"], row["code"])), day, "role")
    return rule if rule and rule["role"] == "delivery" else None


def performed(person, find_rule, world):
    """Rows of procedures, and completed orders, whose code a rule names."""
    found = []
    rows = [(row, row["performed_on"], row["procedure_id"], "procedures")
            for row in person["procedures"] if is_live(row)]
    rows += [(row, row["performed_on"] or row["ordered_on"], row["order_id"], "orders")
             for row in person["orders"] if row["status"] == "completed"]
    for row, day, id, source in rows:
        rule = find_rule(row, day, world)
        if rule:
            side = side_of(row, rule["laterality"], world["rules"])
            found.append(Found(day, id, source, side))
    return in_order(found)


def in_span(found, cancer, world):
    """On a side of the cancer (or unknown), from its grace days on, before the next cancer."""
    return [
        row for row in found
        if row.on >= floor(cancer, world)
        and (cancer.next_on is None or row.on < cancer.next_on)
        and meets(row.sides, cancer.sides)
    ]


def surgery_of(cancer, person, world):
    found = in_span(performed(person, is_definitive, world), cancer, world)
    if not found:
        found = in_span(diagnoses_of(person, "acquired_absence", world), cancer, world)
    return found[0] if found else None


# ---- 3.5 Course --------------------------------------------------------------------------

def candidate_start(cancer, mine, events, world):
    latest = cancer.diagnosed_on + days(world["therapy_start_max_days"])
    for one in mine:
        if one.start <= latest and not is_continuation(one, cancer, events, world):
            return one
    return None


def course_of(case, mine, world):
    latest = case.start + days(world["max_course_days"])
    mine = [one for one in mine if case.start <= one.start <= latest]
    if case.is_operated:
        return [one for one in mine if one.start < case.surgery.on]
    return chain(mine, world)


def chain(mine, world):
    linked = [mine[0]]
    for one in mine[1:]:
        is_oral = all(each.therapy_class == "endocrine" for each in linked)
        gap = world["oral_gap_days"] if is_oral else world["course_gap_days"]
        if one.start > max(each.end for each in linked) + days(gap):
            break
        linked.append(one)
    return linked


def set_first_and_last(case):
    case.first = min(one.start for one in case.deciding)
    case.last = max(case.cut(one.end) for one in case.deciding)
    case.last_cover = max(case.cut(one.end) for one in case.course)
    case.first_id = min(one.id for one in case.deciding if one.start == case.first)
    case.last_id = min(one.id for one in case.deciding if case.cut(one.end) == case.last)


# ---- 3.6 Not a case ----------------------------------------------------------------------

def no_therapy_in_time(case, world):
    return case.start is None


def surgery_first(case, world):
    return bool(case.surgery and case.surgery.on <= case.start) or case.radiation is not None


def metastatic_at_start(case, world):
    return case.metastasis is not None


def other_intent(case, world):
    stated = {one.intent for one in case.course} & STATED
    if not stated or "neoadjuvant" in stated:
        return False
    return "palliative" in stated or not is_operated_in_time(case, world)


def unoperated_endocrine(case, world):
    classes = {one.therapy_class for one in case.course}
    is_endocrine = "endocrine" in classes and classes <= {"endocrine", "targeted_other"}
    return case.surgery is None and is_endocrine and not case.says_neoadjuvant


def not_observable(case, world):
    if world["data_from"] is None or case.surgery or case.says_neoadjuvant:
        return False
    return case.cancer.diagnosed_on < world["data_from"] + days(world["lookback_days"])


def limited_exposure(case, world):
    if case.surgery is None or case.says_neoadjuvant:
        return False
    infused = [one for one in case.course if one.therapy_class != "endocrine"]
    oral = [one for one in case.course if one.therapy_class == "endocrine"]
    is_repeated = len({one.start for one in infused}) >= world["min_doses"]
    is_long = any(
        case.cut(one.end) >= one.start + days(world["min_course_days"]) for one in infused
    )
    is_long_oral = bool(oral) and max(case.cut(one.end) for one in oral) >= min(
        one.start for one in oral
    ) + days(world["min_endocrine_days"])
    return not (is_repeated or is_long or is_long_oral)


NOT_CASE_REASONS = [
    no_therapy_in_time, surgery_first, metastatic_at_start, other_intent,
    unoperated_endocrine, not_observable, limited_exposure,
]


def is_operated_in_time(case, world):
    """Surgery follows within surgery_max_days after M."""
    latest = case.last_cover + days(world["surgery_max_days"])
    return case.is_operated and case.surgery.on <= latest


def radiation_before_start(case, person, world):
    found = in_span(performed(person, is_radiation_delivery, world), case.cancer, world)
    found = [row for row in found if row.on < case.start]
    return found[0] if found else None


def metastasis_by_start(case, person, world):
    latest = case.first + days(world["metastasis_grace_days"])
    found = diagnoses_of(person, "distant_metastasis", world)
    found = [row for row in found if row.on <= latest]
    return found[0] if found else None


# ---- 3.7 Intent tier ---------------------------------------------------------------------

def intent_tier(case, world):
    if case.says_neoadjuvant:
        return "explicit"
    if is_operated_in_time(case, world):
        return "inferred"
    if case.covered_to > case.last_cover + days(world["surgery_max_days"]):
        return "unresolved"
    return "presumptive"


# ---- 3.8 Completion ----------------------------------------------------------------------

def planned_surgery(case, person, world):
    found = []
    earliest = case.last - days(world["completion_lead_days"])
    for row in person["orders"]:
        rule = is_definitive(row, row["ordered_on"], world)
        if not rule or row["status"] not in ("active", "scheduled"):
            continue
        side = side_of(row, rule["laterality"], world["rules"])
        if row["ordered_on"] >= earliest and meets(side, case.cancer.sides):
            found.append(Found(row["ordered_on"], row["order_id"], "orders", side))
    return in_order(found)[0] if found else None


def is_course_closed(case, world):
    if case.is_operated or case.planned:
        return True
    return case.covered_to > case.last + days(world["course_gap_days"])


# ---- 3.9 Therapy class -------------------------------------------------------------------

CLASS_GROUPS = [
    ("chemotherapy", {"chemotherapy"}),
    ("targeted", {"her2_targeted", "targeted_other"}),
    ("immunotherapy", {"immunotherapy"}),
    ("unspecified", {"unspecified"}),
    ("endocrine", {"endocrine"}),
]


def class_groups(case):
    found = {one.therapy_class for one in case.course}
    return [name for name, members in CLASS_GROUPS if found & members]


# ---- the case, told in order -------------------------------------------------------------

def cases_of(patient_id, person, world):
    cancers = cancers_of(patient_id, person, world)
    events = events_of(person, world) if cancers else []
    return [case_of(cancer, cancers, events, person, world) for cancer in cancers]


def case_of(cancer, cancers, events, person, world):
    case = Case(cancer, person["covered_to"])
    mine = events_of_cancer(cancer, cancers, events, world)
    start = candidate_start(cancer, mine, events, world)
    case.surgery = surgery_of(cancer, person, world)
    if start:
        case.start, case.start_id = start.start, start.id
        case.course = course_of(case, mine, world)
        set_first_and_last(case)
        case.radiation = radiation_before_start(case, person, world)
        case.metastasis = metastasis_by_start(case, person, world)
        case.planned = planned_surgery(case, person, world)
    case.reason = next((rule.__name__ for rule in NOT_CASE_REASONS if rule(case, world)), None)
    if case.reason not in ("no_therapy_in_time", "surgery_first"):
        case.tier = intent_tier(case, world)
        case.is_closed = is_course_closed(case, world)
    return case


def case_row(case):
    groups = class_groups(case)
    intents = [one for one in case.course if one.intent == "neoadjuvant"]
    intents = intents or [one for one in case.course if one.intent in STATED]
    is_conflict = case.is_operated and any(one.intent == "adjuvant" for one in case.course)
    return {
        "case_id": case.cancer.case_id,
        "patient_id": case.cancer.patient_id,
        "cancer_number": case.cancer.number,
        "diagnosed_on": case.cancer.diagnosed_on,
        "laterality": side_word(case.cancer.sides),
        "first_dose_on": case.first,
        "last_dose_on": case.last,
        "surgery_on": case.surgery_on,
        "is_closed": case.is_closed,
        "intent_tier": case.tier,
        "therapy_class": groups[0] if groups else None,
        "is_combination": len(groups) > 1 if case.start else None,
        "is_intent_conflict": is_conflict,
        "is_case": case.is_case,
        "not_case_reason": case.reason,
        "candidate_start_on": case.start,
        "last_cover_on": case.last_cover,
        "covered_to": case.covered_to,
        "n_events": len(case.course),
        "diagnosis_id": case.cancer.diagnosis_id,
        "candidate_therapy_id": case.start_id,
        "first_dose_id": case.first_id,
        "last_dose_id": case.last_id,
        "surgery_id": case.surgery.id if case.surgery else None,
        "surgery_source": case.surgery.source if case.surgery else None,
        "metastasis_id": case.metastasis.id if case.metastasis else None,
        "radiation_id": case.radiation.id if case.radiation else None,
        "intent_id": intents[0].id if intents else None,
        "planned_surgery_id": case.planned.id if case.planned else None,
    }
