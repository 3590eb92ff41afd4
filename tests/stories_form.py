"""How a site writes it: spellings, spaces, timestamps, day counts; and the files."""

import csv
import random
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

DATES = {"ordered_on", "scheduled_on", "performed_on", "diagnosed_on", "started_on", "ended_on",
         "reported_on", "observed_to"}
CHANGES = [date(2017, 11, 1), date(2023, 1, 1)]
WORDS = {"order_type", "status", "laterality", "finding", "intent", "nodal_status", "context"}
SPELLINGS = {
    "CPT": ["CPT", "HCPCS", "cpt-4", "http://www.ama-assn.org/go/cpt", "2.16.840.1.113883.6.12"],
    "HCPCS": ["HCPCS", "hcpcs level II", "CPT"],
    "ICD10CM": ["ICD10CM", "ICD-10-CM", "http://hl7.org/fhir/sid/icd-10-cm",
                "urn:oid:2.16.840.1.113883.6.90"],
    "ICD9CM": ["ICD9CM", "icd-9-cm"],
    "ICD10PCS": ["ICD10PCS", "ICD-10-PCS"],
    "SNOMED": ["SNOMED", "http://snomed.info/sct", "SNOMED CT"],
    "RXNORM": ["RXNORM", "http://www.nlm.nih.gov/research/umls/rxnorm"],
    "LOINC": ["LOINC", "http://loinc.org"],
    "LOCAL": ["LOCAL", "local"],
}
# The contract's columns, in its order (SPEC section 1).
COLUMNS = {
    "orders": """order_id patient_id ordered_on code_system code order_type status scheduled_on
        performed_on laterality accession_id modifiers reason_codes context ordering_provider_id
        site_id payer""",
    "diagnoses": "diagnosis_id patient_id code_system code diagnosed_on laterality nodal_status",
    "therapies": """therapy_id patient_id code_system code started_on ended_on days_supply intent
        status""",
    "procedures": """procedure_id patient_id code_system code performed_on laterality site_label
        status""",
    "patients": """patient_id birth_year sex gender_identity race ethnicity breast_density
        observed_to""",
    "findings": """finding_id patient_id reported_on finding order_id laterality site_label
        size_mm""",
    "code_map": "code_system code procedure",
}


def messy(rng, delivery, settings):
    zone = ZoneInfo((settings.get("parameters") or {}).get("site_timezone", "UTC"))
    return {
        name: [as_written(rng, row, zone) for row in rows] for name, rows in delivery.items()
    }


def as_written(rng, row, zone):
    written = {}
    for column, value in row.items():
        if value is None:
            value = rng.choice([None, "", " "]) if column in WORDS else None
        elif column in DATES:
            value = date_as_written(rng, value, zone)
        elif column == "code_system":
            value = rng.choice(SPELLINGS.get(value, [value])) if rng.random() < 0.3 else value
        elif column in WORDS | {"code", "modifiers", "reason_codes"}:
            value = word_as_written(rng, value, column)
        written[column] = value
    return written


def word_as_written(rng, value, column):
    if rng.random() < 0.2:
        value = rng.choice([value.upper(), value.lower(), f" {value} ", value.replace(";", " ; ")])
    if column in ("code", "reason_codes") and rng.random() < 0.1:
        is_icd = value[:1] in "CDZ" and "." in value
        value = value.replace(".", "") if is_icd else value
    return value


def date_as_written(rng, day, zone):
    """The same local day, as a date, a local timestamp or an instant in UTC."""
    kind = rng.random()
    if kind < 0.9:
        return day.isoformat()
    if kind < 0.93:
        return f"{day}T{rng.randint(0, 23):02d}:30:00"
    if kind < 0.95:
        return f"{day} 23:15:00-05:00"
    if kind < 0.975 and str(zone).startswith("America"):
        return f"{day + timedelta(days=1)}T02:30:00{rng.choice(['Z', '+00:00'])}"
    return f"{day}T12:00:00.000Z"


# ---- de-identified forms -----------------------------------------------------------------

def moved(delivery, move, rng):
    """Every date through `move(patient_id, day)`; sometimes the last day covered is stated."""
    found, last = {}, {}
    for name, rows in delivery.items():
        found[name] = []
        for row in rows:
            row = dict(row)
            for column in sorted(DATES & set(row)):   # the order of a set is not the same in every run
                text = (row[column] or "").strip()
                if text:
                    day = date.fromisoformat(text[:10])
                    last[row["patient_id"]] = max(day, last.get(row["patient_id"], day))
                    row[column] = move(row["patient_id"], day)
            found[name].append(row)
    for row in found["patients"]:
        is_open = not (row.get("observed_to") or "").strip() and row["patient_id"] in last
        if is_open and rng.random() < 0.3:
            day = last[row["patient_id"]] + timedelta(days=rng.choice([-200, -60, -1, 0, 30, 190]))
            row["observed_to"] = move(row["patient_id"], day)
    return found


def relative(delivery, seed=0):
    """Whole days from an origin of each person's own."""
    rng, origins = random.Random(seed), {}

    def move(patient_id, day):
        origin = origins.setdefault(patient_id, day + timedelta(days=rng.randint(-400, 400)))
        return str((day - origin).days)

    return moved(delivery, move, rng)


def shifted(delivery, seed=0):
    """True-looking dates, moved by up to a year: one shift a person."""
    rng, shifts = random.Random(seed), {}

    def shift_of(day):
        """Often so that this day comes to lie just where the edition becomes uncertain."""
        edge = rng.choice(CHANGES) + timedelta(days=rng.choice([-366, -365, -364, 364, 365, 366]))
        if abs((edge - day).days) <= 365:
            return (edge - day).days
        return rng.choice([-365, 365, rng.randint(-364, 364)])

    def move(patient_id, day):
        if patient_id not in shifts:
            shifts[patient_id] = shift_of(day)
        return (day + timedelta(days=shifts[patient_id])).isoformat()

    return moved(delivery, move, rng)


def write(delivery, folder):
    """The delivery as CSV files. Extracts without rows are left out, but for the required two."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in delivery.items():
        if not rows and name not in ("orders", "diagnoses"):
            continue
        columns = COLUMNS[name].split()
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder
