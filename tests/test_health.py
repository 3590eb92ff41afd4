"""The health file and the command that reads it: what a monitor is told, moment by moment."""

import json
import os
import socket
from datetime import UTC, datetime, timedelta

import pytest

from flows import health

START = datetime(2025, 7, 1, 6, tzinfo=UTC)
RESULT = {"run_id": "aaa111", "as_of": "2025-06-30"}
FAILURE = {"kind": "DeliveryError", "exit_code": 4, "what": "the delivery is missing", "next_step": "have it delivered again"}


@pytest.fixture
def clock(monkeypatch):
    """A clock that only goes when told to."""
    hours = [0]
    monkeypatch.setattr(health, "now", lambda: START + timedelta(hours=hours[0]))
    return lambda n: hours.__setitem__(0, n)


def alarm(out, **given):
    return health.complaint(health.read(out), **given)


def test_a_success_says_which_result_and_from_when(tmp_path, clock):
    assert "no audit has ended" in alarm(tmp_path)
    assert health.began(tmp_path) == (None, None)
    clock(1)
    health.ended(tmp_path, success=RESULT, untold=2)
    found = health.read(tmp_path)
    assert found["last_success"] == {"at": "2025-07-01T07:00:00+00:00", **RESULT}
    assert (found["status"], found["since"], found["stale_after"], found["untold"]) == ("ok", "2025-07-01T07:00:00+00:00", None, 2)
    assert found["free_bytes"] > 0
    assert found["versions"]["duckdb"]
    assert alarm(tmp_path) is None
    assert health.line(found).startswith("healthy: ok since 2025-07-01T07:00:00+00:00; last success 2025-07-01T07:00:00+00:00, run aaa111 as of 2025-06-30; 2 incident")


def test_a_success_that_published_nothing_says_so(tmp_path, clock):
    health.ended(tmp_path, success=dict.fromkeys(RESULT))
    said = health.line(health.read(tmp_path))
    assert "last success 2025-07-01T06:00:00+00:00, nothing published yet" in said
    assert "None" not in said


def test_a_failure_alarms_until_the_next_success(tmp_path, clock):
    health.ended(tmp_path, success=RESULT)
    clock(1)
    health.began(tmp_path)
    clock(2)
    health.ended(tmp_path, failure=FAILURE)
    assert alarm(tmp_path) == "the last audit failed: the delivery is missing (exit code 4), at 2025-07-01T08:00:00+00:00"
    clock(3)
    health.began(tmp_path)
    assert "the last audit failed" in alarm(tmp_path)
    health.waiting(tmp_path, START + timedelta(days=30))
    assert health.read(tmp_path)["status"] == "failed"
    health.ended(tmp_path, success=RESULT)
    assert alarm(tmp_path) is None
    assert health.read(tmp_path)["last_failure"]["kind"] == "DeliveryError"


def test_a_run_that_never_ends_and_a_firing_that_never_came_alarm(tmp_path, clock):
    health.began(tmp_path)
    clock(24)
    assert alarm(tmp_path) is None
    clock(25)
    assert "running since 2025-07-01T06:00:00+00:00, and nothing was heard" in alarm(tmp_path)
    health.waiting(tmp_path, START + timedelta(hours=100))
    clock(124)
    assert alarm(tmp_path) is None
    clock(125)
    assert "waiting since 2025-07-02T07:00:00+00:00" in alarm(tmp_path)


def test_a_server_that_stopped_looking_alarms_soon(tmp_path, clock):
    health.waiting(tmp_path, START + timedelta(days=30), look_every_seconds=600)
    clock(0.8)
    assert alarm(tmp_path) is None
    clock(0.9)
    assert "nothing was heard since 2025-07-01T06:00:00+00:00" in alarm(tmp_path)
    health.waiting(tmp_path, START + timedelta(days=30), look_every_seconds=600)
    assert alarm(tmp_path) is None
    assert health.read(tmp_path)["since"] == "2025-07-01T06:00:00+00:00"


def test_the_next_firing_outlasts_an_attempt(tmp_path, clock):
    health.waiting(tmp_path, START + timedelta(hours=10))
    health.began(tmp_path)
    health.ended(tmp_path, success=RESULT)
    assert health.read(tmp_path)["next_firing"] == "2025-07-01T16:00:00+00:00"
    clock(35)
    assert "ok since" in alarm(tmp_path)


def test_the_age_of_the_last_success_is_a_monitors_choice(tmp_path, clock):
    health.waiting(tmp_path, START + timedelta(days=30))
    assert alarm(tmp_path, max_age_hours=1) == "no audit has succeeded yet"
    health.ended(tmp_path, success=RESULT)
    clock(5)
    assert alarm(tmp_path, max_age_hours=5) is None
    assert alarm(tmp_path, max_age_hours=4.5) == "the last success is older than 4.5 hours"


def test_one_that_was_kept_out_gives_the_file_back(tmp_path, clock):
    health.ended(tmp_path, success=RESULT)
    before = (tmp_path / health.NAME).read_bytes()
    state, _ = health.began(tmp_path)
    health.refused(tmp_path, state)
    assert (tmp_path / health.NAME).read_bytes() == before
    state, _ = health.began(tmp_path)
    health.ended(tmp_path, failure=FAILURE)  # the other run ended meanwhile
    health.refused(tmp_path, state)
    assert health.read(tmp_path)["status"] == "failed"


@pytest.mark.parametrize(("changed", "is_dead"), [
    ({"pid": 2**22 + 1}, True),
    ({"pid": os.getppid()}, False),
    ({"pid": 2**22 + 1, "host": "elsewhere"}, False),
    ({"pid": 2**22 + 1, "status": "ok"}, False),
    ({"pid": os.getpid()}, True),
    ({"pid": os.getpid(), "since": "2099-01-01T00:00:00+00:00"}, False),
    ({"pid": None}, False),
])  # fmt: skip
def test_who_says_that_it_runs_and_does_not_was_killed(changed, is_dead):
    """Another machine's processes cannot be asked; the number of a container's process is always the same."""
    said = {"status": "running", "host": socket.gethostname(), "since": "2025-07-01T06:00:00+00:00"}
    assert health.was_killed(said | changed) is is_dead
    assert not health.was_killed(None)


def test_the_command_fits_a_monitor(command, tmp_path):
    code, said, talk = command("health", "--out", tmp_path)
    assert (code, said.splitlines()) == (12, ["unhealthy: no audit has ended in this folder, or its health file cannot be read"])
    health.ended(tmp_path, success=RESULT)
    code, said, talk = command("health", "--out", tmp_path, "--max-age", "1")
    assert (code, talk) == (0, "")
    assert said.startswith("healthy: ok since")
    assert said.count("\n") == 1
    health.ended(tmp_path, failure=FAILURE)
    code, said, talk = command("health", "--out", tmp_path)
    assert code == 12
    assert said.startswith("unhealthy: the last audit failed: the delivery is missing (exit code 4), at 2")
    assert "; last success 2" in said
    assert said.count("\n") == 1
    assert "the delivery is missing (exit code 4)" in talk
    assert "have it delivered again" in talk


def test_what_is_unhealthy_is_not_called_ok_in_the_same_line(command, tmp_path, clock):
    health.ended(tmp_path, success=RESULT)
    clock(5)
    code, said, _ = command("health", "--out", tmp_path, "--max-age", "4")
    assert code == 12
    assert said.startswith("unhealthy: the last success is older than 4 hours; last success 2")
    assert " ok " not in said


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_file_that_somebody_spoilt_is_unhealthy_and_mended_by_the_next_attempt(command, tmp_path, content):
    (tmp_path / health.NAME).write_text(content)
    assert command("health", "--out", tmp_path)[0] == 12
    health.began(tmp_path)
    health.ended(tmp_path, success=RESULT)
    assert json.loads((tmp_path / health.NAME).read_text())["status"] == "ok"
    assert command("health", "--out", tmp_path)[0] == 0
