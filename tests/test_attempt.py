"""Around an audit: what happened is remembered once and told once, the health file follows, and the audit ends as it would have."""

import csv
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import crash
import pytest
from deliveries import write
from receivers import webhook
from test_canary import CANARIES, NEEDLES, everything_planted, left_behind
from test_crash import dies_at
from test_publish import state
from test_telling import ROW, SECRET, posts, published, settings_for, shown

from flows import ROOT, health, incidents, ledger, logs
from flows.attempt import attempted
from flows.errors import DeliveryError, LockedError, QualityError
from flows.lock import alone, locked
from tests.fuzz_delivery import valid


@pytest.fixture
def out(tmp_path):
    return shown(tmp_path / "out")


def attempt(settings, error=None, entry=None):
    with attempted(settings):
        if entry:
            ledger.append(settings.out, entry)
        if error:
            raise error


def fails(settings, error, entry=None):
    with pytest.raises(type(error)) as raised:
        attempt(settings, error, entry)
    assert raised.value is error


def kinds(out):
    return [entry["kind"] for entry in incidents.recorded(out)]


def lines(out):
    return [json.loads(line) for line in (out / "logs" / logs.NAME).read_text().splitlines()]


# What is remembered and told


def test_a_new_result_is_told_once_and_one_that_stands_is_no_news(out):
    with webhook() as server:
        settings = settings_for(out, posts(server))
        attempt(settings)
        attempt(settings)
        published(out, "run2", as_of="2025-07-31")
        attempt(settings)
    assert [re.search(r"Run: (\w+)", each["message"])[1] for each in server.received] == ["run1", "run2"]
    assert kinds(out) == ["published", "published"]
    found = health.read(out)
    assert (found["status"], found["untold"], found["last_success"]["run_id"], found["last_success"]["as_of"]) == ("ok", 0, "run2", "2025-07-31")


def test_the_same_failure_is_one_incident_until_something_was_published(out):
    failed = {"event": "failed", "run_id": "run2", "error": "QualityError", "exit_code": 8, "inputs": {}, "quality": [
        {"code": "k1", "table_name": "out.x", "severity": "critical", "status": "failed", "n_unexpected": 3, "n_total": 9, "why": "w"},
        {"code": "k2", "table_name": "out.x", "severity": "warning", "status": "failed", "n_unexpected": 4, "n_total": 9, "why": "w"},
    ]}  # fmt: skip
    error = QualityError("closed: 3 of 9", where="order zqx7319", next_step="see 12 Zqx Street")
    with webhook() as server:
        settings = settings_for(out, posts(server), about=["failed"])
        fails(settings, error, failed)
        fails(settings, error, failed)
        published(out, "run3")
        fails(settings, error, failed)
        fails(settings, DeliveryError("lacks zqx7319.csv"))
    assert [each["title"] for each in server.received] == ["imaging-order-audit: 1 audit failed"] * 3
    said = [entry["says"] for entry in incidents.recorded(out) if entry["kind"] == "failed"]
    assert said[0] == said[1]
    assert said[0].startswith(
        "An audit failed: a critical quality check does not hold (exit code 8). Checks: k1 on out.x. What was published last stands. To do: "
    )
    assert said[2].startswith("An audit failed: the delivery is missing, empty or cannot be read (exit code 4). What was")
    assert not re.search("zqx|3 of 9", json.dumps([server.received, said]), re.IGNORECASE)
    assert [entry["key"] for entry in incidents.recorded(out) if entry["kind"] == "failed"] == [
        "run2/QualityError/8/run1", "run2/QualityError/8/run3", "extracts/DeliveryError/4/run3"
    ]  # fmt: skip
    assert health.read(out)["last_failure"]["exit_code"] == 4
    assert "zqx" not in (out / health.NAME).read_text().lower()


def test_an_error_nobody_foresaw_is_told_by_its_kind(tmp_path):
    with webhook() as server:
        fails(settings_for(tmp_path, posts(server)), ValueError("patient 529-71-7319"))
    (message,) = server.received
    assert "an unexpected error (exit code 1). Nothing is published." in message["message"]
    assert "7319" not in "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file()) + message["message"]
    assert [line["message"].split(" — ")[0] for line in lines(tmp_path) if line["event"] == "failed"] == ["unexpected ValueError"]


def test_a_run_that_another_keeps_out_changes_nothing_and_tells_nothing(out):
    attempt(settings_for(out))
    before, known = (out / health.NAME).read_bytes(), (out / ledger.NAME).read_bytes()
    with webhook() as server:
        fails(settings_for(out, posts(server)), LockedError("another audit is running"))
    assert server.received == []
    assert ((out / health.NAME).read_bytes(), (out / ledger.NAME).read_bytes()) == (before, known)
    assert lines(out)[-1]["level"] == "error"
    fresh = out.parent / "fresh"
    fails(settings_for(fresh), LockedError("another audit is running"))
    assert not (fresh / health.NAME).exists()


def test_what_is_stopped_by_hand_is_no_incident(out):
    with webhook() as server:
        fails(settings_for(out, posts(server), about=["failed"]), KeyboardInterrupt())
    assert server.received == []
    assert "failed" not in kinds(out)
    assert (health.read(out)["status"], health.read(out)["last_failure"]["kind"]) == ("failed", "KeyboardInterrupt")


KILLED = """
import os, signal, sys
from pathlib import Path
from flows.attempt import attempted
from flows.settings import load_settings
with attempted(load_settings(extracts=Path(sys.argv[1]).with_name("extracts"), out=Path(sys.argv[1]), deid_mode="limited_data_set")):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_attempt_that_was_killed_is_told_by_the_next(out):
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", KILLED, out], cwd=ROOT)
        assert killed.returncode == -signal.SIGKILL
    assert health.read(out)["status"] == "running"
    with webhook() as server:
        settings = settings_for(out, posts(server), about=["failed"])
        attempt(settings)
        attempt(settings)
    (message,) = server.received
    assert "did not end: it was killed, or the machine stopped" in message["message"]
    assert health.read(out)["status"] == "ok"


def test_a_kill_at_any_step_of_it_costs_nothing(tmp_path):
    """The next attempt records what this one did not, once; nothing half is left."""
    step, n_killed = 0, 0
    while step == n_killed:
        step += 1
        out = shown(tmp_path / str(step))
        settings = settings_for(out)
        n_killed += dies_at(step, out, partial(attempt, settings))
        crash.ledger_reads(out)
        attempt(settings)
        attempt(settings)
        said = health.read(out)
        assert (said["status"], said["last_success"]["run_id"]) == ("ok", "run1")
        keys = [entry["key"] for entry in incidents.recorded(out)]
        assert keys.count("run1") == 1
        assert len(keys) == len(set(keys)) <= 2
        assert {path.name for path in out.iterdir()} == {"exports", "current", ledger.NAME, health.NAME, logs.FOLDER}
    assert n_killed > 8


def test_two_that_begin_at_once_are_no_kill(out):
    """The other claimed the health file first, was kept out by the lock, and is gone before we end."""
    began = "import sys; from pathlib import Path; from flows import health; health.began(Path(sys.argv[1])); print('begun', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", began, out], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"begun\n"
        with attempted(settings_for(out)):
            other.communicate()
    assert kinds(out) == ["published"]
    assert health.read(out)["status"] == "ok"


def test_an_attempt_within_an_attempt_is_the_same(out):
    with webhook() as server, attempted(settings := settings_for(out, posts(server))):
        attempt(settings)
        assert server.received == []
    assert [line["event"] for line in lines(out)][:2] == ["begun", "ended"]


# What goes wrong beside an audit


def test_a_mail_server_that_is_away_changes_no_exit_code(out):
    with webhook() as server:
        gone = posts(server)
    attempt(settings_for(out, gone))
    assert health.read(out)["untold"] == 1
    assert (lines(out)[-1]["event"], lines(out)[-1]["level"]) == ("not_told", "warning")
    with webhook() as server:
        attempt(settings_for(out, posts(server)))
    assert len(server.received) == 1
    assert health.read(out)["untold"] == 0


@pytest.mark.parametrize("spoilt", ["health.began", "health.ended", "incidents.record", "telling.tell", "telling.shown"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("patient 529-71-7319")])
def test_whatever_breaks_beside_an_audit_is_a_warning(out, monkeypatch, spoilt, error, caplog):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(f"flows.{spoilt}", broken)
    attempt(settings_for(out))
    assert f"({type(error).__name__})" in caplog.text
    assert "7319" not in caplog.text
    failure = DeliveryError("no orders")
    fails(settings_for(out), failure)


def test_a_log_folder_that_is_a_file_fails_nothing(out, caplog):
    (out / "logs").touch()
    attempt(settings_for(out))
    assert "(FileExistsError)" in caplog.text


def test_a_message_waits_for_another_that_is_being_sent(out):
    with webhook() as server, alone(out / "logs" / ".telling") as is_ours:
        assert is_ours
        code = (
            "import sys; from pathlib import Path; from flows import telling, telling_services; from flows.settings import load_settings\n"
            "telling_services.SECONDS = -4\n"
            "out = Path(sys.argv[1]); s = load_settings(extracts=out.with_name('extracts'), out=out, deid_mode='limited_data_set', notify={'urls': [sys.argv[2]]})\n"
            "print(telling.tell(s))"
        )
        told = subprocess.run([sys.executable, "-c", code, out, posts(server)], cwd=ROOT, capture_output=True, text=True)
    assert (told.stdout, server.received) == ("False\n", [])


# Whole audits, by the command


def test_a_run_leaves_lines_health_and_one_message_and_no_secret(command, example, tmp_path, monkeypatch):
    """The address, the keys of persons and orders, and every day of theirs stay where they belong."""
    out = tmp_path / "out"
    arguments = ("run", "--extracts", example, "--out", out, "--config", example / "audit.toml", "--direct")
    with webhook() as server:
        monkeypatch.setenv("IMAGING_AUDIT_NOTIFY__URLS", json.dumps([posts(server)]))
        code, said, talk = command(*arguments)
        assert code == 0, talk
        assert command(*arguments)[0] == 0
        (message,) = server.received
        assert message["title"].startswith("SYNTHETIC: imaging-order-audit: ")
        assert said.splitlines()[0] in message["message"]
        assert command("health", "--out", out, "--max-age", "1")[0] == 0
    stages = [line for line in lines(out) if line["seconds"] is not None]
    assert [line["event"] for line in stages][:3] == ["load_rules", "read_delivery", "type_rows"]
    assert {line["run_id"] for line in stages} == {json.loads((out / "manifest.json").read_text())["run_id"]}
    for path in (out / "logs", out / "logs" / logs.NAME, out / health.NAME):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    told = "".join([json.dumps(message), (out / "logs" / logs.NAME).read_text(), (out / health.NAME).read_text()])
    assert SECRET not in told + talk + (out / ledger.NAME).read_text()
    keys = set()
    for path in example.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as rows:
            keys |= {value for row in csv.DictReader(rows) for name, value in row.items() if name and name.endswith("_id") and name != "site_id" and value}
    assert len(keys) > 1_000
    assert [key for key in keys if len(key) > 5 and key in told] == []
    _no_small_count(message["message"], out)


def _no_small_count(body, out):
    """Whatever number stands in a message also stands in what is exported, and no count of 1 to 10 does."""
    headline = body.split("New result:")[1].split("\n- Report")[0]
    exported = (out / "exports" / "compliance.csv").read_text()
    counts = re.findall(r"(?<![\d.–])(\d[\d,]*)(?= of |( more)? (in all|rated|more unrated))", headline)
    for count, *_ in counts:
        number = int(count.replace(",", ""))
        assert not 1 <= number <= 10, body
        assert str(number) in exported or "about" in headline or "rated" in headline


def test_a_refused_delivery_full_of_canaries_is_told_without_one(command, tmp_path, monkeypatch):
    folder, out = tmp_path / "delivery", tmp_path / "out"
    folder.mkdir()
    for extract in (valid("limited_data_set") | {"orders": everything_planted("orders")}).values():
        extract.write(folder)
    with webhook() as server:
        monkeypatch.setenv("IMAGING_AUDIT_NOTIFY__URLS", json.dumps([posts(server)]))
        given = ("--extracts", folder, "--out", out, "--deid-mode", "shifted_dates", "--direct")
        code, said, talk = command("run", *given)
    assert code == 5
    (message,) = server.received
    assert "the delivery is not de-identified as declared (exit code 5)" in message["message"]
    assert (out / "logs" / logs.NAME).stat().st_size > 0
    assert health.read(out)["last_failure"]["exit_code"] == 5
    assert left_behind(out, said + talk + json.dumps(message, ensure_ascii=False)) == []
    assert len(NEEDLES) > len(CANARIES)


def test_a_failure_that_quotes_every_row_is_told_without_one(command, tmp_path, monkeypatch):
    orders = "order_id,patient_id,ordered_on,code_system,code\n" + "".join(f"o{n}zqx7319,p{n}zqx7319,2024-03-01,CPT,76641\n" for n in range(50))
    folder, out = write(tmp_path / "delivery", orders=orders), tmp_path / "out"

    def broken(con, *_, **__):
        raise ValueError(con.execute("select * from raw.orders").fetchall())

    monkeypatch.setattr("flows.models.build", broken)
    with webhook() as server:
        monkeypatch.setenv("IMAGING_AUDIT_NOTIFY__URLS", json.dumps([posts(server)]))
        code, said, talk = command("run", "--extracts", folder, "--out", out, "--deid-mode", "limited_data_set", "--direct")
    assert code == 1
    (message,) = server.received
    assert "an unexpected error (exit code 1)" in message["message"]
    assert "unexpected ValueError" in (out / "logs" / logs.NAME).read_text()
    assert left_behind(out, said + talk + json.dumps(message), ["zqx7319"]) == []


def test_a_second_run_is_refused_and_spoils_neither_line_nor_health(command, example, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    health.began(out)
    before = state(out)
    with locked(out):
        code, _, talk = command("run", "--extracts", example, "--out", out, "--config", example / "audit.toml", "--direct")
    assert code == 10, talk
    assert state(out) == before
    assert health.read(out)["status"] == "running"
    assert [line["level"] for line in lines(out)] == ["info", "error"]


def test_what_a_monitor_reads_is_whole_at_every_moment(out):
    """Killed at any step of it, the file is the old or the new one."""
    loop = "import sys; from pathlib import Path; from flows import health\nwhile True: health.began(Path(sys.argv[1])); health.ended(Path(sys.argv[1]), success={})"
    writer = subprocess.Popen([sys.executable, "-c", loop, out], cwd=ROOT)
    found, until = set(), time.monotonic() + 20
    while len(found) < 2 and time.monotonic() < until:
        if (out / health.NAME).exists():
            found.add(json.loads((out / health.NAME).read_text())["status"])
    writer.kill()
    writer.wait()
    assert found == {"running", "ok"}
    health.ended(out, success={"run_id": ROW["measure"], "as_of": None})
    assert sorted(path.name for path in out.iterdir() if "health" in path.name) == [health.NAME]
    assert Path(out / health.NAME).stat().st_uid == os.getuid()
