"""The folder of results: a release comes in whole, one rename of a link shows it, and a killed run leaves nothing half.

Before anything changes, a journal says which release is coming and what its line of the ledger will be. Whoever holds
the lock next finishes what was shown and clears away what was not (`settle`), so that a kill between any two steps
costs nothing: not a line of the ledger, not a folder that nobody knows.
"""

import json
import os
import secrets
import shutil

from flows import formats, ledger

# What stands in the out folder, each a link through `current`.
SHOWN = ("audit.duckdb", "report.html", "exports", "protected", "manifest.json")
JOURNAL = ".publishing"
WORK = ".work-"


def swap(out, release, run_id, entry):
    """Show a release that was built aside, and remember it."""
    home = _bring_in(out, release, run_id, entry, is_shown=True)
    show(out)
    _point(out / "current", f"releases/{home.name}")
    finish(out)


def file(out, release, run_id, entry):
    """Keep a release that was built aside, and remember it; what is shown stays."""
    _bring_in(out, release, run_id, entry, is_shown=False)
    finish(out)


def _bring_in(out, release, run_id, entry, is_shown):
    home = _free_name(out / "releases", run_id)
    home.parent.mkdir(exist_ok=True)
    flush(release)
    _announce(out, home.name, is_shown, ledger.line({**entry, "is_shown": is_shown, "release": home.name}))
    os.rename(release, home)
    _sync(home.parent)
    return home


def show(out):
    """The links through `current`; on a first run they lead nowhere until it is there, so that all appear at once."""
    for name in SHOWN:
        _point(out / name, f"current/{name}")


def finish(out):
    """End what the journal began: a release that is where it belongs gets its line of the ledger, one that is not goes."""
    journal = out / JOURNAL
    if not journal.exists():
        return
    begun = json.loads(journal.read_text(encoding="utf-8"))
    home = out / "releases" / begun["release"]
    if _current(out) == home.name if begun.get("is_shown", True) else home.exists():
        _sync(out)
        ledger.add_once(out, begun["line"])
    elif home.exists():
        remove(out, home)
    journal.unlink()


def settle(out):
    """What killed runs left behind. We hold the lock, so nobody is working there."""
    for name in ("current", JOURNAL, *SHOWN):
        _aside(out / name).unlink(missing_ok=True)
    finish(out)
    for left in out.glob(f"{WORK}*"):
        _clear(left)


def prune(out, keep):
    """What is shown, what was published last and the latest others stay; whoever reads one that goes keeps what is open."""
    needed = {path.resolve() for path in (out / "current", latest(out)) if path.exists()}
    others = [path for path in (out / "releases").iterdir() if path.resolve() not in needed]
    others.sort(key=lambda path: path.stat().st_mtime)
    for path in others[: max(0, len(others) - (keep - len(needed)))]:
        remove(out, path)


def latest(out):
    """The release that was published last, shown or filed: the one that the next is compared with."""
    for entry in reversed(ledger.of(out, "published")):
        release = out / "releases" / str(entry.get("release", entry["run_id"]))
        if release.is_dir():
            return release
    return out / "current"


def last_that_left(out, first=None):
    """The newest kept release whose figures others know: what is published next must not be subtracted from it.

    One under the profile none never left: it tells nobody anything. first: a release that goes before newer ones.
    """
    left = [
        (folder.resolve() == first, str(manifest.get("published_at")), folder.stat().st_mtime_ns, folder)
        for folder, manifest in formats.manifests(out).items()
        if manifest.get("suppression") != "none"
    ]
    return max(left)[-1] if left else None


def remove(out, release):
    """Out of the list in one step, so that no kill leaves half a release among the whole ones."""
    aside = out / f"{WORK}gone-{release.name}"
    os.rename(release, aside)
    _clear(aside)


def spill(work, elsewhere):
    """Where DuckDB puts what memory cannot hold. A folder elsewhere is noted as a link, so that it can be found again."""
    if elsewhere is None:
        return work / "spill"
    folder = elsewhere.resolve() / f"imaging-audit-{secrets.token_hex(6)}"
    (work / "spill").symlink_to(folder)
    folder.mkdir(parents=True)
    return folder


def clear(work):
    """The folder of a run that ends; what cannot be removed now, the next run removes."""
    _clear(work, ignore_errors=True)


def _clear(work, ignore_errors=False):
    elsewhere = (work / "spill").resolve()
    if (work / "spill").is_symlink() and elsewhere.exists():
        shutil.rmtree(elsewhere, ignore_errors=ignore_errors)
    shutil.rmtree(work, ignore_errors=ignore_errors)


def _current(out):
    try:
        return os.path.basename(os.readlink(out / "current"))
    except OSError:
        return None


def _free_name(releases, run_id):
    """An older result of the same audit may still have readers, or have been tampered with; it is not written over."""
    names = [run_id, *(f"{run_id}-{number}" for number in range(2, 1000))]
    return next(releases / name for name in names if not (releases / name).exists())


def _announce(out, release, is_shown, line):
    aside = _aside(out / JOURNAL)
    aside.write_text(json.dumps({"release": release, "is_shown": is_shown, "line": line}), encoding="utf-8")
    _sync(aside)
    os.replace(aside, out / JOURNAL)
    _sync(out)


def _point(link, target):
    """Replace a link in one step; a link that is right already is left alone."""
    if link.is_symlink() and os.readlink(link) == target:
        return
    aside = _aside(link)
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    os.replace(aside, link)


def _aside(path):
    return path.with_name(f".{path.name.lstrip('.')}.new")


def flush(folder, below=True):
    """On disk before the swap: a power cut must not leave a link to half a result."""
    for path in [folder, *(folder.rglob("*") if below else ())]:
        _sync(path)


def _sync(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
