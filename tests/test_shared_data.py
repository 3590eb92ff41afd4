"""The main job on data that nobody here made: the third parties' own labels and counts decide."""

import csv
import gzip
from datetime import date

import duckdb
import pytest

from flows import models, rules
from flows.delivery.ingest import read_delivery
from tests import adapters
from tests.deliveries import rows, settings_for

pytestmark = pytest.mark.shared

OPERATED = {"19301", "19303"}


def audit(folder, **given):
    settings = settings_for(folder, **given)
    con = duckdb.connect()
    rules.load_rules(con, settings)
    read_delivery(con, folder, settings)
    models.build(con)
    return con


def table(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def cases(con):
    found = rows(
        con,
        "select patient_id, is_case, not_case_reason, first_dose_on, surgery_on, intent_tier from out.neoadjuvant_case",
    )
    return {row[0]: row[1:] for row in found}


# Synthea: 94 neoadjuvant patients operated, breast imaging only before therapy or after surgery


@pytest.fixture(scope="module")
def synthea(shared):
    return audit(adapters.folder_of(shared, "synthea_breast_csv"), source="synthea")


def test_synthea_has_94_neoadjuvant_patients_operated(synthea):
    counted = rows(
        synthea,
        "select coalesce(not_case_reason, intent_tier), count(*), count(surgery_on) from out.neoadjuvant_case group by all order by all",
    )
    # Of the 335 with breast cancer: 94 operated after therapy, 7 never operated, the rest operated or treated otherwise.
    assert {reason: (n, operated) for reason, n, operated in counted} == {
        "inferred": (94, 94),
        "presumptive": (7, 0),
        "surgery_first": (234, 233),
    }


def test_synthea_has_no_response_order_and_none_is_invented(synthea, shared):
    assert rows(synthea, "select count(*) from out.order_label where status <> 'excluded'") == [(0,)]
    assert rows(synthea, "select count(*) from out.episode") == [(0,)]
    assert rows(synthea, "select distinct n_index, rate from out.compliance where stratum = 'all'") == [(0, None)]
    procedures = table(adapters.folder_of(shared, "synthea_breast_csv") / "procedures.csv.gz")
    performed = {(row["PATIENT"], row["START"], row["CODE"]) for row in procedures}
    ordered = rows(synthea, "select patient_id, ordered_on, code from raw.orders")
    assert len(ordered) > 5000
    assert set(ordered) <= performed


def test_synthea_lung_cancer_drugs_are_no_therapy_of_the_breast(synthea):
    """Three breast cancer patients have hundreds of doses of paclitaxel for another cancer."""
    assert rows(synthea, "select max(n_events) < 60 from out.neoadjuvant_case") == [(True,)]


def test_synthea_identifiers_stay_out(synthea, shared):
    person = table(adapters.folder_of(shared, "synthea_breast_csv") / "patients.csv.gz")[0]
    canaries = [person[name] for name in ("SSN", "FIRST", "LAST", "ADDRESS", "LAT", "DRIVERS")]
    for (name,) in rows(synthea, "select table_name from duckdb_tables() where schema_name = 'raw'"):
        kept = str(rows(synthea, f"from raw.{name}"))
        assert [canary for canary in canaries if f"'{canary}'" in kept] == [], name
    assert rows(synthea, "select count(*) from raw.patients where not regexp_full_match(birth_year, '[0-9]{4}')") == [
        (0,)
    ]


def test_the_report_on_synthea_says_exactly_that(command, shared, tmp_path):
    folder = adapters.folder_of(shared, "synthea_breast_csv")
    given = ("--extracts", folder, "--out", tmp_path / "out", "--source", "synthea", "--deid-mode", "limited_data_set")
    code, out, err = command("run", *given, "--direct")
    assert code == 0, err
    assert "94 neoadjuvant cases operated, 0 response imaging orders" in out
    assert "performed procedures stand in for orders" in out


# SDG: a neoadjuvant label for each patient


def dates_of(source):
    """First cycle and first breast surgery of each patient, from the generator's own tables."""
    cycles, surgeries = {}, {}
    for row in table(source / "chemoterapy_cycle.csv.gz"):
        day = date.fromisoformat(row["date"])
        cycles[row["ehr"]] = min(day, cycles.get(row["ehr"], day))
    for row in table(source / "surgery.csv.gz"):
        if adapters.SURGERIES[row["surgery"]] in OPERATED:
            day = date(int(row["date_year"]), int(row["date_month"]), int(row["date_day"]))
            surgeries[row["ehr"]] = min(day, surgeries.get(row["ehr"], day))
    return cycles, surgeries


def test_sdg_clean_reproduces_the_label_of_every_operated_patient(shared, tmp_path):
    source = adapters.folder_of(shared, "sdg_breast") / "clean"
    labels = adapters.sdg(source, tmp_path)
    found = cases(audit(tmp_path))
    _, surgeries = dates_of(source)
    assert len(surgeries) == 374
    assert {patient: found[patient][0] for patient in surgeries} == {
        patient: labels[patient] == "yes" for patient in surgeries
    }
    assert sum(label == "yes" for label in labels.values()) == sum(is_case for is_case, *_ in found.values()) == 241
    assert {found[patient][1] for patient in set(labels) - set(surgeries)} == {"metastatic_at_start"}


def test_sdg_adjuvant_cycles_after_surgery_are_not_in_the_course(shared, tmp_path):
    adapters.sdg(adapters.folder_of(shared, "sdg_breast") / "clean", tmp_path)
    con = audit(tmp_path)
    assert rows(con, "select count(*) from out.neoadjuvant_case where is_case and last_dose_on >= surgery_on") == [(0,)]


def test_sdg_mutated_every_disagreement_has_its_reason(shared, tmp_path):
    source = adapters.folder_of(shared, "sdg_breast") / "mutated05"
    labels = adapters.sdg(source, tmp_path)
    found = cases(audit(tmp_path))
    cycles, surgeries = dates_of(source)
    assert set(found) == set(labels)
    unexplained = {}
    for patient, label in labels.items():
        is_case, reason, first_dose_on, surgery_on, tier = found[patient]
        is_before = patient in surgeries and patient in cycles and cycles[patient] < surgeries[patient]
        if (label == "yes") == (is_case and surgery_on is not None):
            continue
        if label == "no":  # flipped labels: the dates say that therapy came first, or that nobody operated
            is_explained = is_before or (surgery_on is None and tier in ("unresolved", "presumptive"))
        else:  # shifted dates or stages: the reason says what stands against it
            is_explained = (
                (reason == "surgery_first" and not is_before)
                or reason == "metastatic_at_start"
                or (is_case and surgery_on is None and patient not in surgeries)
            )
        if not is_explained:
            unexplained[patient] = (label, found[patient])
    assert unexplained == {}


# Negatives: no invasive breast cancer, so no case and no order in scope


def no_case(con, n_persons):
    assert rows(con, "select count(*) from out.neoadjuvant_case") == [(0,)]
    assert rows(con, "select count(*) from out.order_label") == [(0,)]
    assert rows(con, "select count(*) from stg.quarantine") == [(0,)]
    steps = dict(rows(con, "select reason, n_patients from out.case_attrition where n_patients > 0"))
    assert steps == {"persons": n_persons, "no_invasive_cancer": n_persons}
    (n_input,), (n_removed,) = rows(
        con, "select sum(n_orders) from out.attrition group by kind = 'input' order by kind = 'input' desc"
    )
    assert n_input == n_removed


def test_cms125_screening_patients_are_no_cases(shared, tmp_path):
    persons = adapters.cms125(adapters.folder_of(shared, "cms125_test_cases"), tmp_path)
    con = audit(tmp_path)
    no_case(con, len(persons))
    # Prophylactic mastectomies and screening mammograms are read, and lead to nothing.
    assert rows(con, "select count(*) from stg.procedure where code in ('0HTT0ZZ', '0HTU0ZZ')") == [(7,)]
    assert rows(con, "select n_orders from out.attrition where reason = 'no_invasive_cancer'") == [(4,)]


def test_omop_sample_without_breast_cancer_has_no_cases(shared, tmp_path):
    persons = adapters.omop(next(adapters.folder_of(shared, "omop54_synthea27nj").glob("*.zip")), tmp_path)
    assert len(persons) == 28
    no_case(audit(tmp_path), 28)
