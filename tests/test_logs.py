"""Log lines: one object a line whatever happens, rotated, owner's alone, and nothing in them that this program did not say."""

import json
import logging
import os
import stat
import subprocess
import sys
import warnings

import pytest

from flows import ROOT, logs
from flows.logs import log


@pytest.fixture(autouse=True)
def _as_it_was():
    handlers, level, propagate = log.handlers, log.level, log.propagate
    yield
    log.handlers, log.level, log.propagate = handlers, level, propagate


def lines(out):
    return [json.loads(line) for line in (out / "logs" / logs.NAME).read_text(encoding="utf-8").splitlines()]


def test_each_line_is_an_object_with_the_same_keys(tmp_path):
    with logs.kept(tmp_path, 3):
        log.info("%-20s %6.1f s", "Rules\nloaded", 1.25, extra={"event": "load_rules", "seconds": 1.2, "run_id": "abc"})
        log.warning("ünïcode \u2028 \x00 %s", "x" * 10_000)
        log.debug("not kept")
    log.error("not ours any more")
    first, second = lines(tmp_path)
    assert list(first) == ["time", "level", "event", "seconds", "run_id", "pid", "message"] == list(second)
    assert (first["level"], first["event"], first["seconds"], first["run_id"], first["message"]) == (
        "info", "load_rules", 1.2, "abc", "Rules loaded 1.2 s"
    )  # fmt: skip
    assert first["time"].endswith("+00:00")
    assert (second["event"], len(second["message"])) == (None, 4000)


def test_they_are_their_owners_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        with logs.kept(tmp_path, 3):
            log.info("said")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "logs").iterdir()} == {0o600}


@pytest.mark.parametrize("n_files", [1, 2, 4])
def test_full_files_move_on_and_the_oldest_goes(tmp_path, monkeypatch, n_files):
    monkeypatch.setattr(logs, "LARGEST", 100)
    for number in range(6):
        with logs.kept(tmp_path, n_files):
            log.info("attempt %d %s", number, "x" * 100)
            log.info("attempt %d goes on", number)
    names = sorted(path.name for path in (tmp_path / "logs").glob("audit*"))
    assert names == [logs.NAME, *(f"{logs.NAME}.{number}" for number in range(1, n_files))]
    assert [line["message"][:9] for line in lines(tmp_path)] == ["attempt 5"] * 2


def test_fewer_files_than_before_are_kept_from_then_on(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "LARGEST", 1)
    for n_files in (5, 5, 5, 5, 5, 2):
        with logs.kept(tmp_path, n_files):
            log.info("said")
    assert sorted(path.name for path in (tmp_path / "logs").glob("audit*")) == [logs.NAME, f"{logs.NAME}.1"]


WRITER = """
import sys
from pathlib import Path
from flows import logs
logs.LARGEST = 20_000
for attempt in range(20):
    with logs.kept(Path(sys.argv[1]), 1_000):
        for number in range(20):
            logs.log.info("%s %d %d %s", sys.argv[2], attempt, number, "é" * 900)
"""


def test_processes_that_write_at_once_tear_no_line_and_lose_none(tmp_path):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, name], cwd=ROOT) for name in "abc"]
    assert [each.wait(60) for each in writers] == [0, 0, 0]
    found = [json.loads(line) for path in (tmp_path / "logs").glob("audit*") for line in path.read_text().splitlines()]
    assert len({line["message"][:12].rstrip("é ") for line in found}) == len(found) == 3 * 20 * 20


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_loses_lines_and_nothing_else(tmp_path, capfd):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / logs.NAME).symlink_to("/dev/full")
    logs.talk_on_stderr()
    with logs.kept(tmp_path, 3):
        log.info("said all the same")
    assert capfd.readouterr().err == "said all the same\n"


def test_a_folder_that_cannot_be_made_loses_lines_and_nothing_else(tmp_path):
    (tmp_path / "logs").touch()
    with logs.kept(tmp_path, 3):
        log.info("said")
    assert (tmp_path / "logs").read_bytes() == b""


def test_what_others_say_and_what_errors_quote_does_not_get_there(tmp_path):
    with logs.kept(tmp_path, 3):
        logging.getLogger("great_expectations").error("zqx7319")
        logging.getLogger().error("zqx7319")
        with pytest.warns(UserWarning, match="zqx"):
            warnings.warn("zqx7319", stacklevel=1)
        try:
            raise ValueError("zqx7319")
        except ValueError:
            log.exception("it broke")
    assert [line["message"] for line in lines(tmp_path)] == ["it broke"]
    assert "zqx7319" not in (tmp_path / "logs" / logs.NAME).read_text()


def test_a_note_is_for_the_file_alone(tmp_path, capfd):
    logs.talk_on_stderr()
    with logs.kept(tmp_path, 3):
        logs.note("Begun", event="begun")
        log.info("said")
    assert capfd.readouterr().err == "said\n"
    assert [(line["event"], line["message"]) for line in lines(tmp_path)] == [("begun", "Begun"), (None, "said")]
