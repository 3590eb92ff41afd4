"""Crashes: whatever ends a run, what is published is the last finished run's, and the next run needs no help."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import crash
import pytest
import tally
from conftest import audit
from test_publish import state

from flows import ROOT, ledger, releases
from flows.delivery import ingest
from flows.errors import DeliveryError, LockedError, RulesError
from flows.lock import NAME, locked

KEEP = 3  # the default of keep_releases
SEED = 5


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Two deliveries, each audited once: what either publishes, and every step on the way."""
    from flows.demo import write_demo

    folder = tmp_path_factory.mktemp("crash")
    found = SimpleNamespace(folder=folder, results={}, log=folder / "log")
    for name, n_patients in (("a", 12), ("b", 14)):
        delivery = folder / name
        write_demo(delivery, n_patients=n_patients)
        found.steps, found.seconds = crash.steps_of(delivery, folder / f"out-{name}", found.log)
        run_id, rows = crash.whole(folder / f"out-{name}")
        found.results[run_id] = rows
        setattr(found, name, SimpleNamespace(delivery=delivery, run_id=run_id, out=folder / f"out-{name}"))
    assert found.a.run_id != found.b.run_id
    return found


@pytest.fixture
def out(scene, tmp_path):
    """A folder in which the first delivery was published."""
    return Path(shutil.copytree(scene.a.out, tmp_path / "out", symlinks=True))


def stands(scene, out):
    """What is published is exactly one of the two; gives which."""
    run_id, rows = crash.whole(out)
    assert scene.results[run_id] == rows
    return run_id


def begins_anew(scene, out, name):
    """The next run needs no help, and nothing is left of the dead one."""
    asked = getattr(scene, name)
    code, told = crash.run(asked.delivery, out, scene.log)
    assert code == 0, told
    assert stands(scene, out) == asked.run_id
    crash.tidy(out, KEEP)


# --- SIGKILL --------------------------------------------------------------------------------------------------------


def moments(scene, n_random, n_fresh, n_swap, n_publishing):
    """Random moments of a run; more of them where it publishes, and most where it swaps."""
    chance = random.Random(SEED)
    first = next(at for at, step in enumerate(scene.steps, 1) if "/release" in step)
    swap = next(at for at, step in enumerate(scene.steps, 1) if releases.JOURNAL in step)
    n = len(scene.steps)
    return [
        *(("at a random moment", chance.uniform(0, scene.seconds)) for _ in range(n_random)),
        *(("at a random moment, as a program of its own", chance.uniform(0, 2 * scene.seconds)) for _ in range(n_fresh)),
        *(("at a step of publishing", chance.randrange(first, n + 1)) for _ in range(n_publishing)),
        *(("at a step of the swap", swap + number % (n + 1 - swap)) for number in range(n_swap)),
    ]


def killed(scene, delivery, out, kind, moment):
    if kind.endswith("of its own"):
        config = delivery / "audit.toml"
        program = [sys.executable, "-m", "flows", "run", "--direct", "--extracts", delivery, "--out", out]
        with scene.log.open("w") as log:
            process = subprocess.Popen([*program, "--config", config], cwd=ROOT, start_new_session=True, stdout=log, stderr=log)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            crash.kill(process.pid)
        process.wait()
    elif "step" in kind:
        code, told = crash.run(delivery, out, scene.log, kill_at=moment)
        assert code in (-signal.SIGKILL, 0), told
    else:
        crash.killed_after(delivery, out, scene.log, moment)


def is_killed(scene, out, kind, moment, last):
    """One kill of the run that would replace what is published; gives what is published now."""
    before = stands(scene, out)
    name = "b" if before == scene.a.run_id else "a"
    reader = crash.Reader(out)
    killed(scene, getattr(scene, name).delivery, out, kind, moment)
    stands(scene, out)
    crash.ledger_reads(out)
    if last:
        begins_anew(scene, out, name)
    reader.is_undisturbed()


def test_a_kill_costs_nothing_that_was_published(scene, out):
    """The next run is the next to be killed; the last one is let live."""
    chosen = moments(scene, 0, 1, 2, 1)
    for number, (kind, moment) in enumerate(chosen, 1):
        with tally.counted(f"SIGKILL {kind}"):
            is_killed(scene, out, kind, moment, last=number == len(chosen))


@pytest.mark.deep
def test_a_hundred_kills_cost_nothing_that_was_published(scene, out):
    for kind, moment in moments(scene, 40, 10, 30, 20):
        with tally.counted(f"SIGKILL {kind}"):
            is_killed(scene, out, kind, moment, last=True)


# --- SIGKILL at every single step of the swap, with a release of one file ---------------------------------------------


def a_release(folder, text):
    folder.mkdir()
    (folder / "manifest.json").write_text(text)
    return folder


def dies_at(step, out, deed):
    """A child that does the deed and is killed before the step'th operation below `out`; whether it came so far."""
    child = os.fork()
    if not child:
        sys.addaudithook(crash._counting(["--out", str(out)], step, None))
        deed()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def shown(out):
    return (out / "manifest.json").read_text() if (out / "manifest.json").exists() else None


def settled(out, keep=KEEP):
    with locked(out):
        releases.settle(out)
        releases.prune(out, keep)


def lines(out):
    return [entry["run_id"] for entry in ledger.read(out) if entry["event"] != "incident"]


FIRST_OR_LATER = pytest.mark.parametrize("first", [True, False], ids=["first run", "later run"])


def _killed_twice(tmp_path, first, apart):
    """Killed at every step of the swap, and of the tidying after it at every `apart`-th, a step on from one swap to the next."""
    step, again = 1, True
    while again:
        for second in range(1 + step % apart, 40, apart):
            out = tmp_path / f"out-{step}-{second}"
            out.mkdir()
            (out / "releases").mkdir()
            if not first:
                releases.swap(out, a_release(out / ".work-1", "1"), "1", {"event": "published", "run_id": "1"})
            work = a_release(out / ".work-2", "2")
            with tally.counted("SIGKILL at a step of the swap, then of the tidying"):
                again = dies_at(step, out, lambda out=out, work=work: releases.swap(out, work, "2", {"event": "published", "run_id": "2"}))
                now = shown(out)
                assert now in ("2", None if first else "1")
                more = dies_at(second, out, lambda out=out: settled(out))
                assert shown(out) == now
                settled(out)
                assert shown(out) == now
                assert lines(out) == [number for number in ("1", "2") if (number == now or (number == "1" and not first))]
                crash.tidy(out, KEEP) if now else None
                assert {path.name for path in (out / "releases").iterdir()} == set(lines(out))
            shutil.rmtree(out)
            if not more:
                break
        step += 1
    assert step > 10


@FIRST_OR_LATER
def test_a_kill_at_any_step_of_the_swap_leaves_the_old_or_the_new(tmp_path, first):
    """And a second kill at a step of the tidying leaves as much; the ledger has one line a release."""
    _killed_twice(tmp_path, first, apart=5)


@pytest.mark.deep
@FIRST_OR_LATER
def test_a_second_kill_at_any_step_of_the_tidying_leaves_as_much(tmp_path, first):
    _killed_twice(tmp_path, first, apart=1)


def test_a_kill_at_any_step_of_the_pruning_leaves_whole_releases_alone(tmp_path):
    step, again = 1, True
    while again:
        out = tmp_path / f"out-{step}"
        out.mkdir()
        for number in "1234":
            releases.swap(out, a_release(out / f".work-{number}", number), number, {"event": "published", "run_id": number})
        with tally.counted("SIGKILL at every step of the pruning"):
            again = dies_at(step, out, lambda out=out: releases.prune(out, 2))
            assert {(path / "manifest.json").read_text() for path in (out / "releases").iterdir()} == {path.name for path in (out / "releases").iterdir()}
            settled(out, keep=2)
            crash.tidy(out, 2)
            assert shown(out) == "4"
        step += 1
    assert step > 4


def test_what_spilled_elsewhere_goes_with_the_run_that_spilled_it(tmp_path):
    work, elsewhere = tmp_path / "out" / ".work-1", tmp_path / "elsewhere"
    work.mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "not ours").touch()
    (releases.spill(work, elsewhere) / "duckdb_temp_storage").touch()
    releases.settle(tmp_path / "out")
    assert [path.name for path in elsewhere.iterdir()] == ["not ours"]
    assert not work.exists()


def test_a_link_that_was_taken_away_comes_back(scene, out):
    (out / "audit.duckdb").unlink()
    begins_anew(scene, out, "a")


# --- The ledger -------------------------------------------------------------------------------------------------------


def _appends_for_ever(out):
    number = 0
    while True:
        number += 1
        ledger.append(out, {"event": "published", "run_id": str(number), "long": "x" * 20_000})


def _ledger_survives(out, n_kills, seed=SEED):
    chance = random.Random(seed)
    for _ in range(n_kills):
        with tally.counted("SIGKILL while the ledger is written"):
            before, n_torn = ledger.read(out), ledger.count_torn(out)
            child = os.fork()
            if not child:
                _appends_for_ever(out)
            time.sleep(chance.uniform(0, 0.05))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            assert ledger.read(out)[: len(before)] == before
            crash.ledger_reads(out, n_torn + 1)  # a kill costs its own line at most, and those before stay torn
            ledger.append(out, {"event": "published", "run_id": "after"})
            assert ledger.read(out)[-1]["run_id"] == "after"


def test_the_ledger_survives_kills(tmp_path):
    _ledger_survives(tmp_path, 20)


@pytest.mark.deep
def test_the_ledger_survives_many_kills(tmp_path):
    for number in range(15):  # ledgers of their own, for each grows by thousands of lines
        (tmp_path / str(number)).mkdir()
        _ledger_survives(tmp_path / str(number), 20, SEED + number)


def test_a_line_torn_anywhere_costs_itself_alone(tmp_path):
    ledger.append(tmp_path, {"event": "published", "run_id": "first"})
    one = (tmp_path / ledger.NAME).read_bytes()
    for cut in range(len(one)):
        with tally.counted("ledger line torn at a byte"):
            (tmp_path / ledger.NAME).write_bytes(one + one[:cut])
            ledger.append(tmp_path, {"event": "published", "run_id": "last"})
            whole = ["first"] * (1 + (cut == len(one) - 1))  # it lacks the line's end alone
            assert lines(tmp_path) == [*whole, "last"]


# --- The disk is full -------------------------------------------------------------------------------------------------


def fails_and_begins_anew(scene, out, **asked):
    """The second delivery's run fails with an instruction; afterwards the first result stands and the next run succeeds."""
    reader, before = crash.Reader(out), state(out, without={ledger.NAME})
    code, told = crash.run(scene.b.delivery, out, scene.log, **asked)
    assert code == 9, told
    assert re.search(r"imaging-audit: the disk refused", told), told
    assert "Traceback" not in told
    assert state(out, without={ledger.NAME}) == before
    reader.is_undisturbed()
    begins_anew(scene, out, "b")


def sizes(scene, n):
    """Limits below the largest file that a run writes, evenly spread on a scale of ratios."""
    largest = max(path.stat().st_size for path in scene.b.out.rglob("*") if path.is_file())
    return [int(4096 * (0.9 * largest / 4096) ** (number / max(1, n - 1))) for number in range(n)]


def _is_full(scene, out, n):
    for number, size in enumerate(sizes(scene, n)):
        folder = out.with_name(f"out-{number}")
        shutil.copytree(out, folder, symlinks=True)
        with tally.counted("no file may grow further (RLIMIT_FSIZE)"):
            fails_and_begins_anew(scene, folder, largest=size)
        shutil.rmtree(folder)


def test_a_full_disk_leaves_the_last_result(scene, out):
    _is_full(scene, out, 2)


@pytest.mark.deep
def test_a_disk_that_fills_at_any_size_leaves_the_last_result(scene, out):
    _is_full(scene, out, 12)


@contextmanager
def small_disk(folder, size):
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def _may_mount(folder):
    if os.geteuid():
        return False
    try:
        with small_disk(folder / "try", 1 << 20):
            return True
    except subprocess.CalledProcessError:
        return False


@pytest.mark.deep
def test_a_small_disk_that_fills_leaves_the_last_result(scene, out, tmp_path):
    """A disk of its own, which only root can make; the limit on every file's size covers the same elsewhere."""
    if not _may_mount(tmp_path):
        tally.NOTES.append("NOT INJECTED: a disk that is full (tmpfs): only root may mount one; RLIMIT_FSIZE stood in")
        return
    used = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    for number, share in enumerate((0.05, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4)):
        with (
            tally.counted("the disk is full (tmpfs)"),
            small_disk(tmp_path / f"disk-{number}", int(used * (1 + share)) + (1 << 20)) as disk,
        ):
            here = Path(shutil.copytree(out, disk / "out", symlinks=True))
            reader = crash.Reader(here)
            code, told = crash.run(scene.b.delivery, here, scene.log)
            assert code in (0, 9), told
            assert code == 0 or "the disk refused" in told
            assert stands(scene, here) == (scene.a if code else scene.b).run_id
            crash.ledger_reads(here)
            reader.is_undisturbed()
            subprocess.run(["mount", "-o", "remount,size=1g", disk], check=True)
            begins_anew(scene, here, "b")


# --- No right to write ------------------------------------------------------------------------------------------------


@contextmanager
def forbidden(path):
    before = path.stat().st_mode
    path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        yield
    finally:
        path.chmod(before)


def test_a_folder_or_file_that_may_not_be_written_leaves_the_last_result(scene, out):
    # The ledger's line comes after the swap, and the journal keeps it for the next run.
    for what, stays in ((".", "a"), (NAME, "a"), ("releases", "a"), (ledger.NAME, "b")):
        with tally.counted(f"no right to write {'the out folder' if what == '.' else what}"), forbidden(out / what):
            code, told = crash.run(scene.b.delivery, out, scene.log, bound=True)
            assert code == 9, told
            assert "Permission denied" in told
            assert "Traceback" not in told
            assert stands(scene, out) == getattr(scene, stays).run_id
    begins_anew(scene, out, "b")


def test_rights_that_go_while_it_runs_leave_the_last_result(scene, out):
    """The folder is closed as soon as the run has its place in it, so that publishing fails."""
    with tally.counted("no right to write, from the middle of a run on"):
        process = crash.begun(scene.b.delivery, out, scene.log, bound=True)
        until(lambda: list(out.glob(f"{releases.WORK}*")))
        with forbidden(out), forbidden(out / "releases"):
            code, told = crash.ended(process, scene.log)
            assert code == 9, told
            assert stands(scene, out) == scene.a.run_id
        begins_anew(scene, out, "b")


def until(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


# --- The delivery changes under our hands -----------------------------------------------------------------------------


def truncate(folder):
    path = folder / "orders.csv"
    os.truncate(path, path.stat().st_size // 2)


def replace(folder):
    path = folder / "diagnoses.csv"
    lines = path.read_text().splitlines(keepends=True)
    (folder / "new").write_text("".join(lines[:-2]))
    (folder / "new").rename(path)


def add(folder):
    shutil.copy(folder / "findings.csv", folder / "spare.csv")


def no_longer_made_up(folder):
    (folder / "SYNTHETIC.txt").unlink()


def append(folder):
    with (folder / "patients.csv").open("a") as text:
        text.write("q1,1960,female\n")


DEEDS = (shutil.rmtree, truncate, replace, add, append, no_longer_made_up)
# Between hashing and the gate, between the gate and storing, and after storing.
MOMENTS = ("open_parts", "fill_raw", "delivery_info")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_delivery_that_changes_while_it_is_read_is_refused(scene, out, tmp_path, monkeypatch, deed, moment):
    delivery = Path(shutil.copytree(scene.b.delivery, tmp_path / "b"))
    before, then = state(out, without={ledger.NAME}), getattr(ingest, moment)

    def meanwhile(*given):
        deed(delivery)
        return then(*given)

    with tally.counted("delivery removed, cut, replaced or added to while it is read"):
        monkeypatch.setattr(ingest, moment, meanwhile)
        with pytest.raises(DeliveryError) as error:
            audit(delivery, out)
        assert error.value.exit_code == 4
        assert re.search(r"changed while it was being read|there is no such delivery", str(error.value))
        assert state(out, without={ledger.NAME}) == before
        assert [entry["event"] for entry in ledger.read(out) if entry["event"] != "incident"] == ["published", "failed"]


def test_a_delivery_that_goes_after_it_was_read_is_audited_as_it_was(scene, out, tmp_path, monkeypatch):
    from flows import models

    delivery = Path(shutil.copytree(scene.b.delivery, tmp_path / "b"))
    build = models.build

    def meanwhile(*given, **named):
        shutil.rmtree(delivery, ignore_errors=True)
        return build(*given, **named)

    monkeypatch.setattr(models, "build", meanwhile)
    with tally.counted("delivery removed after it was read"):
        audit(delivery, out)
        assert stands(scene, out) == scene.b.run_id
        assert json.loads((out / "manifest.json").read_text())["source"] == "demo (synthetic)"


def test_rules_that_change_while_they_judge_are_refused(scene, out, tmp_path, monkeypatch):
    from flows import models

    rules = tmp_path / "rules"
    rules.mkdir()
    parameter = rules / "parameter.csv"
    parameter.write_text("name,value\nwindow_days,84\n")
    build = models.build

    def meanwhile(*given, **named):
        parameter.write_text("name,value\nwindow_days,85\n")
        return build(*given, **named)

    before = state(out, without={ledger.NAME})
    monkeypatch.setattr(models, "build", meanwhile)
    with tally.counted("rules changed while they judge"):
        with pytest.raises(RulesError, match=r"changed while the audit ran.*site/parameter\.csv") as error:
            audit(scene.b.delivery, out, site_rules=rules)
        assert error.value.exit_code == 7
        assert state(out, without={ledger.NAME}) == before


# --- Two at once ------------------------------------------------------------------------------------------------------


def test_a_second_run_is_told_who_is_running_and_since_when(scene, out, command):
    with tally.counted("two runs at once"):
        first = crash.begun(scene.b.delivery, out, scene.log)
        until(lambda: list(out.glob(f"{releases.WORK}*")))
        code, _, told = command("run", "--direct", "--config", scene.a.delivery / "audit.toml", "--extracts", scene.a.delivery, "--out", out)
        assert code == 10
        assert re.search(rf"process {first.pid} on \S+ since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", told), told
        assert crash.ended(first, scene.log)[0] == 0
        assert stands(scene, out) == scene.b.run_id
        crash.tidy(out, KEEP)


def test_a_scheduler_that_fires_twice_gets_one_result(scene, out, tmp_path):
    with tally.counted("the scheduler fires twice"):
        logs = [tmp_path / "log-1", tmp_path / "log-2"]
        runs = [crash.begun(scene.b.delivery, out, log) for log in logs]
        codes = sorted(crash.ended(each, log)[0] for each, log in zip(runs, logs, strict=True))
        assert codes in ([0, 10], [0, 0])  # on a slow machine the second may come when the first is done
        assert stands(scene, out) == scene.b.run_id
        crash.tidy(out, KEEP)
        assert lines(out) == [scene.a.run_id, scene.b.run_id]


def test_a_killed_holder_blocks_nobody_and_leaves_its_name_to_nobody(scene, out):
    with tally.counted("the lock's holder is killed"):
        process = crash.begun(scene.b.delivery, out, scene.log)
        until(lambda: list(out.glob(f"{releases.WORK}*")))
        with pytest.raises(LockedError, match=f"process {process.pid} on "), locked(out):
            pass
        crash.kill(process.pid)
        process.join()
        with locked(out):
            assert json.loads((out / NAME).read_text())["pid"] == os.getpid()


def test_the_lock_holds_where_its_holder_cannot_be_named(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flows.lock._sign", full)
    with locked(tmp_path), pytest.raises(LockedError, match="has just begun"), locked(tmp_path):
        pass
