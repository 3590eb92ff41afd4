"""Third parties' data as deliveries of the contract. Only what they record is written; nothing is made up but ids.

The mapping of codes and names is the adapter's; everything after it is the production code.
"""

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path


def write_csv(folder, extract, rows):
    rows = list(rows)
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / f"{extract}.csv").open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(rows)


# SDG: chemotherapy of a Spanish hospital, drug names in Spanish

# RxNorm ingredients; None: in trials or supportive, no code that a site would have.
DRUGS = {
    "ATEZOLIZUMAB": "1792776",
    "AVASTIN": "253337",
    "BEVACIZUMAB": "253337",
    "BLEOMICINA": "1622",
    "BMS-986178": None,
    "CAELYX": "1191495",
    "CAPECITABINA": "194000",
    "CARBOPLATINO": "40048",
    "CICLOFOSFAMIDA": "3002",
    "CISPLATINO": "2555",
    "DEPOCYTE": "3041",
    "DEXAMETASONA": "3264",
    "DOCETAXEL": "72962",
    "DOXORRUBICINA": "3639",
    "EPIRUBICINA": "3995",
    "ERIBULINA": "1045453",
    "ETOPOSIDO": "4179",
    "FLUOROURACILO": "4492",
    "GEMCITABINA": "12574",
    "METOTREXATO": "6851",
    "NAB-PACLITAXEL": "486610",
    "NIVOLUMAB": "1597876",
    "PACLITAXEL": "56946",
    "PERTUZUMAB": "1298944",
    "PM060184": None,
    "TRASTUZUMAB": "224905",
    "UTEFOS": None,
    "VINCRISTINA": "11202",
}
SURGERIES = {
    "mastectomy": "19303",
    "partial mastectomy": "19301",
    "sentinel lymph node biopsy": "38525",
    "lymphadenectomy": "38745",
}
INFUSION, IRRADIATION = "96413", "77412"


def sdg(source, folder):
    """Each cycle is an infusion order, each of its drugs a therapy; there is no imaging. Returns {patient: label}."""
    table = lambda name: _gzipped(source / f"{name}.csv.gz")  # noqa: E731
    drugs, people = _sdg_drugs(table), table("patient")
    cycles = [cycle | {"id": str(number)} for number, cycle in enumerate(table("chemoterapy_cycle"))]
    write_csv(folder, "orders", [_sdg_infusion(cycle) for cycle in cycles])
    write_csv(folder, "therapies", [dose for cycle in cycles for dose in _sdg_doses(cycle, drugs)])
    write_csv(folder, "diagnoses", _sdg_diagnoses(people, table("tumor_tnm")))
    write_csv(folder, "procedures", _sdg_procedures(table("surgery"), table("radiotherapy")))
    write_csv(folder, "patients", [_sdg_person(person) for person in people])
    return {person["ehr"]: person["neoadjuvant"] for person in people}


def _gzipped(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def _sdg_drugs(table):
    names = {row["id_drug"]: row["name"] for row in table("drug")}
    drugs = {}
    for row in table("drug_chemoterapy_schema"):
        drugs.setdefault(row["id_schema"], []).append(DRUGS[names[row["id_drug"]]])
    return drugs


def _sdg_infusion(cycle):
    return {
        "order_id": f"infusion-{cycle['id']}",
        "patient_id": cycle["ehr"],
        "ordered_on": cycle["date"],
        "code_system": "CPT",
        "code": INFUSION,
        "order_type": "procedure",
        "status": "completed",
        "performed_on": cycle["date"],
    }


def _sdg_doses(cycle, drugs):
    for place, code in enumerate(drugs.get(cycle["id_schema"], [])):
        if code:
            yield {
                "therapy_id": f"dose-{cycle['id']}-{place}",
                "patient_id": cycle["ehr"],
                "code_system": "RXNORM",
                "code": code,
                "started_on": cycle["date"],
            }


def _sdg_diagnoses(people, stages):
    spread = {row["ehr"] for row in stages if row["m_category"] == "1" or row["stage_diagnosis"] == "IV"}
    for code, name in (("C50.919", "cancer"), ("C79.51", "metastasis")):
        for person in people:
            if name == "cancer" or person["ehr"] in spread:
                yield {
                    "diagnosis_id": f"{name}-{person['ehr']}",
                    "patient_id": person["ehr"],
                    "code_system": "ICD10CM",
                    "code": code,
                    "diagnosed_on": person["diagnosis_date"],
                }


def _sdg_procedures(surgeries, irradiations):
    done = [
        (row["ehr"], SURGERIES[row["surgery"]], f"{row['date_year']}-{row['date_month']:0>2}-{row['date_day']:0>2}")
        for row in surgeries
    ]
    done += [(row["ehr"], IRRADIATION, row["date_start"]) for row in irradiations if row["date_start"]]
    for number, (patient, code, day) in enumerate(done):
        yield {
            "procedure_id": f"procedure-{number}",
            "patient_id": patient,
            "code_system": "CPT",
            "code": code,
            "performed_on": day,
            "status": "completed",
        }


def _sdg_person(person):
    return {"patient_id": person["ehr"], "birth_year": person["birth_date"][:4], "observed_to": person["death_date"]}


# CMS125: FHIR bundles of a screening measure

FHIR_STATUS = {"completed": "completed", "final": "completed", "active": "active"}


def cms125(source, folder):
    """Imaging results stand in for orders; conditions, procedures, medications and persons as they are."""
    resources = [entry["resource"] for bundle in _bundles(source) for entry in bundle["entry"]]
    of = lambda *kinds: [resource for resource in resources if resource["resourceType"] in kinds]  # noqa: E731
    write_csv(folder, "orders", list(_coded(of("ServiceRequest", "Observation"), "order_id", "ordered_on")))
    write_csv(folder, "diagnoses", list(_coded(of("Condition"), "diagnosis_id", "diagnosed_on")))
    write_csv(folder, "procedures", list(_coded(of("Procedure"), "procedure_id", "performed_on")))
    write_csv(folder, "therapies", list(_coded(of("MedicationRequest"), "therapy_id", "started_on")))
    people = [
        {"patient_id": row["id"], "birth_year": row["birthDate"][:4], "sex": row["gender"]} for row in of("Patient")
    ]
    write_csv(folder, "patients", people)
    return [row["patient_id"] for row in people]


def _bundles(source):
    with gzip.open(source / "bundles.ndjson.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _coded(resources, key, day):
    for resource in resources:
        concept = resource.get("code") or resource.get("medicationCodeableConcept")
        for coding in concept["coding"]:
            row = {
                key: resource["id"],
                "patient_id": resource["subject"]["reference"].removeprefix("Patient/"),
                "code_system": coding["system"],
                "code": coding["code"],
                day: _when(resource),
            }
            if key != "diagnosis_id":
                row["status"] = FHIR_STATUS.get(resource.get("status"))
            if resource["resourceType"] == "Observation":
                row |= {"order_type": "imaging" if _is_imaging(resource) else "other", "performed_on": _when(resource)}
            yield row


def _is_imaging(resource):
    return any(
        coding["code"] == "imaging" for category in resource.get("category", []) for coding in category["coding"]
    )


def _when(resource):
    for name in ("authoredOn", "onsetDateTime", "effectiveDateTime", "performedDateTime"):
        if name in resource:
            return resource[name]
    return next(
        resource[name]["start"] for name in ("performedPeriod", "effectivePeriod", "onsetPeriod") if name in resource
    )


# OMOP CDM 5.4: one CSV per table in a zip

VOCABULARIES = {"SNOMED": "SNOMED", "RxNorm": "RXNORM", "LOINC": "LOINC"}


def omop(archive, folder):
    """Procedures stand in for orders too: the sample has none. Returns the persons."""
    with zipfile.ZipFile(archive) as tables:
        table = lambda name: list(csv.DictReader(io.TextIOWrapper(tables.open(f"{name}.csv"), "utf-8")))  # noqa: E731
        systems = {row["concept_id"]: row["vocabulary_id"] for row in table("CONCEPT")}
        ends = {row["person_id"]: row["observation_period_end_date"] for row in table("OBSERVATION_PERIOD")}
        procedures = list(_omop_rows(table("PROCEDURE_OCCURRENCE"), "procedure", "procedure_date", systems))
        diagnoses = list(_omop_rows(table("CONDITION_OCCURRENCE"), "condition", "condition_start_date", systems))
        drugs = list(_omop_rows(table("DRUG_EXPOSURE"), "drug", "drug_exposure_start_date", systems))
        people = table("PERSON")
    write_csv(
        folder, "orders", [_renamed(row, "order_id", "ordered_on") | {"order_type": "procedure"} for row in procedures]
    )
    write_csv(folder, "procedures", [_renamed(row, "procedure_id", "performed_on") for row in procedures])
    write_csv(folder, "diagnoses", [_renamed(row, "diagnosis_id", "diagnosed_on") for row in diagnoses])
    write_csv(folder, "therapies", [_renamed(row, "therapy_id", "started_on") for row in drugs])
    persons = [
        {"patient_id": row["person_id"], "birth_year": row["year_of_birth"], "observed_to": ends.get(row["person_id"])}
        for row in people
    ]
    write_csv(folder, "patients", persons)
    return [row["patient_id"] for row in persons]


def _omop_rows(rows, kind, day, systems):
    table = {"procedure": "procedure_occurrence", "condition": "condition_occurrence", "drug": "drug_exposure"}[kind]
    for row in rows:
        system = systems.get(row[f"{kind}_concept_id"])
        if system in VOCABULARIES:  # vaccines (CVX) are no code system of the contract
            yield row[f"{table}_id"], row["person_id"], VOCABULARIES[system], row[f"{kind}_source_value"], row[day]


def _renamed(row, key, day):
    return dict(zip((key, "patient_id", "code_system", "code", day), row, strict=True))


def folder_of(shared, name):
    return Path(shared) / "data" / name
