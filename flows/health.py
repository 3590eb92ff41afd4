"""out/health.json: how the last attempt ended, for a monitor. Written aside and renamed, so that nobody reads half of it.

A monitor needs three things of it: `status`, `stale_after` (a file that is older says nothing any more) and
`last_failure.next_step`. It holds no value of the delivery and no address of a service.
"""

import json
import os
import shutil
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from flows.lock import alone
from flows.software import versions

NAME = "health.json"
LONGEST_RUN = timedelta(hours=24)  # an attempt that takes longer hangs
GRACE = timedelta(hours=24)  # a firing that left no trace for so long was missed
MISSED_LOOKS = 5
STARTED = datetime.now(UTC)
EMPTY = dict.fromkeys(
    ("status", "since", "written_at", "stale_after", "pid", "host", "last_success", "last_failure")
    + ("next_firing", "untold", "free_bytes", "versions")
)


def began(out):
    """Say that an attempt runs; gives what stood there before, and since when an attempt ran that was killed, or None."""
    with _writing(out):
        before = read(out)
        # Asked now: another that begins at the same moment is refused and gone before we end.
        killed = before["since"] if was_killed(before) else None
        _write(out, before or {}, status="running", since=_text(now()), stale_after=_text(now() + LONGEST_RUN))
    return before, killed


def refused(out, before):
    """Another run holds the lock: the file is its own again, unless it has written since."""
    with _writing(out):
        if _is_ours(read(out)):
            _replace(out, before) if before else (out / NAME).unlink(missing_ok=True)


def ended(out, *, success=None, failure=None, untold=None):
    """success: run_id and as_of of what is shown now; failure: kind, exit_code, what and next_step. One of the two."""
    with _writing(out):
        state = read(out) or {}
        status = "ok" if failure is None else "failed"
        what = {"last_success": {"at": _text(now()), **success}} if failure is None else {"last_failure": {"at": _text(now()), **failure}}
        firing = state.get("next_firing")
        stale_after = firing and _text(max(now(), datetime.fromisoformat(firing)) + GRACE)
        _write(out, state, status=status, since=_text(now()), stale_after=stale_after, untold=untold, **what)


def count_untold(out, untold):
    """After a message went out, or did not."""
    with _writing(out):
        if state := read(out):
            _write(out, state, untold=untold)


def waiting(out, next_firing, look_every_seconds=None):
    """A server stands by. next_firing: with its time zone; look_every_seconds: this is said again at least so often."""
    with _writing(out):
        state = read(out) or {}
        status = "failed" if _fails(state) else "waiting"
        since = state.get("since") if state.get("status") == status else _text(now())
        stale_after = next_firing + GRACE
        if look_every_seconds:
            stale_after = min(stale_after, now() + max(timedelta(minutes=5), timedelta(seconds=MISSED_LOOKS * look_every_seconds)))
        _write(out, state, status=status, since=since, stale_after=_text(stale_after), next_firing=_text(next_firing))


def read(out):
    """None where there is none, or none that can be read."""
    try:
        state = json.loads((out / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {**EMPTY, **state} if isinstance(state, dict) and "status" in state else None


def was_killed(before):
    """What stood there says that an attempt runs, and its process is gone."""
    if not before or before["status"] != "running" or before["host"] != socket.gethostname():
        return False
    if before["pid"] == os.getpid():  # in a container everybody is number 1
        return datetime.fromisoformat(before["since"]) < STARTED.replace(microsecond=0)
    return not _lives(before["pid"])


def complaint(state, max_age_hours=None):
    """Why a monitor should alarm, or None."""
    if state is None:
        return "no audit has ended in this folder, or its health file cannot be read"
    if _fails(state):
        return "the last audit failed: {what} (exit code {exit_code}), at {at}".format(**state["last_failure"])
    if state["stale_after"] and _text(now()) > state["stale_after"]:
        return f"{state['status']} since {state['since']}, and nothing was heard since {state['written_at']}"
    if max_age_hours is not None and _is_older(state["last_success"], max_age_hours):
        return f"the last success is older than {max_age_hours:g} hours" if state["last_success"] else "no audit has succeeded yet"
    return None


def line(state, wrong=None):
    """The state in one line, as monitors like it; wrong: why it should alarm, which then comes first."""
    if state is None:
        return f"unhealthy: {wrong}"
    last, firing = state["last_success"], state["next_firing"]
    parts = [
        f"unhealthy: {wrong}" if wrong else f"healthy: {state['status']} since {state['since']}",
        _success(last) if last else "no success yet",
        f"next firing {firing}" if firing else None,
        f"{state['untold']} incident(s) not told yet" if state["untold"] else None,
        f"{state['free_bytes'] / 1e9:.1f} GB free" if state["free_bytes"] is not None else None,
    ]
    return "; ".join(part for part in parts if part)


def _success(last):
    """A look at deliveries that were all refused succeeds, and publishes nothing."""
    result = f"run {last['run_id']} as of {last['as_of']}" if last["run_id"] else "nothing published yet"
    return f"last success {last['at']}, {result}"


def now():
    return datetime.now(UTC).replace(microsecond=0)


def _fails(state):
    """Failed, and no success since: neither a run that has begun nor a server that waits mends it."""
    success, failure = state.get("last_success"), state.get("last_failure")
    if state.get("status") in ("ok", "failed"):
        return state["status"] == "failed"
    return bool(failure) and (not success or failure["at"] > success["at"])


def _is_older(success, hours):
    return not success or now() - datetime.fromisoformat(success["at"]) > timedelta(hours=hours)


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, TypeError):
        pass
    return True


def _is_ours(state):
    return bool(state) and state["status"] == "running" and (state["pid"], state["host"]) == (os.getpid(), socket.gethostname())


def _writing(out):
    """Two that read and write at once would lose what one of them wrote."""
    return alone(out / "logs" / ".health", seconds=1)


def _write(out, state, **changes):
    stamp = {"written_at": _text(now()), "pid": os.getpid(), "host": socket.gethostname()}
    machine = {"free_bytes": shutil.disk_usage(out).free, "versions": versions()}
    _replace(out, {**EMPTY, **state, **stamp, **machine, **changes})


def _replace(out, state):
    aside = out / f".{NAME}.new"
    try:
        with open(aside, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(json.dumps(state, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, out / NAME)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise


def _text(moment):
    return moment.astimezone(UTC).isoformat(timespec="seconds")
