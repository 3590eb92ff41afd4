"""A service or a server as a process of its own, and what a test may ask of it."""

import base64
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from flows import ROOT

PATIENCE = 150  # seconds, on a machine that does other things as well


def bare_environment(**more):
    """That of a shell: nothing of what these tests set for Prefect."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return env | {"PYTHONPATH": str(ROOT)} | more


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


class Process:
    def __init__(self, folder, name, *arguments, env, cwd=ROOT):
        self.told = folder / f"{name}.log"
        with self.told.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, *map(str, arguments)], stdout=file, stderr=subprocess.STDOUT, env=env, cwd=cwd
            )

    def says(self, pattern, patience=PATIENCE):
        """The first match in what it said so far or will say."""
        return wait_for(lambda: re.search(pattern, self.told.read_text()), patience, self)

    def ends(self, sent=signal.SIGTERM):
        """Its exit code, and how many seconds it took."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(sent)
        try:
            return self.process.wait(timeout=30), time.monotonic() - started
        finally:
            self.process.kill()
            self.process.wait()

    def children(self):
        pid = self.process.pid
        return [int(each) for path in Path(f"/proc/{pid}/task").glob("*/children") for each in path.read_text().split()]


def serve(folder, name, env):
    """`imaging-audit serve` by folder/audit.toml, and Prefect's records once it serves."""
    process = Process(folder, name, "-m", "flows", "serve", "--config", folder / "audit.toml", env=env)
    try:
        address = process.says(r"Prefect's pages: (http://\S+)")[1]
    except BaseException:
        process.ends(signal.SIGKILL)
        raise
    return process, Api(address, f"audit:{(folder / 'out' / '.prefect' / 'password').read_text().strip()}")


def cut_off(process):
    """The service, and the run that it has at work, as if the machine had stopped."""
    at_work = process.children()
    process.ends(signal.SIGKILL)
    for pid in at_work:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_for(truth, patience=PATIENCE, process=None):
    deadline = time.monotonic() + patience
    while not (found := truth()):
        said = process.told.read_text()[-2000:] if process else ""
        assert time.monotonic() < deadline, said
        assert process is None or process.process.poll() is None, said
        time.sleep(0.2)
    return found


class Api:
    """Prefect's records, over the address that its pages use."""

    def __init__(self, address, password=None):
        self.address = f"{address}/api"
        given = base64.b64encode((password or "").encode()).decode()
        self.headers = {"Content-Type": "application/json"} | ({"Authorization": f"Basic {given}"} if password else {})

    def __call__(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.address}/{path}", data=data, headers=self.headers)
        for _ in range(20):
            try:
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code != 503:  # busy: Prefect's own client asks again as well
                        raise
            time.sleep(0.5)
        raise TimeoutError(path)

    def runs(self, *states):
        """Flow runs in these states, the earliest first."""
        chosen = {"flow_runs": {"state": {"type": {"any_": list(states)}}}, "sort": "EXPECTED_START_TIME_ASC"}
        return self("flow_runs/filter", chosen)

    def start(self, deployment):
        return self(f"deployments/{deployment['id']}/create_flow_run", {})["id"]

    def state(self, run_id):
        return self(f"flow_runs/{run_id}")["state"]
