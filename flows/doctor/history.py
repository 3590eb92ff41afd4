"""What earlier runs left in the out folder: their format, their clock, their lock."""

import fcntl
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from flows import formats, ledger, releases
from flows.doctor.finding import error, not_applicable, of_error, ok, warning
from flows.doctor.folders import TRIAL
from flows.errors import PublishError
from flows.lock import NAME

ASIDE = (f"{releases.WORK}*", releases.JOURNAL, f"{TRIAL}*", ".upgrade-*")
SLACK = timedelta(minutes=5)  # clocks of two machines that share a folder


def format_of_results(scene):
    out = scene.settings.out
    if not formats.manifests(out) and not ledger.read(out):
        return not_applicable("nothing is published yet")
    try:
        formats.refuse_others(out)
    except PublishError as raised:
        return of_error(raised)
    return ok(f"format {formats.FORMAT}, as this software reads it")


def clock(scene):
    """Releases are told apart by when they were published, so a clock that goes back would mix them up."""
    out, now = scene.settings.out, datetime.now(UTC)
    told = [manifest.get("published_at") for manifest in formats.manifests(out).values()] + [entry["recorded_at"] for entry in ledger.read(out)]
    last = max((moment for text in told if (moment := _moment(text))), default=None)
    if last and last > now + SLACK:
        return error(f"the clock says {now:%Y-%m-%d %H:%M} UTC, before the last run of {last:%Y-%m-%d %H:%M}", "set it: timedatectl set-ntp true", PublishError)
    return ok(f"{now:%Y-%m-%d %H:%M} UTC" + (", after the last run" if last else ""))


def lock(scene):
    held, who = _holder(scene.settings.out)
    return warning(f"an audit is running: {who}", "wait for it; a second one would stop with exit code 10") if held else ok("nobody audits there now")


def leftovers(scene):
    out = scene.settings.out
    found = sorted(path.name for pattern in ASIDE for path in out.glob(pattern))
    if not found:
        return ok("none")
    if _holder(out)[0]:
        return ok("those of the audit that is running")
    if any(name.startswith(TRIAL) for name in found):
        return warning(f"left by a doctor that was killed: {', '.join(found)}", f"rm -r {out}/{TRIAL}*")
    mend = f"imaging-audit upgrade --out {out}" if any(name.startswith(".upgrade-") for name in found) else "nothing to do: the next run clears it away"
    return warning(f"left by a run that was killed: {', '.join(found)}", mend)


def _holder(out):
    """Whether somebody holds the lock, and who. An empty file is nobody's and is not even asked, so that no run is disturbed."""
    path = out / NAME
    text = path.read_text(errors="replace") if path.exists() else ""
    if not text.strip("\0 "):
        return False, None
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False, None
        except BlockingIOError:
            who = "unknown"
            with suppress(ValueError, KeyError):
                holder = json.loads(text)
                who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
            return True, who


def _moment(text):
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
