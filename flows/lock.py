"""One run at a time in one out folder."""

import fcntl
import json
import os
import socket
from contextlib import contextmanager
from datetime import UTC, datetime

from flows.errors import LockedError

NAME = ".lock"


@contextmanager
def locked(out):
    # The kernel drops the lock with its holder, so that a killed run blocks nobody; the file only says who holds it.
    with (out / NAME).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(lock, out) from None
        _sign(lock)
        try:
            yield
        finally:
            lock.truncate(0)


def _sign(lock):
    lock.truncate(0)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since}, lock)
    lock.flush()


def _held(lock, out):
    lock.seek(0)
    try:
        holder = json.load(lock)
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError):
        who = "a process that has just begun"
    return LockedError(f"another audit is running: {who}", where=out, next_step="wait for it, or name another --out")
