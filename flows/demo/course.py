"""One neoadjuvant course told in order: diagnosis, drugs, exams, operation."""

import datetime

from flows.demo import response
from flows.demo import work_up as workup
from flows.demo.care import (
    acquired_absence,
    after_surgery,
    biopsy,
    cancer_code,
    diagnose,
    diagnosis,
    give,
    new_case,
    operate,
    wait_for_surgery,
)
from flows.demo.figures import chance, day, wait
from flows.demo.imaging import OTHER_SIDE


def some_day(person, first=None, last=None):
    first = day("diagnosed_from") if first is None else first
    return person.rng.randint(first, day("diagnosed_to") if last is None else last)


def diagnosed(person, side=None, on=None):
    """A new cancer with its diagnosis rows; rare situations need a whole course before the end of the data."""
    last = day("specials_to") if person.special else None
    case = new_case(person, on or some_day(person, last=last), side)
    _settle_person(person, case)
    if person.special == "side_named_later":
        diagnosis(person, case.breast_code[:-1] + "9", case.diagnosed_on - 9)
    diagnose(person, case)
    if person.special == "both_breasts":
        diagnosis(person, cancer_code(person, OTHER_SIDE[case.side]), case.diagnosed_on + 6)
        case.side = "bilateral"
    return case


def _settle_person(person, case):
    """What depends on the day of the diagnosis: a minor's age, the last day covered of whoever is lost."""
    if person.story == "under_age":
        person.birth_year = datetime.date.fromordinal(case.diagnosed_on).year - 16
    elif not person.special and chance(person.rng, "lost_to_follow_up"):
        person.observed_to = min(case.diagnosed_on + person.rng.randint(60, 400), person.covered_to)
        person.covered_to = person.observed_to


def first_dose_day(person, case):
    return case.diagnosed_on + wait(person.rng, "diagnosis_to_first_dose")


def intent_before(person):
    if person.special == "intent_conflict":
        return "adjuvant"
    if chance(person.rng, "vague_intent"):
        return "other"
    return "neoadjuvant" if chance(person.rng, "stated_intent") else ""


def intent_after(person):
    return "adjuvant" if chance(person.rng, "stated_intent") else ""


def treat(person, case, regimen):
    """Drugs before surgery, then the operation if there is one."""
    case.first_dose_on = first_dose_day(person, case)
    found = biopsy(person, case)
    case.last_dose_on = give(person, regimen, case.first_dose_on, intent_before(person))
    if case.subtype == "hr_positive" and person.birth_year > 1980 and person.rng.random() < 0.5:
        give(person, "goserelin", case.first_dose_on)
    case.surgery_on = _surgery_day(person, case)
    follow(person, case, found)


def _surgery_day(person, case):
    if person.special in ("never_operated", "distant_relapse"):
        return None
    if person.special == "delayed_surgery":
        return case.last_dose_on + person.rng.randint(200, 250)
    return case.last_dose_on + wait_for_surgery(person)


def follow(person, case, found):
    """Everything that is ordered and done around the drugs of a neoadjuvant course."""
    workup.work_up(person, case, found)
    response.during(person, case)
    response.at_the_end(person, case)
    if person.special == "distant_relapse":
        workup.relapse(person, case, case.last_dose_on + person.rng.randint(5, 60))
    if case.surgery_on is None:
        return
    if person.special == "absence_only":
        acquired_absence(person, case)
    else:
        operate(person, case)
    workup.around_surgery(person, case)
    after_surgery(person, case)


def operate_first(person, case, on):
    case.first_dose_on = case.surgery_on = on
    workup.work_up(person, case, biopsy(person, case))
    operate(person, case)
    workup.around_surgery(person, case)
