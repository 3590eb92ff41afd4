"""The figures behind the example, read from rules/demo.csv, and the draws that use them."""

import csv
import datetime
import functools
import math

from flows import ROOT


@functools.cache
def figures():
    with open(ROOT / "rules" / "demo.csv", encoding="utf-8", newline="") as text:
        return {row["name"]: row["value"] for row in csv.DictReader(text)}


@functools.cache
def number(name):
    return float(figures()[name])


@functools.cache
def day(name):
    return ordinal(figures()[f"day.{name}"])


@functools.cache
def group(prefix):
    """All figures below a prefix, by the rest of their name and in the order of the file."""
    start = prefix + "."
    return {name.removeprefix(start): value for name, value in figures().items() if name.startswith(start)}


@functools.cache
def _weights(prefix):
    found = group(prefix)
    return list(found), [float(value) for value in found.values()]


def ordinal(iso):
    return datetime.date.fromisoformat(iso).toordinal()


@functools.cache
def iso(day_number):
    return datetime.date.fromordinal(day_number).isoformat()


def pick(rng, prefix):
    words, weights = _weights(prefix)
    return rng.choices(words, weights)[0]


def chance(rng, name):
    return rng.random() < number(f"share.{name}")


def wait(rng, name):
    """Days from a log-normal distribution, cut at both ends: waiting times are never symmetric."""
    drawn = rng.lognormvariate(math.log(number(f"wait.{name}_median")), number(f"wait.{name}_sigma"))
    return round(min(max(drawn, number(f"wait.{name}_min")), number(f"wait.{name}_max")))


@functools.cache
def schedule(regimen):
    """(day, code) of every dose of a regimen, counted from its first day."""
    doses = []
    for code, plan in group(f"schedule.{regimen}").items():
        first, interval, times = map(int, plan.split())
        doses += [(first + interval * dose, code) for dose in range(times)]
    return tuple(sorted(doses))
