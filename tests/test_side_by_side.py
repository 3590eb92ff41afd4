"""Jobs side by side: none before what it waits for, nothing left running when one fails or somebody stops us."""

import threading
import time

import duckdb
import pytest

from flows import models
from flows.side_by_side import side_by_side

LONG = "select count(*) from range(100_000_000_000)"
DIAMOND = {"top": set(), "one": {"top"}, "other": {"top"}, "bottom": {"one", "other"}}


@pytest.fixture
def con():
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GiB"}) as con:
        yield con


def test_a_job_begins_when_those_that_it_waits_for_have_ended(con):
    ended = []

    def work(_, name):
        assert DIAMOND[name] <= set(ended)
        time.sleep(0.01)
        ended.append(name)
        return name.upper()

    assert sorted(side_by_side(con, DIAMOND, work)) == [(name, name.upper()) for name in sorted(DIAMOND)]


def test_two_are_done_at_a_time_where_there_is_room_for_two(con):
    both = threading.Barrier(2, timeout=30)
    list(side_by_side(con, {"one": set(), "other": set()}, lambda *_: both.wait()))


@pytest.mark.parametrize("limits", [{"threads": 1}, {"memory_limit": "900MiB"}])
def test_one_at_a_time_are_done_in_their_order(limits):
    names, at_work = [f"job{number}" for number in range(20)], []

    def work(_, name):
        at_work.append(name)
        assert at_work == [name]
        at_work.clear()

    with duckdb.connect(config={"threads": 2, "memory_limit": "1GiB"} | limits) as con:
        assert [name for name, _ in side_by_side(con, dict.fromkeys(names, set()), work)] == names


def test_what_a_job_writes_is_there_for_those_that_wait_for_it(con):
    def work(cursor, name):
        read = " union all ".join([f"select 1 as n from {each}" for each in DIAMOND[name]] or ["select 1 as n"])
        cursor.execute(f"create table {name} as {read}")

    list(side_by_side(con, DIAMOND, work))
    assert con.sql("select count(*) from bottom").fetchone() == (2,)


@pytest.mark.parametrize("stopped_by", [ValueError, KeyboardInterrupt])
def test_a_failure_ends_what_runs_beside_it(con, stopped_by):
    told = []

    def work(cursor, name):
        if name == "fails":
            raise stopped_by
        try:
            cursor.execute(LONG)
        except duckdb.InterruptException:
            told.append(name)
            raise

    n_threads = threading.active_count()
    with pytest.raises(stopped_by):
        list(side_by_side(con, {"long": set(), "fails": set(), "never": {"long"}}, work))
    assert (told, threading.active_count()) == (["long"], n_threads)


def test_whoever_stops_asking_leaves_nothing_running(con):
    n_threads = threading.active_count()
    jobs = side_by_side(con, {"short": set(), "long": set()}, lambda cursor, name: cursor.execute(LONG if name == "long" else "select 1"))
    assert next(jobs)[0] == "short"
    jobs.close()
    assert threading.active_count() == n_threads


def test_models_one_at_a_time_are_built_in_the_order_of_their_files():
    """So that whoever looks for a slow model or a broken one may go by the numbers."""
    names = [f"{schema}.{models.table_name(path)}" for schema, path, _ in models.steps()]
    waits_for = {f"{schema}.{models.table_name(path)}": models.reads(text) & set(names) for schema, path, text in models.steps()}
    with duckdb.connect(config={"threads": 1}) as con:
        assert [name for name, _ in side_by_side(con, waits_for, lambda *_: None)] == names
