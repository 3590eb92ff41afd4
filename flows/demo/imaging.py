"""Exams and the order lines that they leave behind."""

from flows.demo.figures import chance, wait
from flows.demo.people import new_id, provider
from flows.demo.rows import add

OTHER_SIDE = {"left": "right", "right": "left", "bilateral": "bilateral", "": ""}

# Lines of each exam: (code system, code, sides). Sides: `one` writes the side of the exam, `each` a
# line for left and one for right, `none` leaves it to the code.
EXAMS = {
    "us": [("CPT", "76642", "one")],
    "us_whole": [("CPT", "76641", "one")],
    "us_both": [("CPT", "76641", "each")],
    "us_axilla": [("CPT", "76882", "one")],
    "us_loinc": [("LOINC", "24601-7", "one")],
    "mammogram": [("CPT", "77066", "none")],
    "mammogram_one": [("CPT", "77065", "one")],
    "tomosynthesis": [("CPT", "77066", "none"), ("HCPCS", "G0279", "none")],
    "tomosynthesis_one": [("CPT", "77065", "one"), ("HCPCS", "G0279", "one")],
    "tomosynthesis_cpt": [("CPT", "77066", "none"), ("CPT", "77062", "none")],
    "screening": [("CPT", "77067", "none"), ("CPT", "77063", "none")],
    "mri": [("CPT", "77049", "none")],
    "mri_hospital": [("HCPCS", "C8908", "none")],
    "mri_one": [("CPT", "77048", "one")],
    "mri_without": [("CPT", "77047", "none")],
    "mri_with": [("HCPCS", "C8906", "none")],
    "mri_unspecified": [("SNOMED", "241615005", "one")],
    "mri_unspecified_both": [("LOINC", "30795-9", "none")],
    "mri_retired": [("CPT", "77059", "none")],
    "local_short_mri": [("LOCAL", "IMG1310", "none")],
    "contrast_mammogram": [("CPT", "76499", "one")],
    "local_contrast_mammogram": [("LOCAL", "IMG1210", "none")],
    "breast_ct": [("CPT", "0637T", "none")],
    "breast_ct_one": [("CPT", "0633T", "one")],
    "mbi": [("CPT", "78800", "none"), ("HCPCS", "A9500", "none")],
    "mbi_one": [("HCPCS", "S8080", "one")],
    "untraced_scan": [("CPT", "78800", "none")],
    "pet": [("CPT", "78815", "none"), ("HCPCS", "A9552", "none")],
    "pet_whole": [("CPT", "78816", "none")],
    "pet_fluoroestradiol": [("CPT", "78815", "none"), ("HCPCS", "A9591", "none")],
    "axilla_biopsy": [("CPT", "38505", "one")],
    "breast_biopsy": [("CPT", "19083", "one")],
    "localisation": [("CPT", "19281", "one")],
    "specimen": [("CPT", "76098", "none")],
    "bone_scan": [("CPT", "78306", "none")],
    "ct_body": [("CPT", "71260", "none"), ("CPT", "74177", "none")],
    "ct_body_without": [("CPT", "71250", "none"), ("CPT", "74176", "none")],
    "ct_chest": [("CPT", "71260", "none")],
    "ct_angiogram": [("CPT", "71275", "none")],
    "mri_brain": [("CPT", "70553", "none")],
    "echo": [("CPT", "93306", "none")],
    "bone_density": [("CPT", "77080", "none")],
    "chest_film": [("CPT", "71046", "none")],
    "knee_film": [("CPT", "73560", "none")],
    "ankle_film": [("CPT", "73610", "none")],
    "consultation": [("CPT", "99205", "none")],
}
DOSES = ("A9500", "A9552", "A9591")
ORDER_TYPE = {"19083": "procedure", "19281": "procedure", "38505": "procedure", "99205": "other"}


def us(person):
    return person.rng.choices(("us", "us_whole", "us_both", "us_loinc"), (70, 15, 12, 3))[0]


def mammogram(person, both=0.7):
    if chance(person.rng, "tomosynthesis"):
        if person.rng.random() >= both:
            return "tomosynthesis_one"
        return "tomosynthesis_cpt" if person.site == "synthetic-f" else "tomosynthesis"
    return "mammogram" if person.rng.random() < both else "mammogram_one"


def mri(person):
    if person.rng.random() < 0.07:
        return "mri_one"
    return "mri_hospital" if person.site in ("synthetic-a", "synthetic-c") else "mri"


def exam(person, name, on, side="", ordered=None, **detail):
    """Order an exam for a day; gives the id of its first line, or nothing if the order is not covered."""
    ordered = on - wait(person.rng, "order_to_exam") if ordered is None else min(ordered, on)
    accession, who = new_id(person, "accession"), provider(person)
    if chance(person.rng, "cancelled"):
        _cancelled_twin(person, name, on, side, ordered, who, detail)
    ids = []
    for system, code, sides in EXAMS[name]:
        for line_side in _line_sides(sides, side):
            line = dict(code_system=system, code=code, laterality=line_side, ordered_on=ordered,
                        accession_id=accession, ordering_provider_id=who, **detail)
            ids.append(_order_line(person, on, line))
    return ids[0]


def _line_sides(sides, side):
    return {"one": [side], "each": ["left", "right"], "none": [""]}[sides]


def _cancelled_twin(person, name, on, side, ordered, who, detail):
    """The first booking, cancelled: the replacement is the exam that counts."""
    system, code, sides = EXAMS[name][0]
    word = "entered_in_error" if person.rng.random() < 0.15 else "cancelled"
    line = dict(code_system=system, code=code, laterality=_line_sides(sides, side)[0], ordered_on=ordered,
                ordering_provider_id=who, scheduled_on=max(ordered, on - 5), **detail)
    _keep(person, line | {"status": word})


def _order_line(person, on, line):
    if on > person.covered_to:  # booked, not done by the last day covered
        return _keep(person, line | {"scheduled_on": on, "status": "scheduled"})
    done = {"performed_on": on, "status": "" if person.site == "synthetic-f" else "completed"}
    if person.rng.random() < 0.6:
        done["scheduled_on"] = on
    if line["code_system"] != "LOCAL" and chance(person.rng, "unperformed"):
        done = {"scheduled_on": on, "status": "active"}
    return _keep(person, line | done)


def _keep(person, line):
    if line["ordered_on"] < person.orders_from:
        return ""
    line.setdefault("order_type", _order_type(line["code"]))
    return add(person, "orders", site_id=person.site, payer=person.payer, **line)


def _order_type(code):
    return "medication" if code in DOSES else ORDER_TYPE.get(code, "imaging")


def medication_order(person, code, on):
    who = provider(person)
    return _keep(person, {
        "code_system": "HCPCS", "code": code, "ordered_on": on - 3, "performed_on": on, "status": "completed",
        "order_type": "medication", "ordering_provider_id": who,
    })


def surgery_order(person, code, on, side, ordered):
    """A planned operation: still only scheduled where its day lies past the last day covered."""
    return _order_line(person, on, {
        "code_system": "CPT", "code": code, "laterality": side, "ordered_on": ordered, "order_type": "procedure",
        "ordering_provider_id": provider(person),
    })
