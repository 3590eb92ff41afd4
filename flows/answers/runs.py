"""The runs of one folder as a list: what went in, how it ended, what is still kept. From the ledger alone."""

import json

from flows import ledger
from flows.errors import NotFoundError
from flows.headline import BANDS, in_a_sentence
from flows.logs import log

RUNS = ("published", "failed")  # the ledger remembers deliveries and incidents as well
FAILING = ("failed", "error")
TITLES = ("When (UTC)", "Run", "Event", "Source", "As of", "Headline", "Checks", "Release")
CHECK_TITLES = ("Check", "Table", "Severity", "First failed (UTC)", "In run", "Found", "Held before", "Runs", "Now")


def runs(out, as_json=False):
    """Every run, newest last."""
    rows = [_row(entry) for entry in history(out)]
    return _json(rows) if as_json else table(TITLES, map(_line, rows))


def quality(out, as_json=False):
    """Every check that ever failed: since which run, how often, and how it ends now."""
    history(out)  # says what is torn or missing
    checks = {}
    for result in ledger.quality_history(out):
        checks.setdefault((result["code"], result["table_name"]), []).append(result)
    rows = [_check(results) for _, results in sorted(checks.items()) if any(map(_fails, results))]
    if as_json:
        return _json(rows)
    return table(CHECK_TITLES, map(_check_line, rows)) if rows else "Every check of every run held."


def history(out):
    """The entries of the ledger, each published one with its release and what became of it."""
    if not (out / ledger.NAME).exists():
        step = "imaging-audit run begins one; name its --out folder"
        raise NotFoundError("there is no ledger of runs", where=out / ledger.NAME, next_step=step)
    if n_torn := ledger.count_torn(out):
        log.warning("%d line(s) of %s cannot be read and are left out", n_torn, out / ledger.NAME)
    entries = ledger.of(out, *RUNS)
    newest = {_release(entry): entry for entry in entries}  # a name is free again once its folder was pruned
    for name in sorted({path.name for path in (out / "releases").glob("*")} - newest.keys()):
        log.warning("release %s is kept, but the ledger has no line of it", name)
    current = (out / "current").resolve().name
    for entry in entries:
        entry["is_shown"] = entry.get("is_shown", True) if entry["event"] == "published" else None
        release = _release(entry)
        is_there = newest[release] is entry and is_kept(out, release)
        entry["release"] = release
        entry["kept"] = release and (("current" if release == current else "kept") if is_there else "pruned")
    return entries


def is_kept(out, release):
    folder = out / "releases" / str(release)
    return all((folder / name).is_file() for name in ("manifest.json", "audit.duckdb"))


def when(entry):
    return entry["recorded_at"][:16].replace("T", " ")


def table(titles, lines):
    """Columns as wide as their widest cell."""
    lines = [titles, *lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _release(entry):
    return entry.get("release", entry["run_id"]) if entry["event"] == "published" else None


def _row(entry):
    quality = [result["status"] for result in entry.get("quality", [])]
    facts = ("recorded_at", "run_id", "event", "error", "exit_code", "source", "as_of", "headline", "release", "kept", "is_shown")
    counts = {status: quality.count(status) for status in ("passed", "failed", "error", "not_applicable")}
    return {name: entry.get(name) for name in facts} | {"quality": counts}


def _line(row):
    is_published, checks = row["event"] == "published", row["quality"]
    n_failing = sum(checks[status] for status in FAILING)
    return (
        when(row),
        row["run_id"],
        row["event"] if is_published else f"{row['event']}: {row['error']}, exit {row['exit_code']}",
        row["source"] or "",
        row["as_of"] or "",
        rate(row["headline"]) if is_published else "",
        f"{checks['passed']} passed, {n_failing} failed" if any(checks.values()) else "not reached",
        _whereabouts(row),
    )


def _whereabouts(row):
    if row["is_shown"] is False:
        return "filed, pruned" if row["kept"] == "pruned" else "filed"
    return row["kept"] or ""


def rate(row):
    """The headline in a few words, as much of it as the published tables say."""
    if row is None or row["n_index"] == 0:
        return "no index orders"
    if row["n_index"] is None:
        return "too few to show"
    if row["rate"] is not None:
        about, digits = in_a_sentence(row)
        low, high = (f"{100 * row[name]:.{digits}f}" if row[name] is not None else "hidden" for name in ("ci_low", "ci_high"))
        told = f"{about}{100 * row['rate']:.{digits}f} % (95 % CI {low}–{high})"
        return f"{told}, about {row['n_index']:,}" if about else told
    return "withheld" if row["is_withheld"] else BANDS.get(row.get("rate_band"), "hidden")


def _fails(result):
    return result["status"] in FAILING


def _check(results):
    """What a check did over the runs; the counts are those of the run in which it first failed."""
    first = next(filter(_fails, results))
    last = results[-1]
    return {
        **{name: last[name] for name in ("code", "table_name", "severity", "why")},
        **{f"first_{name}": first[name] for name in ("recorded_at", "run_id", "status", "n_unexpected", "n_total")},
        "held_before": any(result["status"] == "passed" for result in results[: results.index(first)]),
        "n_runs": len(results),
        "n_failing": sum(map(_fails, results)),
        "status": last["status"],
    }


def _check_line(row):
    found = (
        "could not be checked"
        if row["first_status"] == "error"
        else f"{row['first_n_unexpected']:,} of {row['first_n_total']:,}"
    )
    return (
        row["code"],
        row["table_name"],
        row["severity"],
        row["first_recorded_at"][:16].replace("T", " "),
        row["first_run_id"],
        found,
        "yes" if row["held_before"] else "no",
        f"{row['n_failing']} of {row['n_runs']}",
        row["status"],
    )


def _json(rows):
    return json.dumps(rows, indent=2, ensure_ascii=False)
