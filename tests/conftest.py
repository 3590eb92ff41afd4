"""What the tests share: the command as a function, one audited example, and the machine's limits said aloud."""

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import tally

from flows import ROOT, machine

SHARED = Path(os.environ.get("SHARED_FOLDER", ROOT.parent / "shared"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SPARK = importlib.util.find_spec("pyspark") and shutil.which("java")
IN_CI = os.environ.get("CI") == "true"
LACKING = {
    "browser": (CHROMIUM, "no Chromium on this machine: apt-get install chromium"),
    "spark": (SPARK, "no Apache Spark here: pip install '.[spark]', and Java 17 or later"),
    "shared": ((SHARED / "data").is_dir(), "the third parties' data are not beside this checkout"),
}
# What even CI does without: half a gigabyte for one engine more.
OPTIONAL = {"spark"}
NOT_RUN = {}

# Prefect reads these when it is imported; its tests must neither touch a home nor call out.
os.environ.update(
    DO_NOT_TRACK="1",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_LOGGING_LEVEL="CRITICAL",
    PREFECT_HOME=tempfile.mkdtemp(prefix="prefect-"),
)
for name in [name for name in os.environ if name.startswith("IMAGING_AUDIT_")]:
    del os.environ[name]
# Seconds for each of a hundred audits; tests/test_proof.py proves.
os.environ["IMAGING_AUDIT_PROOF"] = "false"

if SPARK and not hasattr(sys.modules["__main__"], "__file__"):
    # One of several processes of pytest runs no file, and PySpark, whoever imports it, ends such a one as its own doctests.
    sys.modules["__main__"].__file__ = __file__


# Files that take minutes.
MINUTES = {f"test_{name}" for name in ("arrival", "crash", "deploy", "flow", "fuzz", "mutants", "noticing", "publish", "reach", "serve", "vignettes", "year")}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One process more than cores: those that wait for a server, a browser or a clock leave theirs idle."""
    return machine.threads() + 1


def pytest_collection_modifyitems(config, items):
    """What this machine cannot run is left out aloud, and in CI not at all: there it fails."""
    items.sort(key=lambda item: item.path.stem not in MINUTES)  # begun last, they would keep one process waiting for the other
    for marker, (is_there, why) in LACKING.items():
        if IN_CI and marker not in OPTIONAL:
            continue
        left_out = [] if is_there else [item for item in items if item.get_closest_marker(marker)]
        if left_out:
            NOT_RUN[marker] = f"{len(left_out)} {marker} tests: {why}"
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter):
    for line in NOT_RUN.values():
        terminalreporter.write_line(f"NOT RUN: {line}", red=True, bold=True)
    for line in tally.lines():
        terminalreporter.write_line(line)
    tally.write()


def pytest_sessionfinish(session):
    shutil.rmtree(os.environ["PREFECT_HOME"], ignore_errors=True)
    if hasattr(session.config, "workeroutput"):  # one of several processes: its figures go to the one that reports
        session.config.workeroutput["told"] = {"not_run": NOT_RUN, "tally": tally.given()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    told = getattr(node, "workeroutput", {}).get("told")
    if told:
        NOT_RUN.update(told["not_run"])
        tally.take(told["tally"])


@pytest.fixture(scope="session")
def shared():
    assert (SHARED / "data").is_dir(), f"no data folder in {SHARED}"
    return SHARED


@pytest.fixture(scope="session")
def chromium():
    assert CHROMIUM, "no Chromium on this machine: apt-get install chromium"
    return CHROMIUM


@pytest.fixture
def command(monkeypatch, capsys):
    """imaging-audit with arguments: its exit code, what went to stdout, what went to stderr."""
    from flows.__main__ import main

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["imaging-audit", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """A small demo delivery; tests that change it take a copy."""
    from flows.demo import write_demo

    folder = tmp_path_factory.mktemp("example")
    write_demo(folder, n_patients=120)
    return folder


@pytest.fixture(scope="session")
def audited(example, tmp_path_factory):
    """The out folder of the small demo, audited without Prefect; not to be changed."""
    out = tmp_path_factory.mktemp("audited") / "out"
    audit(example, out)
    return out


def audit(extracts, out, **given):
    from flows.settings import load_settings
    from flows.stages import run_direct

    config = Path(extracts) / "audit.toml"
    settings = load_settings(config if config.exists() else None, extracts=extracts, out=out, **given)
    run_direct(settings)
    return settings
