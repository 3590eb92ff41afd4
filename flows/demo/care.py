"""The course of a cancer: diagnoses, drugs, operation, what follows it."""

from types import SimpleNamespace

from flows.demo.figures import chance, number, ordinal, pick, schedule, wait
from flows.demo.imaging import medication_order, surgery_order
from flows.demo.rows import add

SIDE_DIGIT = {"right": "1", "left": "2", "": "9"}
QUADRANTS = "1124445688"  # upper outer is the commonest
RECEPTOR_CODES = {"hr_positive": ("Z17.0",), "her2_positive": ("Z17.0",), "triple_negative": ("Z17.1",)}
TRASTUZUMAB = ("J9355", "Q5114", "Q5116", "Q5117")  # the brand and three biosimilars
CYCLOPHOSPHAMIDE_SPLIT = ordinal("2024-04-01")  # J9070 ended, J9075 began
SUPPORTIVE = ("J2506", "J3489", "J9202", "96413")
CHEMOTHERAPY = ("J9000", "J9070", "J9171", "J9045", "J9267", "96413")
LUMPECTOMY = ("19301", "19301", "19301", "19302")
MASTECTOMY = ("19303", "19303", "19307")
WHOLE_BREAST = {"right": "0HTT0ZZ", "left": "0HTU0ZZ", "bilateral": "0HTV0ZZ"}
PART_BREAST = {"right": "0HBT0ZZ", "left": "0HBU0ZZ", "bilateral": "0HBV0ZZ"}
ABSENCE = {"right": "Z90.11", "left": "Z90.12", "bilateral": "Z90.13"}
SIDES = {"left": ("left",), "right": ("right",), "bilateral": ("left", "right")}
FURTHER_LESION = {"19081": "19082", "19083": "19084", "19085": "19086", "19100": "19100"}
FREE_HAND = "19100"  # a core biopsy without imaging places no clip
STATED_FOR = 60  # days from the first dose on which an intent, once stated, is repeated
DAILY_PILL = {"letrozole": "72965", "anastrozole": "84857", "tamoxifen": "10324"}


def new_case(person, diagnosed_on, side=None):
    """One cancer: its side, nodes and type, and how it will be operated on."""
    rng = person.rng
    case = SimpleNamespace(
        diagnosed_on=diagnosed_on, side=side or pick(rng, "side"), nodes=pick(rng, "nodal"),
        subtype=pick(rng, "subtype"), conserving=chance(rng, "conserving_surgery"),
        first_dose_on=None, last_dose_on=None, surgery_on=None, has_clip=False, tumours=[""], biopsy_code="",
        breast_code="", any_chemotherapy=True,
    )
    if chance(rng, "several_tumours"):
        case.tumours = ["t1", "t2"]
    case.breast_code = cancer_code(person, case.side)
    return case


def cancer_code(person, side):
    sex_digit = "2" if person.sex == "male" else "1"
    return f"C50.{person.rng.choice(QUADRANTS)}{sex_digit}{SIDE_DIGIT[side]}"


def diagnosis(person, code, on, system="ICD10CM", **detail):
    return add(person, "diagnoses", code_system=system, code=code, diagnosed_on=on, **detail)


def diagnose(person, case):
    """The first rows of a cancer, some before the side or the nodes are settled."""
    rng = person.rng
    status = "" if case.nodes == "unknown" else case.nodes
    stated = rng.random() < 0.7
    if rng.random() < 0.12:
        diagnosis(person, case.breast_code[:-1] + "9", case.diagnosed_on, laterality=case.side)
    diagnosis(person, case.breast_code, case.diagnosed_on, nodal_status=status if stated else "")
    if status == "positive" and (not stated or rng.random() < 0.4):
        diagnosis(person, "C77.3", case.diagnosed_on + rng.randint(1, 14))
    elif status == "negative" and not stated:
        diagnosis(person, case.breast_code, case.diagnosed_on + rng.randint(3, 20), nodal_status=status)
    for code in RECEPTOR_CODES[case.subtype]:
        diagnosis(person, code, case.diagnosed_on + rng.randint(2, 10))
    if rng.random() < 0.08:
        diagnosis(person, f"D05.1{SIDE_DIGIT[case.side]}", case.diagnosed_on)
    for follow_up in range(rng.randint(0, 3)):
        diagnosis(person, case.breast_code, case.diagnosed_on + 40 * (follow_up + 1) + rng.randint(0, 25))


def biopsy(person, case):
    """Biopsy, marker clip where one is placed, on each side and each tumour."""
    on = case.diagnosed_on - person.rng.randint(1, 6)
    case.biopsy_code = pick(person.rng, "biopsy")
    case.has_clip = case.biopsy_code != FREE_HAND and chance(person.rng, "marker_clip")
    for side in SIDES[case.side]:
        for tumour in case.tumours:
            detail = {"laterality": side, "site_label": tumour, "status": "completed", "performed_on": on}
            code = case.biopsy_code if tumour == case.tumours[0] else FURTHER_LESION[case.biopsy_code]
            add(person, "procedures", code_system="CPT", code=code, **detail)
            if case.has_clip:
                add(person, "procedures", code_system="HCPCS", code="A4648", **detail)
    return on


def drug(person, code, on, system="HCPCS", **detail):
    return add(person, "therapies", code_system=system, code=code, started_on=on, status="completed", **detail)


def give(person, regimen, start, intent=""):
    """Doses with the delays and early stops of real life; gives the last day of chemotherapy, else of any drug."""
    rng = person.rng
    doses = _delayed(rng, schedule(regimen), chance(rng, "stopped_early"))
    trastuzumab = rng.choice(TRASTUZUMAB)
    # One site keeps part of its drugs among the orders; there, nothing is older than the first order.
    as_orders = person.site == "synthetic-b" and person.habit < 0.4 and start > person.orders_from
    given = []
    for offset, code in doses:
        on, code = start + offset, _code_of_the_day(person, code, start + offset, trastuzumab)
        if as_orders and code not in SUPPORTIVE:
            medication_order(person, code, on)
        else:
            _dose(person, code, on, intent if offset < STATED_FOR else "")
        given.append((on, code))
    _administrations(person, sorted({on for on, code in given if code not in SUPPORTIVE}))
    return _last_day(given, start)


def _dose(person, code, on, intent):
    drug(
        person, code, on, system="CPT" if code.isdigit() else "HCPCS",
        ended_on=on if person.rng.random() < 0.3 else None, intent="" if code in SUPPORTIVE else intent,
    )


def _delayed(rng, doses, stopped_early):
    end = doses[-1][0] * (rng.uniform(0.55, 0.9) if stopped_early else 1)
    shift, seen, kept = 0, None, []
    for offset, code in doses:
        if offset > end:
            break
        if offset != seen and chance(rng, "dose_delayed"):
            shift += 7
        seen = offset
        kept.append((offset + shift, code))
    return kept


def _code_of_the_day(person, code, on, trastuzumab):
    # Here and there the old code lives on after its last day, as it does in every warehouse.
    if code == "J9070" and on >= CYCLOPHOSPHAMIDE_SPLIT and person.index % 97:
        return "J9075"
    return trastuzumab if code == "J9355" else code


def _administrations(person, days):
    """The infusion codes and encounters that go with the drugs, where the site records them."""
    for on in days:
        if person.site in ("synthetic-a", "synthetic-d"):
            drug(person, "96413", on, system="CPT")
        if person.site == "synthetic-e" and person.habit < 0.5:
            diagnosis(person, "Z51.11", on)


def _last_day(given, start):
    chemotherapy = [on for on, code in given if code in CHEMOTHERAPY or code == "J9075"]
    counted = chemotherapy or [on for on, code in given if code not in SUPPORTIVE]
    return max(counted, default=start)


def pills(person, name, start, end, intent="", supply=90):
    """Dispensings of a daily pill until a day."""
    on = start
    while on < end:
        drug(person, DAILY_PILL[name], on, system="RXNORM", days_supply=str(supply), intent=intent)
        on += supply + person.rng.randint(-4, 6)


def wait_for_surgery(person):
    """Days from the last dose to the operation; a few wait very long."""
    if chance(person.rng, "very_late_surgery"):
        return person.rng.randint(100, int(number("wait.last_dose_to_surgery_max")))
    return wait(person.rng, "last_dose_to_surgery")


def operate(person, case):
    """The operation, its order, the nodes, and what came out."""
    rng, on = person.rng, case.surgery_on
    inpatient = person.site == "synthetic-c" and rng.random() < 0.5 and not case.conserving
    code = rng.choice(LUMPECTOMY if case.conserving else MASTECTOMY)
    for side in (case.side,) if inpatient else SIDES[case.side]:
        detail = {"performed_on": on, "laterality": "" if inpatient else side, "status": "completed"}
        system, written = ("ICD10PCS", _inpatient_code(case, side)) if inpatient else ("CPT", code)
        add(person, "procedures", code_system=system, code=written, **detail)
        add(person, "procedures", code_system="CPT", code="38525", **detail)
        if chance(rng, "surgery_ordered"):
            surgery_order(person, code, on, side, ordered=on - rng.randint(12, 30))


def _inpatient_code(case, side):
    return (PART_BREAST if case.conserving else WHOLE_BREAST)[side]


def acquired_absence(person, case):
    diagnosis(person, ABSENCE[case.side], case.surgery_on)


def after_surgery(person, case):
    """Radiation and the drugs that follow."""
    rng, on = person.rng, case.surgery_on
    if chance(rng, "radiation"):
        for fraction in range(0, 28, 7):
            add(person, "procedures", code_system="CPT", code="77412", laterality=case.side,
                performed_on=on + 42 + fraction, status="completed")
    if case.subtype == "her2_positive":
        give(person, rng.choice(("t_dm1", "hp_after")), on + rng.randint(25, 45), intent="adjuvant")
    elif case.subtype == "triple_negative" and rng.random() < 0.6:
        give(person, "pembrolizumab_after", on + rng.randint(25, 45), intent="adjuvant")
    else:
        pills(person, rng.choice(("letrozole", "anastrozole", "tamoxifen")), on + rng.randint(30, 80),
              min(on + 700, person.covered_to), intent="adjuvant")
    if rng.random() < 0.15:
        give(person, "zoledronate", on + 60)
