"""Two releases of nearly the same delivery: what came in between is a count too, and none of 1 to 10 can be worked out of both."""

import json
import random

import duckdb
import out_tables
import pytest
from attacker import COUNTS, SMALL, recovered
from attacker_time import KEYS, recovered_over_time, rows_by_key, what_was_shown
from test_disclosure import MADE, in_order

from flows.disclosure import beside, release
from flows.disclosure.differencing import Past, last_release
from flows.errors import PublishError

FEW = MADE["few_strata"]["strata"]


def grown(n, n_more, seed, how="more people", **made):
    """A delivery, and the next one: with more people, with the days after a cut, or with some answers corrected."""
    orders = out_tables.people(n + n_more, seed, **{name: value for name, value in made.items() if name != "strata"}, strata=made.get("strata", out_tables.STRATA))
    persons = {f"p{number}#1" for number in range(n)}
    if how == "more days":
        days = sorted(order["day"] for order in orders)
        cut = days[len(days) * n // (n + n_more)]
        earlier = [order for order in orders if order["day"] <= cut]
    else:
        earlier = [order for order in orders if order["case_id"] in persons]
    if how == "corrected":
        turned = [order for order in earlier if order["kind"] == "index" and order["result"] == "appropriate"][:n_more]
        later = [order | {"result": "not_appropriate"} if any(order is other for other in turned) else order for order in earlier]
        return tables_of(earlier, n, made), tables_of(later, n, made)
    cases = [len({order["case_id"] for order in found}) for found in (earlier, orders)]
    return tables_of(earlier, cases[0] + n // 5, made), tables_of(orders, cases[1] + n // 5, made)


def tables_of(orders, n_cases, made):
    """As out_tables.tables, of orders that are given."""
    later = out_tables.later_orders(orders, 3)
    beside = out_tables.tables_beside(orders, later, n_cases, 3, lambda case_id: out_tables.hash_of(case_id) % 10 > 0, out_tables.wilson)
    strata = made.get("strata", out_tables.STRATA)
    return in_order(out_tables.tables(20, 3) | beside | {
        "compliance": out_tables.compliance(orders, True, strata), "attrition": out_tables.attrition(orders + later, n_other=n_cases * 3),
        "case_attrition": out_tables.case_attrition(orders, n_cases), "unmapped_code": out_tables.unmapped_code(orders),
        "sensitivity": out_tables.sensitivity(orders),
    })


# Each of these gave away what came in between once: a total in tens whose rows all showed, a sum of another table, a
# denominator that was hidden again, a rate whose denominator the release before had shown, bounds beside a withheld rate, a tier
# beside one measure that moved while that beside the other did not.
SHORT = {"strata": FEW, "days": 400}
ONE_SITE = {"site": [("site_a", 1)], "therapy_class": [("chemotherapy", 1)], "intent_tier": FEW["intent_tier"]}
PAIRS = {
    "more people": (90, 6, 1, "more people", SHORT),
    "more days": (150, 9, 2, "more days", SHORT),
    "corrected": (120, 9, 3, "corrected", SHORT),
    "a total in tens": (336, 67, 11, "more days", {"strata": FEW, "days": 365}),
    "a sum elsewhere": (133, 10, 6, "more people", MADE["many_failures"] | {"days": 300}),
    "a rate and a denominator": (478, 14, 22, "corrected", {"strata": FEW, "days": 300}),
    "bounds of a withheld rate": (130, 26, 15, "more people", MADE["many_failures"] | {"strata": FEW, "days": 500}),
    "an undecided order": (100, 20, 3, "corrected", {"strata": FEW, "days": 500}),
    "one of two tiers": (120, 120, 8, "more people", {"strata": ONE_SITE, "days": 60}),
}


def both(n, n_more, seed, how, made, **settings):
    truth = grown(n, n_more, seed, how, **made)
    first = release(truth[0], **settings)
    return (first, truth[0]), (release(truth[1], before=(first, truth[0]), **settings), truth[1])


@pytest.fixture(scope="module")
def pair():
    return both(*PAIRS["more people"])


@pytest.mark.parametrize("name", PAIRS)
def test_nothing_small_can_be_worked_out_of_two_releases(name):
    earlier, later = both(*PAIRS[name])
    assert recovered_over_time(earlier, later) == []
    assert recovered(*later, what_was_shown(*earlier)) == []


def test_what_came_to_the_tier_beside_the_measure_is_not_told_by_the_reading_that_counts_it():
    """Three come to the tier and many to the measure: the sum of both moved by many, and is a reading."""
    one_site = ONE_SITE | {"intent_tier": [("inferred", 1)]}
    people = out_tables.people(1900, 1, days=60, strata=one_site, procedures=MADE["many_failures"]["procedures"][:2])
    everybody = [order for order in people if order["kind"] == "index"]
    truth = [
        tables_of(out_tables.beside_the_measure([order for order in everybody if out_tables.hash_of(order["case_id"]) // 10 < n], "on_treatment", n_beside), n * 6 // 5, {"strata": one_site})
        for n, n_beside in ((900, 20), (1900, 23))
    ]
    first = release(truth[0])
    second = release(truth[1], before=(first, truth[0]))
    beside, reading = ([tables[name].filter(measure="on_treatment", basis="order", **key)["n_index"].item() for tables in (first, second)] for name, key in (
        ("compliance", {"stratum_value": "unresolved"}), ("sensitivity", {"reading": "unresolved_included"})))
    assert beside == [20, None]
    assert reading[0] is not None
    assert reading[1] is None
    assert recovered_over_time((first, truth[0]), (second, truth[1])) == []


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(40))
def test_nothing_small_can_be_worked_out_of_many_pairs(seed):
    dice = random.Random(f"pairs {seed}")
    made = MADE[dice.choice([name for name in MADE if name != "no_calendar"])]
    made = made | {"strata": FEW, "days": made.get("days", dice.choice((300, 500, 900)))}
    n = int(40 * 12 ** dice.random())
    earlier, later = both(n, max(1, int(n * dice.choice((0.01, 0.03, 0.08, 0.2)))), seed, dice.choice(("more people", "more days", "corrected")), made)
    assert recovered_over_time(earlier, later) == []
    assert recovered(*later, what_was_shown(*earlier)) == []


def differences(earlier, later):
    """Of every cell that two releases show to the last unit."""
    places = rows_by_key(earlier)
    for (table, key), number in rows_by_key(later).items():
        before, now = (None if at is None else tables[table].row(at, named=True) for tables, at in ((earlier, places.get((table, key))), (later, number)))
        for column in COUNTS[table]:
            if before and not before.get("is_rounded") and not now.get("is_rounded") and None not in (before[column], now[column]):
                yield abs(now[column] - before[column])


def test_without_a_look_back_small_differences_are_plain_to_see(pair):
    earlier, later = pair
    assert any(1 <= by <= SMALL for by in differences(earlier[0], release(later[1])))
    assert not any(1 <= by <= SMALL for by in differences(earlier[0], later[0]))


def test_without_company_for_what_moved_the_attacker_succeeds(monkeypatch):
    monkeypatch.setattr(Past, "lone", lambda *rest: set())
    assert recovered_over_time(*both(*PAIRS["a total in tens"]))


@pytest.mark.parametrize("profile", ["cms", "nhs"])
def test_the_same_audit_again_changes_nothing(profile):
    for truth in grown(*PAIRS["more people"][:4], **SHORT):
        first = release(truth, profile)
        again = release(truth, profile, before=(first, truth))
        for name, table in first.items():
            assert again[name].equals(table), name
        assert again["differencing"].is_empty()


def test_and_again_after_something_was_closed(pair):
    (released, truth) = pair[1]
    again = release(truth, before=(released, truth))
    for name, table in released.items():
        assert again[name].equals(table), name


def headline(tables):
    (row,) = tables["compliance"].filter(measure="post_completion", basis="episode", period_grain="all", stratum="all").to_dicts()
    return row


def test_the_headline_stays_in_tens_and_steps(pair):
    (before, _), (released, truth) = pair
    then, row, true = headline(before), headline(released), headline(truth)
    assert then["n_index"]
    assert 0 < abs(true["n_index"] - then["n_index"]) <= SMALL
    assert row["is_rounded"]
    assert row["suppressed"]
    assert row["n_index"] % 10 == 0
    assert abs(row["n_index"] - true["n_index"]) <= 25
    assert {row[name] for name in ("n_appropriate", "n_mixed", "n_not_appropriate", "n_unrated", "bound_low", "bound_high")} == {None}


def test_an_alarm_says_that_the_figure_which_it_watches_is_rounded(pair):
    _, (released, _) = pair
    row, rows = headline(released), {name: released[name].to_dicts() for name in ("compliance", "secondary_measure")}
    alarm = {"measure": "post_completion", "value": 0.9, "threshold": 0.8, "n": 1, "is_alarm": False}
    watched = beside.validity(alarm | {"alarm": "rate_low"}, rows)
    assert (watched["is_rounded"], watched["value"], watched["n"]) == (True, row["rate"], row["n_index"])
    assert beside.validity(alarm | {"alarm": "laterality"}, rows)["is_rounded"] is False
    assert "is_rounded" in released["validity"].columns


def test_a_large_hospital_keeps_its_rate_in_steps():
    _, (released, truth) = both(700, 7, 5, "more people", SHORT | {"procedures": [("us_breast", "appropriate", 9), ("sestamibi_mbi", "not_appropriate", 2)]})
    row, true = headline(released), headline(truth)
    assert row["rate_step"] in (0.01, 0.02, 0.05)
    assert abs(row["rate"] - true["rate"]) <= row["rate_step"] / 2 + 1e-9
    assert row["ci_low"] < row["rate"] < row["ci_high"]


def test_figures_return_once_more_than_a_few_have_come():
    """Against what was last published to the last unit, not against the release before."""
    sizes, seen, before = (90, 96, 102, 190), [], None
    for n in sizes:
        orders = [order for order in out_tables.people(200, 1, strata=FEW, days=400) if int(order["case_id"][1:].split("#")[0]) < n]
        truth = tables_of(orders, n * 6 // 5, SHORT)
        released = release(truth, before=before)
        assert not any(1 <= by <= SMALL for earlier in seen for by in differences(earlier, released))
        seen, before = [*seen, released], (released, truth)
    assert [headline(tables)["is_rounded"] for tables in seen] == [False, True, True, False]
    carried = dict(seen[2]["differencing"].filter(table_name="compliance", row="post_completion episode all - all all").select("column_name", "last_shown").rows())
    assert carried["n_index"] == headline(seen[0])["n_index"]


def test_what_was_closed_is_told_without_a_small_number(pair):
    (before, _), (released, _) = pair
    table = released["differencing"]
    assert table.height
    assert table.select("table_name", "row", "column_name").is_unique().all()
    assert not table["last_shown"].is_between(1, SMALL).any()
    assert set(table["given"]) <= {"tens", "nothing"}
    places = rows_by_key(before)
    for row in table.to_dicts():
        key = next(key for name, key in places if name == row["table_name"] and row["row"] == " ".join("-" if part is None else str(part) for part in key))
        value = before[row["table_name"]].row(places[row["table_name"], key], named=True).get(row["column_name"])
        assert value in (None, row["last_shown"]), "what was shown, outright or by its rate"


def test_a_row_that_was_hidden_and_is_the_same_stays_hidden(pair):
    (before, then), (released, now) = pair
    places = [rows_by_key(tables) for tables in (before, released)]
    stayed = 0
    for (table, key), at in places[1].items():
        earlier = places[0].get((table, key))
        if table != "compliance" or earlier is None:
            continue
        rows = [tables[table].row(number, named=True) for tables, number in ((before, earlier), (then, earlier), (released, at), (now, at))]
        if rows[0]["n_index"] is None and rows[1]["n_index"] == rows[3]["n_index"] and not rows[2]["is_rounded"]:
            stayed += 1
            assert rows[2]["n_index"] is None, key
    assert stayed


def kept(out, name, when, tables, truth, profile="cms"):
    """A release as publishing leaves it, as far as the next one looks at it."""
    folder = out / "releases" / name
    (folder / "exports").mkdir(parents=True)
    for table, frame in tables.items():
        frame.write_parquet(folder / "exports" / f"{table}.parquet")
    (folder / "manifest.json").write_text(json.dumps({"suppression": profile, "published_at": when}))
    with duckdb.connect(str(folder / "audit.duckdb")) as con:
        con.execute("create schema out")
        for table in KEYS:
            con.register("frame", truth[table])
            con.execute(f"create table out.{table} as select * from frame")


def test_the_newest_release_that_left_is_what_counts(pair, tmp_path):
    (first, truth), (second, later) = pair
    assert last_release(tmp_path) is None
    kept(tmp_path, "a", "2026-01-01T00:00:00Z", first, truth)
    kept(tmp_path, "b", "2026-02-01T00:00:00Z", release(later, "none"), later, "none")
    shown, true = last_release(tmp_path)
    assert shown["compliance"].equals(first["compliance"])
    again = release(later, before=(shown, true))
    for name, table in second.items():
        assert again[name].equals(table), name


def test_a_kept_release_that_does_not_say_whether_it_left_stops_the_next(pair, tmp_path):
    (first, truth), _ = pair
    kept(tmp_path, "a", "2026-01-01T00:00:00Z", first, truth)
    kept(tmp_path, "b", "2026-02-01T00:00:00Z", first, truth)
    (tmp_path / "releases" / "b" / "manifest.json").write_text('{"suppression": "cm')
    with pytest.raises(PublishError, match="cannot be read.*--remove b"):
        last_release(tmp_path)


def test_without_the_earlier_database_more_stays_hidden_and_nothing_less(pair):
    (before, _), (released, now) = pair
    careful = release(now, before=(before, None))
    for name in ("compliance", "attrition"):
        for row, other in zip(careful[name].to_dicts(), released[name].to_dicts(), strict=True):
            assert row["suppressed"] >= other["suppressed"]
