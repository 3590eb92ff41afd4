"""What changed since the last release, by cause, as it may be published."""

import json

import pipeline
import polars as pl
import pytest
from test_diff import FILES, corrected, drawn, publish

from flows import models
from flows.since import since

ORDER = ["new_data", "corrected_data", "gone_data", "code_map", "rule_edition", "rules", "definition", "software"]
EDITION = "update rule.rating set rating = 'usually_not_appropriate' where edition = '2022' and variant = '2' and procedure = 'us_breast'"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """base0; data1 with other data; rule2 with the data of base0 and another rating; both3 with both."""
    out = tmp_path_factory.mktemp("since")
    base, other = pipeline.audit(drawn()), pipeline.audit(corrected())
    kept(out, base, "base0")
    kept(out, other, "data1", inputs="2")
    kept(out, base, "later4", as_of="2025-03-31")
    for con, name, inputs in ((base, "rule2", "1"), (other, "both3", "2")):
        con.execute(EDITION)
        models.build(con, schemas=("core", "out"))
        kept(out, con, name, inputs=inputs, files=FILES | {"rules/rating.csv": "2"})
    return out


def kept(out, con, name, **given):
    publish(out, con, name, **given)
    (out / "releases" / name / "exports").mkdir()
    shown = con.sql("select * from out.compliance").pl().with_columns(rate_band=pl.lit(name))
    shown.write_parquet(out / "releases" / name / "exports" / "compliance.parquet")


def told(out, earlier, later, profile="cms"):
    release = out / "releases" / later
    manifest = json.loads((release / "manifest.json").read_text())
    shown = pl.read_parquet(release / "exports" / "compliance.parquet")
    return since(out / "releases" / earlier, manifest | {"database": release / "audit.duckdb"}, shown, profile)


def by_cause(table, *columns):
    return {row[0]: row[1:] if len(columns) > 1 else row[1] for row in table.select("cause", *columns).rows()}


def test_data_that_came_and_went_are_told_apart(out):
    table = told(out, "base0", "data1")
    assert table["cause"].to_list() == ORDER
    changed = by_cause(table, "is_changed")
    assert [cause for cause, is_changed in changed.items() if is_changed] == ["new_data", "corrected_data", "gone_data"]
    assert by_cause(told(out, "base0", "data1", "none"), "n_changed")["new_data"] == 3  # an order and two therapies
    assert by_cause(told(out, "base0", "data1", "none"), "n_changed")["gone_data"] == 3


def test_no_small_number_is_told(out):
    for later in ("data1", "rule2", "both3"):
        table = told(out, "base0", later)
        assert not table["n_changed"].is_between(1, 19).any()
        for is_changed, n, suppressed in table.select("is_changed", "n_changed", "suppressed").rows():
            assert suppressed == (is_changed and n is None)


def test_a_rating_alone_explains_the_whole_move(out):
    table = told(out, "base0", "rule2")
    assert by_cause(table, "is_changed", "explains") == {cause: (cause == "rule_edition", float(cause == "rule_edition")) for cause in ORDER}


def test_a_later_last_day_brings_new_data_and_is_no_other_definition(out):
    table = told(out, "base0", "later4")
    assert by_cause(table, "is_changed") == {cause: cause == "new_data" for cause in ORDER}
    assert by_cause(table, "n_changed", "suppressed")["new_data"] == (None, True)


def test_a_split_between_two_causes_is_not_made_up(out):
    explains = by_cause(told(out, "base0", "both3"), "explains")
    assert explains["rule_edition"] is None
    assert explains["new_data"] is None
    assert explains["software"] == 0


def test_the_headline_is_told_as_it_was_shown(out):
    table = told(out, "base0", "rule2")
    assert set(table["band_then"]) == {"base0"}
    assert set(table["band_now"]) == {"rule2"}
    assert table["rate_then"][0] is not None
    assert table["rate_then"][0] != table["rate_now"][0]


def test_nothing_changed(out):
    table = told(out, "base0", "base0")
    assert not table["is_changed"].any()
    assert set(table["explains"]) == {0.0}


def test_before_the_first_release_there_is_nothing_to_tell(out, tmp_path):
    manifest = {"database": tmp_path}
    assert since(tmp_path / "current", manifest, pl.DataFrame()) is None


def test_none_is_for_the_protected_zone(out):
    assert told(out, "base0", "data1", "none")["protected_zone_only"].all()
