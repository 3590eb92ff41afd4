"""From order line to exam (SPEC sections 4 and 5). Part of the oracle."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from oracle_events import concepts
from oracle_rows import day_done, is_live, meaning, side_of

OTHER_TRACER = "pet_other_tracer"
OF_THE_BREAST = {"invasive_breast_cancer", "in_situ"}


@dataclass
class Line:
    """An imaging order line: what its code reached, its case, and the exam it is part of."""
    order: dict
    state: str                           # mapped, unmapped (may hide a breast exam), not_breast
    procedure: str | None = None
    purpose: str = "diagnostic"
    contrast_assumed: bool = False
    sides: set = field(default_factory=set)
    clock_on: date | None = None
    case: object = None
    exam: list = field(default_factory=list)    # its lines, the representative first

    @property
    def id(self):
        return self.order["order_id"]

    @property
    def ordered_on(self):
        return self.order["ordered_on"]

    @property
    def is_representative(self):
        return self.exam[0] is self

    def union(self, column):
        return set().union(*(line.order[column] for line in self.exam))

    @property
    def context(self):
        return self.union("context")

    @property
    def reason_codes(self):
        return self.union("reason_codes")

    @property
    def exam_sides(self):
        return set().union(*(line.sides for line in self.exam))


# ---- 5 What a code reaches ---------------------------------------------------------------

def line_of(order, person, world):
    """The imaging order line, or None where the row is no imaging order line."""
    key = (order["code_system"], order["code"])
    rules = world["imaging"].get(key)
    if rules:
        return line_of_known_code(order, rules, person, world)
    if key in world["code_map"]:
        return line_of_mapped_code(order, world["code_map"][key], world)
    if order["order_type"] != "imaging":
        return None
    state = "not_breast" if order["code_system"] in ("CPT", "HCPCS") else "unmapped"
    return Line(order, state, sides=side_of(order, None, world["rules"]))


def line_of_known_code(order, rules, person, world):
    rule = meaning(rules, order["ordered_on"], "procedure") or rules[0]
    side = side_of(order, rule["laterality"], world["rules"])
    procedure, purpose = rule["procedure"], rule["purpose"]
    if not is_what_it_names(order, rule, person, world):
        procedure = world["otherwise"].get((rule["requires"], procedure))
        purpose = procedure and world["procedure"][procedure]["default_purpose"]
    if rule["support"] == "unlisted" or (rule["requires"] and not procedure):
        return Line(order, "unmapped", sides=side)
    if rule["requires"] == "fdg_tracer" and has_other_tracer(order, person, world):
        procedure, purpose = OTHER_TRACER, world["procedure"][OTHER_TRACER]["default_purpose"]
    is_assumed = rule["contrast_assumed"] == "true"
    return Line(order, "mapped", procedure, purpose, is_assumed, side)


def line_of_mapped_code(order, procedure, world):
    """A local code that the site's code map knows."""
    side = side_of(order, None, world["rules"])
    if procedure != "NOT_BREAST":
        purpose = world["procedure"][procedure]["default_purpose"]
        return Line(order, "mapped", procedure, purpose, sides=side)
    if order["order_type"] == "imaging":
        return Line(order, "not_breast", sides=side)
    return None


# ---- Decision 9: tracers -----------------------------------------------------------------

def doses_on(day, person, world):
    """The kinds of tracer dose on a patient-day."""
    rows = [(row, day_done(row)) for row in person["orders"]]
    rows += [(row, row["performed_on"]) for row in person["procedures"]]
    found = set()
    for row, done in rows:
        if done == day and is_live(row):
            rules = world["imaging"].get((row["code_system"], row["code"]), [])
            found |= {rule["support"] for rule in rules}
    return found


def has_other_tracer(order, person, world):
    doses = doses_on(day_done(order), person, world)
    return "other_pet_dose" in doses and "fdg_dose" not in doses


def is_what_it_names(order, rule, person, world):
    """78800 and 78801 name no organ (decision 9), 76882 and 38505 no axilla (decision 119)."""
    if rule["requires"] == "sestamibi_or_breast_indication":
        return (
            "sestamibi_dose" in doses_on(day_done(order), person, world)
            or "response_assessment" in order["context"]
            or reasons_hold(order["reason_codes"], OF_THE_BREAST, world)
        )
    if rule["requires"] == "axilla_indication":
        return not is_elsewhere(order, world)
    return True


def is_elsewhere(order, world):
    """Reasons are given, none of breast or axilla, and no context is of the axilla or the response."""
    return bool(
        order["reason_codes"]
        and not order["context"] & {"axilla_evaluation", "response_assessment"}
        and not reasons_hold(order["reason_codes"], {*OF_THE_BREAST, "axillary_node_metastasis"}, world)
    )


def reasons_hold(codes, wanted, world):
    rows = [{"code_system": "ICD10CM", "code": code} for code in codes]
    return any(wanted & set(concepts(row, world)) for row in rows)


# ---- 4 The clock, and whose order it is --------------------------------------------------

def clock_of(order, world):
    if world["clock"] == "ordered":
        return order["ordered_on"]
    return order["performed_on"] or order["scheduled_on"] or order["ordered_on"]


def case_of_order(clock_on, cases, world):
    """The latest cancer diagnosed by then, or the first one during its work-up."""
    known = [case for case in cases if case.cancer.diagnosed_on <= clock_on]
    if known:
        return known[-1]
    earliest = cases[0].cancer.diagnosed_on - timedelta(world["workup_days"])
    return cases[0] if clock_on >= earliest else None


# ---- 5 Lines of one exam are one order ---------------------------------------------------

def stands_alone(line):
    return line.state != "mapped" or line.purpose == "guidance" or not is_live(line.order)


def is_exam_line(line):
    """An exam as the secondary measures mean it: mapped, not cancelled, and not guidance."""
    return not stands_alone(line)


def make_exams(lines, world):
    """Gives every line its exam, the representative first."""
    together = [line for line in lines if not stands_alone(line)]
    merge_body_parts(together, world)
    exams = {}
    for line in together:
        family = world["procedure"][line.procedure]["exam_family"]
        key = (line.case.cancer.case_id, line.clock_on, line.purpose, family)
        exams.setdefault(key, []).append(line)
    for exam in exams.values():
        exam.sort(key=lambda line: representative_order(line, world))
        for line in exam:
            line.exam = exam
    for line in lines:
        line.exam = line.exam or [line]


def representative_order(line, world):
    specificity = int(world["procedure"][line.procedure]["specificity"] or 0)
    return (-specificity, line.ordered_on, line.id)


def merge_body_parts(lines, world):
    """Same-day CT, or MRI, that together cover chest, abdomen and pelvis in one contrast state."""
    groups = {}
    for line in lines:
        rule = world["procedure"][line.procedure]
        if line.purpose == "other" and covered(rule):
            key = (line.case.cancer.case_id, line.clock_on, rule["merge_modality"], rule["contrast"])
            groups.setdefault(key, []).append(line)
    for (_, _, modality, contrast), group in groups.items():
        parts = set().union(*(covered(world["procedure"][line.procedure]) for line in group))
        if parts == {"chest", "abdomen", "pelvis"} and (modality, contrast) in world["merge"]:
            for line in group:
                line.procedure = world["merge"][modality, contrast]


def covered(rule):
    if not rule["merge_modality"]:
        return set()
    return {part for part in ("chest", "abdomen", "pelvis") if rule["covers_" + part] == "true"}
