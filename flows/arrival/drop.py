"""The drop folder: each of its subfolders is a delivery on its way, and none is read before it is complete.

It is complete once it holds SHA256SUMS, as sha256sum writes it, with every file that it names and no data file that it does
not name; or else an empty file DONE. Nothing here is ever changed.
"""

import errno
import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from flows import ledger
from flows.delivery import series
from flows.errors import DeliveryError, SettingsError
from flows.workspace import DELIVERED, digest, sha256

SUMS, DONE = "SHA256SUMS", "DONE"
LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")
LONGEST = 1 << 20  # bytes of SHA256SUMS that are worth reading
SEEN = ("accepted", "repeated", "refused")
ANEW = f"write it anew, every data file named and itself not: sha256sum orders.csv diagnoses.csv … > {SUMS}.part && mv {SUMS}.part {SUMS}"
NAMED = 3  # files that a sentence names


@dataclass(frozen=True)
class Arrived:
    """One subfolder of the drop folder."""

    folder: Path

    @property
    def name(self):
        """As it may be repeated: a name out of shape may be a value."""
        return self.folder.name if series.covered(self.folder.name) else f"unnamed-{digest(self.folder.name)[:8]}"

    @property
    def place(self):
        """Where a folder is whose name may not be repeated."""
        names = sorted(path.name for path in folders(self.folder.parent))
        changed = datetime.fromtimestamp(self.folder.lstat().st_mtime, UTC)
        n_bytes = sum(facts.st_size for facts in self.files.values())
        return f"folder {names.index(self.folder.name) + 1} of {len(names)} in the drop folder by name, last changed {changed:%Y-%m-%d %H:%M} UTC, {len(self.files)} file(s), {n_bytes:,} bytes"

    @cached_property
    def _found(self):
        """What lies below that is no folder, links not followed; and what kept us from seeing all of it."""
        found, kept_from = {}, []
        try:
            for place, folders, names in os.walk(self.folder, onerror=kept_from.append):
                links = [name for name in folders if Path(place, name).is_symlink()]
                for path in (Path(place, name) for name in [*names, *links]):
                    try:
                        found[path.relative_to(self.folder).as_posix()] = path.lstat()
                    except OSError as error:
                        kept_from.append(error)
        except RecursionError:  # folders hundreds deep within each other
            kept_from.append(OSError(errno.ELOOP, os.strerror(errno.ELOOP)))
        return found, kept_from

    @property
    def files(self):
        """{path: facts} of everything but what exports leave aside."""
        found = sorted(self._found[0].items())
        return {path: facts for path, facts in found if not any(map(_is_aside, path.split("/")))}

    @property
    def delivered(self):
        """What would be read, and is taken over."""
        return [path for path in self.files if path.endswith(DELIVERED)]

    @property
    def seen(self):
        """Tells a delivery that was looked at from one that changed since, without reading it."""
        facts = {path: [each.st_size, each.st_mtime_ns, each.st_mode] for path, each in self.files.items()}
        unseen = [error.errno for error in self._found[1]]
        return digest([self.folder.name, self.folder.is_symlink(), facts, unseen])[:16]

    @cached_property
    def sums(self):
        """{path: hash} as SHA256SUMS states them; None without one."""
        if SUMS not in self.files:
            return None
        with (self.folder / SUMS).open("rb") as content:
            text = content.read(LONGEST).decode("utf-8-sig", errors="replace")
        whole = text[: text.rfind("\n") + 1]
        found = [LINE.fullmatch(line) for line in whole.splitlines()]
        if None in found:
            raise DeliveryError(f"{SUMS} cannot be read", next_step=ANEW)
        return {line[2].removeprefix("./"): line[1].lower() for line in found}

    @property
    def is_or_holds_no_file(self):
        return self.folder.is_symlink() or not all(stat.S_ISREG(facts.st_mode) for facts in self.files.values())

    def lacks(self):
        """Why it is not complete, in words that name no file but an extract's; None where it is."""
        if self.is_or_holds_no_file:
            return None  # nothing of it may be opened, its markers neither: a pipe would be read for ever
        for error in self._found[1]:
            raise error
        if self.sums is not None:
            absent, unnamed = ([path for path in these if path not in those] for these, those in ((self.sums, self.files), (self.delivered, self.sums)))
            if not self.sums:
                return f"{SUMS} is empty"
            if absent:
                return f"{len(absent)} file(s) named in {SUMS} are not there yet: {self.told(absent)}"
            return f"{len(unnamed)} data file(s) are not named in {SUMS}: {self.told(unnamed)}" if unnamed else None
        if DONE not in self.files:
            return f"neither {SUMS} nor {DONE} is there yet"
        return f"{DONE} is not an empty file" if self.files[DONE].st_size else None

    def told(self, paths):
        """Some files: an extract's by name, any other by its place, for nobody has looked at its name yet."""
        listed, there = list(self.sums), sorted(self.files)
        places = (f"that in line {listed.index(path) + 1}" if path in listed else f"that in place {there.index(path) + 1} by name" for path in paths)
        shown = [path if series.is_extract(path) else place for path, place in zip(paths, places, strict=True)][:NAMED]
        return ", ".join(shown) + (f" and {len(paths) - NAMED} more" if len(paths) > NAMED else "")

    def is_complete(self):
        """Or so wrong that it must be looked at."""
        try:
            return self.lacks() is None
        except FileNotFoundError:
            return False  # it is being moved
        except (DeliveryError, OSError):
            return True

    def refuse_unfit(self):
        """What will be refused whatever its files hold."""
        self._refuse_links()
        if series.covered(self.folder.name) is None:
            raise DeliveryError("its name does not say which day it covers to", next_step=f"name it like {series.LIKE}")

    def _refuse_links(self):
        if self.is_or_holds_no_file:
            raise DeliveryError("it is or holds a link, or what is no file", next_step="copy the files themselves into a folder of their own")

    def hashes(self):
        """{path: hash} of every file as it is now."""
        self._refuse_links()
        return {path: sha256(self.folder / path) for path in self.files}


def _is_aside(name):
    return name.startswith((".", "_"))


def arrived(drop):
    """The deliveries of the drop folder, in the order in which a series has them; those without a day come last."""
    found = [Arrived(path) for path in folders(drop)]
    dated = [each for each in found if series.covered(each.folder.name)]
    others = [each for each in found if each not in dated]
    return sorted(dated, key=lambda each: series.order(each.folder.name)) + sorted(others, key=lambda each: each.name)


def folders(drop):
    return [path for path in drop.iterdir() if path.is_dir() and not path.name.startswith(".")]


def looked_at(out):
    """What the ledger has of deliveries that need not be looked at again while they stay as they are."""
    return {entry["seen"] for entry in ledger.of(out, *SEEN) if entry.get("seen")}


def refuse_absent(drop):
    if not drop.is_dir():
        raise SettingsError("there is no such drop folder", where=drop, next_step="make it, or mend 'drop'")


def is_waiting(settings):
    """Whether a complete delivery lies there that was neither accepted nor refused: no file is read but the marker."""
    if settings.drop is None:
        return False
    refuse_absent(settings.drop)
    known = looked_at(settings.out)
    return any(each.seen not in known and each.is_complete() for each in arrived(settings.drop))
