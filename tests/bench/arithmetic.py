"""What the harness makes of its seconds: ratios with their spread, what moved since the last result, targets met or missed."""

import statistics

GIB = 1 << 30
LEAN = "1GiB"
COSTS = ("seconds", "processor_seconds")


def spread(values):
    """Least, median and most."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)} if values else None


def ratios(runs, base, cost="seconds"):
    """Of runs to those of a base, repetition by repetition: what the machine did meanwhile befell both. Failed ones have none."""
    pairs = [(run, other) for run, other in zip(runs, base, strict=False) if cost in run and other.get(cost)]
    return spread([round(run[cost] / other[cost], 3) for run, other in pairs])


def peak(runs):
    held = [run["peak_bytes"] for run in runs if "peak_bytes" in run]
    return max(held) if held else None


def has_moved(before, now):
    """By more than the spread: neither median lies within the other's least and most."""
    if not before or not now:
        return False
    return not before["min"] <= now["median"] <= before["max"] and not now["min"] <= before["median"] <= now["max"]


def moved(before, now):
    """Sentences: which variant's ratio to the floor moved since the last result of the same size, in processor time."""
    said = []
    for form, variants in now["runs"].items():
        old = before["runs"].get(form, {}) if before else {}
        for name, runs in variants.items():
            was = ratios(old.get(name, []), old.get("floor", []), "processor_seconds")
            then = ratios(runs, variants["floor"], "processor_seconds")
            if name != "floor" and has_moved(was, then):
                way = "slower" if then["median"] > was["median"] else "faster"
                said.append(f"{name} from {form}: {way}, from {was['median']:.1f} to {then['median']:.1f} times the floor")
    return said


def targets(result):
    """(target, measured, met) of the issue's targets that one result can answer; None where it cannot."""
    csv, parquet = result["runs"].get("csv", {}), result["runs"].get("parquet", {})
    form = csv or parquet
    rows = [
        _at_most("whole audit from CSV, times the floor", _ratio(csv, "direct", "floor"), 4),
        _at_most("whole audit from Parquet, times the one from CSV", _across(parquet, csv, "direct"), 1),
        _at_most("labels alone, times the Polars script", _ratio(form, "labels", "polars"), 1),
        _at_most("labels alone, times the pandas script", _ratio(form, "labels", "pandas"), 0.2),
        _at_most("nothing changed, seconds after imports", _beyond(form, "unchanged", "imports"), 2),
    ]
    held = peak(form.get("direct", []))
    limit = 6 if result["n_lines"] > 30_000_000 else 2
    rows.append(_at_most("peak memory of the whole audit, GiB", held and round(held / GIB, 2), limit))
    lean = peak([row for row in result.get("within", []) if row.get("memory_limit") == LEAN])
    rows.append(_at_most(f"the same with memory_limit {LEAN}, GiB", lean and round(lean / GIB, 2), limit))
    return rows


def grown(results):
    """(format, lines, lines before, times the seconds, times the lines) of the whole audit, each size beside the next smaller one."""
    rows = []
    for form in ("csv", "parquet"):
        took = [(one["n_lines"], _seconds(one["runs"].get(form, {}), "direct")) for one in results]
        took = [(n_lines, seconds) for n_lines, seconds in took if seconds]
        for (fewer, before), (n_lines, seconds) in zip(took, took[1:], strict=False):
            rows.append({"format": form, "n_lines": n_lines, "of": fewer, "seconds": round(seconds / before, 2), "lines": round(n_lines / fewer, 2)})
    return rows


def longest_growth(results):
    """The target that a tenfold delivery takes at most eleven times as long, as `targets` gives the others; None below 100 million lines."""
    took = {one["n_lines"]: _seconds(one["runs"].get("csv", {}), "direct") for one in results}
    few, many = took.get(10_000_000), took.get(100_000_000)
    return _at_most("100 million lines, times the time of 10 million", round(many / few, 2), 11) if few and many else None


def _seconds(variants, name):
    found = spread([run["seconds"] for run in variants.get(name, []) if "seconds" in run])
    return found and found["median"]


def _at_most(words, measured, limit):
    return {"target": f"{words}: at most {limit:g}", "measured": measured, "is_met": None if measured is None else measured <= limit}


def _ratio(variants, name, base):
    found = ratios(variants.get(name, []), variants.get(base, []))
    return found and found["median"]


def _across(one, other, name):
    found = ratios(one.get(name, []), other.get(name, []))
    return found and found["median"]


def _beyond(variants, name, part):
    """Seconds that one variant takes longer than another that is a part of it."""
    pairs = zip(variants.get(name, []), variants.get(part, []), strict=False)
    found = spread([round(run["seconds"] - of["seconds"], 3) for run, of in pairs if "seconds" in run and "seconds" in of])
    return found and found["median"]
