"""Rows as the six sites would write them: the contract's columns, each site's own spelling."""

import csv
import functools

from flows import ROOT
from flows.demo.figures import iso
from flows.demo.people import new_id

UNIFORM_SYSTEM = {
    "CPT": "http://www.ama-assn.org/go/cpt",
    "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "SNOMED": "http://snomed.info/sct",
    "LOINC": "http://loinc.org",
}
HYPHENATED_SYSTEM = {"ICD10CM": "ICD-10-CM", "ICD10PCS": "ICD-10-PCS", "SNOMED": "SNOMED-CT"}

# The order catalogue of one site: its own code, and what code_map.csv says that it is.
LOCAL_CODE = {
    "76641": "IMG1100", "76642": "IMG1101", "76882": "IMG1105", "77065": "IMG1200", "77066": "IMG1201",
    "G0279": "IMG1205", "77049": "IMG1300", "77047": "IMG1305", "78815": "IMG1500", "73560": "IMG1900",
    "71046": "IMG1901",
}
CODE_MAP = {
    "IMG1100": "us_breast", "IMG1101": "us_breast", "IMG1105": "us_axilla", "IMG1200": "mammography_diagnostic",
    "IMG1201": "mammography_diagnostic", "IMG1205": "dbt_diagnostic",
    "IMG1300": "mri_breast_without_and_with_contrast", "IMG1305": "mri_breast_without_contrast",
    "IMG1500": "fdg_pet_ct_skull_base_to_mid_thigh", "IMG1900": "NOT_BREAST", "IMG1901": "NOT_BREAST",
}
USES_MODIFIERS = ("synthetic-a", "synthetic-b", "synthetic-c")
CATALOGUE_SHARE = 0.7  # of the persons at the site with a catalogue of its own


@functools.cache
def contract():
    """Columns by extract, in the order of the contract, with their kind."""
    with open(ROOT / "rules" / "contract.csv", encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    return {
        extract: [row for row in rows if row["extract"] == extract]
        for extract in dict.fromkeys(row["extract"] for row in rows)
    }


@functools.cache
def columns(extract):
    return [row["column"] for row in contract()[extract]]


@functools.cache
def key_column(extract):
    return next(row["column"] for row in contract()[extract] if row["kind"] == "key")


@functools.cache
def date_columns(extract):
    return [row["column"] for row in contract()[extract] if row["kind"] == "date"]


@functools.cache
def required_date(extract):
    return next((row["column"] for row in contract()[extract] if row["is_required_date"] == "true"), None)


def add(person, extract, **values):
    """Keep a row unless it lies past the last day covered; an extract knows no future. Gives its id."""
    if values[required_date(extract)] > person.covered_to:
        return ""
    values[key_column(extract)] = new_id(person, extract)
    values["patient_id"] = person.id
    person.rows.setdefault(extract, []).append(values)
    return values[key_column(extract)]


def dressed(person, extract, row):
    """One row in the spelling of its site, dates as text."""
    row = row.copy()
    if extract == "orders":
        _dress_order(person, row)
    _dress_dates(person, extract, row)
    _dress_codes(person, row)
    return row


def _dress_order(person, row):
    if person.site == "synthetic-e" and row["code"] in LOCAL_CODE and person.habit < CATALOGUE_SHARE:
        row["code_system"], row["code"] = "LOCAL", LOCAL_CODE[row["code"]]
    elif person.site in USES_MODIFIERS and row["code_system"] in ("CPT", "HCPCS") and row.get("laterality"):
        # Billed per side: the modifier, not a column, is where these sites keep the side.
        row["modifiers"] = {"left": "LT", "right": "RT", "bilateral": "50"}[row.pop("laterality")]


def _dress_dates(person, extract, row):
    for column in date_columns(extract):
        if row.get(column):
            row[column] = iso(row[column])
            if person.site == "synthetic-d" and extract == "orders":
                row[column] += f"T{8 + person.n_ids % 9:02}:{person.index % 60:02}:00"


def _dress_codes(person, row):
    if person.site == "synthetic-b":
        row["code_system"] = HYPHENATED_SYSTEM.get(row.get("code_system"), row.get("code_system"))
        for column in ("status", "laterality"):
            row[column] = row.get(column, "").title()
    elif person.site == "synthetic-d":
        if row.get("code_system") == "ICD10CM":
            row["code"] = row["code"].replace(".", "")
        row["code_system"] = UNIFORM_SYSTEM.get(row.get("code_system"), row.get("code_system"))
    elif person.site == "synthetic-f" and row.get("code_system") == "HCPCS":
        row["code"] = row["code"].lower()
