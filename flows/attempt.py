"""One attempt at an audit, whoever began it: its log lines, its health, what is to be remembered and told of it.

What is done here around an audit never changes how the audit ends: a full log folder, a health file that cannot be
written or a mail server that is away is a warning at most.
"""

import time
from contextlib import contextmanager, suppress

from flows import health, incidents, ledger, logs, telling
from flows.apart import refuse_within
from flows.errors import AuditError, LockedError, unexpected
from flows.logs import log
from flows.rights import owner_only

UNDER_WAY = set()
SEE = "logs/audit.jsonl in the out folder has the line that says where"
# What may be said anywhere of a failure. The error's own words stay in the log: they name files, columns and counts.
FAILURES = {
    3: ("the settings cannot be used", "imaging-audit run by hand says which and how to mend it"),
    4: ("the delivery is missing, empty or cannot be read", f"have it delivered again; {SEE}"),
    5: ("the delivery is not de-identified as declared", f"have it de-identified and delivered again, and remove this one; {SEE}"),
    6: ("too many rows of an extract cannot be read", f"have the extract mended; {SEE}"),
    7: ("the rules contradict themselves, or changed while the audit ran", "imaging-audit check-rules lists what mends them"),
    8: ("a critical quality check does not hold", f"imaging-audit runs --quality says since when; {SEE}"),
    9: ("the disk, its rights or the memory did not suffice, or the results have another format", f"free space or rights, or upgrade, then run again; {SEE}"),
    11: ("something that the audit needs is not there", SEE),
}
DEFECT = ("an unexpected error", f"report it with its line; {SEE}")
SAYS = "An audit failed: {what} (exit code {exit_code}).{checks} {stands} To do: {next_step}."
STANDS, NOTHING = "What was published last stands.", "Nothing is published."
KILLED = "An audit that began at {since} did not end: it was killed, or the machine stopped. The next one cleared up after it."


@contextmanager
def attempted(settings):
    """To be held around one audit, or around all that one firing has to do. Inside another it adds nothing."""
    refuse_within(settings)  # before its log lines are written among a delivery
    out = settings.out.resolve()
    if out in UNDER_WAY:
        yield
        return
    UNDER_WAY.add(out)
    try:
        with owner_only():
            with suppress(OSError):  # the audit itself says what is wrong with the folder
                out.mkdir(parents=True, exist_ok=True)
            with logs.kept(out, settings.log_files):
                yield from _attempt(settings)
    finally:
        UNDER_WAY.discard(out)


def _attempt(settings):
    out, state, killed, n_lines = settings.out, None, None, 0
    with _beside("the health file was not written"):
        state, killed = health.began(out)
        n_lines = len(ledger.read(out))
    logs.note("Begun", event="begun")
    started = time.monotonic()
    try:
        yield
    except LockedError as error:
        # The run that holds the lock tells of itself; this one was not needed.
        _log(error)
        with _beside("the health file was not given back"):
            health.refused(out, state)
        raise
    except BaseException as error:
        _log(error)
        _remember(settings, killed, _failure(error), n_lines, is_news=isinstance(error, Exception))
        raise
    with _beside("the end was not logged"):
        run_id = telling.shown(out)["run_id"]
        logs.note("Ended", event="ended", seconds=round(time.monotonic() - started, 1), run_id=run_id)
    _remember(settings, killed, None, n_lines)


def _remember(settings, killed, failure, n_lines, is_news=True):
    out = settings.out
    with _beside("what happened was not recorded"):
        if killed:
            incidents.record(out, "failed", f"killed/{killed}", KILLED.format(since=killed))
        if failure and is_news:
            _record(settings, failure, n_lines)
        telling.record_published(out)
    with _beside("the health file was not written"):
        success = None if failure else telling.shown(out)
        health.ended(out, success=success, failure=failure, untold=telling.count_untold(settings))
    if not is_news:
        return  # stopped by hand: whoever did so knows
    with _beside("nobody was told"):
        if telling.tell(settings):
            health.count_untold(out, telling.count_untold(settings))


def _record(settings, failure, n_lines):
    """The same failure of the same delivery is one incident, until something else was published."""
    entries = ledger.read(settings.out)
    failed = [entry for entry in entries[n_lines:] if entry["event"] == "failed"][-1:]
    published = [entry["run_id"] for entry in entries if entry["event"] == "published"][-1:]
    run_ids = [entry["run_id"] for entry in failed]
    key = "/".join([*(run_ids or [settings.extracts.name]), failure["kind"], str(failure["exit_code"]), *published])
    says = SAYS.format(checks=_checks(failed), stands=STANDS if published else NOTHING, **failure)
    incidents.record(settings.out, "failed", key, says, run_id=run_ids[0] if run_ids else None)


def _checks(failed):
    """Which checks closed the gate, by their names alone: how many rows each found may be a small count."""
    results = [result for entry in failed for result in entry.get("quality", [])]
    closed = [each for each in results if each["severity"] == "critical" and each["status"] in ("failed", "error")]
    names = ", ".join(f"{each['code']} on {each['table_name']}" for each in closed)
    return f" Checks: {names}." if names else ""


def _failure(error):
    exit_code = getattr(error, "exit_code", 1)
    what, next_step = FAILURES.get(exit_code, DEFECT)
    if not isinstance(error, Exception):
        what, next_step = "it was stopped", "run again"
    return {"kind": type(error).__name__, "exit_code": exit_code, "what": what, "next_step": next_step}


def _log(error):
    """What the command line prints of it, and no more; stderr gets it from there."""
    told = error if isinstance(error, AuditError) else unexpected(error)
    logs.note(str(told), "error", event="failed")


@contextmanager
def _beside(what):
    """Beside the audit: an error here is a warning of its kind, for its text may quote anything."""
    try:
        yield
    except Exception as error:
        log.warning("%s (%s)", what, type(error).__name__)
