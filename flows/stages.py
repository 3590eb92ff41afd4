"""The stages of an audit as plain functions. Prefect wraps them (audit.py), --direct calls them as they are."""

import functools
import json
import time

from flows import ROOT
from flows.errors import QuarantineError, RulesError, safely
from flows.logs import log
from flows.software import versions
from flows.workspace import close_the_doors, digest, now, opened, refuse_moved_rules, unmoved

PLACES = 3  # of rows that cannot be read, as an error names them


def run_direct(settings):
    """The audit without Prefect: the same stages in the same order."""
    with opened(settings) as run:
        for each in STAGES if run else ():
            each(run)


def stage(title):
    """Say what was done and how long it took, and let no error carry a value out."""

    def wrap(function):
        @functools.wraps(function)
        def told(run):
            started = time.monotonic()
            with safely(debug=run.settings.debug):
                function(run)
            seconds = time.monotonic() - started
            facts = {"event": function.__name__, "seconds": round(seconds, 1), "run_id": run.run_id}
            log.info("%-48s %6.1f s", title, seconds, extra=facts)

        return told

    return wrap


@stage("Rules loaded and checked")
def load_rules(run):
    from flows import rules

    rules.load_rules(run.con, run.settings, run.run_id)
    run.con.execute("update rule.run set source = ?", [run.settings.source_label])
    errors = [finding for finding in rules.check_rules(run.con) if finding.severity == "error"]
    if errors:
        raise RulesError(
            f"{len(errors)} broken invariant(s) of the rules, the first: {errors[0]}",
            next_step="imaging-audit check-rules lists them all, each with what mends it",
        )


@stage("Delivery checked for identifiers, then read")
def read_delivery(run):
    from flows.delivery import ingest

    with unmoved(run):
        ingest.read_delivery(run.con, run.settings.extracts, run.settings)
    close_the_doors(run)


@stage("Rows typed, unreadable ones set aside")
def type_rows(run):
    _build(run, "stg")
    _say_what_is_set_aside(run.con)
    _refuse_too_much_quarantine(run.con)
    _gate(run, "extract")


@stage("Cancers, courses, exams and labels built")
def judge(run):
    _build(run, "core", "out")


@stage("Result tables checked")
def check(run):
    _gate(run, "published")
    _record(run, "quality_result", {"results": json.dumps(run.quality, default=str)})
    _record(run, "audit_run", _facts(run))


@stage("Compared with earlier runs")
def notice(run):
    from flows import noticing

    noticing.notice(run)


@stage("Result published")
def publish(run):
    from flows.publish import publish_run

    refuse_moved_rules(run)
    publish_run(run)


STAGES = (load_rules, read_delivery, type_rows, judge, check, notice, publish)


def _build(run, *schemas):
    if run.settings.engine == "spark":
        from flows.spark import engine

        engine.build(run.con, run.settings, run.work, schemas)
        return
    from flows import models

    for schema in schemas:
        models.build(run.con, schemas=(schema,))
        run.con.execute("checkpoint")  # tables that are not in the file yet hold memory that nothing can take from them


def _say_what_is_set_aside(con):
    for extract, n_rows in con.execute("select extract, n_quarantined from stg.quarantine_share order by extract").fetchall():
        if n_rows:
            log.info("  %-32s %12d rows set aside; stg.quarantine says where and why", extract, n_rows)


def _refuse_too_much_quarantine(con):
    over = con.execute(
        "select extract, n_quarantined, n_rows, common_reason, n_common_reason, quarantine_max_share "
        "from stg.quarantine_share where is_over_share order by extract"
    ).fetchall()
    if over:
        raise QuarantineError(
            f"more than {over[0][5]:.1%} of an extract cannot be read; nothing was published",
            where="; ".join(
                f"{extract}: {n_over} of {n_rows} rows, most often {reason} ({n_reason}): {_places(con, extract, reason)}"
                for extract, n_over, n_rows, reason, n_reason, _ in over
            ),
            next_step="mend the extract, or, where the share is right, set the parameter quarantine_max_share",
        )


def _places(con, extract, reason):
    """Where the first of them stand: nothing is published that could be asked for the rest, and one place shows what it is."""
    query = "select part, line from stg.quarantine where extract = ? and concat_ws(' ', column_name, reason) = ? order by part, line limit ?"
    found = con.execute(query, [extract, reason, PLACES + 1]).fetchall()
    return ", ".join(f"{part} line {line}" for part, line in found[:PLACES]) + (" and so on" if len(found) > PLACES else "")


def _gate(run, of_what):
    """The results are kept before the gate may close, so that the ledger tells what a failed run found."""
    from flows import quality

    results = quality.judge(run.con, of_what, run.run_id)
    run.quality.extend(results)
    for row in results:
        if row["severity"] == "warning" and row["status"] in ("error", "failed"):
            log.warning("  %s does not hold of %s: %s", row["code"], row["table_name"], row["why"])
    quality.refuse(results)


def _record(run, table, values):
    from flows import models

    query = (ROOT / "sql" / "run" / f"{table}.sql").read_text(encoding="utf-8")
    run.con.execute(f"create or replace table out.{table} as {query}", values)
    models.comment(run.con, {f"out.{table}": models.grain(query)})


def _facts(run):
    return {
        "run_id": run.run_id,
        "started_at": run.started_at,
        "finished_at": now(),
        "deid_mode": run.settings.deid_mode,
        "source": run.settings.source_label,
        "inputs": json.dumps(run.inputs),
        "files": json.dumps(run.files),
        "rules_hash": _hash_of(run, ("rules/", "site/")),
        "sql_hash": _hash_of(run, ("sql/",)),
        "versions": json.dumps(versions(run.settings.engine)),
        "parameters": json.dumps(
            dict(run.con.execute("select name, value from rule.parameter order by all").fetchall())
        ),
        "row_counts": json.dumps(_row_counts(run.con)),
        "settings_hash": digest(run.settings.content()),
    }


def _hash_of(run, folders):
    return digest({path: content for path, content in run.files.items() if path.startswith(folders)})


def _row_counts(con):
    tables = con.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
    names = [f"{schema}.{table}" for schema, table in tables]
    return {name: con.execute(f"select count(*) from {name}").fetchall()[0][0] for name in names}
