"""Python and the packages, against pyproject.toml where it is at hand, else against what was installed; then the lock."""

import platform
import re
import tomllib
from importlib import metadata

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from flows import ROOT
from flows.doctor.finding import error, not_applicable, ok, warning

OURS = "imaging-order-audit"
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)
SHOWN = 5
# What a resolver picks without a conflict and what then fails without a word at install time.
BREAKS = {
    "duckdb": "its client and its file format are others, and results cannot be read or are wrong",
    "duckdb-sqlalchemy": "every check of the tables ends in an error",
    "sqlalchemy": "schedules silently never fire, or every check ends in an error",
    "fastapi": "every run through Prefect dies at its start",
    "prefect": "it may not start, or ask for packages that are not to be had",
}


def python(_scene):
    asked, found = _project()["requires-python"], platform.python_version()
    if found in SpecifierSet(asked):
        return ok(f"Python {found}")
    return error(f"Python {found}, and {asked} is asked for", f"make PYTHON=python3.11 setup, or another Python {asked}")


def pins(_scene):
    """The few whose newer releases break things in silence."""
    asked = {each.name: each for each in _asked()}
    wrong = [(asked[name], told) for name, told in BREAKS.items() if not _fits(asked[name])]
    if not wrong:
        return ok(", ".join(f"{name} {_version(name)}" for name in BREAKS))
    found = "; ".join(f"{each.name} {_version(each.name) or 'missing'}, and {each.specifier} is asked for: {told}" for each, told in wrong)
    return error(found, _install([each for each, _ in wrong]))


def packages(_scene):
    """Every other package that an audit needs, directly or through another."""
    needed = [each for each in _closure() if each.name not in BREAKS]
    wrong = {str(each): each for each in needed if not _fits(each)}
    if wrong:
        told = [f"{each.name} {_version(each.name) or 'missing'}, and {each.specifier or 'any version'} is asked for" for each in wrong.values()]
        return error(_some(told), _install(list(wrong.values())))
    return ok(f"{len({_plain(each.name) for each in needed})} packages, each as it is asked for")


def lock(_scene):
    """Whether they are those that the tests ran with."""
    locked = _locked()
    if not locked:
        return not_applicable("requirements.lock is not beside the software")
    needed = {_plain(each.name) for each in _closure()}
    moved = [f"{name} {_version(name)} (locked: {locked[name]})" for name in sorted(needed & locked.keys()) if _version(name) not in (None, locked[name])]
    if moved:
        return warning(f"{len(moved)} are not those that were tested: {_some(moved)}", "make setup")
    return ok(f"the {len(needed & locked.keys())} packages are those of requirements.lock")


def _project():
    path = ROOT / "pyproject.toml"
    if path.exists():
        return tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return {"requires-python": metadata.metadata(OURS)["Requires-Python"], "dependencies": metadata.requires(OURS)}


def _asked():
    return _applying(_project()["dependencies"])


def _applying(lines):
    environment = default_environment() | {"extra": ""}
    return [each for each in map(Requirement, lines or ()) if each.marker is None or each.marker.evaluate(environment)]


def _closure():
    """Every requirement reached from ours; what is missing leads nowhere."""
    found, waiting, seen = [], _asked(), set()
    while waiting:
        each = waiting.pop(0)
        found.append(each)
        if _plain(each.name) not in seen and _version(each.name):
            seen.add(_plain(each.name))
            waiting += _applying(metadata.requires(each.name))
    return found


def _fits(requirement):
    found = _version(requirement.name)
    return found is not None and requirement.specifier.contains(found, prereleases=True)


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _locked():
    path = ROOT / "requirements.lock"
    return {_plain(name): version for name, version in PINNED.findall(path.read_text(encoding="utf-8"))} if path.exists() else {}


def _plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _install(requirements):
    """The command; the version of the lock where it has one."""
    locked = _locked()
    named = [f"'{each.name}=={locked[_plain(each.name)]}'" if _plain(each.name) in locked else f"'{each.name}{each.specifier}'" for each in requirements]
    return f"make setup, or: python -m pip install {' '.join(dict.fromkeys(named))}"


def _some(told):
    return "; ".join(told[:SHOWN]) + (f" and {len(told) - SHOWN} more" if len(told) > SHOWN else "")
