"""Packaging: a lock that any mirror serves, a wheel that holds all it needs, nothing that ties it to one machine."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement

from flows import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
RUN_LOCK = (ROOT / "requirements-run.lock").read_text(encoding="utf-8")
LOCKED = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ \\]+)", LOCK, re.MULTILINE))
OPTIONAL = PROJECT["project"]["optional-dependencies"]
NEEDED = [Requirement(line) for line in PROJECT["project"]["dependencies"] + OPTIONAL["install"]]
DECLARED = NEEDED + [Requirement(line) for line in OPTIONAL["dev"]]
# Written in pieces, so that this file does not find itself.
HOSTS = ["pypi" + ".org", "python" + "hosted", "index" + "-url", "find" + "-links", "npmjs" + ".", "deb." + "debian"]
MACHINE_PATHS = ["/ho" + "me/", "/ro" + "ot/", "/wo" + "rk/", "/op" + "t/", "/Us" + "ers/"]


def tracked():
    """The files that git tracks or would track."""
    told = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in told.stdout.splitlines() if (ROOT / name).is_file()]


def texts():
    for path in tracked():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def entries_of(lock):
    return re.split(r"\n(?=[a-z0-9])", lock.split("\n", 2)[2].rstrip("\n"))


def reached(requirements):
    """The names of all that they ask for, directly or through another, on this machine."""
    seen, waiting = set(), list(requirements)
    while waiting:
        one = waiting.pop()
        if (normal(one.name), *sorted(one.extras)) not in seen:
            seen.add((normal(one.name), *sorted(one.extras)))
            asked = [Requirement(line) for line in importlib.metadata.requires(one.name) or ()]
            waiting += [each for each in asked if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in {"", *one.extras})]
    return {name for name, *_ in seen}


def test_what_the_image_installs_is_what_runs_and_nothing_of_the_proof():
    """The same versions and hashes as everywhere, so that the tests speak for it."""
    assert set(entries_of(RUN_LOCK)) <= set(entries_of(LOCK))
    assert {entry.split("==")[0] for entry in entries_of(RUN_LOCK)} == reached(NEEDED)
    assert not {"pytest", "playwright", "hypothesis", "ruff", "sqlglot"} & reached(NEEDED)


def test_the_lock_holds_versions_and_hashes_and_no_address():
    entries = entries_of(LOCK)
    assert len(entries) == len(LOCKED) > 100
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in LOCK


@pytest.mark.parametrize("requirement", DECLARED, ids=lambda requirement: requirement.name)
def test_the_lock_meets_what_the_project_asks_for(requirement):
    assert requirement.specifier.contains(LOCKED[normal(requirement.name)])


def test_what_is_installed_is_what_is_locked():
    installed = {normal(each.name): each.version for each in importlib.metadata.distributions()}
    differing = {
        name: (version, installed.get(name)) for name, version in LOCKED.items() if installed.get(name) != version
    }
    assert differing == {}


def test_every_dependency_has_its_reason_beside_it():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("\ndependencies = [") : text.index("[project.optional-dependencies]")]
    lines = [line.strip() for line in block.splitlines()[2:]]
    bare = [
        line
        for before, line in zip([""] + lines, lines, strict=False)
        if line.startswith('"') and not before.startswith("#")
    ]
    assert bare == []


def test_no_tracked_file_names_a_package_host():
    found = [(path.relative_to(ROOT).as_posix(), host) for path, text in texts() for host in HOSTS if host in text]
    allowed = {("Makefile", HOSTS[2]), ("Makefile", HOSTS[3])}  # options that keep hosts out of the lock
    assert set(found) <= allowed


def test_no_tracked_file_holds_a_path_of_one_machine():
    found = [
        (path.relative_to(ROOT).as_posix(), part) for path, text in texts() for part in MACHINE_PATHS if part in text
    ]
    assert found == []


def test_the_wheel_holds_all_it_needs_and_nothing_else(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = ("flows", "rules", "sql", "expectations", "reports")
    ours = {path.relative_to(ROOT).as_posix() for path in tracked() if path.relative_to(ROOT).parts[0] in packages}
    assert ours <= names
    assert {name.split("/")[0] for name in names} - {*packages} == {
        name.split("/")[0] for name in names if ".dist-info/" in name
    }


def test_a_second_set_up_installs_nothing():
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "$(READY): requirements.lock pyproject.toml" in make
    assert "--require-hashes" in make


def test_help_lists_every_target():
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", make, re.MULTILINE)[1].split())
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[0] for line in told.splitlines()} == targets


def test_ci_runs_the_tests():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")
