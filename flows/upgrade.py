"""The way of a kept release from an older format to this one: sql/upgrade, applied to a copy that then takes its place.

A step is a SELECT that builds one table anew from the old one. It adds what can be read off what is there and leaves the
rest unknown: judging anew is what a run does. It must come to the same when applied twice, for a kill may fall between the
two files that change. Until the copy is whole and its questions can be asked, the old file stays; what left (exports, pages)
is never touched.
"""

import json
import os
import re
import shutil

import duckdb

from flows import doors, formats, ledger, machine, models, releases
from flows.errors import PublishError, is_the_machines, safely
from flows.lock import locked
from flows.logs import log
from flows.rights import owner_only
from flows.software import versions
from flows.workspace import now, sha256

ASIDE = ".upgrade-"
STEP = re.compile(r"(?P<format>\d{3})_(?P<schema>[a-z]+)_(?P<table>\w+)\.sql")
DATABASE, MANIFEST = "audit.duckdb", "manifest.json"


def upgrade(out):
    """Bring every kept release to this format; the names of those that were not."""
    with owner_only(), locked(out), safely():
        releases.settle(out)
        formats.refuse_newer(out)
        for left in out.glob(f"{ASIDE}*"):
            shutil.rmtree(left)
        older = {folder: manifest for folder, manifest in formats.manifests(out).items() if formats.of(manifest) < formats.FORMAT}
        for folder, manifest in older.items():
            _bring(out, folder, manifest)
        return [folder.name for folder in older]


def steps(since):
    """(table, SELECT) of everything that changed after a format, oldest first."""
    for path in models.model_files("upgrade"):
        found = STEP.fullmatch(path.name)
        if int(found["format"]) > since:
            yield f"{found['schema']}.{found['table']}", path.read_text(encoding="utf-8")


def _bring(out, folder, manifest):
    aside = out / f"{ASIDE}{folder.name}"
    aside.mkdir()
    try:
        _build(folder / DATABASE, aside / DATABASE, steps(formats.of(manifest)))
        _write(manifest, aside)
        releases.flush(aside)
        # The database first: with the old manifest beside it the release still counts as old, and is brought once more.
        os.replace(aside / DATABASE, folder / DATABASE)
        os.replace(aside / MANIFEST, folder / MANIFEST)
        releases.flush(folder)
    except duckdb.Error as error:
        if is_the_machines(error):
            raise
        raise _stuck(error, out, folder) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    step = {"from": formats.of(manifest), "to": formats.FORMAT}
    ledger.append(out, {"event": "upgraded", "run_id": manifest["run_id"], "release": folder.name, **step})
    log.info("Release %s: format %d, now %d", folder.name, step["from"], step["to"])


def _build(old, new, changes):
    config = machine.config() | {"temp_directory": str(new.with_name("spill"))}
    with duckdb.connect(config=config) as con:
        con.execute(f"attach {models.quoted(str(old.resolve()))} as earlier (read_only)")
        con.execute(f"attach {models.quoted(str(new.resolve()))} as later")
        doors.close(con, new.parent)
        con.execute("copy from database earlier to later")
        con.execute("use later")
        for table, query in changes:
            con.execute(f"create or replace table {table} as {query}")
            models.comment(con, {table: models.grain(query)})
        _check(con)
        con.execute("use memory")
        con.execute("detach later")  # all of it in the one file, nothing in a log beside it


def _check(con):
    """Nothing is lost, and what `explain` asks can be asked."""
    tables = con.execute("select schema_name || '.' || table_name from duckdb_tables() where database_name = 'earlier' order by all").fetchall()
    lost = [table for (table,) in tables if _n_rows(con, "later", table) < _n_rows(con, "earlier", table)]
    if lost:
        raise PublishError("the upgraded copy lacks rows, so the old one stays", where=", ".join(lost), next_step="report it with this line")
    for path in models.model_files("explain"):
        con.execute(path.read_text(encoding="utf-8"), {"order_id": ""}).fetchall()


def _n_rows(con, database, table):
    return con.execute(f"select count(*) from {database}.{table}").fetchall()[0][0]


def _write(manifest, aside):
    """What the release said of itself when it was published, and what became of it since."""
    brought = {"from": formats.of(manifest), "to": formats.FORMAT, "at": now().isoformat() + "Z", "versions": versions()}
    path = aside / DATABASE
    files = manifest["files"] | {DATABASE: {"sha256": sha256(path), "bytes": path.stat().st_size}}
    changed = {"format": formats.FORMAT, "upgraded": [*manifest.get("upgraded", ()), brought], "files": files}
    (aside / MANIFEST).write_text(json.dumps(manifest | changed, indent=2) + "\n", encoding="utf-8")


def _stuck(error, out, folder):
    """DuckDB's text may quote a value: only its kind is told."""
    return PublishError(
        f"the release cannot be brought to format {formats.FORMAT} ({type(error).__name__}), and stays as it was",
        where=folder,
        next_step=f"report it; imaging-audit releases --remove {folder.name} --out {out} takes one out that is not current",
    )
