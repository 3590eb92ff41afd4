"""Runs that are killed, starved and forbidden: the command in a process of its own, and what must hold afterwards.

The process is forked from one that has imported everything, so that a hundred runs cost their work and not a hundred
imports. It counts its own file operations below the out folder: "killed at step 40" is the same moment every time.
"""

import ctypes
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from hashlib import sha256
from pathlib import Path

import duckdb

from flows import health, ledger, logs, releases

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when the forked-from process imports it
PREPARED = multiprocessing.get_context("forkserver")
PREPARED.set_forkserver_preload(
    ["crash", "flows.cli", "flows.stages", "flows.delivery.ingest", "flows.publish", "flows.page.report", "flows.quality", "great_expectations"]
)
CHANGES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.truncate")
# Linux's numbers: what lets root pass over rights, and the third version of the call that gives it away.
OVERRIDES = (1 << 1) | (1 << 2)
CAPABILITY_VERSION = 0x20080522


def command(arguments, log, *, kill_at=None, steps=None, largest=None, bound=False):
    """The child: imaging-audit with arguments, killed, limited or bound by rights as asked."""
    os.setsid()
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(told, 1)
    os.dup2(told, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    for name in [name for name in os.environ if name.startswith("IMAGING_AUDIT_")]:
        del os.environ[name]
    if kill_at or steps:
        sys.addaudithook(_counting(arguments, kill_at, steps))
    if largest:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    if bound:
        bind_by_rights()
    from flows.__main__ import main

    sys.argv = ["imaging-audit", *map(str, arguments)]
    main()


def _counting(arguments, kill_at, steps):
    out = os.path.realpath(arguments[arguments.index("--out") + 1])
    seen = []

    def hook(event, given):
        if event not in CHANGES:
            return
        place = given[1] if event == "os.symlink" else given[0]
        if not isinstance(place, str | bytes | os.PathLike) or not os.fsdecode(place).startswith(out):
            return
        seen.append(f"{event} {os.path.relpath(os.fsdecode(place), out)}")
        if len(seen) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if steps:
            line = seen[-1].encode() + b"\n"
            handle = os.open(steps, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, line)
            os.close(handle)

    return hook


def bind_by_rights():
    """Root without the powers that pass over rights: what a file's mode forbids its owner, it forbids us."""
    if os.geteuid():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    for place in (0, 1, 2):
        sets[place] &= ~OVERRIDES
    assert libc.capset(header, sets) == 0, os.strerror(ctypes.get_errno())


def begun(delivery, out, log, **asked):
    """A run that goes on beside us."""
    config = Path(delivery) / "audit.toml"
    arguments = ["run", "--direct", "--extracts", str(delivery), "--out", str(out), "--config", str(config)]
    process = PREPARED.Process(target=command, args=(arguments, str(log)), kwargs=asked)
    process.start()
    return process


def ended(process, log, seconds=300):
    """The exit code of a run, and what it said; a killed one has the signal's number, below zero."""
    process.join(seconds)
    assert process.exitcode is not None, "the run hangs"
    return process.exitcode, Path(log).read_text(errors="replace") if Path(log).exists() else ""


def run(delivery, out, log, **asked):
    return ended(begun(delivery, out, log, **asked), log)


def killed_after(delivery, out, log, seconds):
    process = begun(delivery, out, log)
    process.join(seconds)
    kill(process.pid)
    process.join()


def kill(pid):
    for call in (os.killpg, os.kill):  # the group, and the process itself where it has none yet
        try:
            call(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def steps_of(delivery, out, log):
    """Every file operation of an undisturbed run, in order, and how long it took."""
    steps, started = Path(log).with_suffix(".steps"), time.monotonic()
    code, told = run(delivery, out, log, steps=str(steps))
    assert code == 0, told
    return steps.read_text().splitlines(), time.monotonic() - started


def whole(out):
    """What is published, after everything that may be asked of it was asked; gives (run id, digest of its rows).

    The rows, because the exports of a run hang on what was released before it: every file is held against the manifest.
    """
    manifest = json.loads((out / "manifest.json").read_text())
    current = (out / "current").resolve()
    found = {path.relative_to(current).as_posix() for path in current.rglob("*") if path.is_file()}
    assert found == {*manifest["files"], "manifest.json"}
    for name, facts in manifest["files"].items():
        assert sha256((current / name).read_bytes()).hexdigest() == facts["sha256"], name
    assert all((out / name).exists() for name in releases.SHOWN)
    with duckdb.connect(str(out / "audit.duckdb"), read_only=True) as con:
        assert con.execute("select run_id from out.audit_run").fetchall() == [(manifest["run_id"],)]
        (inputs,) = con.execute("select inputs from out.audit_run").fetchall()[0]
    assert json.loads(inputs) == manifest["inputs"]
    rows = {name: facts["sha256"] for name, facts in manifest["files"].items() if name.startswith("protected/") and name.endswith(".parquet")}
    assert len(rows) > 10
    return manifest["run_id"], sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def ledger_reads(out, n_torn=1):
    """At most the last line is torn, and no line holds two."""
    entries, lines = ledger.read(out), [line for line in (out / ledger.NAME).read_text().splitlines() if line]
    assert len(lines) - len(entries) <= n_torn
    assert all(line.count('"recorded_at"') == 1 for line in lines)
    return entries


def tidy(out, keep):
    """Nothing is left of a dead run: no work, no half-made link, no release that was never shown."""
    names = {path.name for path in out.iterdir()}
    assert names <= {*releases.SHOWN, "current", "releases", ledger.NAME, ".lock", health.NAME, logs.FOLDER}, names
    published = [entry["release"] for entry in ledger_reads(out) if entry["event"] == "published"]
    there = {path.name for path in (out / "releases").iterdir()}
    assert there <= set(published), there
    assert len(there) <= keep
    assert (out / "current").resolve().name == published[-1]


class Reader:
    """Somebody who reads the database that was published when they came."""

    def __init__(self, out):
        self.con = duckdb.connect(str((out / "audit.duckdb").resolve()), read_only=True)
        self.before = self.answer()

    def answer(self):
        return self.con.execute("select run_id, inputs from out.audit_run").fetchall() + self.con.execute(
            "select count(*), count(distinct evidence) from out.order_label"
        ).fetchall()

    def is_undisturbed(self):
        assert self.answer() == self.before
        self.con.close()
