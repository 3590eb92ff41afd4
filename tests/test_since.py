"""What changed since the last release, by cause, as it may be published."""

import functools
import json

import duckdb
import pipeline
import polars as pl
import pytest
from test_diff import FILES, corrected, drawn, publish

from flows import models
from flows.answers import rejudged
from flows.disclosure import on_the_way
from flows.headline import headline_row
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
    shown = con.sql("select * from out.compliance").pl().with_columns(rate_band=pl.lit(name), is_rounded=pl.lit(name == "rule2"))
    shown.write_parquet(out / "releases" / name / "exports" / "compliance.parquet")


@functools.cache
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


def test_no_small_number_of_rows_is_told(out):
    for later in ("data1", "rule2", "both3"):
        table = told(out, "base0", later)
        of_rows = table.filter(pl.col("cause").str.ends_with("_data"))
        assert not of_rows["n_changed"].is_between(1, 19).any()
        for is_changed, n, suppressed in table.select("is_changed", "n_changed", "suppressed").rows():
            assert suppressed == (is_changed and n is None)


def test_what_is_ours_is_counted_and_named(out):
    table = told(out, "base0", "rule2")
    assert by_cause(table, "n_changed", "names")["rule_edition"] == (1, "2022 variant 2 us_breast usually_appropriate → usually_not_appropriate")
    assert by_cause(told(out, "base0", "data1"), "names")["new_data"] is None


def test_a_rating_alone_explains_the_whole_move(out):
    table = told(out, "base0", "rule2")
    assert by_cause(table, "is_changed", "explains") == {cause: (cause == "rule_edition", float(cause == "rule_edition")) for cause in ORDER}


def test_a_later_last_day_brings_new_data_and_is_no_other_definition(out):
    table = told(out, "base0", "later4")
    assert by_cause(table, "is_changed") == {cause: cause == "new_data" for cause in ORDER}
    assert by_cause(table, "n_changed", "suppressed")["new_data"] == (None, True)


def headline(out, name):
    con = duckdb.connect(str(out / "releases" / name / "audit.duckdb"), read_only=True)
    return headline_row(con.sql("select * from out.compliance").pl())


def stations(out, earlier, later, causes):
    databases = [out / "releases" / name / "audit.duckdb" for name in (earlier, later)]
    found = rejudged.on_the_way(*databases, causes)
    assert sorted(path.name for path in databases[1].parent.iterdir()) == ["audit.duckdb", "exports", "manifest.json"]
    return {cause: {name: counts[name] for name in COUNTED} for cause, counts in found}


COUNTED = ("n_index", "n_appropriate", "n_mixed", "n_not_appropriate", "n_unrated", "n_indeterminate")
DATA = ["corrected_data", "gone_data", "new_data"]


def test_the_way_from_one_run_to_the_next_passes_by_what_others_counted(out):
    """The rows of base0 under the rules of both3 are those of rule2, which was audited by itself; base0 under no other rule is itself."""
    both = stations(out, "base0", "both3", ["rule_edition", *DATA])
    assert list(both) == ["rule_edition", "corrected_data", "gone_data"]
    counted = {name: {column: headline(out, name)[column] for column in COUNTED} for name in ("base0", "rule2")}
    assert both["rule_edition"] == counted["rule2"] != counted["base0"]
    assert stations(out, "base0", "data1", ["code_map", "new_data"])["code_map"] == counted["base0"]


def test_data_come_in_the_order_corrected_gone_new(out):
    before, after = drawn(), corrected()
    said = {row["order_id"]: row for row in after["orders"]}
    mended = before | {"orders": [said.get(row["order_id"], row) for row in before["orders"]]}
    left = {extract: [row for row in rows if any(kept.items() >= row.items() for kept in after[extract])] for extract, rows in mended.items()}
    found = stations(out, "base0", "data1", DATA)
    for cause, delivery in (("corrected_data", mended), ("gone_data", left)):
        con = pipeline.audit(delivery)
        row = headline_row(con.sql("select * from out.compliance").pl())
        assert found[cause] == {column: row[column] for column in COUNTED}, cause


def test_code_comes_first_and_takes_the_versions_with_it():
    assert rejudged.order({"new_data", "software", "definition"}) == ["definition", "new_data"]
    assert rejudged.order({"new_data", "software"}) == ["software", "new_data"]


def test_tables_of_another_shape_are_not_judged_again(out, tmp_path):
    earlier = tmp_path / "audit.duckdb"
    earlier.write_bytes((out / "releases" / "base0" / "audit.duckdb").read_bytes())
    with duckdb.connect(str(earlier)) as con:
        con.execute("alter table rule.rating drop column rating")
    assert rejudged.on_the_way(earlier, out / "releases" / "both3" / "audit.duckdb", ["code_map", "new_data"]) is None


def test_two_causes_are_split_for_the_protected_zone_and_not_out_of_small_counts(out):
    table = told(out, "base0", "both3", "none")
    split = table.filter(pl.col("moves").is_not_null())
    assert set(split["cause"]) == {"rule_edition", *DATA}
    assert split["moves"].sum() == pytest.approx(table["rate_now"][0] - table["rate_then"][0])
    assert table.filter(cause="rule_edition")["moves"][0] == pytest.approx(headline(out, "rule2")["rate"] - headline(out, "base0")["rate"])
    masked = told(out, "base0", "both3")
    assert masked["moves"].null_count() == masked.height
    explains = by_cause(masked, "explains")
    assert (explains["rule_edition"], explains["new_data"], explains["software"]) == (None, None, 0)


def counts(good, bad, undecided=0):
    rated = good + bad
    return {"n_index": rated + undecided, "n_appropriate": good, "n_rated": rated, "n_undecided": undecided, "rate": good / rated, "rate_step": None}


WAY = (counts(372, 25, 20), [("definition", counts(380, 25, 12)), ("code_map", counts(340, 60, 15)), ("new_data", None)], counts(360, 60, 15))


def test_moves_are_given_in_steps_and_add_up():
    found, step = on_the_way.moves(*WAY, 10, 0.15)
    assert step >= 0.01
    assert found.keys() == {"definition", "code_map", "new_data"}
    assert found["code_map"] == pytest.approx(340 / 400 - 380 / 405, abs=step)
    assert sum(found.values()) == pytest.approx(step * (round(WAY[2]["rate"] / step) - round(WAY[0]["rate"] / step)))
    assert all(move / step == pytest.approx(round(move / step)) for move in found.values())


@pytest.mark.parametrize(
    "middle", [counts(5, 3), counts(397, 3), counts(300, 25, 90)], ids=["small", "few not appropriate", "too many undecided"]
)
def test_a_station_that_may_not_be_shown_closes_the_way(middle):
    then, (first, _, last), now = WAY
    assert on_the_way.moves(then, [first, ("code_map", middle), last], now, 10, 0.15) is None


def test_an_end_without_a_rate_closes_the_way():
    then, way, now = WAY
    assert on_the_way.moves(then, way, now | {"rate": None}, 10, 0.15) is None


@pytest.mark.parametrize(("n", "bad", "moved"), [(397, 25, 40), (150, 30, 15), (1200, 60, 12), (90, 25, 0)])
def test_no_small_count_follows_from_the_moves(n, bad, moved):
    """Whoever knows both releases to the last case, and that causes only ever made orders not appropriate, tries every split."""
    then, now = counts(n - bad, bad), counts(n - bad - moved, bad + moved)
    said = {}
    for first in range(moved + 1):
        for second in range(moved + 1 - first):
            way = [("rules", counts(n - bad - first, bad + first)), ("code_map", counts(n - bad - first - second, bad + first + second)), ("new_data", None)]
            found = on_the_way.moves(then, way, now, 10, 0.15)
            said.setdefault(str(found), []).append((first, second, moved - first - second))
    for splits in said.values():
        for cause in zip(*splits, strict=True):
            assert len(set(cause)) > 1 or not 1 <= cause[0] <= 10


def test_the_headline_is_told_as_it_was_shown(out):
    table = told(out, "base0", "rule2")
    assert set(table["band_then"]) == {"base0"}
    assert set(table["band_now"]) == {"rule2"}
    assert table["rate_then"][0] is not None
    assert table["rate_then"][0] != table["rate_now"][0]
    assert (set(table["is_rounded_then"]), set(table["is_rounded_now"])) == ({False}, {True})


def test_nothing_changed(out):
    table = told(out, "base0", "base0")
    assert not table["is_changed"].any()
    assert set(table["explains"]) == {0.0}


def test_before_the_first_release_there_is_nothing_to_tell(out, tmp_path):
    manifest = {"database": tmp_path}
    assert since(tmp_path / "current", manifest, pl.DataFrame()) is None


def test_none_is_for_the_protected_zone(out):
    assert told(out, "base0", "data1", "none")["protected_zone_only"].all()
