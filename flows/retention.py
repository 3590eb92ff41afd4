"""What is kept in a folder of results and how much room it takes; taking out a release that is not needed any more.

The ledger (a few kB a run) and accepted deliveries are never taken out: they are the history and the data.
"""

import json
import os
import shutil
from contextlib import suppress

import typer

from flows import formats, ledger, releases
from flows.answers.runs import table
from flows.errors import NotFoundError, safely
from flows.lock import locked
from flows.rights import owner_only

TITLES = ("Release", "Published (UTC)", "As of", "Format", "DuckDB", "Size", "")


def listing(out, as_json=False):
    if not out.is_dir():
        raise NotFoundError("there is no such folder of results", where=out, next_step="name it with --out")
    found = survey(out)
    return json.dumps(found, indent=2) if as_json else "\n".join(_lines(found))


def survey(out):
    """Each kept release, oldest first, and what the folder takes in all."""
    current, protected = (out / "current").resolve().name, releases.last_that_left(out)
    kept = []
    for folder, manifest in sorted(formats.manifests(out).items(), key=lambda each: str(each[1].get("published_at"))):
        facts = {name: manifest.get(name) for name in ("run_id", "published_at", "source", "as_of", "suppression")}
        is_needed = {"is_current": folder.name == current, "is_last_that_left": folder == protected}
        of_software = {"format": formats.of(manifest), "versions": manifest.get("versions", {})}
        kept.append({"release": folder.name, **facts, **of_software, "bytes": size(folder), **is_needed})
    in_releases = sum(each["bytes"] for each in kept)
    total = size(out)
    return {"releases": kept, "others_bytes": total - in_releases, "total_bytes": total, "free_bytes": shutil.disk_usage(out).free}


def size(folder):
    """Bytes of every file below, links not followed; what goes while it is counted counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def remove(out, word):
    """Take out the one kept release that the word begins; the ledger remembers it first, so that no kill hides it."""
    if not out.is_dir():
        raise NotFoundError("there is no such folder of results", where=out, next_step="name it with --out")
    with owner_only(), locked(out):
        with safely():
            releases.settle(out)
        folder = _named(out, word)
        with safely():
            manifest = formats.manifests(out).get(folder, {})
            _remember(out, {"event": "removed", "run_id": manifest.get("run_id"), "release": folder.name})
            releases.remove(out, folder)
    return folder.name


def _remember(out, entry):
    """Once, if a kill came between this line and the removal."""
    last = next((each for each in reversed(ledger.read(out)) if each.get("release") == entry["release"]), {})
    if last.get("event") != entry["event"]:
        ledger.append(out, entry)


def _named(out, word):
    folders = sorted(path for path in (out / "releases").glob("*") if path.is_dir())
    fitting = [path for path in folders if path.name == word] or [path for path in folders if path.name.startswith(word)]
    if not fitting:
        raise NotFoundError(
            "no kept release has that name", where=out / "releases", next_step=f"imaging-audit releases --out {out} lists them"
        )
    if len(fitting) > 1:
        raise typer.BadParameter(f"'{word}' begins {len(fitting)} names: {', '.join(path.name for path in fitting)}; write more of it")
    if fitting[0].name == (out / "current").resolve().name:
        raise typer.BadParameter("this is the current result, to which report.html and audit.duckdb lead: publish another first")
    if fitting[0] == releases.last_that_left(out):
        raise typer.BadParameter(
            "this is the last result that left the protected zone: disclosure control of the next one compares with it "
            "(the current one was published under suppression none)"
        )
    return fitting[0]


def _lines(found):
    yield table(TITLES, [_line(each) for each in found["releases"]]) if found["releases"] else "No release is kept."
    yield ""
    yield f"Releases {_mb(found['total_bytes'] - found['others_bytes'])}, else (ledger, logs, records of runs) {_mb(found['others_bytes'])}, free on this disk {_mb(found['free_bytes'])}"


def _line(each):
    when = str(each["published_at"] or "")[:16].replace("T", " ")
    kept = "current" if each["is_current"] else "last that left" if each["is_last_that_left"] else ""
    return (each["release"], when, each["as_of"] or "", str(each["format"]), each["versions"].get("duckdb", ""), _mb(each["bytes"]), kept)


def _mb(count):
    return f"{count / 1e6:,.1f} MB"
