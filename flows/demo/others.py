"""Stories of persons without an invasive breast cancer: most of any breast clinic."""

from flows.demo.care import SIDE_DIGIT, after_surgery, diagnosis, give, new_case, operate, pills
from flows.demo.figures import day, pick
from flows.demo.imaging import exam, mammogram, mri, us
from flows.demo.rows import add


def _some_day(person):
    return person.rng.randint(day("data_from"), day("as_of") - 30)


def screening(person):
    rng, on = person.rng, _some_day(person)
    diagnosis(person, "Z12.31", on)
    for year in range(rng.randint(1, 3)):
        exam(person, "screening", on + 370 * year, reason_codes="Z12.31")
    if rng.random() < 0.1:
        exam(person, mammogram(person, both=0.2), on + 14, pick(rng, "side"), reason_codes="R92.8")


def benign(person):
    rng, on, side = person.rng, _some_day(person), pick(person.rng, "side")
    exam(person, mammogram(person), on, side, reason_codes="N63.0")
    exam(person, us(person), on, side, reason_codes="N63.0")
    if rng.random() < 0.4:
        add(person, "procedures", code_system="CPT", code="19083", performed_on=on + 8, laterality=side,
            status="completed")
        diagnosis(person, f"D24.{SIDE_DIGIT[side]}", on + 12)
    else:
        diagnosis(person, "N60.9" + SIDE_DIGIT[side], on)


def in_situ(person):
    case, rng = new_case(person, _some_day(person)), person.rng
    diagnosis(person, f"D05.1{SIDE_DIGIT[case.side]}", case.diagnosed_on)
    exam(person, mammogram(person), case.diagnosed_on - 15, case.side, reason_codes="R92.1")
    if rng.random() < 0.5:
        exam(person, mri(person), case.diagnosed_on + 10, case.side)
    case.subtype, case.surgery_on = "hr_positive", case.diagnosed_on + rng.randint(20, 60)
    operate(person, case)
    after_surgery(person, case)


def other_cancer(person):
    rng, on = person.rng, _some_day(person)
    diagnosis(person, rng.choice(("C34.11", "C34.32", "C18.7", "C83.38")), on)
    give(person, "immunochemotherapy", on + 30)
    for check in (-5, 90, 180):
        exam(person, rng.choice(("ct_body", "pet", "ct_chest")), on + check)


def incidental(person):
    rng, on = person.rng, _some_day(person)
    diagnosis(person, rng.choice(("M17.11", "I10", "E11.9")), on)
    if rng.random() < 0.3:
        pills(person, "tamoxifen", on, on + 300)
    exam(person, rng.choice(("knee_film", "ankle_film", "chest_film", "bone_density", "echo")), on)


STORIES = {story.__name__: story for story in (screening, benign, in_situ, other_cancer, incidental)}
