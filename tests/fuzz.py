"""The fuzz campaign: workers that read spoilt deliveries, and what may come of one: a result, or a refusal that instructs.

A worker is a process of its own: what kills it, or never ends, is a finding like any other, and names its seed.
"""

import atexit
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flows import ROOT
from flows.errors import AuditError
from tests.fuzz_cells import CANARY

MAX_SECONDS = 60  # of processor time, for one case of a few kilobytes to a few megabytes
MAX_WAIT = 300  # of the clock, on a machine that does other things as well
MAX_MEMORY = 2 << 30


# The parent


def campaign(jobs, n_workers=2):
    """The outcome of every job; a job is (depth, seed or folder, families)."""
    waiting, outcomes, again = list(reversed(jobs)), [], []
    workers = [Worker() for _ in range(min(n_workers, len(jobs)))]
    while waiting or any(worker.job for worker in workers):
        for worker in workers:
            if not worker.job and waiting:
                worker.give(waiting.pop())
        busy = {worker.process.stdout: worker for worker in workers if worker.job}
        ready, _, _ = select.select(list(busy), [], [], 1)
        for stream in ready:
            outcome = busy[stream].taken()
            if outcome.get("was_ended") and outcome["job"] not in again:
                again.append(outcome["job"])
                waiting.append(outcome["job"])
            else:
                outcomes.append(outcome)
        for worker in busy.values():
            if worker.job and time.monotonic() - worker.since > MAX_WAIT:
                worker.process.send_signal(signal.SIGABRT)
    for worker in workers:
        worker.end()
    return outcomes


class Worker:
    def __init__(self):
        self.job = None
        self._start()

    def _start(self):
        command = [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def give(self, job):
        self.job, self.since = job, time.monotonic()
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()

    def taken(self):
        line = self.process.stdout.readline()
        outcome = {"job": self.job, "seconds": time.monotonic() - self.since}
        self.job = None
        if line:
            return outcome | json.loads(line)
        self.end()
        code = self.process.returncode
        # A busy machine ends processes from outside: such a job is given once more. A crash and a hang have other signals.
        died = {"end": "died", "told": f"the process ended with {code}", "families": ["?"], "was_ended": code in (-signal.SIGTERM, -signal.SIGKILL)}
        self._start()
        return outcome | died

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


# The worker


def work():
    said = sys.stdout
    sys.stdout = sys.stderr  # what a library prints must not be taken for an outcome
    desk = Desk()
    for line in sys.stdin:
        said.write(json.dumps(desk.outcome(*json.loads(line))) + "\n")
        said.flush()


class Desk:
    """One database with the rules, and one folder of results, in which one delivery after the other is read."""

    def __init__(self):
        self.con = None
        self.home = Path(tempfile.mkdtemp(prefix="fuzz-"))
        atexit.register(shutil.rmtree, self.home, ignore_errors=True)

    def outcome(self, depth, given, families):
        """What comes of the delivery that is drawn from a seed, or of one that stands in a folder already."""
        from flows.errors import safely

        try:
            folder, (chosen, mode, is_lenient) = self._delivery(given, families)
        except Exception as error:  # a fault of the campaign itself, and told as one
            return {"end": "undrawn", "exit_code": 1, "told": repr(error)[:500], "families": []}
        started = time.process_time()
        try:
            with safely():
                wrong = STEPS[depth](self, folder, mode, is_lenient)
            found = {"end": "read", "exit_code": 0, "told": "", "wrong": wrong or []}
        except AuditError as error:
            found = {"end": "refused", "exit_code": error.exit_code, "told": str(error), "instructs": bool(error.next_step)}
            self.con = self.con if error.exit_code != 1 else None  # after an internal error a database answers nothing
        return found | {"families": chosen, "mode": mode, "cpu": time.process_time() - started, "memory": peak_memory()}

    def _delivery(self, given, families):
        from tests.fuzz_kinds import draw

        if isinstance(given, str):
            return Path(given), (families, "limited_data_set", False)
        folder = self.home / "delivery"
        shutil.rmtree(folder, ignore_errors=True)
        return folder, draw(given, folder, families)

    def settings(self, folder, mode, is_lenient, **given):
        from flows.settings import Settings

        parameters = {"quarantine_max_share": "1"} if is_lenient else {}
        shared = {"out": self.home / "out", "threads": 1, "memory_limit": "1GB", "parameters": parameters}
        return Settings(extracts=folder, deid_mode=mode, **shared, **given)

    def read(self, folder, mode, is_lenient):
        """Ingest and the typed rows: where bad input is met."""
        import duckdb

        from flows import models, stages, workspace
        from flows.delivery.ingest import read_delivery
        from flows.rules import load_rules

        if self.con is None:
            # Two databases that spill into one folder, as all do by default, end each other.
            self.con = duckdb.connect(config={"threads": 1, "memory_limit": "1GB", "temp_directory": str(self.home / "spill")})
            load_rules(self.con)
        share = "1" if is_lenient else "0.01"
        self.con.execute("update rule.run set deid_mode = ?", [mode])
        self.con.execute("update rule.parameter set value = ? where name = 'quarantine_max_share'", [share])
        workspace._hash_delivery(folder)
        read_delivery(self.con, folder, self.settings(folder, mode, is_lenient))
        models.build(self.con, schemas=("stg",))
        stages._refuse_too_much_quarantine(self.con)

    def judge(self, folder, mode, is_lenient):
        """All models as well: where a strange value that could be read meets arithmetic."""
        from flows import models

        self.read(folder, mode, is_lenient)
        models.build(self.con, schemas=("core", "out"))
        for table in ("order_label", "neoadjuvant_case", "compliance"):
            self.con.execute(f"select * from out.{table}").pl().to_dicts()

    def run(self, folder, mode, is_lenient):
        """The whole audit over a published result, which a refusal must leave as it is."""
        from flows.stages import run_direct
        from tests.fuzz_page import wrong_files

        out = self.home / "out"
        if not out.exists():
            run_direct(self.settings(self._first(), "limited_data_set", False))
        before = state(out)
        try:
            run_direct(self.settings(folder, mode, is_lenient, keep_releases=1, suppression=("none", "cms")[is_lenient]))
        except AuditError:
            if state(out) != before:
                raise RuntimeError("a refusal changed what was published") from None
            raise
        return wrong_files(out)

    def _first(self):
        from tests.fuzz_delivery import valid

        folder = self.home / "first"
        folder.mkdir()
        for extract in valid("limited_data_set").values():
            extract.write(folder)
        return folder


STEPS = {"read": Desk.read, "judge": Desk.judge, "run": Desk.run}


def state(out):
    """Everything in the folder of results but what a failure is told in: the ledger, the log, the health file."""
    without = {"ledger.jsonl", ".lock", "health.json", "logs"}
    paths = (path for path in sorted(out.rglob("*")) if not without & {*path.relative_to(out).parts})
    return {str(path): os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes() for path in paths}


def peak_memory():
    """Of this program alone, in bytes: ru_maxrss would begin with that of the test process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def faults(outcome):
    """Why an outcome may not be: nothing where it may."""
    told = outcome["told"]
    found = []
    if outcome["end"] in ("died", "undrawn"):
        found.append("died or hung")
    elif outcome["end"] == "refused":
        found += ["no exit code of a refusal"] if outcome["exit_code"] not in range(3, 12) else []
        found += ["no instruction"] if not outcome["instructs"] else []
        found += ["repeats a value"] if CANARY in told else []
    found += outcome.get("wrong", [])
    if outcome.get("cpu", 0) > MAX_SECONDS:
        found.append("too slow")
    if outcome.get("memory", 0) > MAX_MEMORY:
        found.append("too much memory")
    return found


if __name__ == "__main__":
    work()
