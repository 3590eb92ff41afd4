"""The folders: what must be read is readable, and in the out folder everything that publishing does is tried for real.

Network shares often make files and yet refuse links, locks or rights, and a run would find out only at its end. What is
tried stands in a folder .doctor-XXXX, which goes again.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

from flows import doors
from flows.apart import is_in, refuse_within
from flows.doctor.finding import error, not_applicable, ok, warning
from flows.errors import DeliveryError, PublishError
from flows.rights import owner_only

TRIAL = ".doctor-"
MOUNTS = Path("/proc/self/mountinfo")
NETWORK = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "ceph", "gluster", "fuse.gvfs")
# Folders that are copied to other people's computers; told by their name or by what their program leaves in them.
SYNCHRONISED = ("onedrive", "dropbox", "google drive", "googledrive", "icloud", "nextcloud", "owncloud", "seafile", "box sync", "syncthing")
MARKS = (".dropbox", ".dropbox.cache", ".stfolder", ".owncloudsync.log", ".sync_journal.db")


def inputs(scene):
    """extracts, drop and the site's rules are there and may be read."""
    settings = scene.settings
    may_come = bool(settings.drop)  # the folder of accepted deliveries is made by the first one
    asked = {"extracts": settings.extracts, "drop": settings.drop, "site_rules": settings.site_rules}
    wrong = [(name, path) for name, path in asked.items() if path and not _may_list(path) and not (name == "extracts" and may_come and not path.exists())]
    if wrong:
        name, path = wrong[0]
        is_there = path.exists()
        mend = f"chmod u+rx {path}, for the account that audits" if is_there else f"make the folder, or name another as {name}"
        return error(f"{name} {'cannot be read' if is_there else 'is not there'}: {path}", mend, DeliveryError)
    return ok(", ".join(f"{name}: {path}" for name, path in asked.items() if path))


def apart(scene):
    refuse_within(scene.settings)
    return ok("deliveries, rules and results stand apart")


def publishing(scene):
    """Everything that a run and its publishing do with files, done once in the place where they would."""
    out = scene.settings.out
    if out.exists() and not out.is_dir():
        return error(f"the out folder is a file: {out}", "name a folder with --out", PublishError)
    base = nearest_that_is(out)
    refused = tried(base)
    if refused:
        mend = "name an out folder on a local disk that this account may write to; network shares often refuse links, locks or rights"
        return error(f"in {base} it is not possible to {refused}", mend, PublishError)
    made = "can be" if base == out else "can be made and"
    return ok(f"{out} {made} written, renamed, linked and locked in")


def one_disk(scene):
    """A release comes in by a rename, which does not reach from one file system to another."""
    out = scene.settings.out
    home = out / "releases"
    if not home.exists():
        return not_applicable("nothing is published yet")
    if home.stat().st_dev != out.stat().st_dev:
        return error("releases lies on another file system than the out folder", "keep the out folder whole on one disk", PublishError)
    return ok("work and releases share a file system")


def share(scene):
    """Locks on a share hold between machines only where its server keeps them."""
    kind = _kind_of(nearest_that_is(scene.settings.out))
    if kind is None:
        return not_applicable("which file system it is cannot be told")
    if kind.startswith(NETWORK):
        return warning(f"the out folder lies on a network share ({kind})", "let one machine alone audit there, or use a local disk")
    return ok(f"a local file system ({kind})")


def rights(scene):
    """The results are patients' rows: their owner's alone. Files weigh more than a folder that shows only their names."""
    out = scene.settings.out
    if not out.is_dir():
        return ok("not there yet: a run makes it its owner's alone")
    files = [path for path in (out / "ledger.jsonl", out / "current" / "audit.duckdb") if path.exists()]
    if "others" in _open_to(files):
        return error(f"everybody on this machine may read results in {out}", f"chmod -R go= {out}", PublishError)
    if open_to := _open_to([out, *files]):
        return warning(f"{' and '.join(sorted(open_to))} may look into {out}", f"chmod -R go= {out}, unless a group is meant to read there")
    return ok("its owner's alone")


def synchronised(scene):
    """Only if it can be told."""
    places = [scene.settings.out.resolve(), *scene.settings.out.resolve().parents]
    named = [place for place in places if any(word in place.name.lower() for word in SYNCHRONISED)]
    marked = [place for place in places if any((place / mark).exists() for mark in MARKS)]
    if named or marked:
        return error(f"the out folder lies in a synchronised folder: {(named or marked)[0]}", "keep patients' rows on a disk of the protected zone", PublishError)
    return ok("no sign of a synchronised folder")


def spill(scene):
    folder = scene.settings.temp_directory
    if folder is None:
        return not_applicable("inside the out folder")
    if is_in(folder, scene.settings.extracts):
        return error("temp_directory lies inside the delivery", "name another; it holds patients' rows")
    base = nearest_that_is(folder)
    refused = tried(base)
    if refused:
        return error(f"temp_directory: in {base} it is not possible to {refused}", "name a folder on a local disk that this account may write to")
    if folder.is_dir() and _open_to([folder]):
        return warning(f"others may list {folder}, where patients' rows are spilled", f"chmod go= {folder}")
    return ok(str(folder))


def tried(folder):
    """What is not possible there, in words; None where all of it is. Nothing of it stays."""
    try:
        with owner_only():
            place = Path(tempfile.mkdtemp(prefix=TRIAL, dir=folder))
    except OSError as refused:
        return f"make a folder ({refused.strerror})"
    try:
        return next((f"{words} ({why})" for words, step in STEPS if (why := _why_not(step, place))), None)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _why_not(step, place):
    try:
        with owner_only():
            return step(place)
    except OSError as refused:
        return refused.strerror or type(refused).__name__


def _write(place):
    with (place / "file").open("wb") as file:
        file.write(b"tried")
        file.flush()
        os.fsync(file.fileno())
    (place / "file.new").write_bytes(b"again")
    os.replace(place / "file.new", place / "file")
    return None if (place / "file").read_bytes() == b"again" else "it reads otherwise"


def _keep_rights(place):
    return "others may read it" if stat.S_IMODE((place / "file").stat().st_mode) & 0o077 else None


def _rename(place):
    (place / "one").mkdir()
    os.rename(place / "one", place / "two")
    return None if (place / "two").is_dir() else "it is not there"


def _link(place):
    (place / "link").symlink_to("one")
    (place / "link.new").symlink_to("two")
    os.replace(place / "link.new", place / "link")
    return None if os.readlink(place / "link") == "two" else "it leads elsewhere"


def _lock(place):
    with (place / "lock").open("wb") as first, (place / "lock").open("rb") as second:
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
    return "two got it at once"


def _database(place):
    import duckdb

    try:
        with duckdb.connect(str(place / "tried.duckdb"), config=doors.FETCHES_NOTHING) as con:
            con.execute("create table tried as select 1 as n")
    except duckdb.Error as refused:
        return type(refused).__name__
    return None


STEPS = (
    ("write and replace a file", _write),
    ("keep a file to its owner", _keep_rights),
    ("rename a folder", _rename),
    ("replace a symbolic link", _link),
    ("lock a file", _lock),
    ("write a database", _database),
)


def _may_list(path):
    return path.is_dir() and os.access(path, os.R_OK | os.X_OK)


def nearest_that_is(path):
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())


def _open_to(paths):
    modes = [stat.S_IMODE(path.stat().st_mode) for path in paths]
    return {who for who, bits in (("others", 0o007), ("group", 0o070)) if any(mode & bits for mode in modes)}


def _kind_of(path):
    """The file system's name, by the device that the folder lies on."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines() if MOUNTS.exists() else []
    return next((line.split(" - ")[1].split()[0] for line in lines if line.split()[2] == wanted), None)
