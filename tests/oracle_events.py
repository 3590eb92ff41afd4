"""What happened to a person, and when: diagnoses, therapies and whose they are (SPEC 3.2 and 3.3). Part of the oracle."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from oracle_rows import day_done, is_live, meaning, side_of


@dataclass
class Event:
    id: str
    start: date
    end: date
    agent: str
    therapy_class: str
    intent: str | None


@dataclass
class Found:
    """A dated row that decides something: a surgery, a radiation, a diagnosis."""
    on: date
    id: str
    source: str
    sides: set = field(default_factory=set)


def days(n):
    return timedelta(days=n)


def concepts(row, world):
    """Every concept that a diagnosis code stands for → its rule row."""
    rules = world["diagnosis"].get((row["code_system"], row["code"]), [])
    return {rule["concept"]: rule for rule in rules}


def diagnoses_of(person, concept, world):
    """Diagnosis rows of a concept in order of date, then id, with their sides."""
    found = []
    for row in person["diagnoses"]:
        rule = concepts(row, world).get(concept)
        if rule:
            side = side_of(row, rule["laterality"], world["rules"])
            found.append(Found(row["diagnosed_on"], row["diagnosis_id"], "diagnoses", side))
    return in_order(found)


def in_order(found):
    return sorted(found, key=lambda row: (row.on, row.id, row.source))


# ---- 3.2 Exposure ------------------------------------------------------------------------

def therapy_rule(row, day, world):
    rules = world["therapy"].get((row["code_system"], row["code"]))
    return meaning(rules, day, "therapy_class")


def events_of(person, world):
    """Every therapy event of the person."""
    events = [
        *events_of_therapies(person, world),
        *events_of_orders(person, world),
        *events_of_encounters(person, world),
    ]
    named, suppressed = drug_days(person, world), drug_days(person, world, "ovarian_suppression")
    events = [e for e in events if e.therapy_class != "unspecified" or e.start not in named]
    events = [e for e in events if e.agent or e.therapy_class != "endocrine" or e.start not in suppressed]  # decision 120
    return sorted(events, key=lambda event: (event.start, event.id))


def events_of_therapies(person, world):
    events = []
    for row in person["therapies"]:
        rule = therapy_rule(row, row["started_on"], world)
        if is_live(row) and rule and rule["is_counted"] == "true":
            end = cover_end(row, rule, person["as_of"], world)
            events.append(event(row["therapy_id"], row["started_on"], end, rule, row["intent"]))
    return events


def events_of_orders(person, world):
    events = []
    for row in person["orders"]:
        day = day_done(row)
        rule = therapy_rule(row, day, world)
        if row["status"] in (None, "completed") and rule and rule["is_counted"] == "true":
            end = day + days(usual_supply(rule, world) - 1)
            events.append(event(row["order_id"], day, end, rule, None))
    return events


def events_of_encounters(person, world):
    events = []
    for therapy_class in ("chemotherapy", "immunotherapy"):
        for row in diagnoses_of(person, therapy_class + "_encounter", world):
            events.append(Event(row.id, row.on, row.on, "", therapy_class, None))
    return events


def event(id, start, end, rule, intent):
    return Event(id, start, max(start, end), rule["agent"], rule["therapy_class"], intent)


def usual_supply(rule, world):
    is_oral = rule["therapy_class"] == "endocrine"
    return world["oral_supply_days"] if is_oral else world["default_supply_days"]


def cover_end(row, rule, as_of, world):
    """The last day that a row of therapies covers."""
    if row["ended_on"]:
        return row["ended_on"]
    if row["status"] == "active":
        return as_of
    supply = row["days_supply"] or 0
    if supply < 1:
        supply = usual_supply(rule, world)
    return row["started_on"] + days(supply - 1)


def drug_days(person, world, therapy_class=None):
    """Days with a row of any named drug (of a class), counted or not: a code that names none adds nothing there."""
    found = set()
    rows = [(row, row["started_on"]) for row in person["therapies"]]
    rows += [(row, day_done(row)) for row in person["orders"]]
    for row, day in rows:
        rule = therapy_rule(row, day, world)
        if is_live(row) and rule and rule["agent"] and therapy_class in (None, rule["therapy_class"]):
            found.add(day)
    return found


# ---- 3.3 Whose exposure ------------------------------------------------------------------

def floor(cancer, world):
    return cancer.diagnosed_on - days(world["therapy_grace_days"])


def events_of_cancer(cancer, cancers, events, world):
    mine = []
    for one in events:
        owners = [each for each in cancers if floor(each, world) <= one.start]
        if owners and owners[-1] is cancer:
            mine.append(one)
    return mine


def is_continuation(one, cancer, events, world):
    d = floor(cancer, world)
    for other in events:
        if other is one or other.start >= d:
            continue
        if other.end >= d - days(world["continuation_days"]) and same_drug(one, other):
            return True
    return False


def same_drug(one, other):
    is_endocrine = "endocrine" in (one.therapy_class, other.therapy_class)
    if one.agent and other.agent and not is_endocrine:
        return one.agent == other.agent
    return one.therapy_class == other.therapy_class
