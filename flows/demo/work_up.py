"""Imaging before the first dose, and around and after the operation."""

from flows.demo.care import diagnosis
from flows.demo.figures import chance, pick
from flows.demo.imaging import exam, mammogram, mri, us
from flows.demo.rows import add


def work_up(person, case, biopsied_on):
    """Exams before the first dose."""
    if chance(person.rng, "worked_up_elsewhere"):
        _referred(person, case)
    else:
        _found(person, case, biopsied_on - person.rng.randint(2, 12))
    _biopsied(person, case, biopsied_on)
    _staging(person, case)


def _referred(person, case):
    """Mammogram and ultrasound were made elsewhere; now and then the first exam here is none that fits the question."""
    rng, on = person.rng, case.diagnosed_on
    if chance(rng, "referred_for_another_exam"):
        exam(person, pick(rng, "not_appropriate_exam"), on + rng.randint(0, 1), case.side, ordered=on,
             reason_codes=case.breast_code)


def _found(person, case, on):
    rng = person.rng
    if chance(rng, "screen_detected"):
        exam(person, "screening", on - rng.randint(3, 20), reason_codes="Z12.31")
    if rng.random() < 0.25:
        exam(person, "screening", on - rng.randint(360, 400), reason_codes="Z12.31")
    exam(person, mammogram(person), on, case.side, reason_codes="R92.8")
    exam(person, us(person), on, case.side, reason_codes="N63.0")


def _biopsied(person, case, on):
    """The order of the biopsy, where it is kept; the mammogram after it, and what its report says of the clip."""
    rng = person.rng
    if case.has_clip:
        order_id = exam(person, "mammogram_one", on, case.side, ordered=on)
        if chance(rng, "clip_confirmed"):
            add(person, "findings", finding="clip_seen", reported_on=on + 1, order_id=order_id, laterality=case.side)
    if case.biopsy_code == "19083" and rng.random() < 0.25:
        exam(person, "breast_biopsy", on, case.side, ordered=on - 2)


def _staging(person, case):
    rng, reasons = person.rng, case.breast_code
    if chance(rng, "baseline_mri"):
        exam(person, mri(person), _before_treatment(person, case), case.side, reason_codes=reasons)
    if chance(rng, "baseline_axilla"):
        on = _before_treatment(person, case)
        exam(person, "us_axilla", on, case.side)
        if case.nodes == "positive" and rng.random() < 0.6:
            exam(person, "axilla_biopsy", on + 1, case.side, ordered=on)
    if chance(rng, "baseline_pet"):
        exam(person, "pet", _before_treatment(person, case), reason_codes=reasons)
    if chance(rng, "staging_ct"):
        on = _before_treatment(person, case)
        exam(person, "ct_body", on, reason_codes=reasons)
        exam(person, "bone_scan", on + 1, reason_codes=reasons)
    if rng.random() < 0.6:
        exam(person, "echo", _before_treatment(person, case))
    if rng.random() < 0.3:
        exam(person, "consultation", _before_treatment(person, case))


def _before_treatment(person, case):
    room = max(case.first_dose_on - case.diagnosed_on - 3, 2)
    return case.diagnosed_on + 2 + person.rng.randrange(room)


def around_surgery(person, case):
    rng, on = person.rng, case.surgery_on
    if case.conserving and chance(rng, "localised"):
        placed = on - rng.choice((0, 0, 1))
        add(person, "procedures", code_system="CPT", code="19281", performed_on=placed, laterality=case.side,
            status="completed")
        exam(person, "localisation", placed, case.side, ordered=placed - 7)
        exam(person, "mammogram_one", placed, case.side, ordered=placed)
        exam(person, "specimen", on, ordered=on)
    if rng.random() < 0.35:
        exam(person, us(person), on + rng.randint(20, 150), case.side)
    for year in (1, 2):
        if rng.random() < 0.7:
            exam(person, mammogram(person), on + 365 * year + rng.randint(-40, 40), case.side)


def relapse(person, case, on):
    diagnosis(person, person.rng.choice(("C79.51", "C78.7", "C78.00")), on)
    exam(person, "pet", on + 12, ordered=on + 3)
    exam(person, us(person), on + 20, case.side, ordered=on + 8)
