"""Stories of persons who had, or began, treatment before surgery."""

from flows.demo import work_up as workup
from flows.demo.care import biopsy, give, operate, pills
from flows.demo.course import diagnosed, first_dose_day, follow, intent_before, operate_first, some_day, treat
from flows.demo.figures import day, ordinal, pick
from flows.demo.imaging import OTHER_SIDE, exam


def neoadjuvant(person):
    case = diagnosed(person)
    treat(person, case, pick(person.rng, f"regimen.{case.subtype}"))


def neoadjuvant_targeted(person):
    case = diagnosed(person)
    case.subtype, case.any_chemotherapy = "her2_positive", False
    treat(person, case, "hp")


def neoadjuvant_immunotherapy(person):
    case = diagnosed(person)
    case.subtype, case.any_chemotherapy = "triple_negative", False
    treat(person, case, "pembrolizumab")


def neoadjuvant_unnamed(person):
    treat(person, diagnosed(person), "unnamed")


def neoadjuvant_endocrine(person):
    case = diagnosed(person)
    case.subtype, case.any_chemotherapy = "hr_positive", False
    case.first_dose_on = first_dose_day(person, case)
    case.surgery_on = case.first_dose_on + person.rng.randint(115, 240)
    case.last_dose_on = case.surgery_on - 1
    supply = person.rng.choice((30, 90, 90))
    pills(person, "letrozole", case.first_dose_on, case.surgery_on, intent_before(person), supply)
    follow(person, case, biopsy(person, case))


def second_cancer(person):
    """A cancer of the other breast more than a year after the first, in part while its pill goes on."""
    rng = person.rng
    first = diagnosed(person, on=some_day(person, last=day("data_from")))
    first.subtype = "hr_positive"
    operate_first(person, first, first.diagnosed_on + 25)
    pills(person, "anastrozole", first.surgery_on + 40, first.surgery_on + 900, intent="adjuvant")
    second = diagnosed(person, OTHER_SIDE[first.side], first.diagnosed_on + rng.randint(420, 640))
    if rng.random() < 0.3:
        operate_first(person, second, second.diagnosed_on + 30)
    else:
        treat(person, second, pick(rng, f"regimen.{second.subtype}"))


def history(person):
    """A first cancer of 2017, ordered before any edition of the criteria was in force."""
    person.orders_from = ordinal("2017-01-01")
    first = diagnosed(person, on=ordinal("2017-06-12") + person.rng.randint(0, 12))
    first.subtype, first.first_dose_on = "triple_negative", first.diagnosed_on + 24
    found = biopsy(person, first)
    first.last_dose_on = give(person, "ac_t", first.first_dose_on)
    first.surgery_on = first.last_dose_on + 30
    workup.work_up(person, first, found)
    exam(person, "us", first.first_dose_on + 60, first.side, ordered=first.first_dose_on + 48)
    operate(person, first)
    second = diagnosed(person, OTHER_SIDE[first.side], some_day(person, last=day("specials_to")))
    treat(person, second, pick(person.rng, f"regimen.{second.subtype}"))


STORIES = {
    story.__name__: story
    for story in (
        neoadjuvant,
        neoadjuvant_targeted,
        neoadjuvant_immunotherapy,
        neoadjuvant_unnamed,
        neoadjuvant_endocrine,
        second_cancer,
        history,
    )
} | {"under_age": neoadjuvant}
