"""What an audit takes of the machine: defaults that it can spare, and deliveries that memory cannot hold."""

import os
import subprocess
import sys

import pytest
import tally
from bulk import write_bulk
from conftest import audit

from flows import ROOT, machine
from flows.demo import write_demo
from flows.errors import PublishError

GIB = 1 << 30


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A made-up machine: its free memory, and the groups that it runs us in with their limits."""

    def made(free, own="", limits=None):
        monkeypatch.setattr(machine, "MEMORY", tmp_path / "meminfo")
        monkeypatch.setattr(machine, "OWN_CGROUPS", tmp_path / "own")
        monkeypatch.setattr(machine, "CGROUPS", tmp_path / "cgroup")
        (tmp_path / "meminfo").write_text(f"MemTotal: 99 kB\nMemAvailable: {free >> 10} kB\n")
        (tmp_path / "own").write_text(own)
        for name, limit in (limits or {}).items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{limit}\n")
        return machine.memory_limit()

    return made


@pytest.mark.parametrize(
    ("own", "limits", "told"),
    [
        ("", {}, "6144MiB"),
        ("0::/\n", {"memory.max": 5 * GIB}, "3072MiB"),
        ("0::/system.slice/audit.service\n", {"system.slice/memory.max": 5 * GIB, "system.slice/audit.service/memory.max": "max"}, "3072MiB"),
        ("0::/not/seen/from/inside\n", {"memory.max": 5 * GIB}, "3072MiB"),
        ("5:cpu:/\n4:memory:/docker/1\n0::/\n", {"memory/docker/1/memory.limit_in_bytes": 5 * GIB}, "3072MiB"),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": 2**63 - 4096}, "6144MiB"),
        ("0::/\n", {"memory.max": GIB // 4}, "512MiB"),
    ],
    ids=["no group", "container", "group around ours", "group hidden", "first generation", "no limit", "never less"],
)
def test_memory_is_what_machine_and_container_can_spare(box, own, limits, told):
    assert box(10 * GIB, own, limits) == told


def test_a_machine_that_tells_nothing_has_its_memory_halved_and_a_bit(box, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 10 << 18, "SC_PAGE_SIZE": 4096}.__getitem__)
    box(GIB)
    (tmp_path / "meminfo").unlink()
    assert machine.memory_limit() == "6144MiB"


def test_threads_are_the_cores_that_we_may_use():
    assert machine.threads() == len(os.sched_getaffinity(0))


def test_the_defaults_are_those_of_the_machine_and_said_at_the_start(example, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(machine, "memory_limit", lambda: "777MiB")
    monkeypatch.setattr(machine, "threads", lambda: 1)
    monkeypatch.setattr("flows.stages.STAGES", ())
    with caplog.at_level("INFO", "imaging_audit"):
        audit(example, tmp_path / "out")
    assert "777MiB of memory and 1 threads" in caplog.text
    assert str(tmp_path / "out" / ".work-") in caplog.text
    caplog.clear()
    with caplog.at_level("INFO", "imaging_audit"):
        audit(example, tmp_path / "out", memory_limit="555MiB", threads=2, temp_directory=tmp_path / "spill")
    assert "555MiB of memory and 2 threads" in caplog.text
    assert f"spills to {tmp_path / 'spill'}" in caplog.text
    assert list((tmp_path / "spill").iterdir()) == []


def test_too_little_memory_is_said_with_what_to_do(example, tmp_path):
    with pytest.raises(PublishError, match="ran out of memory.*memory_limit.*threads") as error:
        audit(example, tmp_path / "out", memory_limit="20MB")
    assert error.value.exit_code == 9


# Of the program alone: what the kernel counts for a child begins with the memory of the test that started it.
MEASURED = """
import re, sys
from pathlib import Path
from flows.__main__ import main
peak, sys.argv = Path(sys.argv[1]), ["imaging-audit", *sys.argv[2:]]
try:
    main()
finally:
    peak.write_text(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.deep
def test_a_delivery_ten_times_larger_than_memory_finishes(tmp_path):
    """As of a whole imaging department: eight thousand patients of the demo, and eighty times as many without cancer.

    What memory must hold grows with the cohort (twenty thousand of them need 250 MB), what is spilled with the delivery.
    """
    limit = 150
    write_demo(tmp_path / "demo", n_patients=8_000)
    n_bytes = write_bulk(tmp_path / "demo", tmp_path / "delivery", n_copies=80, n_cohort=1)
    n_megabytes = n_bytes // 1_000_000
    assert n_megabytes >= 10 * limit
    arguments = ["run", "--direct", "--extracts", tmp_path / "delivery", "--out", tmp_path / "out", "--config", tmp_path / "delivery" / "audit.toml"]
    little = {"IMAGING_AUDIT_MEMORY_LIMIT": f"{limit}MB", "IMAGING_AUDIT_THREADS": "1"}
    with tally.counted("a delivery ten times larger than memory_limit"):
        program = subprocess.run([sys.executable, "-c", MEASURED, tmp_path / "peak", *arguments], cwd=ROOT, env=os.environ | little)
        peak = int((tmp_path / "peak").read_text()) * 1024 // 1_000_000
        tally.NOTES.append(f"a delivery of {n_megabytes:,} MB with memory_limit {limit} MB: the whole process never held more than {peak:,} MB")
        assert program.returncode == 0
        assert peak < n_megabytes
        audit(tmp_path / "demo", tmp_path / "plain", as_of="2025-09-30")
        assert figures(tmp_path / "out") == figures(tmp_path / "plain")


def figures(out):
    """What is published about the cohort, which the others do not move."""
    return (out / "exports" / "compliance.csv").read_text()
