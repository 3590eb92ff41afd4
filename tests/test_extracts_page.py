"""The page that tells a site what to deliver says what the rules say, and dates are read as it has them."""

import extracts_page
import pytest

from flows import ROOT
from flows.delivery import ingest
from flows.delivery.raw import fill_raw
from flows.rules import load_rules
from tests.deliveries import rows, settings_for, with_rules


def test_the_page_is_up_to_date():
    assert extracts_page.PAGE.read_text(encoding="utf-8") == extracts_page.page()


def test_every_column_of_the_contract_and_every_kind_is_told():
    contract = ingest.read_contract(with_rules())
    told = extracts_page.page()
    for extract, columns in contract.items():
        section = told.split(f"## {extract}\n")[1].split("\n## ")[0]
        for column, facts in columns.items():
            assert f"| `{column}` | {'required' if facts['is_required'] else ''} |" in section


def test_what_names_the_page_is_right_and_the_reader_finds_it():
    assert ROOT / ingest.PAGE == extracts_page.PAGE
    for page in ("README.md", "docs/deliveries.md"):
        assert "extracts.md" in (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("mode", "zone", "dates"),
    [
        ("limited_data_set", "America/New_York", {written: day for written, day, _ in extracts_page.DATES}),
        ("relative_days", "UTC", dict(extracts_page.RELATIVE)),
    ],
    ids=["calendar", "relative"],
)
def test_dates_are_read_as_the_page_says(tmp_path, mode, zone, dates):
    con = with_rules()
    load_rules(con, settings_for(tmp_path, deid_mode=mode, parameters={"site_timezone": zone}))
    contract = ingest.read_contract(con)
    fill_raw(con, contract, {extract: [] for extract in contract})
    con.executemany("insert into raw.orders (ordered_on) values (?)", [[written] for written in dates])
    con.execute("create schema stg")
    for model in ("00_parameter", "01_date_text"):
        con.execute(f"create table stg.{model[3:]} as {(ROOT / 'sql' / 'stg' / f'{model}.sql').read_text(encoding='utf-8')}")
    found = dict(rows(con, "select written, cast(day as varchar) from stg.date_text"))
    assert found == dates if mode == "limited_data_set" else {written: day is not None for written, day in found.items()} == dates
