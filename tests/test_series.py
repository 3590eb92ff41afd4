"""A series of deliveries: which are read for a day, which rows stand, and what of it names the run."""

import random
from datetime import date

import differential
import pytest
import stories

from flows import ledger
from flows.delivery import series
from flows.errors import DeidentificationError, DeliveryError, SettingsError
from flows.workspace import _hash_delivery, named
from tests.deliveries import DIAGNOSES, ORDERS, put, read, rows, settings_for, with_rules, write

PATIENTS = "patient_id,birth_year\np1,{}\n"


@pytest.fixture(scope="module")
def con():
    return with_rules()


def order(number, day="2024-03-01", code="76641"):
    return f"o{number},p1,{day},CPT,{code}\n"


def orders(*lines):
    return ORDERS.splitlines(keepends=True)[0] + "".join(lines)


@pytest.fixture
def months(tmp_path):
    """Three deliveries: the second corrects a row of the first and has no diagnoses, the third brings a row twice."""
    folder = tmp_path / "series"
    write(folder / "2024-04", orders=orders(order(1), order(2)))
    write(folder / "2024-05", orders=orders(order(2, code="77048"), order(3)), diagnoses=None)
    write(folder / "2024-06", orders=orders(order(4), order(4), order(1)), diagnoses=DIAGNOSES)
    return folder


# Names


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2024-02", date(2024, 2, 29)),
        ("2025-02", date(2025, 2, 28)),
        ("2024-12", date(2024, 12, 31)),
        ("2024-02-10", date(2024, 2, 10)),
        ("2024-02_corrected", date(2024, 2, 29)),
        ("2024-02-10_2", date(2024, 2, 10)),
        ("2024-02-30", None),
        ("2024-13", None),
        ("2024-00", None),
        ("0000-01", None),
        ("2024", None),
        ("2024-2", None),
        ("2024-02 corrected", None),
        ("2024-02_", None),
        ("2024-02_.", None),
        ("2024-02_123-45-6789", None),
        ("2024-02_0012345", None),
        ("january", None),
        ("../2024-02", None),
    ],
)
def test_a_name_says_the_last_day_that_is_covered(name, day):
    assert series.covered(name) == day


def test_deliveries_stand_in_the_order_of_day_then_name():
    names = ["2024-06_10", "2024-06-29_9", "2024-06_b", "2024-06", "2024-06-30", "2024-06_2", "2024-05_z", "2024-07-01"]
    assert sorted(names, key=series.order) == [
        "2024-05_z", "2024-06-29_9", "2024-06", "2024-06-30", "2024-06_2", "2024-06_10", "2024-06_b", "2024-07-01",
    ]  # fmt: skip


# What is read


def test_the_union_is_read_and_a_later_row_supersedes_by_key(con, months):
    read(con, months)
    assert rows(con, "select order_id, code, part from raw.orders order by all") == [
        ("o1", "76641", "2024-06/orders.csv"),
        ("o2", "77048", "2024-05/orders.csv"),
        ("o3", "76641", "2024-05/orders.csv"),
        ("o4", "76641", "2024-06/orders.csv"),
        ("o4", "76641", "2024-06/orders.csv"),
    ]
    assert rows(con, "select extract, row_id, part, line, delivery, superseded_by from raw.superseded_row order by all") == [
        ("diagnoses", "d1", "2024-04/diagnoses.csv", 2, "2024-04", "2024-06"),
        ("orders", "o1", "2024-04/orders.csv", 2, "2024-04", "2024-06"),
        ("orders", "o2", "2024-04/orders.csv", 3, "2024-04", "2024-05"),
    ]
    assert rows(con, "select schema_name from duckdb_schemas() where schema_name = 'delivered'") == []


def test_of_a_past_day_only_what_covers_days_up_to_it_is_read(con, months):
    read(con, months, as_of=date(2024, 5, 31))
    assert rows(con, "select distinct delivery from raw.delivery_part order by all") == [("2024-04",), ("2024-05",)]
    assert rows(con, "select order_id, code from raw.orders order by all") == [("o1", "76641"), ("o2", "77048"), ("o3", "76641")]


def test_a_series_of_one_is_read_as_the_delivery_itself(con, tmp_path):
    plain = write(tmp_path / "plain", orders=orders(order(1), order(1), order(2), "o2,p1,soon,CPT,76641\n", "o3,p1\n"))
    write(tmp_path / "series" / "2024-06", orders=(plain / "orders.csv").read_text())
    found = []
    for folder in (plain, tmp_path / "series"):
        read(con, folder)
        told = [rows(con, f"select * replace (parse_filename(part) as part) from raw.{name} order by all") for name in ("orders", "diagnoses", "rejected_row")]
        found.append([*told, rows(con, "from raw.superseded_row"), rows(con, "describe raw.superseded_row")])
    assert found[0] == found[1]
    assert len(found[0][0]) == 4


def test_the_newest_code_map_stands_also_where_it_is_empty(con, months):
    put(months / "2024-04" / "code_map.csv", "code_system,code,procedure\nLOCAL,a,us_breast\n")
    put(months / "2024-05" / "code_map.csv", "code_system,code,procedure\nLOCAL,b,us_breast\n")
    read(con, months)
    assert rows(con, "select code from raw.code_map") == [("b",)]
    put(months / "2024-06" / "code_map.csv", "code_system,code,procedure\n")
    read(con, months)
    assert rows(con, "select code from raw.code_map") == []


def test_the_day_is_the_last_one_covered(months):
    asked = settings_for(months)
    assert series.on_its_day(asked).as_of == date(2024, 6, 30)
    assert series.on_its_day(asked.model_copy(update={"as_of": date(2024, 6, 15)})).as_of == date(2024, 5, 31)
    assert series.is_past(series.on_its_day(asked.model_copy(update={"as_of": date(2024, 6, 15)})))
    assert not series.is_past(series.on_its_day(asked))


def test_what_is_withdrawn_is_not_read(con, months):
    (months / "2024-06" / series.WITHDRAWN).write_text("exported from the test system\n")
    read(con, months)
    assert rows(con, "select max(delivery) from raw.delivery_part") == [("2024-05",)]
    assert series.on_its_day(settings_for(months)).as_of == date(2024, 5, 31)


# What the gate says of it


def test_every_part_passes_the_gate(con, months):
    put(months / "2024-04" / "findings.csv", "finding_id,patient_id,reported_on,finding\nf1,p1,2024-02-01,call 212-555-0100\n")
    with pytest.raises(DeidentificationError) as error:
        read(con, months)
    assert "2024-04/findings.csv" in str(error.value)


def test_who_was_young_enough_when_a_delivery_ended_does_not_close_the_series_later(con, tmp_path):
    folder, shifted = tmp_path / "series", {"deid_mode": "shifted_dates"}
    write(folder / "2014-06", patients=PATIENTS.format(1925))
    write(folder / "2024-06", patients=PATIENTS.format(1960))
    read(con, folder, as_of=date(2024, 6, 30), **shifted)
    write(folder / "2024-06", patients=PATIENTS.format(1925))
    with pytest.raises(DeidentificationError, match="2024-06/patients.csv"):
        read(con, folder, as_of=date(2024, 6, 30), **shifted)


def test_orders_and_diagnoses_must_be_in_the_union(con, months):
    (months / "2024-04" / "diagnoses.csv").unlink()
    (months / "2024-06" / "diagnoses.csv").unlink()
    with pytest.raises(DeliveryError, match="lacks diagnoses"):
        read(con, months)


@pytest.mark.parametrize(
    ("name", "said"),
    [("orders.csv", "an extract stands beside deliveries"), ("notes.xlsx", "beside deliveries"), ("orders", "beside deliveries"), ("june", "which day")],
)
def test_what_belongs_to_no_delivery_is_refused_by_its_place(months, name, said):
    put(months / name, "") if "." in name else (months / name).mkdir()
    with pytest.raises(DeliveryError, match=said) as error:
        series.deliveries(months)
    assert name not in error.value.where.split(" in ")[0]
    assert error.value.next_step


def test_a_link_is_no_delivery(months, tmp_path):
    (months / "2024-07").symlink_to(months / "2024-06")
    with pytest.raises(DeliveryError, match="is a link"):
        series.deliveries(months)


def test_a_day_before_the_first_delivery_is_refused(months):
    with pytest.raises(DeliveryError, match="no delivery of the series covers days up to 2024-03-31"):
        series.on_its_day(settings_for(months, as_of=date(2024, 3, 31)))


def test_a_series_of_foreign_exports_is_refused(months):
    with pytest.raises(SettingsError, match="in the shape of the contract"):
        series.on_its_day(settings_for(months, source="synthea"))


# What names the run


def test_a_later_delivery_renames_no_earlier_run(months):
    asked = settings_for(months, as_of=date(2024, 5, 31))
    before = named(asked)
    assert {path.split("/")[0] for path in before["inputs"]} == {"2024-04", "2024-05"}
    write(months / "2024-07", orders=orders(order(9)))
    put(months / "2024-05" / "SHA256SUMS", "")
    put(months / "2024-05" / "DONE", "")
    assert named(asked)["run_id"] == before["run_id"]
    write(months / "2024-05_2", orders=orders(order(3, code="77046")), diagnoses=None)
    assert named(asked)["run_id"] != before["run_id"]


def test_what_is_known_by_hash_is_what_is_read(months):
    (months / "2024-05" / series.WITHDRAWN).write_text("wrong\n")
    assert {path.split("/")[0] for path in _hash_delivery(months)} == {"2024-04", "2024-06"}


def test_the_code_map_of_a_series_is_one_in_the_ledger():
    inputs = {"2024-04/code_map.csv": "1", "2024-04/orders/part.csv": "2", "code_map.csv": "3", "code_map/a.csv": "4", "2024-05/code_map/b.csv": "5"}
    grouped = ledger.grouped(inputs, {})
    assert sorted(grouped["code_map"]) == ["2024-04/code_map.csv", "2024-05/code_map/b.csv", "code_map.csv", "code_map/a.csv"]
    assert sorted(grouped["data"]) == ["2024-04/orders/part.csv"]


def test_made_up_rows_of_any_delivery_that_is_read_make_the_result_a_made_up_one(months):
    put(months / "2024-06" / "SYNTHETIC.txt", "made up")
    assert settings_for(months).is_synthetic
    assert not settings_for(months, as_of=date(2024, 5, 31)).is_synthetic


# Against the oracle


@pytest.mark.parametrize("seed", range(2))
def test_sql_and_oracle_agree_on_a_series(seed):
    """A random delivery in random pieces, some rows in several of them and other there."""
    chance = random.Random(f"series {seed}")
    settings = {"deid_mode": "limited_data_set"}
    told = stories.random_delivery(chance, 120, settings)
    names = ["2024-05", "2024-05_2", "2024-05_10", "2024-06-15", "2024-06"]
    given = {extract: [] for extract in told}
    for extract, lines in told.items():
        for row in lines:
            came = sorted(chance.sample(names, chance.choice([1, 1, 2, 3])), key=names.index)
            for name in came[:-1]:
                earlier = row | ({"code": chance.choice(lines)["code"]} if "code" in row and extract != "code_map" else {})
                given[extract].append((earlier if chance.random() < 0.5 else row) | {"delivery": name})
            given[extract].append(row | {"delivery": came[-1]})
        chance.shuffle(given[extract])
    assert any(row["delivery"] == names[0] for row in given["orders"])
    assert differential.differences(given, settings) == []
