"""A command as a fresh process: seconds, processor seconds, and the most memory that it and its children held at once."""

import os
import subprocess
import threading
import time
from pathlib import Path

EVERY = 0.02  # seconds between two looks at memory; the system's own maximum begins with that of the process that started it
PAGE = os.sysconf("SC_PAGE_SIZE")


def measured(command, log, **environment):
    """Runs the command; what it says goes to the file `log`. Raises where it fails."""
    with log.open("wb") as said:
        before = time.monotonic()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=os.environ | environment)
        peak = _Peak(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - before
        process.returncode = os.waitstatus_to_exitcode(status)
    held = peak.ended()
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}; what it said is in {log}")
    return {"seconds": round(seconds, 3), "processor_seconds": round(used.ru_utime + used.ru_stime, 3), "peak_bytes": held}


class _Peak:
    """Memory of a process and all that it started, looked at again and again."""

    def __init__(self, root):
        self.root, self.most, self.is_over = root, 0, threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        while not self.is_over.wait(EVERY):
            self.most = max(self.most, tree_memory(self.root))

    def ended(self):
        self.is_over.set()
        self.thread.join()
        return self.most


def tree_memory(root):
    """Resident bytes of a process and its descendants; one that has just ended holds none."""
    parents, held = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)], held[int(entry.name)] = int(fields[1]), int(fields[21]) * PAGE
    tree, waiting = set(), {root}
    while waiting:
        tree |= waiting
        waiting = {pid for pid, parent in parents.items() if parent in waiting} - tree
    return sum(held.get(pid, 0) for pid in tree)
