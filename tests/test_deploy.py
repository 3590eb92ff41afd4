"""What runs it on a site: Prefect's deployment for real, units and image as far as they can be judged without their hosts."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml
from served import Api, Process, bare_environment, free_port, wait_for
from test_packaging import LOCKED
from typer.testing import CliRunner

from flows import ROOT
from flows.cli import app

PREFECT_YAML = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
UNITS = sorted((ROOT / "docs" / "deploy").iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
GUIDE = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
AUDIT_TOML = """
extracts = "delivery"
out = "out"
deid_mode = "limited_data_set"
as_of = 2025-09-30
data_from = 2022-10-01
"""


def test_the_deployment_fits_the_flow_and_the_lock():
    from flows.audit import audit_due

    told = yaml.safe_load(PREFECT_YAML)
    (deployment,) = told["deployments"]
    path, function = deployment["entrypoint"].split(":")
    assert (ROOT / path).exists()
    assert function == audit_due.__name__
    assert set(deployment["parameters"]) == set(audit_due.parameters.properties)
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert told["prefect-version"] == LOCKED["prefect"]


@pytest.mark.flow
def test_a_worker_runs_the_deployment_one_at_a_time(tmp_path):
    """docs/scheduling.md, step by step: a server, a pool, a deployment, two runs at once, a worker."""
    from flows.demo import write_demo

    write_demo(tmp_path / "delivery", n_patients=60)
    (tmp_path / "audit.toml").write_text(AUDIT_TOML)
    own = tmp_path / "prefect.yaml"
    own.write_text(PREFECT_YAML.replace("config: audit.toml", f"config: {tmp_path / 'audit.toml'}"))
    port = str(free_port())  # another copy of these tests may run on this machine
    env = bare_environment(
        PREFECT_HOME=str(tmp_path / "home"),
        PREFECT_API_URL=f"http://127.0.0.1:{port}/api",
        PREFECT_UI_STATIC_DIRECTORY=str(tmp_path / "ui"),
        PREFECT_WORKER_QUERY_SECONDS="2",
        DO_NOT_TRACK="1",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
    )

    def prefect(*arguments):
        done = subprocess.run([sys.executable, "-m", "prefect", *arguments], env=env, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    server = Process(tmp_path, "server", "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port, env=env)
    try:
        api = Api(f"http://127.0.0.1:{port}")
        wait_for(lambda: answers(api), process=server)
        prefect("work-pool", "create", "--type", "process", "imaging-audit")
        prefect("--no-prompt", "deploy", "--name", "monthly", "--prefect-file", str(own))
        deployment = api("deployments/name/imaging-order-audit-due/monthly")
        runs = [api.start(deployment) for _ in range(2)]
        worker = Process(tmp_path, "worker", "-m", "prefect", "worker", "start", "--pool", "imaging-audit", env=env)
        try:
            ends = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
            wait_for(lambda: all(api.state(run)["type"] in ends for run in runs), process=worker)
        finally:
            worker.ends()
        assert sorted(api.state(run)["type"] for run in runs) == ["CANCELLED", "COMPLETED"], worker.told.read_text()
    finally:
        server.ends()
    assert [schedule["schedule"]["cron"] for schedule in deployment["schedules"]] == ["0 6 1 * *"]
    assert (tmp_path / "out" / "report.html").exists()


def answers(api):
    try:
        return api("health")
    except OSError:
        return False


def unit(path):
    """{section: {key: [values]}}, comments left out."""
    found, section = {}, None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            section.setdefault(key, []).append(value)
    return found


def commands():
    """Every command line that a unit, the image or the guide runs, as words."""
    for path in SERVICES:
        yield from (shlex.split(line)[1:] for line in unit(path)["Service"]["ExecStart"])
    yield from (re.findall(r'"([^"]*)"', line)[1:] for line in re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", DOCKERFILE, re.MULTILINE))
    yield from (re.findall(r'"([^"]*)"', line) for line in re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE))
    yield from (shlex.split(line)[1:] for line in GUIDE.splitlines() if line.startswith(".venv/bin/imaging-audit"))


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_that_is_named_exists_with_its_options(words):
    name, *rest = words
    told = CliRunner().invoke(app, [name, "--help"], terminal_width=200)
    assert told.exit_code == 0, f"no command {name}"
    assert [word for word in rest if word.startswith("--") and word not in told.output] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze on this machine")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_the_units(path, tmp_path):
    for each in UNITS:
        text = each.read_text(encoding="utf-8").replace("/usr/local/lib/imaging-audit/.venv/bin/imaging-audit", sys.executable)
        (tmp_path / each.name).write_text(text)
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"./{path.name}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (told.returncode, [line for line in told.stderr.splitlines() if "imaging-audit" in line]) == (0, [])


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_unit_writes_in_one_folder_and_has_no_privilege(path):
    told = unit(path)["Service"]
    assert told["ReadWritePaths"] == ["/srv/imaging-audit"]
    assert told["ProtectSystem"] == ["strict"]
    assert told["UMask"] == ["0077"]
    assert told["CapabilityBoundingSet"] == [""]
    assert told["User"] not in (["root"], ["0"])
    assert told["IPAddressDeny"] == ["any"]
    assert {"NoNewPrivileges", "PrivateTmp", "ProtectHome", "MemoryMax", "SystemCallFilter"} <= told.keys()


def test_the_image_is_rootless_and_installs_by_hash():
    lines = [line for line in DOCKERFILE.replace("\\\n", "").splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if line.startswith("RUN") and not line.startswith("RUN [")] == []  # no shell
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["10001:10001"]
    after = lines[lines.index(f"USER {users[0]}") :]
    assert not any(line.startswith("RUN") for line in after)
    installs = [line for line in lines if '"install"' in line]
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
    assert [line for line in lines if line.startswith("VOLUME ")] == ["VOLUME /data"]


def test_the_image_holds_all_that_the_program_ships_and_no_data():
    import tomllib

    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = set(re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE))
    assert copied == {*packages, "requirements-run.lock", "pyproject.toml"}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_the_timer_starts_the_service_beside_it():
    read = configparser.ConfigParser()
    read.read_string((ROOT / "docs" / "deploy" / "imaging-audit-once.timer").read_text(encoding="utf-8"))
    assert read["Timer"]["Persistent"] == "true"
    assert (ROOT / "docs" / "deploy" / "imaging-audit-once.service").exists()
