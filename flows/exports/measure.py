"""The FHIR R4 Measure resource: the measure's definition, with criteria that anybody can run against `audit.duckdb`.

Plain dictionaries in the shape of FHIR; no library of FHIR is needed to write them. Each criterion is a file of
sql/measure/ whose first lines say what its rows are.
"""

import hashlib
import html
import json
import re

from flows.models import SQL, grain

# A name of our own that claims no host: canonical names may be URNs.
URL = "urn:uuid:8d1f5c3e-6a0b-4f0e-9b57-2c9a54d1e7a3"
CODES = "http://terminology.hl7.org/CodeSystem/"
LANGUAGE = "application/sql"
TOPIC = "ACR Appropriateness Criteria, topic 235, variant 2"
MEASURES = {
    "post_completion": "after completion of neoadjuvant therapy",
    "on_treatment": "during neoadjuvant therapy",
}
BASES = {"episode": "episodes", "order": "index orders (bundled: a patient may count more than once)"}
# FHIR's population → the file of its criteria. Nobody leaves between the first two.
POPULATIONS = {
    "initial-population": "initial_population",
    "denominator": "initial_population",
    "denominator-exclusion": "denominator_exclusion",
    "numerator": "numerator",
}
SUPPLEMENTAL = {"sex": "Sex", "race": "Race", "ethnicity": "Ethnicity", "payer": "Payer"}
STRATIFIERS = {
    "site": "Site that placed the order",
    "therapy_class": "Therapy class of the case",
    "edition": "Edition of the criteria in force on the day of the order",
    **SUPPLEMENTAL,
    "gender_identity": "Gender identity",
    "age_band": "Age in the year of the exam",
    "breast_density": "Breast density",
}
DESCRIPTION = (
    "Share of neoadjuvant breast cancer cases in whose first imaging orders to assess the response at least one exam "
    f"was rated usually appropriate by the {TOPIC} (imaging of the breast after starting or completing neoadjuvant "
    "therapy), and none not appropriate. Two measures, after completion of therapy and during it, never merged; each "
    "on the basis of episodes and on that of orders, which counts the orders themselves."
)
TERMS = (
    "Case: an invasive breast cancer with systemic therapy before surgery whose intent is stated, or inferred "
    "from surgery within {surgery_max_days} days after the end of therapy, the last day that any drug of the course "
    "covers, or still open: no surgery so far, and the data reach no further than that.",
    "Index day, per case and measure: the earliest day with an imaging order that asks for the response of the "
    "breast. Every order of that day is an index order.",
    "After completion, and before any surgery: from {completion_lead_days} days before the last dose to {window_days} days after it, or up to "
    "surgery where that follows within {surgery_max_days} days after the end of therapy; where neither chemotherapy nor an "
    "infusion that names no drug sets the first dose, from {preop_days} days before surgery on, too. While nobody knows whether the "
    "therapy has ended, orders from {completion_lead_days} days before the last known dose on are in neither measure.",
    "During therapy: before that, and from {min_response_days} days after the first dose on; from the first dose on where "
    "the order states that it is to assess the response.",
    "Not in the measure: orders for the work-up (also one placed before the first dose and done within {baseline_days} days "
    "after it), clinical worsening, discordant findings, suspected metastasis or the axilla. They are other questions, "
    "counted beside it.",
)
GUIDANCE = (
    "A rating is about a scenario, not a patient, and several exams are usually appropriate at once, so the "
    "rate is high almost everywhere. What nobody could rate is taken out of the rate (denominator-exclusion) "
    "and never assumed to be either; documented reasons excuse nothing, so there is no denominator-exception. "
    "Not clinical decision support, and not an ACR product."
)


def measure(facts):
    """The Measure resource, under the editions and parameters of a run (`flows.facts`)."""
    return {
        "resourceType": "Measure",
        "id": "imaging-order-audit",
        "text": {"status": "generated", "div": div(f"<p>{html.escape(DESCRIPTION)}</p>")},
        "url": URL,
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": URL}],
        "version": version(facts),
        "name": "FirstImagingOrderAfterNeoadjuvantTherapy",
        "title": "First imaging order after neoadjuvant therapy: usually appropriate",
        "status": "active",
        "experimental": False,
        "subjectCodeableConcept": coded("http://hl7.org/fhir/resource-types", "Patient"),
        "description": DESCRIPTION,
        "relatedArtifact": [{"type": "citation", "citation": row["citation"]} for row in facts["editions"]],
        "scoring": coded(CODES + "measure-scoring", "proportion"),
        "rateAggregation": "numerator / (denominator - denominator-exclusion); empty denominators have no rate",
        "improvementNotation": coded(CODES + "measure-improvement-notation", "increase"),
        "definition": [*definitions(facts)],
        "guidance": GUIDANCE,
        "group": [group(name, basis) for name in MEASURES for basis in BASES],
        "supplementalData": [supplemental(stratum, label) for stratum, label in SUPPLEMENTAL.items()],
    }


def version(facts):
    """Our release and what of the definition a site may move: two reports of one version can be compared."""
    hashes = [facts["hashes"][name] for name in ("rules_hash", "sql_hash")]
    moved = json.dumps([facts["parameters"], *hashes], sort_keys=True)
    return f"{facts['versions']['imaging-order-audit']}+{hashlib.sha256(moved.encode()).hexdigest()[:12]}"


def canonical(facts):
    return f"{URL}|{version(facts)}"


def definitions(facts):
    yield from (term.format(**facts["parameters"]) for term in TERMS)
    for row in facts["editions"]:
        yield f"Edition {row['edition']}, in force from {row['effective_from']}; that of the day of the order decides."
    yield "Parameters: " + ", ".join(f"{name} = {value}" for name, value in sorted(facts["parameters"].items())) + "."


def group(name, basis):
    return {
        "id": group_id(name, basis),
        "code": group_code(name, basis),
        "description": f"First imaging orders {MEASURES[name]}, counted as {BASES[basis]}.",
        "population": [
            {"code": population_code(code), "criteria": criteria(f"{basis}_{file}", measure=name)}
            for code, file in POPULATIONS.items()
        ],
        "stratifier": [
            {"id": stratum, "code": {"text": label}, "criteria": criteria("stratum", stratum=stratum)}
            for stratum, label in STRATIFIERS.items()
        ],
    }


def group_id(name, basis):
    return f"{name}.{basis}".replace("_", "-")


def group_code(name, basis):
    return coded(URL, group_id(name, basis)) | {"text": f"{MEASURES[name]}, {basis} basis"}


def population_code(code):
    return coded(CODES + "measure-population", code, code.replace("-", " ").title())


def supplemental(stratum, label):
    return {
        "code": {"text": label},
        "usage": [coded(CODES + "measure-data-usage", "supplemental-data")],
        "criteria": criteria("supplemental", stratum=stratum),
    }


def criteria(file, **given):
    """The file as one statement that runs as it stands: its comment apart, our own words in place of its parameters."""
    text = (SQL / "measure" / f"{file}.sql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    statement = re.sub(r"\$(\w+)", lambda found: f"'{given[found[1]]}'", "\n".join(lines))
    return {"description": grain(text), "language": LANGUAGE, "expression": statement}


def div(content):
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{content}</div>'


def coded(system, code, display=None):
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}
