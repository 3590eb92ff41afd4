"""A release as software of an earlier format left it: the shape of every table of then, and the rows of those that changed.

tests/old/format_N/shape.csv was read off a database and exports that the software of that day wrote; the CSV files beside it
hold, of the tables whose columns changed since, the rows that it made of tests/gate/delivery.yaml. All other rows are those
of today's software for the same delivery, in the columns of then: these tables did not change.
"""

import csv
import itertools
import json

import duckdb
import pipeline
import polars as pl
import yaml
from tables import read_table

from flows import ROOT, disclosure, ledger, releases
from flows.exports import catalog
from flows.publish import sha256
from flows.settings import load_settings
from flows.software import versions
from flows.workspace import _hash_delivery, _hash_shipped, digest

OLD = ROOT / "tests" / "old"
RUN = "0ld0ld0ld0ld"
GIVEN = {"deid_mode": "limited_data_set", "as_of": "2024-12-31", "parameters": {"quarantine_max_share": "0.5"}}


def gate():
    text = (ROOT / "tests" / "gate" / "delivery.yaml").read_text(encoding="utf-8")
    return {extract: read_table(table) for extract, table in yaml.safe_load(text).items()}


def deliver(delivery, folder):
    """The rows as a delivery of CSV files."""
    folder.mkdir()
    for extract, rows in delivery.items():
        if rows:
            with (folder / f"{extract}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, rows[0].keys())
                writer.writeheader()
                writer.writerows(rows)
    return folder


def shape(number):
    """{table: [(column, type)]} of then; exports.NAME is a file."""
    with (OLD / f"format_{number}" / "shape.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["table"], row["column"], row["type"]) for row in csv.DictReader(file)]
    return {table: [row[1:] for row in group] for table, group in itertools.groupby(rows, key=lambda row: row[0])}


def publish(out, number, extracts):
    """The release and its line of the ledger, in out; returns today's database of the same delivery."""
    release = out / "releases" / RUN
    (release / "exports").mkdir(parents=True)
    con = pipeline.audit(gate(), as_of=GIVEN["as_of"], parameters=GIVEN["parameters"])
    then = shape(number)
    _write_database(con, then, OLD / f"format_{number}", release / "audit.duckdb")
    _write_exports(con, then, release / "exports")
    (release / "report.html").write_text("a page of then", encoding="utf-8")
    manifest = _manifest(extracts, out)
    files = {path.relative_to(release).as_posix(): path for path in sorted(release.rglob("*")) if path.is_file()}
    manifest["files"] = {name: {"sha256": sha256(path), "bytes": path.stat().st_size} for name, path in files.items()}
    (release / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    releases.show(out)
    (out / "current").symlink_to(f"releases/{RUN}")
    _append(out, manifest)
    return con


def _write_database(con, then, folder, path):
    con.execute(f"attach '{path}' as old")
    there = {(table, column) for table, column in con.execute("select schema_name || '.' || table_name, column_name from duckdb_columns() where database_name = 'memory'").fetchall()}
    for table, columns in then.items():
        schema, name = table.split(".")
        if schema == "exports":
            continue
        con.execute(f"create schema if not exists old.{schema}")
        rows = folder / f"{name}.csv"
        if rows.exists():
            types = ", ".join(f"'{column}': '{kind}'" for column, kind in columns)
            con.execute(f"create table old.{table} as select * from read_csv('{rows}', header = true, columns = {{{types}}})")
            continue
        cells = [f'cast({_cell(table, column, there)} as {kind}) as "{column}"' for column, kind in columns]
        source = f"memory.{table}" if any(each[0] == table for each in there) else "(select 1) where false"
        con.execute(f"create table old.{table} as select {', '.join(cells)} from {source}")
    con.execute("detach old")


def _cell(table, column, there):
    return f'"{column}"' if (table, column) in there else "null"


def _write_exports(con, then, folder):
    names = [table.split(".")[1] for table in then if table.startswith("exports.")]
    tables = {name: con.sql(f"select * from out.{name} order by all").pl() for name in catalog.EXPORTED if name not in {*catalog.MADE_AT_RELEASE, "quality_result", "notice"}}
    parameters = dict(con.execute("select name, value from rule.parameter order by all").fetchall())
    tables["audit_run"] = pl.DataFrame({"parameters": [json.dumps(parameters)], "row_counts": ["{}"]})
    tables["quality_result"] = pl.DataFrame(schema=dict.fromkeys(("code", "status"), pl.String) | dict.fromkeys(("n_unexpected", "n_total"), pl.Int64))
    released = disclosure.release(tables, "cms")
    for name in set(names) & released.keys():
        columns = [column for column, _ in then[f"exports.{name}"] if column in released[name].columns]
        catalog.write_table(released[name].select(columns), folder / name)


def _manifest(extracts, out):
    """The keys of then. Rules as today's, so that only the definition differs."""
    settings = load_settings(None, extracts=extracts, out=out, **GIVEN)
    files = {path: content if path.startswith("rules/") else "of then" for path, content in _hash_shipped(None).items()}
    return {
        "run_id": RUN,
        "published_at": "2026-01-01T06:00:00Z",
        "source": "delivery",
        "deid_mode": settings.deid_mode,
        "as_of": GIVEN["as_of"],
        "editions": ["2017", "2022"],
        "suppression": "cms",
        "settings": settings.content(),
        "versions": versions(),
        "inputs": _hash_delivery(extracts),
        "rules_and_code": files,
    }


def _append(out, manifest):
    facts = {name: manifest[name] for name in ("run_id", "source", "deid_mode", "as_of", "inputs", "settings", "versions")}
    groups = ledger.grouped(manifest["inputs"], manifest["rules_and_code"])
    line = {"recorded_at": "2026-01-01T06:00:00+00:00", "event": "published", **facts, "digests": {name: digest(files) for name, files in groups.items()}}
    ledger.add(out, json.dumps(line | {"headline": None, "quality": [], "release": RUN}))


def rows_of(database, query):
    with duckdb.connect(str(database), read_only=True) as con:
        return con.execute(query).fetchall()
