"""What this machine can spare: the defaults of memory_limit and threads, so that an audit is neither killed nor starved."""

import os
from contextlib import suppress
from pathlib import Path

from flows import doors

SHARE = 0.6  # the rest is for Python, the checks, the disk's cache and whoever else works here
LEAST = 512 << 20
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
MEMORY = Path("/proc/meminfo")


def memory_limit():
    """In DuckDB's words."""
    spare = min([_available(), *_limits()])
    return f"{max(LEAST, int(spare * SHARE)) >> 20}MiB"


def threads():
    """The cores that this process may use, which are fewer than the machine's where a scheduler said so."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def config(settings=None):
    """For every database that we open to work in: what the settings say, else what can be spared now; nothing is fetched."""
    memory, cores = (settings.memory_limit, settings.threads) if settings else (None, None)
    return {"memory_limit": memory or memory_limit(), "threads": cores or threads(), **doors.FETCHES_NOTHING}


def _available():
    text = MEMORY.read_text() if MEMORY.exists() else ""
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _limits():
    """Of the container or service that we run in, and of those around it; both generations of cgroups."""
    lines = OWN_CGROUPS.read_text().splitlines() if OWN_CGROUPS.exists() else []
    for _, kinds, path in (line.split(":", 2) for line in lines):
        if not kinds:
            yield from _read(CGROUPS, path, "memory.max")
        elif kinds == "memory":
            yield from _read(CGROUPS / "memory", path, "memory.limit_in_bytes")


def _read(top, path, name):
    folder = top / path.strip("/")
    while True:
        with suppress(OSError, ValueError):  # not to be seen from inside a container, or "max"
            yield int((folder / name).read_text())
        if folder in (top, folder.parent):
            return
        folder = folder.parent
