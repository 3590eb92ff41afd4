"""Two sites that live the same year: one is fired from outside month by month, one is served by a single process.

What happens to them is the same: a month late, one repeated, one corrupt at first, one with a code that nobody knew, two
firings at once, a kill in the midst of an audit. What each leaves behind is judged by the same tests (test_year.py).
"""

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from types import SimpleNamespace

import crash
import receivers
import served
import year
from arrivals import config, mark

from flows import health, incidents, ledger

NAMES = [day.isoformat()[:7] for day in year.MONTHS]
DOUBLE, LATE, BEFORE_LATE, REPEATED, CORRUPT, NEW_CODE, KILLED = (NAMES[number] for number in (2, 3, 4, 5, 7, 9, 10))
BREAST = ("76641", "76642", "77065", "77066")
STEP = 60  # of a release being written: some of its files are there, and nothing is shown yet
DEPLOYMENT = "deployments/name/imaging-order-audit-due/audit"
SERVED = """
[schedule]
cron = "*/2 * * * *"
timezone = "Europe/Berlin"
look_every_seconds = 5
"""


def months():
    """{month: rows} as they are delivered."""
    return {day.isoformat()[:7]: catalogued_anew(rows) if day == year.MONTHS[9] else rows for day, rows in year.year().items()}


def catalogued_anew(rows):
    """The site writes a code of its own for what it did under these, and tells nobody."""
    orders = [row | {"code_system": "LOCAL", "code": "IMG9999"} if row["code"] in BREAST else row for row in rows["orders"]]
    return rows | {"orders": orders}


def name_in_series(name):
    """The corrupt month is delivered again, under another name."""
    return f"{name}_again" if name == CORRUPT else name


def site(folder, hook, more=""):
    settings = config(folder, proof=False, keep_releases=2 * len(NAMES))
    settings.write_text(f'{settings.read_text()}{more}[notify]\nurls = ["json://127.0.0.1:{hook.port}/"]\n')
    return SimpleNamespace(folder=folder, config=settings, drop=folder / "drop", out=folder / "out", months=months(), hook=hook)


def messages(one):
    return [f"{each['title']}\n{each['message']}" for each in one.hook.received]


def drop(one, name, as_name=None):
    folder = one.drop / (as_name or name)
    year.write(folder, one.months[name])
    mark(folder)
    return folder


def spoil(folder):
    """A line more than the sums were made of."""
    with (folder / "orders.csv").open("a") as orders:
        orders.write("o9999999999,p1,2025-05-02,CPT,77066\n")


def published(out):
    """[(month, run id, whether it is shown)]"""
    entries = [entry for entry in ledger.read(out) if entry["event"] == "published"]
    return [(entry["as_of"][:7], entry["run_id"], entry["is_shown"]) for entry in entries]


def begin(one, **asked):
    """A firing from outside."""
    arguments = ["catch-up", "--direct", "--config", str(one.config), "--out", str(one.out)]
    log = one.folder / f"log{time.monotonic_ns()}"
    process = crash.PREPARED.Process(target=crash.command, args=(arguments, str(log)), kwargs=asked)
    process.start()
    return process, log


def fire(one, **asked):
    return crash.ended(*begin(one, **asked))[0]


# Fired from outside


def by_firings(folder):
    """The site after its year, with the exit codes of each month's firings."""
    with receivers.webhook() as hook:
        one = site(folder, hook)
        one.codes = {name: _fired_month(one, name) for name in NAMES}
    return one


def _fired_month(one, name):
    if name == LATE:
        return [fire(one)]  # the schedule fires, and nothing is there
    folder = drop(one, name)
    if name == CORRUPT:
        spoil(folder)
        refused = fire(one)
        drop(one, name, name_in_series(name))
        return [refused, fire(one)]
    if name == DOUBLE:
        two = [begin(one), begin(one)]
        return sorted(crash.ended(*each)[0] for each in two)
    if name == KILLED:
        return [fire(one, kill_at=STEP), fire(one)]
    codes = [fire(one)]
    if name == BEFORE_LATE:
        drop(one, LATE)
        codes.append(fire(one))
    if name == REPEATED:
        drop(one, name, f"{name}_resent")
        codes.append(fire(one))
    return codes


# Served by one process


def by_itself(folder):
    """The site after its year, with Prefect's records of it. Nobody fires: deliveries come, and a schedule is there.

    After each month: `health`, what a monitor would complain of; `messages`, how many came.
    """
    with receivers.webhook() as hook, ExitStack() as stack:
        one = site(folder, hook, SERVED)
        one.health, one.counts, one.stack = {}, {}, stack
        _serve(one, "first")
        for name in NAMES:
            _served_month(one, name)
            one.health[name], one.counts[name] = health.complaint(health.read(one.out)), len(hook.received)
        served.wait_for(lambda: not one.api.runs("RUNNING", "PENDING"), process=one.service)
        one.runs = one.api.runs("COMPLETED", "FAILED", "CRASHED", "CANCELLED", "RUNNING")
        one.records = [one.api(f"{kind}/filter", {}) for kind in ("flow_runs", "task_runs", "artifacts", "logs")]
        one.code, _ = one.service.ends()
    return one


def _serve(one, log):
    env = served.bare_environment(IMAGING_AUDIT_PROOF="false")
    one.service, one.api = served.serve(one.folder, log, env)
    one.stack.callback(one.service.ends)


def _served_month(one, name):
    if name == LATE:
        _await_empty_firing(one)
        return
    folder = drop(one, name) if name != CORRUPT else _drop_spoilt(one, name)
    if name == CORRUPT:
        _wait(one, lambda: any(name in each for each in messages(one)))
        drop(one, name, name_in_series(name))
    if name == DOUBLE:
        _fire_beside(one)
    if name == KILLED:
        _kill_in_the_midst(one, name)
    _await_shown(one, name)
    if name == BEFORE_LATE:
        drop(one, LATE)
        _await_shown(one, name, n=2)
    if name == REPEATED:
        drop(one, name, f"{folder.name}_resent")
        _wait(one, lambda: any(entry["event"] == "repeated" for entry in ledger.read(one.out)))


def _drop_spoilt(one, name):
    """Its marker comes last, as an exporter should have it: the service looks every five seconds."""
    aside = one.folder / "aside"
    year.write(aside, one.months[name])
    mark(aside)
    spoil(aside)
    return aside.rename(one.drop / name)


def _wait(one, truth):
    return served.wait_for(truth, patience=600, process=one.service)


def _await_empty_firing(one):
    """The schedule fires, and nothing is there."""
    since = datetime.now(UTC).isoformat()

    def has_fired():
        return [run for run in one.api.runs("COMPLETED") if run["auto_scheduled"] and run["start_time"] > since]

    one.empty_firing = _wait(one, has_fired)[0]


def _fire_beside(one):
    """While the audit is under way: somebody by hand in a shell, somebody on Prefect's page."""
    _wait(one, lambda: one.api.runs("RUNNING") and list(one.out.glob(".work-*")))
    beside = begin(one)
    one.asked_beside = one.api.start(one.api(DEPLOYMENT))
    one.code_beside = crash.ended(*beside)[0]
    _wait(one, lambda: one.api.state(one.asked_beside)["type"] == "COMPLETED")


def _kill_in_the_midst(one, name):
    """And the service manager starts it again."""
    done = "Cancers, courses, exams and labels built"
    before = one.service.told.read_text().count(done)
    _wait(one, lambda: one.service.told.read_text().count(done) > before)
    served.cut_off(one.service)
    one.published_before_kill = [month for month, *_ in published(one.out)]
    _serve(one, "second")


def _await_shown(one, name, n=1):
    """Audited, published, told, and the health file says so."""

    def is_done():
        if [month for month, _, is_shown in published(one.out) if is_shown].count(name) < n:
            return False
        state = health.read(one.out)
        return state["status"] in ("ok", "waiting") and not incidents.untold(one.out)

    _wait(one, is_done)
