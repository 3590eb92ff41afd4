"""Disk, memory and cores, against what an audit of this delivery may need."""

import re
import shutil

from flows import formats, machine
from flows.doctor.finding import error, ok, warning
from flows.doctor.folders import nearest_that_is
from flows.errors import PublishError
from flows.retention import size

SPILLED = 10  # times the delivery, in the worst case (DECISIONS: what DuckDB spills)
LEAST_RELEASE = 64 << 20  # a release of sixty patients: a database takes room for every column of every table
UNITS = {"K": 10, "M": 20, "G": 30, "T": 40}


def disk(scene):
    """Room for what is spilled, for the releases that are kept, and for the next before the oldest goes."""
    settings = scene.settings
    kept = [size(folder) for folder in formats.manifests(settings.out)]
    n_more = max(1, settings.keep_releases + 1 - len(kept))
    delivery = size(settings.extracts) if settings.extracts.exists() else 0
    releases, spilled = n_more * max(kept, default=LEAST_RELEASE), SPILLED * delivery
    places = {"out": (settings.out, releases), "temp_directory": (settings.temp_directory or settings.out, spilled)}
    needed = {}
    for path, count in places.values():
        base = nearest_that_is(path)
        needed[base.stat().st_dev] = (base, needed.get(base.stat().st_dev, (base, 0))[1] + count)
    told = "; ".join(f"{_gb(shutil.disk_usage(base).free)} free in {base}, up to {_gb(count)} needed" for base, count in needed.values())
    if shutil.disk_usage(nearest_that_is(settings.out)).free < releases:
        return error(f"{told}: the next release does not fit", "free space, lower keep_releases, or imaging-audit releases --remove RUN", PublishError)
    if any(shutil.disk_usage(base).free < count for base, count in needed.values()):
        return warning(f"{told} in the worst case, {SPILLED} times the delivery", "free space, or name a temp_directory on a larger protected disk")
    return ok(told)


def memory(scene):
    asked = scene.settings.memory_limit
    chosen = machine.memory_limit()
    spare = _bytes(chosen)
    if asked and _bytes(asked) > spare / machine.SHARE:
        return warning(f"memory_limit is {asked}, and this machine or container can spare {_gb(spare / machine.SHARE)}", f"leave it out ({chosen} would be chosen), or stop what else runs")
    if spare <= machine.LEAST:
        return warning(f"little memory: DuckDB would get {asked or chosen}, the least it works with", "give the machine or the container more, or lower threads")
    return ok(f"DuckDB gets {asked or chosen}")


def threads(scene):
    asked, there = scene.settings.threads, machine.threads()
    if asked and asked > there:
        return warning(f"threads is {asked}, and this process may use {there} core(s)", f"leave it out, or set {there}")
    return ok(f"{asked or there} of {there} core(s)")


def _bytes(text):
    """DuckDB's words for a size, 2GB and 2GiB taken alike: this is no accounting."""
    number, unit = re.fullmatch(r"([\d.]+) ?([KMGT])i?B", text).groups()
    return int(float(number) * (1 << UNITS[unit]))


def _gb(count):
    return f"{count / 1e9:,.1f} GB"
