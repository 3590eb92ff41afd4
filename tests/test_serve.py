"""imaging-audit serve as a process: it fires, publishes once, survives a kill, ends when told, and keeps to itself."""

import asyncio
import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import urllib.error
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
import receivers
from arrivals import dropped
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed
from served import Api, bare_environment, cut_off, free_port, serve, wait_for
from test_reach import WATCH, is_own

from flows import health, ledger
from flows.errors import AuditError, SettingsError
from flows.serve import schedule, service

TOML = """
extracts = "delivery"
out = "out"
deid_mode = "limited_data_set"
as_of = 2025-09-30
data_from = 2022-10-01
[schedule]
cron = "* * * * *"
timezone = "Europe/Berlin"
look_every_seconds = 5
[notify]
report = "https://quality.example.org/report.html"
"""
# The same, of a site whose deliveries arrive one after another and which tells somebody.
ARRIVING = TOML.replace('extracts = "delivery"', 'extracts = "series"\ndrop = "drop"').replace("as_of = 2025-09-30\n", "")
ALL = ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED")
DEPLOYMENT = "deployments/name/imaging-order-audit-due/audit"


def start(folder, name):
    """The service, and its records once it serves."""
    (folder / "watch").mkdir(exist_ok=True)
    (folder / "watch" / "sitecustomize.py").write_text(WATCH)
    port = free_port()
    env = bare_environment(WATCHED=str(folder / "watched.jsonl"), PREFECT_SERVER_API_PORT=str(port))
    env["PYTHONPATH"] = os.pathsep.join([str(folder / "watch"), env["PYTHONPATH"]])
    service, api = serve(folder, name, env)
    assert api.address == f"http://127.0.0.1:{port}/api"
    return service, api


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """A service that was killed in the midst of a run, started again, fired by its schedule and once more beside it."""
    from flows.demo import write_demo

    folder = tmp_path_factory.mktemp("served")
    write_demo(folder / "delivery", n_patients=60)
    (folder / "delivery" / "audit.toml").unlink()
    dropped(folder / "delivery", folder / "drop", name="2025-09")
    with contextlib.ExitStack() as stack:
        hook = stack.enter_context(receivers.webhook())
        (folder / "audit.toml").write_text(f'{ARRIVING}urls = ["json://127.0.0.1:{hook.port}/"]\n')
        killed = kill_in_the_midst(folder)
        second, api = start(folder, "second")
        stack.callback(second.ends, signal.SIGKILL)
        fired = wait_for(lambda: api.runs("RUNNING"), process=second)[0]
        beside = api.start(api(DEPLOYMENT))
        wait_for(lambda: api.state(beside)["type"] == "COMPLETED", process=second)
        second.says(r"nothing changed")
        cut = cut_a_run_off(second, api)
        kept = {
            "flow_runs": api.runs(*ALL),
            "task_runs": api("task_runs/filter", {}),
            "artifacts": api("artifacts/filter", {}),
            "logs": api("logs/filter", {}),
            "deployments": api("deployments/filter", {}),
        }
        state = health.read(folder / "out")
        stranger, servers = refused(api), [pid for pid in second.children() if "uvicorn" in command_line(pid)]
        code, seconds = second.ends()
    return SimpleNamespace(
        folder=folder, killed=killed, cut=cut, fired=fired["id"], beside=beside, kept=kept, code=code, seconds=seconds,
        stranger=stranger, servers=servers, health=state, messages=hook.received, said=second.told.read_text(), runs={run["id"]: run for run in kept["flow_runs"]},
    )  # fmt: skip


def kill_in_the_midst(folder):
    first, api = start(folder, "first")
    try:
        run_id = api.start(api(DEPLOYMENT))
        first.says("Rules loaded")
    finally:
        cut_off(first)
    assert not (folder / "out" / "current").exists()
    return run_id


def cut_a_run_off(service, api):
    """As a machine without memory does: the run is gone, the service is there. Gives it and what made up for it."""
    cut = api.start(api(DEPLOYMENT))
    (pid,) = wait_for(lambda: [pid for pid in service.children() if "spawn_main" in command_line(pid) and api.state(cut)["type"] == "RUNNING"], process=service)
    os.kill(pid, signal.SIGKILL)
    service.says("Crashed, .*It is made up for now")
    return cut, wait_for(lambda: [run for run in api.runs(*ALL) if "missed" in run["tags"] and run["created"] > api.state(cut)["timestamp"]], process=service)[0]["id"]


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:  # it has ended
        return ""


def refused(api):
    with pytest.raises(urllib.error.HTTPError) as error:
        Api(api.address.removesuffix("/api"), "audit:guessed")("deployments/filter", {})
    error.value.close()
    return error.value.code


@pytest.mark.flow
def test_the_schedule_fires_and_a_release_is_published(year):
    fired = year.runs[year.fired]
    assert fired["state"]["type"] == "COMPLETED"
    assert fired["name"] == "delivery as of 2025-09-30"
    assert {"auto-scheduled", "missed"} & set(fired["tags"])  # its minute may have passed while nothing served
    assert (year.folder / "out" / "report.html").exists()


@pytest.mark.flow
def test_what_was_dropped_is_taken_in_once_published_told_and_the_monitor_is_content(year):
    """In spite of the kill between taking in and publishing, of which they are told as well."""
    events = [(entry["event"], entry.get("delivery") or entry.get("as_of")) for entry in ledger.read(year.folder / "out")]
    assert [event for event in events if event[0] in ("accepted", "published", "told")] == [
        ("accepted", "2025-09"), ("published", "2025-09-30"), ("told", None),
    ]  # fmt: skip
    (message,) = year.messages
    assert "1 audit failed" in message["title"]
    assert "New result" in message["message"]
    assert "https://quality.example.org/report.html" in message["message"]
    assert health.complaint(year.health) is None
    assert year.health["last_success"]["as_of"] == "2025-09-30"


@pytest.mark.flow
def test_a_second_firing_changes_nothing(year):
    published = [entry for entry in ledger.read(year.folder / "out") if entry["event"] == "published"]
    assert len(published) == 1
    assert year.runs[year.beside]["state"]["message"] == "nothing changed"


@pytest.mark.flow
def test_never_two_at_once(year):
    """The firing beside the schedule's waited for its end."""
    assert year.runs[year.beside]["start_time"] >= year.runs[year.fired]["end_time"]


@pytest.mark.flow
def test_what_a_killed_service_left_running_is_ended_and_blocks_nobody(year):
    state = year.runs[year.killed]["state"]
    assert (state["type"], state["message"]) == ("CRASHED", "The service ended while this ran")
    assert list((year.folder / "out").glob(".work-*")) == []


@pytest.mark.flow
def test_a_run_that_was_killed_alone_is_made_up_for(year):
    cut, instead = (year.runs[each] for each in year.cut)
    assert cut["state"]["type"] == "CRASHED"
    assert instead["deployment_id"] == cut["deployment_id"]
    assert cut["state"]["message"] != "The service ended while this ran"


@pytest.mark.flow
def test_it_ends_within_seconds_when_told(year):
    assert year.code == 0
    assert year.seconds < 15
    assert "Told to stop\nStopped\n" in year.said


@pytest.mark.flow
def test_it_says_when_it_fires_next_and_what_became_of_it(year):
    assert "Next audit: 20" in year.said
    assert "delivery as of 2025-09-30: Completed, published as of 2025-09-30" in year.said
    assert "Traceback" not in year.said
    assert "does not answer" not in year.said


@pytest.mark.flow
def test_nothing_listens_or_calls_beyond_loopback(year):
    calls = [json.loads(line) for line in (year.folder / "watched.jsonl").read_text().splitlines()]
    assert [call for call in calls if call[0] == "socket.bind"]
    assert [call for call in calls if call[0] != "import" and not is_own(call[1])] == []


@pytest.mark.flow
def test_its_server_is_the_one_inside_it(year):
    """Prefect would start another for a client that knows no address, and a killed service would leave it behind."""
    assert year.servers == []


@pytest.mark.flow
def test_other_accounts_of_the_machine_are_refused(year):
    """Whoever may write to Prefect's server may have it run code."""
    assert year.stranger == 401
    for path in [home := year.folder / "out" / ".prefect", *home.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


@pytest.mark.flow
def test_prefects_pages_read_well_and_name_no_patient(year):
    tasks = [run["name"] for run in year.kept["task_runs"] if run["flow_run_id"] == year.fired]
    assert "read delivery, 2025-09-30" in tasks
    assert any(run["name"].startswith("due 20") for run in year.kept["flow_runs"] if run["state"]["type"] == "SCHEDULED")
    assert {"as of 2025-09-30", "suppression cms", "demo (synthetic)"} <= set(year.runs[year.fired]["tags"])
    (deployment,) = year.kept["deployments"]
    assert "usually appropriate?" in deployment["description"]
    assert list(deployment["parameters"]) == ["config"]
    shown = {artifact["key"]: artifact["data"] for artifact in year.kept["artifacts"]}
    assert set(shown) == {"headline", "summary", "report"}
    assert "https://quality.example.org/report.html" in shown["report"]
    text = json.dumps(year.kept)
    patients = (year.folder / "delivery" / "patients.csv").read_text().splitlines()[1:]
    assert [name for name in (line.split(",")[0] for line in patients) if f'"{name}"' in text or f" {name} " in text] == []


@pytest.mark.flow
def test_the_summary_holds_what_was_released_and_nothing_else(year):
    import polars as pl

    released = pl.read_csv(year.folder / "out" / "exports" / "compliance.csv", infer_schema_length=None)
    rows = json.loads({each["key"]: each["data"] for each in year.kept["artifacts"]}["summary"])
    assert [row["first imaging orders"] for row in rows] == ["after therapy", "during therapy"]
    for row, measure in zip(rows, ("post_completion", "on_treatment"), strict=True):
        (cell,) = released.filter(
            measure=measure, basis="episode", period_grain="all", stratum="all", stratum_value="all"
        ).to_dicts()
        assert row["orders"] == ("hidden" if cell["n_index"] is None else cell["n_index"])
        assert row["not appropriate"] == ("hidden" if cell["n_not_appropriate"] is None else cell["n_not_appropriate"])
    assert "hidden" in rows[0].values()


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ('cron = "* * * * *"', 'cron = "every day"'),
        ('cron = "* * * * *"', 'cron = "@monthly"'),
        ('cron = "* * * * *"', 'cron = "0 0 6 1 * *"'),
        ('timezone = "Europe/Berlin"', 'timezone = "Mars/Olympus"'),
    ],
)
def test_a_schedule_that_cannot_be_read_is_a_setting_to_mend(tmp_path, there, instead):
    from flows.settings import load_settings

    (tmp_path / "audit.toml").write_text(TOML.replace(there, instead))
    with pytest.raises(SettingsError, match="cron of five fields"):
        schedule.read(load_settings(tmp_path / "audit.toml"), tmp_path / "audit.toml")


def test_3_a_service_for_deliveries_of_one_day_alone_does_not_begin(tmp_path):
    """Each firing would fail, and the first may be a month away."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "audit.toml").write_text(f'drop = "drop"{TOML}')
    with pytest.raises(SettingsError, match="'as_of' is set"):
        service.serve(tmp_path / "audit.toml")
    assert not (tmp_path / "out").exists()


class Left:
    """Prefect's client after a service was killed: one run in its midst, one whose time has passed, one to come."""

    def __init__(self, **tags):
        now = datetime.now(UTC)
        times = {"RUNNING": {"cut off": 0}, "SCHEDULED": {"passed": -1, "to come": 1}}
        self.runs = {
            state: [SimpleNamespace(id=name, tags=tags.get("tags", []), expected_start_time=now + timedelta(hours=hours)) for name, hours in runs.items()]
            for state, runs in times.items()
        }
        self.states, self.deleted = {}, []

    async def read_deployment_by_name(self, name):
        if name != "imaging-order-audit-due/audit":
            raise ObjectNotFound(None)
        return SimpleNamespace(id="12345678-1234-5678-1234-567812345678")

    async def read_flow_runs(self, flow_run_filter, **_):
        return [run for state in flow_run_filter.state.type.any_ for run in self.runs.get(state.value, [])]

    async def set_flow_run_state(self, run_id, state, force):
        self.states[run_id] = (state.type.value, force)
        (run,) = self.runs.pop("RUNNING")
        run.state = state
        self.runs["CRASHED"] = [run]

    async def delete_flow_run(self, run_id):
        self.deleted.append(run_id)
        self.runs["SCHEDULED"] = [run for run in self.runs["SCHEDULED"] if run.id != run_id]


def owed(left, name="audit"):
    from flows.serve import watch

    return asyncio.run(watch.tidy(left, name))


def test_a_firing_that_was_missed_is_made_up_for():
    left = Left(tags=["missed"])
    assert owed(left)
    assert left.states == {"cut off": ("CRASHED", True)}
    assert left.deleted == ["passed"]
    assert not owed(left), "what made up for one was cut off as well"


def test_a_run_that_was_cut_off_is_made_up_for():
    left = Left()
    left.runs["SCHEDULED"] = []
    assert owed(left)
    assert owed(left), "nothing has made up for it yet"
    left.runs["CRASHED"][0].state = Completed()
    assert not owed(left)


def test_a_first_start_has_missed_nothing():
    assert not owed(Left(), "another")


def test_prefects_home_is_bounded_private_and_silent(tmp_path):
    """In a process of its own: Prefect reads its environment once."""
    code = (
        "import sys, json; from pathlib import Path; from flows import prefect_home; prefect_home.prepare(Path(sys.argv[1]))\n"
        "from prefect.settings.context import get_current_settings as s; s = s().server\n"
        "vacuum = s.services.db_vacuum\n"
        "print(json.dumps([sorted(vacuum.enabled_vacuum_types), vacuum.retention_period.days, s.analytics_enabled, s.api.host]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, tmp_path], env=bare_environment(), capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout) == [["events", "flow_runs", "orphans"], 400, False, "127.0.0.1"]
    assert stat.S_IMODE((tmp_path / ".prefect").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / ".prefect" / "password").stat().st_mode) == 0o600


def test_a_second_service_on_the_same_folder_is_refused(tmp_path):
    from flows.lock import locked

    (tmp_path / "audit.toml").write_text(TOML)
    (tmp_path / "out" / ".prefect").mkdir(parents=True)
    with locked(tmp_path / "out" / ".prefect"):
        told = subprocess.run(
            [sys.executable, "-m", "flows", "serve", "--config", tmp_path / "audit.toml"],
            env=bare_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert told.returncode == 10
    assert "another service serves this folder — process" in told.stderr


class Records:
    """Prefect's client for the watch of the drop folder: whether something is at work, and what was started."""

    def __init__(self, at_work=()):
        self.at_work, self.started = list(at_work), []

    async def read_flow_runs(self, **_):
        return ["run"] if self.at_work and self.at_work.pop(0) else []

    async def create_flow_run_from_deployment(self, _, tags):
        self.started.append(tags)


def looks(monkeypatch, records, waiting, n):
    """How long the watch slept before each of n looks at the drop folder."""
    from flows.serve import watch

    slept, answers = [], iter(waiting)

    async def sleep(seconds):
        if len(slept) == n:
            raise TimeoutError
        slept.append(seconds)

    def is_waiting(_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(watch.asyncio, "sleep", sleep)
    monkeypatch.setattr(watch.arrival, "is_waiting", is_waiting)
    settings = SimpleNamespace(drop="drop", schedule=SimpleNamespace(look_every_seconds=60))
    with pytest.raises(TimeoutError):
        asyncio.run(watch.drop(records, "12345678-1234-5678-1234-567812345678", settings))
    return slept


def test_a_complete_delivery_starts_a_run_at_once(monkeypatch):
    records = Records()
    assert looks(monkeypatch, records, [False, True, False, False], 4) == [60, 60, 120, 60]
    assert records.started == [["delivery arrived"]]


def test_no_run_is_started_beside_one_at_work_and_at_once_after_it(monkeypatch):
    records = Records(at_work=[True, False, True, False])
    assert looks(monkeypatch, records, [True, True, True], 3) == [60, 60, 60]
    assert records.started == [["delivery arrived"]]


def test_a_delivery_that_no_audit_takes_in_is_looked_at_less_and_less_often(monkeypatch):
    slept = looks(monkeypatch, Records(), [True] * 9, 9)
    assert slept == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_server_that_is_away_stops_no_service(monkeypatch):
    class Away(Records):
        async def read_flow_runs(self, **_):
            raise ConnectionError

    assert looks(monkeypatch, Away(), [True, False], 2) == [60, 60]


@pytest.mark.parametrize(("was_killed", "signs"), [(False, 1), (True, 0)])
def test_a_sign_of_life_does_not_hide_a_run_that_was_killed(monkeypatch, tmp_path, was_killed, signs):
    from flows.serve import watch

    given = []
    monkeypatch.setattr(watch.health, "read", lambda _: {})
    monkeypatch.setattr(watch.health, "was_killed", lambda _: was_killed)
    monkeypatch.setattr(watch.health, "waiting", lambda *what: given.append(what))
    planned = datetime.now(UTC)
    watch._stand_by(tmp_path, planned)
    assert given == [(tmp_path, planned, 60)] * signs


def test_a_sign_of_life_names_the_next_firing_as_prefect_plans_it(tmp_path):
    from prefect.client.schemas.objects import FlowRun

    from flows.serve import watch

    run = FlowRun.model_validate({"flow_id": str(uuid.uuid4()), "expected_start_time": "2046-12-01T05:00:00Z"})
    watch._stand_by(tmp_path, watch._planned(run).astimezone(ZoneInfo("Europe/Berlin")))
    state = health.read(tmp_path)
    assert (state["status"], state["next_firing"]) == ("waiting", "2046-12-01T05:00:00+00:00")
    assert health.complaint(state) is None


def test_a_share_that_is_away_stops_no_service(monkeypatch):
    slept = looks(monkeypatch, Records(), [OSError(5, "Input/output error"), AuditError("away"), False], 3)
    assert slept == [60, 60, 60]


def test_two_that_start_at_once_take_two_doors(monkeypatch):
    from flows.errors import PublishError
    from flows.serve.server import _bound

    monkeypatch.delenv("PREFECT_SERVER_API_PORT", raising=False)
    with _bound() as one, _bound() as other:
        assert {each.getsockname()[0] for each in (one, other)} == {"127.0.0.1"}
        assert one.getsockname()[1] != other.getsockname()[1]
        monkeypatch.setenv("PREFECT_SERVER_API_PORT", str(one.getsockname()[1]))
        with pytest.raises(PublishError, match="is taken"):
            _bound()
