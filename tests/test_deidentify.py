"""The gate: a canary per kind of identifier must stop the run without being repeated, ordinary data must not."""

import datetime
import re

import polars as pl
import pytest

from flows.delivery.deidentify import read_identifiers
from flows.errors import DeidentificationError
from tests.deliveries import DIAGNOSES, put, read, rows, with_rules, write

HEADER = "order_id,patient_id,ordered_on,code_system,code"
THIS_YEAR = datetime.date.today().year


@pytest.fixture(scope="module")
def con():
    return with_rules()


def refused(con, folder, **given):
    con.execute("drop schema if exists raw cascade")
    with pytest.raises(DeidentificationError) as error:
        read(con, folder, **given)
    assert error.value.exit_code == 5
    assert error.value.next_step
    assert rows(con, "select count(*) from duckdb_tables() where schema_name = 'raw'") == [(0,)], "something was stored"
    return str(error.value)


def patients(**columns):
    names, values = ",".join(columns), ",".join(f'"{value}"' for value in columns.values())
    return f"patient_id,{names}\np1,{values}\n"


def orders(**changed):
    row = {
        "order_id": "o1",
        "patient_id": "p1",
        "ordered_on": "2024-03-01",
        "code_system": "CPT",
        "code": "76641",
    } | changed
    return ",".join(row) + "\n" + ",".join(f'"{value}"' for value in row.values()) + "\n"


# Declared


def test_nothing_is_read_without_a_declared_mode(con, tmp_path):
    from types import SimpleNamespace

    from flows.delivery.ingest import read_delivery

    undeclared = SimpleNamespace(deid_mode=None, source="delivery", as_of=None)
    with pytest.raises(DeidentificationError) as error:
        read_delivery(con, write(tmp_path), undeclared)
    assert all(mode in str(error.value) for mode in ("relative_days", "shifted_dates", "limited_data_set"))


# Names


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("name", "ID-01"), ("Patient Name", "ID-01"), ("firstName", "ID-01"), ("LAST_NAME", "ID-01"),
        ("provider_name", "ID-01"), ("maiden", "ID-01"),
        ("SSN", "ID-02"), ("social_security_number", "ID-02"), ("passport", "ID-02"), ("drivers", "ID-02"),
        ("MRN", "ID-03"), ("patient_mrn", "ID-03"), ("medical_record_number", "ID-03"), ("member_id", "ID-03"),
        ("address", "ID-07"), ("home-address", "ID-07"), ("ZIP", "ID-07"), ("zip_code", "ID-07"), ("lat", "ID-07"),
        ("city", "ID-07"), ("birthplace", "ID-07"),
        ("phone", "ID-05"), ("home_phone", "ID-05"), ("fax", "ID-05"),
        ("email", "ID-06"), ("e-mail", "ID-06"),
        ("url", "ID-04"), ("ip_address", "ID-04"), ("device_serial", "ID-04"), ("lot_number", "ID-04"),
        ("dob", "ID-08"), ("birth_date", "ID-08"), ("BIRTHDATE", "ID-08"), ("date_of_birth", "ID-08"),
        ("death_date", "ID-09"), ("deceased", "ID-09"),
        ("age", "ID-10"), ("age_at_diagnosis", "ID-10"),
        ("notes", "ID-11"), ("report_text", "ID-11"), ("impression", "ID-11"),
        ("photo", "ID-12"),
        ("study_instance_uid", "ID-13"),
    ],
)  # fmt: skip
def test_a_column_name_that_names_an_identifier(con, tmp_path, name, code):
    told = refused(con, write(tmp_path, patients=f"patient_id,{name}\np1,canary\n"))
    assert code in told
    assert "patients (patients.csv)" in told
    assert "canary" not in told


def test_names_are_checked_in_parquet_too(con, tmp_path):
    folder = write(tmp_path)
    pl.DataFrame({"patient_id": ["p1"], "ssn": ["1"]}).write_parquet(folder / "patients.parquet")
    assert "ID-02" in refused(con, folder)


def test_no_column_of_the_contract_names_an_identifier(con):
    patterns = [rule["pattern"] for rule in read_identifiers() if rule["kind"] == "column_name"]
    columns = {name for (name,) in rows(con, 'select "column" from rule.contract')}
    assert [(name, pattern) for name in columns for pattern in patterns if re.search(pattern, name)] == []


# Shapes


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("ID-20", "123-45-6789"), ("ID-20", "SSN 123 45 6789."),
        ("ID-21", "jane.canary@example.org"),
        ("ID-23", "call (617) 555-0123"), ("ID-23", "617-555-0123"), ("ID-23", "617.555.0123"), ("ID-23", "+44 20 7946 0958"),
        ("ID-24", "https://example.org/p/7"), ("ID-24", "WWW.example.org"),
        ("ID-25", "10.20.30.40"), ("ID-25", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"), ("ID-25", "fe80::1ff:fe23"),
        ("ID-26", "1.2.840.113619.2.55.3.604688119"),
        ("ID-28", "born 4/29/1969"), ("ID-28", "1969-04-29"),
        ("ID-29", "MRN 12"), ("ID-29", "00123456"),
        ("ID-30", "01610-1234"),
        ("ID-33", "palpable lump in the left breast since last March"), ("ID-42", "x" * 90),
    ],
)  # fmt: skip
def test_a_value_shaped_like_an_identifier_in_a_label(con, tmp_path, code, value):
    told = refused(con, write(tmp_path, orders=orders(payer=value)))
    assert "orders (orders.csv), column payer: 1 row looks like" in told
    assert code in told
    assert value not in told


@pytest.mark.parametrize(
    ("code", "column", "value"),
    [
        ("ID-20", "order_id", "123-45-6789"), ("ID-20", "patient_id", "P-123-45-6789"),
        ("ID-21", "ordering_provider_id", "dr.canary@example.org"),
        ("ID-22", "patient_id", "617-555-0123"), ("ID-22", "accession_id", "(617) 555-0123"),
        ("ID-24", "patient_id", "http://example.org/Patient/7"),
        ("ID-25", "site_id", "192.168.1.7"),
        ("ID-26", "accession_id", "1.2.840.113619.2.55.3.604688119"),
        ("ID-31", "ordering_provider_id", "Dr. Canary"), ("ID-31", "ordering_provider_id", "Canary, Jane"),
        ("ID-32", "context", "she is worried about it"), ("ID-32", "order_id", "the first order of"),
        ("ID-33", "site_id", "the clinic on the hill behind the old station"), ("ID-37", "patient_id", "x" * 200),
        ("ID-21", "code", "jane@example.org"), ("ID-24", "code", "https://example.org"),
        ("ID-33", "code", "ultrasound of the left breast because of a lump"),
        ("ID-21", "reason_codes", "C50.911;jane@example.org"),
        ("ID-20", "ordered_on", "123-45-6789"),
        ("ID-28", "context", "2024-01-01"),
        ("ID-35", "order_id", "o1\u200b"), ("ID-35", "site_id", "\u202enorth"), ("ID-35", "code", "76641\x1b[2J"),
        ("ID-36", "patient_id", "1950-06-01"), ("ID-36", "code", "6/1/1950"), ("ID-38", "patient_id", "MRN 00123456"),
        ("ID-20", "payer", "１２３‐４５‐６７８９"), ("ID-21", "payer", "jane＠example.org"), ("ID-23", "payer", "617\u2011555\u20110123"),
        ("ID-20", "code", "123-45-6789"), ("ID-20", "code_system", "123-45-6789"), ("ID-31", "site_id", "Mr Canary"),
    ],
)  # fmt: skip
def test_a_value_shaped_like_an_identifier_elsewhere(con, tmp_path, code, column, value):
    told = refused(con, write(tmp_path, orders=orders(**{column: value})))
    assert f"column {column}: 1 row looks like" in told
    assert code in told
    assert value not in told


@pytest.mark.parametrize(("mode", "is_refused"), [("limited_data_set", False), ("shifted_dates", True)])
def test_an_age_over_89_in_words_is_for_a_limited_data_set_alone(con, tmp_path, mode, is_refused):
    folder = write(tmp_path, orders=orders(payer="plan for 93 year old"))
    if is_refused:
        assert "ID-39" in refused(con, folder, deid_mode=mode)
    else:
        read(con, folder, deid_mode=mode)


def test_every_rule_has_a_canary_here():
    """A row added to identifier.csv without a test of its own fails here."""
    with open(__file__, encoding="utf-8") as text:
        tested = set(re.findall(r"ID-\d+", text.read()))
    assert {rule["code"] for rule in read_identifiers()} <= tested


def test_rows_are_counted_over_each_part(con, tmp_path):
    folder = write(tmp_path, orders=None)
    put(folder / "orders" / "1.csv", f"{HEADER},payer\n" + "o1,p1,2024-03-01,CPT,76641,a@example.org\n" * 7)
    put(folder / "orders" / "2.csv", f"{HEADER},payer\n" + "o1,p1,2024-03-01,CPT,76641,medicare\n" * 7)
    told = refused(con, folder)
    assert "orders (orders/1.csv), column payer: 7 rows look like an e-mail address (ID-21)" in told
    assert "2.csv" not in told


def test_shapes_are_found_in_parquet_and_in_code_map(con, tmp_path):
    folder = write(tmp_path, code_map="code_system,code,procedure\nLOCAL,1,jane@example.org\n")
    pl.DataFrame({"patient_id": ["p1"], "race": ["617-555-0123"]}).write_parquet(folder / "patients.parquet")
    told = refused(con, folder)
    assert "code_map" in told
    assert "patients.parquet" in told


def test_notes_short_enough_to_be_labels_are_told_by_their_variety(con, tmp_path):
    lines = [f"o{i},p1,2024-03-01,CPT,76641,lump number {i} felt" for i in range(200)]
    told = refused(con, write(tmp_path, orders=f"{HEADER},payer\n" + "\n".join(lines) + "\n"))
    assert "ID-34" in told


def test_long_labels_are_labels_while_they_repeat(con, tmp_path):
    lines = [f"o{i},p1,2024-03-01,CPT,76641,Blue Cross plan number {i % 70}" for i in range(2000)]
    read(con, write(tmp_path, orders=f"{HEADER},payer\n" + "\n".join(lines) + "\n"))


# Birth and age


@pytest.mark.parametrize(
    "value", ["1950-06-01", "06/01/1950", "1950-06", "19500601", "June 1950", "1 Jun 1950", "67", "102"]
)
def test_a_birth_year_that_is_more_or_other_than_a_year(con, tmp_path, value):
    told = refused(con, write(tmp_path, patients=patients(birth_year=value)))
    assert "ID-27" in told
    assert value not in told.replace("ID-27", "")


@pytest.mark.parametrize("value", ["1950", " 1950 ", "1950.0", "", "unknown"])
def test_a_year_of_birth_or_none(con, tmp_path, value):
    read(con, write(tmp_path, patients=patients(birth_year=value)))


@pytest.mark.parametrize(
    ("mode", "day", "birth_year", "is_refused"),
    [
        ("shifted_dates", "2020-06-01", 1930, False),
        ("shifted_dates", "2020-06-01", 1929, True),
        ("limited_data_set", "2020-06-01", 1920, False),
        ("relative_days", "120", THIS_YEAR - 90, False),
        ("relative_days", "120", THIS_YEAR - 91, True),
    ],
)
def test_an_age_over_89_is_top_coded_outside_a_limited_data_set(con, tmp_path, mode, day, birth_year, is_refused):
    folder = write(
        tmp_path,
        orders=orders(ordered_on=day),
        diagnoses=DIAGNOSES.replace("2024-01-01", "2019-01-01" if "-" in day else "0"),
        patients=patients(birth_year=birth_year),
    )
    if is_refused:
        told = refused(con, folder, deid_mode=mode)
        assert "ID-50" in told
        assert str(birth_year + 1) in told  # the earliest year that may be delivered
    else:
        read(con, folder, deid_mode=mode)


def test_as_of_tells_the_end_where_it_is_given(con, tmp_path):
    folder = write(tmp_path, patients=patients(birth_year=1930))
    read(con, folder, deid_mode="shifted_dates", as_of="2020-12-31")
    assert "ID-50" in refused(con, folder, deid_mode="shifted_dates")


def test_a_typing_error_in_the_far_future_makes_nobody_old(con, tmp_path):
    folder = write(tmp_path, orders=orders(performed_on="2204-03-01"), patients=patients(birth_year=1950))
    read(con, folder, deid_mode="shifted_dates")


# Mode and data


def test_calendar_dates_under_relative_days(con, tmp_path):
    told = refused(
        con, write(tmp_path, orders=orders(ordered_on="12", performed_on="2024-03-01")), deid_mode="relative_days"
    )
    assert "ID-40" in told
    assert "column performed_on" in told


@pytest.mark.parametrize("mode", ["limited_data_set", "shifted_dates"])
def test_day_numbers_where_dates_were_declared(con, tmp_path, mode):
    told = refused(con, write(tmp_path, orders=orders(ordered_on="-12")), deid_mode=mode)
    assert "ID-41" in told
    assert "relative_days" in told


def test_a_stray_day_number_is_a_matter_of_quarantine(con, tmp_path):
    lines = [f"o{i},p1,{'12' if i == 3 else '2024-03-01'},CPT,76641" for i in range(5)]
    read(con, write(tmp_path, orders=f"{HEADER}\n" + "\n".join(lines) + "\n"))


def test_relative_days_are_read(con, tmp_path):
    folder = write(tmp_path, orders=orders(ordered_on="-12"), diagnoses=DIAGNOSES.replace("2024-01-01", "0"))
    read(con, folder, deid_mode="relative_days")
    assert rows(con, "select ordered_on from raw.orders") == [("-12",)]


# False alarms


def test_ordinary_data_pass(con, tmp_path):
    """Everything here looks like an identifier to somebody: hashes, NDC, SNOMED, OIDs, timestamps, long labels."""
    keys = [
        "cfcd208495d565ef66e7dff9f98764da", "72652f31-d6d8-dfe7-39d2-8e492a93747f", "P0001", "2024-000123", "12345678",
        "2024-123-45-6789", "ORD.2024.03.01", "urn:uuid:72652f31-d6d8-dfe7-39d2-8e492a93747f", "Patient/17", "a=b+c/d==",
        "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043",
        "S1-0000000123", "20240301-0007", "0x1F", "AbC123dEf456GhI789", "1.2.3", "123-456-7890",
    ]  # fmt: skip
    codes = [
        ("NDC", "12345-6789-01"), ("NDC", "0409-1234-01"), ("NDC", "617-555-0123"), ("SNOMED", "1571000087109"),
        ("http://snomed.info/sct", "254837009"), ("urn:oid:2.16.840.1.113883.6.90", "C50.911"), ("CPT", "77065-LT"),
        ("LOINC", "24604-1"), ("LOCAL", "MRI BREAST W AND WO CONTRAST BILATERAL"), ("HCPCS", "G0279"),
        ("http://www.ama-assn.org/go/cpt", "76641"), ("ICD10PCS", "0HTT0ZZ"), ("LOCAL", "10.20.30.40"),
    ]  # fmt: skip
    days = ["2024-03-01", "2024-03-01T10:20:30Z", "2024-03-01 10:20:30.123456+00:00", "2024-03-01T10:20:30-05:00"]
    columns = [
        "order_id", "patient_id", "ordered_on", "code_system", "code", "performed_on", "laterality", "accession_id",
        "modifiers", "reason_codes", "context", "ordering_provider_id", "site_id", "payer",
    ]  # fmt: skip
    frame = [
        {
            "order_id": f"{key}{number}", "patient_id": key, "ordered_on": days[number % 4], "code_system": codes[number % 13][0],
            "code": codes[number % 13][1], "performed_on": days[(number + 1) % 4], "laterality": "Left", "accession_id": key,
            "modifiers": "LT;59;76", "reason_codes": "C50.911; Z12.31; R92.8; Z85.3; N63.10",
            "context": "response assessment; patient choice", "ordering_provider_id": "1234567893",
            "site_id": ("St. Mary Medical Center North", "MR CENTER WEST", "DR ROOM 2")[number % 3], "payer": "Blue Cross Blue Shield of Massachusetts",
        }
        for number, key in enumerate(keys)
    ]  # fmt: skip
    people = {
        "patient_id": keys[:8],
        "birth_year": [1950, 1961, 1999, 1940, 1944, 1970, 1980, 1966],
        "sex": ["female", "F", "male", "Female", "unknown", "", "intersex", "M"],
        "gender_identity": ["Identifies as female gender (finding)"] * 8,
        "race": ["Native Hawaiian or Other Pacific Islander", "American Indian or Alaska Native", "2106-3"]
        + ["White"] * 5,
        "ethnicity": ["Not of Hispanic, Latino/a, or Spanish origin", "Not Hispanic or Latino"] + ["2186-5"] * 6,
        "breast_density": ["Scattered areas of fibroglandular density", "heterogeneously dense (C)"] + ["b"] * 6,
    }
    folder = write(tmp_path, orders=None)
    pl.DataFrame(frame).select(columns).write_csv(folder / "orders.csv")
    pl.DataFrame(people).write_csv(folder / "patients.csv")
    put(
        folder / "findings.csv",
        "finding_id,patient_id,reported_on,finding,site_label,size_mm\nf1,p1,2024-03-01,clip_seen,upper outer quadrant left breast,12.5\n",
    )
    put(
        folder / "therapies.csv",
        "therapy_id,patient_id,code_system,code,started_on,days_supply\nt1,p1,RXNORM,583214,2024-03-01,30\n",
    )
    info = read(con, folder)
    assert info["n_rows"]["orders"] == len(keys)


def test_the_example_delivery_passes(con, example):
    read(con, example)


# Keys


def keyed(keys):
    return "diagnosis_id,patient_id,code_system,code,diagnosed_on\n" + "".join(
        f"d{number},{key},ICD10CM,C50.911,2024-01-01\n" for number, key in enumerate(keys)
    )


@pytest.mark.parametrize(
    ("keys", "codes"),
    [
        ([f"P{number:05}" for number in range(40)], ["ID-60"]),
        ([str(4_000_000 + 7919 * number) for number in range(40)], ["ID-61"]),
        ([f"{number * 2654435761 % 2**64:016x}z" for number in range(1, 41)], []),
        (["P1", "P2", "P3"], []),
    ],
)
def test_keys_that_do_not_look_hashed_are_a_warning(con, tmp_path, keys, codes):
    info = read(con, write(tmp_path, diagnoses=keyed(keys)))
    assert [warning["code"] for warning in info["warnings"]] == codes
    assert rows(con, "select code from raw.delivery_warning") == [(code,) for code in codes]


def test_the_gate_reads_the_bundled_rules_whatever_the_site_says(con, tmp_path):
    site = tmp_path / "site"
    put(site / "identifier.csv", "code,kind\n")
    folder = write(tmp_path / "delivery", orders=orders(payer="jane@example.org"))
    assert "ID-21" in refused(con, folder, site_rules=site)
