"""Rows as delivered, made comparable (SPEC section 1): trimmed, typed, with day counts as dates.

Part of the oracle: the SPEC in boring Python. Nothing here may be shared with the SQL.
"""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

REQUIRED_DATE = {
    "orders": "ordered_on",
    "diagnoses": "diagnosed_on",
    "therapies": "started_on",
    "procedures": "performed_on",
    "findings": "reported_on",
}
EXTRACTS = [*REQUIRED_DATE, "patients"]
DATES = {
    "ordered_on", "scheduled_on", "performed_on", "diagnosed_on", "started_on",
    "ended_on", "reported_on", "observed_to",
}
WORDS = {"order_type", "status", "laterality", "finding", "intent", "nodal_status"}
LISTS = {"context", "modifiers", "reason_codes"}
NUMBERS = {"days_supply", "birth_year"}
DEAD = {"cancelled", "entered_in_error"}
TRUE_CALENDAR = "limited_data_set"


# ---- rules -------------------------------------------------------------------------------

def load_rules(folder):
    """Every CSV of the rules folder as a list of rows, by file name."""
    rules = {}
    for path in sorted(Path(folder).rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rules[path.stem] = list(csv.DictReader(file))
    return rules


def parameters(rules, settings):
    values = {}
    for row in sorted(rules["parameter"], key=lambda row: row["effective_from"]):
        values[row["name"]] = row["value"]
    for name, value in (settings.get("parameters") or {}).items():
        values[name] = str(value)
    return {name: number_or_text(value) for name, value in values.items()}


def number_or_text(value):
    if re.fullmatch(r"-?\d+", value):
        return int(value)
    if re.fullmatch(r"-?\d+\.\d+", value):
        return float(value)
    return value


def by_code(rows):
    """(code system, code) → the value set's rows: one a meaning."""
    index = {}
    for row in rows:
        index.setdefault((row["code_system"], row["code"]), []).append(row)
    return index


def meaning(rows, day, field):
    """Section 5: a code with one meaning keeps it outside its dates; else the date decides."""
    if not rows:
        return None
    if len({row[field] for row in rows}) == 1:
        return rows[0]
    for row in rows:
        if (row["valid_from"] or "0000") <= day.isoformat() <= (row["valid_to"] or "9999"):
            return row
    return None


# ---- values ------------------------------------------------------------------------------

def text(value):
    value = None if value is None else str(value).strip()
    return value or None


def items(value):
    """A list column: split at the semicolons, trimmed, empty items left out."""
    return [item.strip() for item in (text(value) or "").split(";") if item.strip()]


def code_of(system, code):
    code = code.strip().upper()
    return code.replace(".", "") if system.startswith("ICD") else code


def day_of(value, settings, zone):
    """A calendar day: the date as written, but an instant in UTC is first brought to the site."""
    value = text(value)
    if value is None:
        return None
    if settings["deid_mode"] == "relative_days":
        return date(2000, 1, 1) + timedelta(days=int(value))
    as_written = date.fromisoformat(value[:10])
    in_utc = re.search(r"(Z|z|[+-]00(:?00)?)$", value[10:])
    if not in_utc:
        return as_written
    clock = value[10:][: in_utc.start()].strip("Tt ")
    parts = [int(part) for part in clock.split(".")[0].split(":")]
    instant = datetime(as_written.year, as_written.month, as_written.day, *parts, tzinfo=UTC)
    try:
        return instant.astimezone(ZoneInfo(zone)).date()
    except OverflowError:  # decision 123: after the year 9999 there is no day
        return None


def typed(column, value, settings, zone):
    if column in DATES:
        return day_of(value, settings, zone)
    if column in LISTS:
        lower = column == "context"
        return {item.lower() if lower else item.upper() for item in items(value)}
    if column in WORDS:
        return text(value).lower() if text(value) else None
    if column in NUMBERS:
        return int(float(value)) if text(value) else None
    return text(value)


def level_of(code):
    """CPT is level I of HCPCS; level II is a letter and four digits (Decision 21)."""
    is_level_2 = len(code) == 5 and "A" <= code[0] <= "Z" and code[1:].isdigit()
    return "HCPCS" if is_level_2 else "CPT"


def read_rows(rows, rules, settings, zone):
    spellings = {row["written"]: row["code_system"] for row in rules["code_system"]}
    read = []
    for row in distinct(rows):
        row = {column: typed(column, value, settings, zone) for column, value in row.items()}
        if row.get("code_system"):
            written = row["code_system"].lower()
            row["code_system"] = spellings.get(written, written.upper())
            row["code"] = code_of(row["code_system"], row["code"])
            if row["code_system"] in ("CPT", "HCPCS"):
                row["code_system"] = level_of(row["code"])
        if "reason_codes" in row:
            row["reason_codes"] = {code.replace(".", "") for code in row["reason_codes"]}
        read.append(Row(row))
    return read


class Row(dict):
    """A row in which an absent column reads as null, and an absent list as an empty one."""

    def __missing__(self, column):
        return set() if column in LISTS else None


def distinct(rows):
    """Exact duplicates are dropped."""
    seen = {}
    for row in rows:
        seen.setdefault(tuple(sorted((k, v) for k, v in row.items() if v is not None)), row)
    return list(seen.values())


# ---- sides -------------------------------------------------------------------------------

def sides(word):
    return {"left": {"left"}, "right": {"right"}, "bilateral": {"left", "right"}}.get(word, set())


def side_word(found):
    if found == {"left", "right"}:
        return "bilateral"
    return next(iter(found)) if found else None


def side_of(row, code_side, rules):
    """Decision 4: the code's side, else the column's, else the modifiers'."""
    if sides(code_side):
        return sides(code_side)
    if sides(row["laterality"]):
        return sides(row["laterality"])
    found = set()
    for rule in rules["modifier"]:
        if rule["modifier"] in row["modifiers"]:
            found |= sides(rule["laterality"])
    return found


def meets(one, other):
    """A side that is unknown meets every side."""
    return not one or not other or bool(one & other)


# ---- one bundle a person -----------------------------------------------------------------

def read_delivery(delivery, rules, settings):
    """patient_id → what is known of the person; and the order rows that are not read at all."""
    zone = parameters(rules, settings)["site_timezone"]
    extracts = {
        name: read_rows(delivery.get(name) or [], rules, settings, zone) for name in EXTRACTS
    }
    people = {}
    for name in EXTRACTS:
        for row in extracts[name]:
            person = people.setdefault(row["patient_id"], {each: [] for each in EXTRACTS})
            person[name].append(row)
    site_as_of = day_of(settings.get("as_of"), {"deid_mode": TRUE_CALENDAR}, zone)
    site_as_of = site_as_of or latest_date(extracts)
    n_after = 0
    for person in people.values():
        person["as_of"], person["covered_to"] = last_days(person, site_as_of, settings)
        if person["as_of"] is not None:
            n_after += drop_later_rows(person)
    return people, len(extracts["orders"]), n_after


def latest_date(extracts):
    """Section 9: the latest required date or performed_on."""
    found = []
    for name, column in REQUIRED_DATE.items():
        for row in extracts[name]:
            found += [row[column], row["performed_on"]]
    return max((day for day in found if day is not None), default=None)


def last_days(person, site_as_of, settings):
    """Decision 1: as_of, and the last day covered."""
    observed = [row["observed_to"] for row in person["patients"] if row["observed_to"]]
    if settings["deid_mode"] == TRUE_CALENDAR:
        return site_as_of, min([*observed, site_as_of]) if site_as_of else None
    last = observed[0] if observed else latest_date(person)
    return last, last


def drop_later_rows(person):
    """Section 9: what lies after as_of. Returns how many order rows went."""
    as_of = person["as_of"]
    n_before = len(person["orders"])
    for name, column in REQUIRED_DATE.items():
        person[name] = [row for row in person[name] if row[column] <= as_of]
    for order in person["orders"]:
        if order["performed_on"] and order["performed_on"] > as_of:
            order["performed_on"] = None
        is_later = order["scheduled_on"] and order["scheduled_on"] > as_of
        # A later scheduled_on serves clock_on only.
        order["scheduled_by_as_of"] = None if is_later else order["scheduled_on"]
    for therapy in person["therapies"]:
        if therapy["ended_on"] and therapy["ended_on"] > as_of:
            therapy["ended_on"] = as_of
    return n_before - len(person["orders"])


def day_done(order):
    """The day of an order for everything but the clock: therapy, guidance, tracers."""
    return order["performed_on"] or order["scheduled_by_as_of"] or order["ordered_on"]


def is_live(row):
    return row["status"] not in DEAD
