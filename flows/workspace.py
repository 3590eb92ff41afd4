"""Where one run works: a locked out folder, a database of its own, and the name that its content gives it."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from flows import ROOT, doors, formats, ledger, machine, releases, signals
from flows.apart import refuse_within
from flows.delivery import deidentify, series
from flows.errors import DeliveryError, PublishError, RulesError, safely
from flows.lock import locked
from flows.logs import log
from flows.rights import owner_only
from flows.rule_files import site_paths
from flows.settings import Settings
from flows.software import versions

DELIVERED = (".csv", ".csv.gz", ".parquet", "SYNTHETIC.txt")
SHOWN = 5
SHIPPED = ("flows/**/*.py", "rules/**/*.csv", "sql/**/*.sql", "expectations/**/*", "reports/**/*")


@dataclass(frozen=True)
class Run:
    settings: Settings
    run_id: str
    work: Path
    con: duckdb.DuckDBPyConnection
    started_at: datetime
    inputs: dict[str, str]
    files: dict[str, str]
    quality: list[dict] = field(default_factory=list)
    noticed: dict = field(default_factory=dict)  # notices and facts (flows/noticing.py)


@contextmanager
def opened(settings):
    """The run, ready to work; None where the published result already answers."""
    with held(settings):
        with safely(debug=settings.debug):
            settings = series.on_its_day(settings)
            name, unchanged = _named_and_standing(settings)
        if unchanged:
            log.info("Nothing changed: run %s of the same delivery under the same rules stands", name["run_id"])
            yield None
        else:
            with _working(settings, name) as run:
                yield run


@contextmanager
def held(settings):
    """The out folder for ourselves alone, with nothing left in it of runs that died."""
    refuse_within(settings)
    with owner_only():
        with safely(debug=settings.debug):
            _make(settings.out)
        with locked(settings.out):
            with safely(debug=settings.debug):
                releases.settle(settings.out)
                formats.refuse_others(settings.out)
                signals.record(settings.out)  # what a run that was killed after its swap had no time for
            yield


def _named_and_standing(settings):
    """The run's name, and whether its result stands; the delivery and what is shown are hashed side by side."""
    from flows.publish import is_filed, whole_run

    if series.is_past(settings):
        name = named(settings)
        return name, is_filed(settings.out, name["run_id"], settings.proof)
    with ThreadPoolExecutor(max_workers=1) as beside:
        shown = beside.submit(whole_run, settings.out, settings.proof)
        name = named(settings)
    if shown.result() != name["run_id"]:
        return name, False
    releases.show(settings.out)
    releases.prune(settings.out, settings.keep_releases)
    return name, True


@contextmanager
def _working(settings, name):
    work = settings.out / f"{releases.WORK}{name['run_id']}"
    try:
        with safely(debug=settings.debug):
            work.mkdir()
            con = connect(work, settings)
        run = Run(settings, work=work, con=con, started_at=now(), **name)
        try:
            yield run
        except BaseException as error:
            with suppress(OSError):  # what stopped the run matters more than that the disk is full as well
                ledger.append(settings.out, _failure(run, error))
            raise
        finally:
            con.close()
    finally:
        releases.clear(work)


def _failure(run, error):
    """Which kind of failure, never its text."""
    kind = {"error": type(error).__name__, "exit_code": getattr(error, "exit_code", 1)}
    facts = {"run_id": run.run_id, "as_of": run.settings.as_of, "inputs": run.inputs, "quality": run.quality}
    return {"event": "failed", **kind, **facts, "notices": run.noticed.get("notices", [])}


def _make(out):
    if out.exists() and not out.is_dir():
        raise PublishError("the out folder is a file", where=out, next_step="name a folder with --out")
    out.mkdir(parents=True, exist_ok=True)


def connect(work, settings):
    """A database of our own, within the memory that this machine can spare, which fetches nothing."""
    spill = releases.spill(work, settings.temp_directory)
    config = machine.config(settings) | {"temp_directory": str(spill)}
    log.info("DuckDB may use %(memory_limit)s of memory and %(threads)s threads, and spills to %(temp_directory)s", config)
    con = duckdb.connect(str(work / "work.duckdb"), config=config)
    con.execute("set enable_progress_bar = false")  # it is drawn on stdout where Prefect starts a process
    return con


@contextmanager
def unmoved(run):
    """What was hashed is what was read: otherwise the manifest would name a delivery that nobody audited."""
    try:
        yield
    finally:
        moved = _moved(run.inputs, _hash_delivery(run.settings.extracts, run.settings.as_of))
        if moved:
            raise DeliveryError(
                "the delivery changed while it was being read, so nothing was kept",
                where=moved,
                next_step="wait until it is complete, then run again",
            ) from None


def refuse_moved_rules(run):
    """The same for what judges: SQL and rules are read all along the run, and an upgrade may come in its midst."""
    moved = _moved(run.files, _hash_shipped(run.settings.site_rules))
    if moved:
        raise RulesError(
            "rules or code changed while the audit ran, so nothing was published",
            where=moved,
            next_step="run again once the change is complete",
        )


def _moved(before, now):
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def close_the_doors(run):
    """Once the delivery is read, SQL reaches no file but those of this run."""
    doors.close(run.con, run.work)


def named(settings, inputs=None):
    """The run is named by what goes into it, so that the same audit has the same name wherever it runs.

    inputs: the hashes of what is delivered, from those who know them already.
    """
    inputs = _hash_delivery(settings.extracts, settings.as_of) if inputs is None else inputs
    files = _hash_shipped(settings.site_rules)
    run_id = digest([inputs, files, settings.content(), versions()])[:12]
    return {"run_id": run_id, "inputs": inputs, "files": files}


def _hash_delivery(folder, until=None):
    """What is read and nothing else: of a series the deliveries up to a day, so that a later one renames no earlier run."""
    if not folder.is_dir():
        raise DeliveryError("there is no such delivery", where=folder, next_step="name the folder of the extracts")
    hashed = [hash_one(each) for each in series.needed(folder, until)]
    return {path: content for each in hashed for path, content in each.items()}


def hash_one(delivery):
    """The hash of every file of a delivery by its path in the series."""
    folder = delivery.folder
    try:
        deidentify.check_file_names(folder)
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name.endswith(DELIVERED))
        return {delivery.prefix + path.relative_to(folder).as_posix(): sha256(path) for path in paths}
    except OSError as error:
        raise DeliveryError(
            f"the delivery cannot be read: {error.strerror}",
            where=error.filename,
            next_step="wait until it is complete and may be read, then run again",
        ) from None


def _hash_shipped(site_rules):
    """Rules, SQL, expectations, page and code: everything of ours that can move a figure."""
    ours = {path for pattern in SHIPPED for path in ROOT.glob(pattern) if path.is_file()}
    files = {path.relative_to(ROOT).as_posix(): sha256(path) for path in sorted(ours) if path.suffix != ".pyc"}
    site = site_paths(site_rules) if site_rules else []
    return files | {f"site/{path.relative_to(site_rules).as_posix()}": sha256(path) for path in site}


def sha256(path):
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def now():
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
