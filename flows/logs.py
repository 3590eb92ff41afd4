"""Talk goes to stderr and, as JSON lines, into the out folder: what is done and how long it took, never a value from the delivery.

Only what this program says itself gets there: no other library's logger is attached, and no traceback is written, for
both may quote what they met.
"""

import json
import logging
import os
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler

from flows.lock import alone

log = logging.getLogger("imaging_audit")
FOLDER = "logs"
NAME = "audit.jsonl"
LARGEST = 5_000_000
FACTS = ("event", "seconds", "run_id")


def talk_on_stderr():
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


def note(message, level="info", **facts):
    """A line for the file alone: the beginning and end of an attempt, and an error that stderr tells in its own place."""
    number = logging.getLevelNamesMapping()[level.upper()]
    for handler in log.handlers:
        if isinstance(handler, _Lines):
            handler.handle(log.makeRecord(log.name, number, __file__, 0, message, (), None, extra=facts))


@contextmanager
def kept(out, n_files):
    """What is said goes to out/logs as well. A disk that takes no line fails no audit."""
    handler, level = _handler(out / FOLDER, n_files), log.level
    if handler:
        log.addHandler(handler)
        log.setLevel(logging.INFO)
    try:
        yield
    finally:
        if handler:
            log.removeHandler(handler)
            log.setLevel(level)
            with suppress(OSError):
                handler.close()


def _handler(folder, n_files):
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = _Lines(folder / NAME, n_files)
        # Rotated at the beginning alone and by one process at a time: another that still writes goes on in the renamed file.
        with alone(folder / ".lock", seconds=1) as is_ours:
            if is_ours and handler.is_full():
                handler.doRollover()
    except OSError:
        return None
    return handler


class _Lines(RotatingFileHandler):
    def __init__(self, path, n_files):
        super().__init__(path, backupCount=n_files - 1, encoding="utf-8", delay=True)
        self.setFormatter(_Line())

    def _open(self):
        # One line is one write, so that two processes may append at once; its reader is the folder's owner.
        return open(self.baseFilename, "a", buffering=1 << 16, encoding="utf-8", opener=_owners)

    def is_full(self):
        return os.path.exists(self.baseFilename) and os.path.getsize(self.baseFilename) >= LARGEST

    def doRollover(self):
        if not self.backupCount:  # the library would go on in the same file
            os.unlink(self.baseFilename)
        super().doRollover()
        number = self.backupCount + 1
        while os.path.exists(beyond := f"{self.baseFilename}.{number}"):  # more were kept once
            os.unlink(beyond)
            number += 1

    def handleError(self, record):
        """A full disk: the line is lost, and stderr has it."""


def _owners(path, flags):
    return os.open(path, flags, 0o600)


class _Line(logging.Formatter):
    """One object a line, with the same keys in each."""

    def format(self, record):
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = {name: getattr(record, name, None) for name in FACTS}
        said = " ".join(record.getMessage().split())[:4000]
        return json.dumps({"time": when, "level": record.levelname.lower(), **facts, "pid": record.process, "message": said})
