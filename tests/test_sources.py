"""Foreign exports: what of Synthea's reaches the raw tables, and what must not."""

import gzip

import duckdb
import pytest

from flows.errors import DeidentificationError, DeliveryError
from flows.rules import load_rules
from tests.deliveries import put, read, rows, settings_for

BREAST, LUNG = "254837009", "424132000"
CANARIES = ("999-47-4101", "Canary", "735 Treutel Spur", "01610", "42.23056", "S99969330", "1978-03-06")
EXPORT = {
    "patients": "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,FIRST,LAST,RACE,ETHNICITY,GENDER,ADDRESS,CITY,ZIP,LAT,LON\n"
    'a,1978-03-06,,999-47-4101,S99969330,X1,Jane,Canary,white,nonhispanic,F,"735 Treutel Spur",Worcester,01610,42.23056,-71.8\n'
    "b,1921-03-06,2024-06-01,999-47-4102,S9,X2,John,Canary,asian,hispanic,M,1 Street,Worcester,01610,42.23056,-71.8\n",
    "conditions": f"START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION\n2024-01-05,,a,e1,SNOMED-CT,{BREAST},Breast cancer\n",
    "medications": "START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,REASONCODE,REASONDESCRIPTION\n"
    f"2024-02-01T08:00:00Z,2024-02-01T09:00:00Z,a,x,e2,583214,Paclitaxel,{BREAST},Breast\n"
    f"2024-02-01T08:00:00Z,2024-02-01T09:00:00Z,a,x,e2,583214,Paclitaxel,{LUNG},Lung\n"
    "2024-02-02T08:00:00Z,,a,x,e3,198240,Tamoxifen,,\n",
    "procedures": "START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION,BASE_COST,REASONCODE,REASONDESCRIPTION\n"
    '2024-01-02T08:00:00Z,2024-01-02T08:30:00Z,a,e0,SNOMED-CT,71651007,"Mammography, both",1.0,,\n'
    "2024-08-02T08:00:00Z,2024-08-02T10:00:00Z,a,e4,SNOMED-CT,392023007,Excision,1.0,,\n",
}


@pytest.fixture
def con():
    return duckdb.connect()


def export(folder, **changed):
    for file, content in (EXPORT | changed).items():
        if content is not None:
            put(folder / f"{file}.csv", content)
    return folder


def read_synthea(con, folder, deid_mode="limited_data_set"):
    settings = settings_for(folder, deid_mode, source="synthea")
    load_rules(con, settings)
    return read(con, folder, deid_mode=deid_mode, source="synthea")


def test_performed_imaging_stands_in_for_orders_and_the_rest_stays_procedures(con, tmp_path):
    read_synthea(con, export(tmp_path))
    assert rows(
        con, "select patient_id, code, ordered_on, performed_on, order_type, status, part, line from raw.orders"
    ) == [
        ("a", "71651007", "2024-01-02T08:00:00Z", "2024-01-02T08:00:00Z", "imaging", "completed", "procedures.csv", 2)
    ]
    assert rows(con, "select patient_id, code, performed_on, status, line from raw.procedures") == [
        ("a", "392023007", "2024-08-02T08:00:00Z", "completed", 3)
    ]
    assert rows(con, "select code, diagnosed_on from raw.diagnoses") == [(BREAST, "2024-01-05")]


def test_no_identifier_reaches_the_database(con, tmp_path):
    read_synthea(con, export(tmp_path))
    for (table,) in rows(con, "select table_name from duckdb_tables() where schema_name = 'raw'"):
        kept = str(rows(con, f"from raw.{table}"))
        assert [canary for canary in CANARIES if canary in kept] == [], table
    assert rows(con, "select count(*) from duckdb_views() where sql like '%patients.csv%'") == [(0,)]


def test_a_person_keeps_year_of_birth_sex_and_the_day_observation_ends(con, tmp_path):
    read_synthea(con, export(tmp_path))
    assert rows(
        con, "select patient_id, birth_year, sex, race, ethnicity, observed_to from raw.patients order by all"
    ) == [
        ("a", "1978", "female", "white", "nonhispanic", None),
        ("b", "1921", "male", "asian", "hispanic", "2024-06-01"),
    ]


def test_an_age_over_89_becomes_unknown_outside_a_limited_data_set(con, tmp_path):
    read_synthea(con, export(tmp_path), "shifted_dates")
    assert rows(con, "select patient_id, birth_year from raw.patients order by all") == [("a", "1978"), ("b", None)]


def test_a_drug_given_for_another_disease_is_no_therapy_here(con, tmp_path):
    read_synthea(con, export(tmp_path))
    assert rows(
        con, "select code_system, code, started_on, ended_on, status from raw.therapies order by started_on"
    ) == [
        ("RXNORM", "583214", "2024-02-01T08:00:00Z", "2024-02-01T09:00:00Z", "completed"),
        ("RXNORM", "198240", "2024-02-02T08:00:00Z", None, "active"),
    ]


def test_ids_are_the_same_on_every_run_and_copies_stay_copies(con, tmp_path):
    twice = EXPORT["procedures"] + EXPORT["procedures"].split("\n")[1] + "\n"
    folder = export(tmp_path, procedures=twice)
    read_synthea(con, folder)
    before = rows(con, "select order_id, line from raw.orders order by line")
    read_synthea(con, folder)
    assert rows(con, "select order_id, line from raw.orders order by line") == before
    assert before[0][0] == before[1][0]


def test_older_exports_without_system_and_reason_are_read(con, tmp_path):
    conditions = f"START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION\n2024-01-05,,a,e1,{BREAST},x\n"
    procedures = "DATE,START,PATIENT,ENCOUNTER,CODE\n,2024-01-02,a,e0,71651007\n"
    medications = "START,STOP,PATIENT,ENCOUNTER,CODE\n2024-02-01,2024-02-01,a,e2,583214\n"
    read_synthea(con, export(tmp_path, conditions=conditions, procedures=procedures, medications=medications))
    assert rows(
        con, "select code_system, code from raw.orders union all select code_system, code from raw.diagnoses"
    ) == [
        ("SNOMED", "71651007"),
        ("SNOMED", BREAST),
    ]
    assert rows(con, "select count(*) from raw.therapies") == [(1,)]


def test_gzip_parts_and_other_files_of_the_export(con, tmp_path):
    folder = export(tmp_path, procedures=None)
    put(folder / "procedures.csv.gz", gzip.compress(EXPORT["procedures"].encode()))
    others = (
        "allergies careplans claims claims_transactions devices encounters imaging_studies immunizations observations "
        "organizations payer_transitions payers providers supplies"
    )
    for name in others.split():
        put(folder / f"{name}.csv", "Id,NAME\n1,Canary\n")
    assert read_synthea(con, folder)["n_rows"]["orders"] == 1


def test_torn_lines_are_kept_as_such(con, tmp_path):
    read_synthea(
        con, export(tmp_path, conditions=EXPORT["conditions"] + "torn\n", procedures=EXPORT["procedures"] + "torn\n")
    )
    assert rows(con, "select extract, part, line, reason from raw.rejected_row order by all") == [
        ("diagnoses", "conditions.csv", 3, "too_few_columns"),
        ("procedures", "procedures.csv", 4, "too_few_columns"),
    ]


def test_the_source_switches_on_its_mastectomy(con, tmp_path):
    read_synthea(con, export(tmp_path))
    assert rows(con, "from rule.conditional_surgery") == [("SNOMED", "392023007")]


@pytest.mark.parametrize("file", EXPORT)
def test_a_missing_file_or_column_is_named(con, tmp_path, file):
    with pytest.raises(DeliveryError) as error:
        read_synthea(con, export(tmp_path / "file", **{file: None}))
    assert f"lacks {file}" in str(error.value)
    header = EXPORT[file].split("\n")[0]
    column = "Id" if file == "patients" else "START"
    with pytest.raises(DeliveryError) as error:
        read_synthea(
            con, export(tmp_path / "column", **{file: EXPORT[file].replace(header, header.replace(column, "X", 1))})
        )
    assert f"{file} lacks the column {column.upper()}" in str(error.value)


def test_calendar_dates_contradict_relative_days(con, tmp_path):
    with pytest.raises(DeidentificationError):
        read_synthea(con, export(tmp_path), "relative_days")
