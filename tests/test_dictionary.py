"""The data dictionary and the data package: nothing without a meaning, and what they say of a file is true of it."""

import csv
import hashlib
import json

import data_dictionary
import export_tables
import polars as pl
import pytest

from flows import since
from flows.exports import catalog, dictionary, packaging

TABLES = export_tables.released()
FACTS = export_tables.facts_of(TABLES)
READ = {"integer": pl.Int64, "number": pl.Float64, "boolean": pl.Boolean, "date": pl.Date, "string": pl.String}


@pytest.fixture(scope="module")
def con():
    return data_dictionary.database()


@pytest.fixture
def folder(tmp_path, con):
    """An exports folder as publishing leaves it."""
    for name, table in catalog.exported(TABLES).items():
        table.write_csv(tmp_path / f"{name}.csv")
        table.write_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "report.xlsx").write_bytes(b"any file")
    packaging.write(con, TABLES, FACTS, tmp_path)
    return tmp_path


def package(folder):
    return json.loads((folder / packaging.DESCRIPTION).read_text(encoding="utf-8"))


def test_the_page_is_up_to_date(con):
    written = data_dictionary.PAGE.read_text(encoding="utf-8")
    assert written == dictionary.page(con), "write it anew: .venv/bin/python tests/data_dictionary.py > docs/data_dictionary.md"


@pytest.mark.parametrize("schema", dictionary.SCHEMAS)
def test_every_table_says_what_a_row_is_and_every_column_what_it_means(con, schema):
    bare = [table for table, grain in dictionary.tables(con, schema).items() if not (grain or "").startswith("One row per ")]
    assert bare == []
    described = {table: columns for (place, table), columns in dictionary.columns(con).items() if place == schema}
    assert described.keys() == dictionary.tables(con, schema).keys()
    assert [(table, name) for table, columns in described.items() for name, _, comment in columns if not comment] == []


def test_the_page_names_every_column_once_in_its_order(con):
    page = dictionary.page(con)
    for (schema, table), columns in dictionary.columns(con).items():
        if schema in dictionary.SCHEMAS:
            section = page.split(f"### `{schema}.{table}`\n")[1].split("### ")[0]
            assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == [name for name, *_ in columns]


def test_every_exported_column_has_a_meaning(con):
    table = dictionary.exported(dictionary.comments(con), catalog.exported(TABLES))
    assert table.filter((pl.col("meaning") == "") | (pl.col("grain") == "")).rows() == []
    assert set(table["table"]) == {name for name in catalog.EXPORTED if name in TABLES}


def test_meanings_are_the_same_with_and_without_a_database(con):
    for name, table in catalog.exported(TABLES).items():
        said = dictionary.meanings(dictionary.comments(con), name)
        assert {column: dictionary.meaning(name, column) for column in table.columns} == {column: said[column] for column in table.columns}


def test_a_table_made_of_releases_has_meanings_too(con):
    made = {"differencing": TABLES["differencing"], "change": pl.DataFrame(schema=since.SCHEMA)}
    assert made.keys() == dictionary.MADE.keys()
    table = dictionary.exported(dictionary.comments(con), made)
    assert table.filter((pl.col("meaning") == "") | (pl.col("grain") == "")).rows() == []
    assert table.filter(table="change").height == len(since.SCHEMA)


def test_the_package_lists_every_file_with_its_hash(folder):
    told = {one["path"]: one for one in package(folder)["resources"]}
    there = {path.name: path for path in folder.iterdir() if path.name != packaging.DESCRIPTION}
    assert told.keys() == there.keys()
    for name, path in there.items():
        assert told[name]["hash"] == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        assert told[name]["bytes"] == path.stat().st_size
        assert told[name]["name"] == told[name]["name"].lower()


def test_each_csv_reads_as_its_schema_says(folder):
    for one in package(folder)["resources"]:
        if "schema" not in one or one["format"] != "csv":
            continue
        fields = {field["name"]: READ[field["type"]] for field in one["schema"]["fields"]}
        with (folder / one["path"]).open(encoding="utf-8", newline="") as lines:
            assert next(csv.reader(lines)) == list(fields)
        table = pl.read_csv(folder / one["path"], schema=fields)
        twin = (folder / one["path"]).with_suffix(".parquet")
        if twin.exists():
            assert table.equals(pl.read_parquet(twin).cast(fields))
        key = one["schema"].get("primaryKey", [])
        assert not key or table.select(key).n_unique() == table.height
        assert all(table[column].null_count() == 0 for column in key)


def test_the_package_names_edition_period_run_and_suppression(folder):
    told = package(folder)
    assert told["run_id"] == TABLES["audit_run"]["run_id"][0]
    assert [row["edition"] for row in told["editions"]] == ["2017", "2022"]
    assert told["period"] == {"first": "2022-01-01", "last": "2024-12-31"}
    assert (told["suppression"], told["largest_masked"], told["watermarks"]) == ("cms", 10, [])


def test_an_unmasked_package_says_where_it_must_stay(folder, con):
    tables = export_tables.released("none")
    told = packaging.describe(dictionary.comments(con), tables, export_tables.facts_of(tables, "none"), folder)
    assert told["largest_masked"] is None
    assert "Protected zone only" in told["watermarks"][0]
    assert "Protected zone only" in told["description"]


def test_the_same_exports_are_described_by_the_same_bytes(folder, con):
    first = (folder / packaging.DESCRIPTION).read_bytes()
    packaging.write(con, TABLES, FACTS, folder)
    assert (folder / packaging.DESCRIPTION).read_bytes() == first


@pytest.mark.parametrize(("grain", "first", "last"), [("quarter", "2022-01-01", "2024-12-31"), ("year", "2022-01-01", "2024-12-31")])
def test_the_period_is_that_of_what_is_counted(grain, first, last):
    from flows.exports import facts

    only = TABLES["compliance"].filter(pl.col("period_grain").is_in(["all", grain]))
    assert facts.period(only) == {"first": first, "last": last}
    assert facts.period(only.filter(period_grain="all")) is None
    empty = only.with_columns(n_index=pl.when(pl.col("period_start").dt.year() < 2023).then(0).otherwise("n_index"))
    assert facts.period(empty)["first"] == "2023-01-01"
