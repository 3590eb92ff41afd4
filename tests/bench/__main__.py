"""make bench: python -m tests.bench --size 10000000 --repeat 3; progress on stderr, the results in docs/performance.*"""

import argparse
import json
import os
import platform
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from flows import machine
from flows.software import versions
from tests.bench import arithmetic, page
from tests.bench.generate import write_delivery
from tests.bench.measure import measured

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = ROOT / "docs" / "performance.json"
BYTES_A_LINE = {"csv": 150, "parquet": 30, "audit": 250}  # what stands on the disk at once: lines taken apart or release, and the work database
LIMITS = ("512MiB", arithmetic.LEAN, "2GiB")
VARIANTS = ("floor", "labels", "polars", "pandas", "direct", "imports", "unchanged", "prefect")


def main(arguments=None):
    given = _arguments(arguments)
    folder = given.folder / f"{given.size}"
    _refuse_small_disk(given)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        started = time.monotonic()
        n_rows = write_delivery(folder, given.size, given.formats, say=say)
        facts = {"n_lines": n_rows["orders"], "n_rows": n_rows, "generated_in": round(time.monotonic() - started, 1)}
        result = facts | {"measured_on": datetime.now(UTC).date().isoformat(), "machine": _machine()}
        result["runs"] = _runs(folder, given)
        result["profile"] = {form: _profile(folder, form) for form in given.formats if "profile" not in given.skip}
        result["within"] = _within(folder, given.formats[0]) if given.within else []
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    _conclude(result, given)


def _arguments(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="order lines")
    parser.add_argument("--repeat", type=int, default=3, help="how often each variant runs, all in turn")
    parser.add_argument("--formats", default="csv,parquet", type=lambda text: text.split(","), help="csv, parquet or both")
    parser.add_argument("--skip", default="", type=lambda text: text.split(","), help=f"which of {', '.join(VARIANTS)} and profile to leave out")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench", help="where data and results of the runs stand")
    parser.add_argument("--within", action="store_true", help="also the whole audit within less memory and on fewer cores, once each")
    parser.add_argument("--keep", action="store_true", help="leave the data in the folder")
    parser.add_argument("--dry", action="store_true", help="print, but leave docs/performance.* as they are")
    return parser.parse_args(arguments)


def _refuse_small_disk(given):
    given.folder.mkdir(parents=True, exist_ok=True)
    needed = given.size * (BYTES_A_LINE["audit"] + sum(BYTES_A_LINE[form] for form in given.formats))
    free = shutil.disk_usage(given.folder).free
    if free < needed:
        sys.exit(f"{given.size:,} lines need about {needed >> 30} GiB, and {free >> 30} are free: fewer formats, a smaller size, or another --folder")


def _machine():
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    limit = os.environ.get("IMAGING_AUDIT_MEMORY_LIMIT") or machine.memory_limit()
    return {"cores": machine.threads(), "processor": model, "memory_limit": limit, "load": round(os.getloadavg()[0], 1),
            "system": f"{platform.system()} {platform.machine()}", "versions": versions()}


def _runs(folder, given):
    """{format: {variant: [measured]}}, all in turn, so that a slow quarter of an hour falls on each alike."""
    runs = {form: {name: [] for name in VARIANTS if name not in given.skip} for form in given.formats}
    for turn in range(given.repeat):
        for form, variants in runs.items():
            for name in variants:
                say(f"{turn + 1} of {given.repeat}: {name} from {form}")
                variants[name].append(_run(folder, form, name))
            _same_labels(folder, form, variants)
            for made in ("out", "out-prefect"):
                shutil.rmtree(folder / made, ignore_errors=True)
    return runs


def _run(folder, form, name, **environment):
    delivery, python = folder / form, [sys.executable, "-m"]
    audit = [*python, "flows", "run", "--extracts", delivery, "--config", delivery / "audit.toml", "--out"]
    commands = {
        "floor": [*python, "tests.bench.floor", delivery],
        "labels": [*python, "tests.bench.labels", delivery, folder / "labels"],
        "polars": [*python, "tests.bench.script_polars", delivery, folder / "polars.csv"],
        "pandas": [*python, "tests.bench.script_pandas", delivery, folder / "pandas.csv"],
        "direct": [*audit, folder / "out", "--direct"],
        "imports": [*python, "tests.bench.imports"],
        "unchanged": [*audit, folder / "out", "--direct"],
        "prefect": [*audit, folder / "out-prefect"],
    }
    try:
        # Prefect keeps its record where it is told to: the machine's own is not touched.
        return measured(commands[name], folder / f"{name}.log", PREFECT_HOME=str(folder / "prefect"), DO_NOT_TRACK="1", **environment)
    except RuntimeError as error:
        say(f"   failed: {error}")
        return {"failed": str(error).split(" ended with ")[-1].split(";")[0]}
    finally:
        shutil.rmtree(folder / "labels", ignore_errors=True)


def _within(folder, form):
    """The whole audit once for each number of cores, and once within each limit of memory."""
    rows = []
    for limits in [{"threads": n} for n in range(1, machine.threads() + 1)] + [{"memory_limit": limit} for limit in LIMITS]:
        say(f"within {limits}, from {form}")
        given = {f"IMAGING_AUDIT_{name.upper()}": str(value) for name, value in limits.items()}
        rows.append({"format": form, **limits, **_run(folder, form, "direct", **given)})
        shutil.rmtree(folder / "out", ignore_errors=True)
    return rows


def _same_labels(folder, form, variants):
    """A script that answers otherwise than the audit is no measure of it."""
    for name in ("polars", "pandas"):
        if variants.get(name) and variants.get("direct") and "failed" not in variants[name][-1] | variants["direct"][-1]:
            unlike = unlike_labels(folder / "out" / "audit.duckdb", folder / f"{name}.csv")
            if unlike:
                sys.exit(f"{len(unlike)} labels of the {name} script from {form} are not the audit's: nothing was written")


def unlike_labels(database, found):
    query = (HERE / "sql" / "unlike_label.sql").read_text(encoding="utf-8")
    query = query.replace("$found", str(found)).replace("$patients", str(found.with_suffix(".patients.csv")))
    with duckdb.connect(str(database), read_only=True) as con:
        return con.execute(query).fetchall()


def _profile(folder, form):
    say(f"where the time goes, from {form}")
    log = folder / "profile.json"
    measured([sys.executable, "-m", "tests.bench.profile", folder / form, folder / "out", log], folder / "profile.log")
    shutil.rmtree(folder / "out", ignore_errors=True)
    return json.loads(log.read_text(encoding="utf-8"))


def _conclude(result, given):
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    last = next((old for old in before if old["n_lines"] == result["n_lines"]), None)
    print(page.table(result))
    for sentence in arithmetic.moved(last, result) or ["Nothing moved by more than the spread since the last result of this size." if last else "There was no result of this size."]:
        print(sentence)
    if not given.dry:
        kept = sorted([old for old in before if old["n_lines"] != result["n_lines"]] + [result], key=lambda one: one["n_lines"])
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        page.write(kept, RESULTS.parent)


def say(words):
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
