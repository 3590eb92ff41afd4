"""Stories of persons with an invasive breast cancer that is no neoadjuvant case, a reason each."""

from flows.demo import response
from flows.demo import work_up as workup
from flows.demo.care import biopsy, diagnosis, give, operate, pills, wait_for_surgery
from flows.demo.course import diagnosed, first_dose_day, follow, intent_after, operate_first, some_day
from flows.demo.figures import day, pick
from flows.demo.imaging import exam, mammogram, us
from flows.demo.rows import add

BRIDGE = (25, 70)  # days of a pill given only to cover the wait for an operation


def surgery_first(person):
    case = diagnosed(person)
    operate_first(person, case, case.diagnosed_on + person.rng.randint(14, 50))
    start = case.surgery_on + person.rng.randint(28, 60)
    if person.rng.random() < 0.55:
        give(person, pick(person.rng, f"regimen.{case.subtype}"), start, intent_after(person))
    else:
        pills(person, "letrozole", start, min(start + 600, person.covered_to), intent_after(person))


def radiation_first(person):
    case = diagnosed(person)
    for fraction in range(0, 28, 7):
        add(person, "procedures", code_system="CPT", code="77412", laterality=case.side, status="completed",
            performed_on=case.diagnosed_on + 20 + fraction)
    case.first_dose_on = case.diagnosed_on + 70
    case.last_dose_on = give(person, "tc", case.first_dose_on)
    case.surgery_on = case.last_dose_on + wait_for_surgery(person)
    follow(person, case, biopsy(person, case))


def no_therapy(person):
    case = diagnosed(person)
    operate_first(person, case, case.diagnosed_on + person.rng.randint(14, 60))


def late_therapy(person):
    case = diagnosed(person)
    pills(person, "tamoxifen", case.diagnosed_on + 200, case.diagnosed_on + 600)
    exam(person, us(person), case.diagnosed_on + 230, case.side)
    exam(person, mammogram(person), case.diagnosed_on + 380, case.side)


def metastatic(person):
    case = diagnosed(person)
    start = case.first_dose_on = first_dose_day(person, case)
    diagnosis(person, person.rng.choice(("C79.51", "C78.7", "C78.01", "C79.31")), case.diagnosed_on + 12)
    workup.work_up(person, case, biopsy(person, case))
    give(person, "palliative", start, "palliative" if person.rng.random() < 0.4 else "")
    for check in (80, 170, 260):
        exam(person, person.rng.choice(("ct_body", "pet", "bone_scan")), start + check)


def palliative(person):
    case = diagnosed(person)
    start = first_dose_day(person, case)
    give(person, "palliative", start, "palliative")
    exam(person, "ct_body", start + 84)
    exam(person, us(person), start + 90, case.side)


def stated_adjuvant(person):
    """Operated elsewhere: only the drugs, and the word that they follow an operation, are in the extracts."""
    case = diagnosed(person, on=some_day(person, last=day("specials_to")))
    give(person, pick(person.rng, f"regimen.{case.subtype}"), first_dose_day(person, case), "adjuvant")
    exam(person, mammogram(person), case.diagnosed_on + 350, case.side)


def unoperated_endocrine(person):
    case = diagnosed(person)
    person.birth_year = min(person.birth_year, 1946)
    start = case.first_dose_on = first_dose_day(person, case)
    workup.work_up(person, case, biopsy(person, case))
    pills(person, "letrozole", start, person.covered_to)
    for check in (110, 230, 350):
        exam(person, us(person), start + check, case.side, context="response_assessment")


def limited_exposure(person):
    case, rng = diagnosed(person), person.rng
    start = case.first_dose_on = first_dose_day(person, case)
    found = biopsy(person, case)
    if rng.random() < 0.75:
        case.surgery_on = start + rng.randint(*BRIDGE)
        pills(person, "tamoxifen", start, case.surgery_on, supply=30)
    else:
        give(person, "single", start)
        case.surgery_on = start + rng.randint(21, 45)
    workup.work_up(person, case, found)
    exam(person, us(person), case.surgery_on - 6, case.side)
    operate(person, case)
    workup.around_surgery(person, case)


def not_observable(person):
    """Diagnosed before or just after the extracts begin: nobody knows what came earlier."""
    case = diagnosed(person, on=some_day(person, first=day("data_from") - 60, last=day("data_from") + 80))
    case.first_dose_on = first_dose_day(person, case)
    case.last_dose_on = give(person, "ac_t", case.first_dose_on)
    response.during(person, case)
    exam(person, us(person), case.last_dose_on + 20, case.side)


STORIES = {
    story.__name__: story
    for story in (
        surgery_first,
        radiation_first,
        no_therapy,
        late_therapy,
        metastatic,
        palliative,
        stated_adjuvant,
        unoperated_endocrine,
        limited_exposure,
        not_observable,
    )
}
