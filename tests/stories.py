"""Random patients whose events lie where the rules bend.

Every patient has anchors (diagnosis, first and last dose, surgery, exam days), and events fall
within two days of the boundaries that the SPEC names. Uniform noise would miss them all.

    random_delivery(random.Random(7), 100) → extract → rows of text, as a site would send them
"""

from datetime import date, timedelta

import stories_around
import stories_imaging
from stories_form import messy, relative, shifted, write
from stories_therapy import COURSES, add_course, add_earlier_therapy, start_day

__all__ = ["SETTINGS", "random_delivery", "relative", "shifted", "write"]

EXTRACTS = ["orders", "diagnoses", "therapies", "procedures", "patients", "findings", "code_map"]
SETTINGS = {
    "deid_mode": "limited_data_set",
    "as_of": "2025-06-30",
    "data_from": "2016-01-01",
    "parameters": {"site_timezone": "America/New_York"},
    "conditional_surgery": [("SNOMED", "392023007")],
}
STATUSES = [("completed", 10), (None, 6), ("active", 2), ("scheduled", 2), ("cancelled", 1),
            ("entered_in_error", 1)]
EDITIONS = [date(2017, 11, 1), date(2023, 1, 1)]
CANCERS = ["ICD10CM:C50.911", "ICD10CM:C50.912", "ICD10CM:C50.411", "ICD10CM:C50.919",
           "ICD10CM:C50", "ICD9CM:174.9", "SNOMED:254837009", "SNOMED:15635801000119106"]
METASTASES = ["ICD10CM:C79.51", "ICD10CM:C78.7", "ICD10CM:C79.5", "ICD10CM:C78", "ICD9CM:198.5", "SNOMED:315004001"]
SURGERIES = ["CPT:19301", "CPT:19303", "CPT:19307", "ICD10PCS:0HTT0ZZ", "ICD10PCS:0HBU0ZZ",
             "ICD10PCS:0HTV0ZZ", "SNOMED:392023007"]
NOT_DEFINITIVE = ["CPT:19120", "CPT:19300", "CPT:38525", "SNOMED:310638008"]
RADIATION = ["CPT:77402", "CPT:77402", "ICD10PCS:DM002ZZ", "CPT:77263", "CPT:77427"]


def days(n):
    return timedelta(days=n)


class Story:
    """The rows of one patient, and the dice."""

    def __init__(self, rng, number, settings):
        self.rng, self.settings = rng, settings
        self.patient_id = f"p{number:05d}"
        self.rows = {name: [] for name in EXTRACTS}
        self.as_of = date.fromisoformat(str(settings.get("as_of") or "2025-06-30"))
        self.data_from = date.fromisoformat(str(settings.get("data_from") or "2016-01-01"))
        self.first = self.last = self.surgery = None
        self.is_short = False            # a course whose length is the question
        self.exams, self.told = [], []   # their days; code, order, kind and day of each

    def chance(self, share):
        return self.rng.random() < share

    def pick(self, choices):
        """One of a list, or of a list of (choice, weight)."""
        if isinstance(choices[0], tuple) and len(choices[0]) == 2:
            return self.rng.choices([c for c, _ in choices], [w for _, w in choices])[0]
        return self.rng.choice(choices)

    def near(self, day):
        return day + days(self.rng.randint(-2, 2))

    def side(self, usual=None):
        choices = [("left", 1), ("right", 1), (None, 2), ("bilateral", 0.3)]
        return usual if usual and self.chance(0.7) else self.pick(choices)

    def add(self, extract, prefix, code, **columns):
        # Ids do not follow the order of the rows, so that ties are broken by the id itself.
        id = f"{prefix}{self.rng.randrange(16**6):06x}-{self.patient_id}-{len(self.rows[extract])}"
        system, code = code.split(":", 1) if code else (None, None)
        key = {"orders": "order_id", "diagnoses": "diagnosis_id", "therapies": "therapy_id",
               "procedures": "procedure_id", "findings": "finding_id"}[extract]
        row = {key: id, "patient_id": self.patient_id, **columns}
        if code:
            row.update(code_system=system, code=code)
        self.rows[extract].append(row)
        return id


# ---- anchors -----------------------------------------------------------------------------

def diagnosis_day(story):
    rng, kind = story.rng, story.pick(
        [("generic", 6), ("edition", 4), ("data_from", 2.5), ("as_of", 4)])
    if kind == "edition":
        return story.pick(EDITIONS) - days(rng.randint(-10, 300))
    if kind == "data_from":
        return story.near(story.data_from + days(rng.choice([0, 90])))
    if kind == "as_of":
        return story.as_of - days(rng.randint(0, 460))
    return date(2017, 9, 1) + days(rng.randint(0, 2600))


def add_cancer(story, day):
    """The first cancer's rows, later rows of it, and sometimes a second cancer."""
    story.cancer_side = story.pick(["left", "right"])
    code = {"left": "ICD10CM:C50.912", "right": "ICD10CM:C50.911"}[story.cancer_side]
    code = code if story.chance(0.7) else story.pick(CANCERS)
    nodes = story.pick([(None, 3), ("negative", 1), ("positive", 1)])
    side = story.side(story.cancer_side)
    if story.chance(0.15):  # a cancer without a side starts no second one
        code, side = "ICD10CM:C50.919", None
    story.add("diagnoses", "d", code, diagnosed_on=day, nodal_status=nodes, laterality=side)
    for _ in range(story.pick([(0, 5), (1, 3), (2, 1)])):
        later = story.pick([day, story.near(day + days(365)), day + days(story.rng.randint(0, 500))])
        story.add("diagnoses", "d", story.pick(CANCERS), diagnosed_on=later,
                  laterality=story.side(), nodal_status=story.pick([None, "positive"]))
    if story.chance(0.12):
        story.add("diagnoses", "d", "ICD10CM:D05.12", diagnosed_on=day - days(20))
    if story.chance(0.15):
        story.add("diagnoses", "d", "ICD10CM:C77.3", diagnosed_on=day + days(story.pick([0, 30, 150])),
                  nodal_status=story.pick([(None, 3), ("negative", 1)]))


# ---- surgery, radiation, metastasis ------------------------------------------------------

def surgery_day(story, diagnosed):
    if story.first is None:
        return diagnosed + days(30)
    choices = [(story.last + days(story.rng.randint(14, 60)), 12), (story.last + days(story.rng.randint(55, 57)), 1),
               (story.near(story.last + days(180)), 1.5), (story.near(story.first), 1.5),
               (story.near(diagnosed - days(30)), 0.5), (story.last + days(300), 0.5),
               (story.first + days(story.rng.randint(3, 25)), 1.5),
               (story.first + days(story.rng.randint(88, 93)), 5 if story.is_short else 0.5),
               (story.first + days(story.rng.randint(20, 24)), 3 if story.is_short else 0.5)]
    return story.pick(choices)


def add_surgery(story, day):
    story.surgery = day
    code = story.pick(SURGERIES) if story.chance(0.9) else story.pick(NOT_DEFINITIVE)
    side, source = story.side(story.cancer_side), story.rng.random()
    if source < 0.68:
        story.add("procedures", "s", code, performed_on=day, laterality=side, status=story.pick(STATUSES))
    elif source < 0.9:
        done = story.pick([{}, {"performed_on": day}])
        story.add("orders", "s", code, ordered_on=day - days(10 if done else 0), laterality=side,
                  order_type="procedure", status=story.pick(STATUSES), modifiers=story.pick(["RT", None]),
                  **done)
    else:
        code = story.pick(["Z90.10", "Z90.11", "Z90.12", "Z90.13"])
        story.add("diagnoses", "d", "ICD10CM:" + code, diagnosed_on=day)


def add_planned_surgery(story):
    day = story.near((story.last or story.as_of) - days(story.pick([7, 7, 0])))
    story.add("orders", "q", story.pick(SURGERIES), ordered_on=day, order_type="procedure",
              status=story.pick(["active", "scheduled", "completed"]),
              scheduled_on=story.pick([None, day + days(40)]), laterality=story.side(story.cancer_side))


def add_radiation(story, diagnosed):
    day = story.near(story.pick([diagnosed - days(30), story.first or diagnosed, diagnosed + days(3)]))
    if story.chance(0.8):
        story.add("procedures", "r", story.pick(RADIATION), performed_on=day,
                  laterality=story.side(story.cancer_side), status=story.pick(STATUSES))
    else:
        story.add("orders", "r", story.pick(RADIATION), ordered_on=day, status=story.pick(STATUSES))


def add_metastasis(story):
    first = story.first or story.as_of
    day = story.near(story.pick([first + days(30), first + days(30), story.last or first,
                                 first + days(story.rng.randint(40, 200))]))
    story.add("diagnoses", "d", story.pick(METASTASES), diagnosed_on=day)


def open_orders(story):
    """The days of imaging orders that were not performed."""
    return [row["ordered_on"] for row in story.rows["orders"] if row.get("order_type") == "imaging"
            and not row.get("performed_on") and row["status"] in ("active", "scheduled", None)]


def add_person(story):
    if story.chance(0.1):
        return
    year = 1975 + story.rng.randint(-25, 15)
    exam_years = [day.year for day in story.exams]
    if exam_years and story.chance(0.05):
        year = story.pick(exam_years) - story.pick([17, 18])
    observed = None
    if story.last and story.chance(0.2):
        observed = story.near(story.last + days(story.pick([60, 180, 180, 180, 7, 400])))
    elif exam_years and story.chance(0.2):   # the day by which an order should have been performed
        observed = story.near(story.pick(open_orders(story) or story.exams) + days(30))
    story.rows["patients"].append({
        "patient_id": story.patient_id, "birth_year": story.pick([(str(year), 9), (None, 1)]),
        "sex": story.pick(["female", "male"]), "observed_to": observed,
    })


# ---- the whole ---------------------------------------------------------------------------

def tell(story):
    diagnosed, kind = diagnosis_day(story), story.pick(COURSES)
    if abs(diagnosed - story.data_from) < days(95) and story.chance(0.4):
        kind = "oral"   # unobserved, and endocrine without surgery: the first reason counts
    frame = story.pick([("cancer", 92), ("in_situ", 4), ("none", 4)])
    story.cancer_side = "left"
    if frame == "cancer":
        add_cancer(story, diagnosed)
    elif frame == "in_situ":
        story.add("diagnoses", "d", "ICD10CM:D05.11", diagnosed_on=diagnosed)
    else:
        story.add("diagnoses", "d", "ICD10CM:N63.0", diagnosed_on=diagnosed)
    if kind != "none":
        add_course(story, kind, start_day(story, diagnosed))
    if story.chance(0.14):
        add_earlier_therapy(story, diagnosed)
    if story.chance(0.7):
        add_surgery(story, surgery_day(story, diagnosed))
    if story.chance(0.05):  # a breast is coded as absent, whatever the surgery rows say
        story.add("diagnoses", "d", "ICD10CM:Z90.10", diagnosed_on=story.near(
            (story.surgery or story.as_of) - days(story.pick([0, 30, 90]))))
    if story.chance(0.16):
        add_planned_surgery(story)
    if story.chance(0.06):
        add_radiation(story, diagnosed)
    if story.chance(0.09):
        add_metastasis(story)
    add_imaging(story, diagnosed)
    if frame == "cancer" and story.chance(0.7):
        stories_around.add_biopsies(story, diagnosed)
    if story.chance(0.15):
        add_second_cancer(story, diagnosed)
    add_person(story)
    return story.rows


def add_imaging(story, diagnosed):
    story.told = []
    stories_imaging.add_orders(story, diagnosed)
    for exam in story.told:
        stories_around.add_around(story, *exam)
    if story.first:
        story.exams += stories_around.add_staging(story)


def add_second_cancer(story, diagnosed):
    """About a year later, on the other side or not, with a course and exams of its own."""
    other = {"left": "right", "right": "left"}[story.cancer_side]
    day = story.pick([story.near(diagnosed + days(365)), diagnosed + days(500)])
    story.cancer_side = other if story.chance(0.8) else story.cancer_side
    code = {"left": "ICD10CM:C50.912", "right": "ICD10CM:C50.911"}[story.cancer_side]
    story.add("diagnoses", "d", code, diagnosed_on=day)
    if story.chance(0.3):   # surgery of one cancer on the day that the other is found
        add_surgery(story, story.pick([day, story.near(day)]))
    if story.chance(0.7):
        add_course(story, story.pick(COURSES[:3]), start_day(story, day))
        if story.chance(0.6):
            add_surgery(story, surgery_day(story, day))
        add_imaging(story, day)


def random_delivery(rng, n_patients, settings=None):
    settings = settings or SETTINGS
    delivery = {name: [] for name in EXTRACTS}
    delivery["code_map"] = [dict(row) for row in stories_imaging.CODE_MAP]
    for number in range(1, n_patients + 1):
        for name, rows in tell(Story(rng, number, settings)).items():
            delivery[name] += rows
    return messy(rng, delivery, settings)
