"""One run at a time in one out folder."""

import fcntl
import json
import os
import socket
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from flows.errors import LockedError, safely

NAME = ".lock"


@contextmanager
def locked(out):
    # The kernel drops the lock with its holder, so that a killed run blocks nobody; the file only says who holds it.
    with safely():
        lock = (out / NAME).open("a+b", buffering=0)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(lock, out) from None
        with suppress(OSError):  # a full disk: the lock holds without its holder's name
            _sign(lock)
        try:
            yield
        finally:
            lock.truncate(0)


def _sign(lock):
    lock.truncate(0)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    lock.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}).encode())


def _held(lock, out):
    lock.seek(0)
    try:
        holder = json.loads(lock.read())
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError):
        who = "a process that has just begun"
    return LockedError(f"another audit is running: {who}", where=out, next_step="wait for it, or name another --out")
