"""The quality gate: Great Expectations inside DuckDB. Counts leave it, values never do."""

import logging
import os
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime

import yaml

from flows import ROOT
from flows.errors import QualityError, RulesError

# Folder = schema and file = table, as in sql/: expectations/stg/order_line.yaml speaks of stg.order_line.
STAGE_SCHEMAS = {"extract": "stg", "published": "out"}
SEVERITIES = ("critical", "warning")
ROW_KEYS = {"code", "severity", "why", "what", "of", "mostly"}
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


def check(con, stage, run_id, folder=None):
    """The result rows of a stage; raises QualityError where a critical expectation fails or errors."""
    results = judge(con, stage, run_id, folder)
    refuse(results, folder)
    return results


def judge(con, stage, run_id, folder=None):
    """Run every expectation of a stage and say how each ended, without stopping the run.

    Great Expectations reads through cursors of its own: what is not committed yet it cannot see.
    """
    suites = read_suites(stage, folder)
    checked_at = datetime.now(UTC).replace(tzinfo=None)
    results = []
    with _quiet(), _connected(con) as source:
        for table, suite in suites.items():
            outcomes = _validate(source, table, suite["expectations"])
            for row in suite["expectations"]:
                counts = _counts(con, table, row, outcomes.get(row["code"]))
                results.append(_result(table, row, counts) | {"run_id": run_id, "checked_at": checked_at})
    return results


def refuse(results, folder=None):
    """Stop the run where something critical does not hold: codes, tables, counts, why, and what to do."""
    broken = [row for row in results if row["severity"] == "critical" and row["status"] in ("error", "failed")]
    if not broken:
        return
    mends = dict.fromkeys(_mend(row["table_name"], folder) for row in broken)
    raise QualityError(
        f"the quality gate is closed: {len(broken)} critical of {len(results)} expectations; nothing was published",
        where="; ".join(_sentence(row) for row in broken),
        next_step=" ".join(mends),
    )


def read_suites(stage, folder=None):
    """The expectation files of a stage, by table, each row checked for shape."""
    schema = STAGE_SCHEMAS[stage]
    files = sorted((_folder(folder) / schema).glob("*.yaml"))
    return {f"{schema}.{file.stem}": _read_suite(file) for file in files}


def _folder(folder):
    return folder or ROOT / "expectations"


def _read_suite(file):
    suite = yaml.safe_load(file.read_text(encoding="utf-8"))
    for row in suite["expectations"]:
        unknown = set(row) - ROW_KEYS
        missing = {"code", "severity", "why"} - set(row)
        if unknown or missing or row["severity"] not in SEVERITIES:
            raise RulesError(
                "an expectation is not written as it should be",
                where=f"{file.name}, {row.get('code', 'no code')}: {sorted(unknown | missing) or 'severity'}",
                next_step=f"Use only {sorted(ROW_KEYS)}, with a severity of critical or warning.",
            )
        row["query"] = _query(file, row)
    return suite


def _query(file, row):
    """The SQL of a row: its `what` where that is a line of text, else the file that bears its code."""
    # GX puts a sub-select where {batch} stands, with an alias of its own unless the query joins: so a query
    # that joins must name {batch}, and one that does not must leave it unnamed.
    what = row.get("what")
    if isinstance(what, dict):
        return None
    return what or (file.parent.parent / "sql" / f"{row['code']}.sql").read_text(encoding="utf-8")


def _configuration(row):
    custom = {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": row["query"]}}
    return (custom if row["query"] else row["what"]) | {"severity": row["severity"], "meta": {"code": row["code"]}}


@contextmanager
def _connected(con):
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when great_expectations is imported
    import great_expectations as gx
    from duckdb_sqlalchemy import ConnectionWrapper
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # Without the first two, GX closes the connection before it fetches, and the ROLLBACK on closing
    # discards DuckDB's result. The creator shares our own database, so no second opening, no lock.
    source = context.data_sources.add_sql(
        "audit",
        connection_string="duckdb://",
        kwargs={
            "isolation_level": "AUTOCOMMIT",
            "skip_autocommit_rollback": True,
            "creator": lambda: ConnectionWrapper(con.cursor()),
        },
    )
    yield source
    source.get_engine().dispose()  # a cursor left open would keep the file open after its connection is closed


def _validate(source, table, rows):
    """GX's outcome of each row by code; a table that cannot be read has none."""
    import great_expectations as gx

    schema, name = table.split(".")
    suite = gx.ExpectationSuite(name=table, expectations=[_configuration(row) for row in rows])
    try:
        asset = source.add_table_asset(table, table_name=name, schema_name=schema)
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        outcomes = batch.validate(suite, result_format=COUNTS_ONLY).results
    except Exception:  # whatever GX raises here may quote rows: only the status "error" leaves
        return {}
    return {outcome.expectation_config.meta["code"]: outcome for outcome in outcomes}


def _counts(con, table, row, outcome):
    """Whether it held, how many did not, out of how many; None where the check itself broke."""
    if outcome is None or not outcome.result:
        return None
    found = outcome.result
    if row["query"]:
        total = _denominator(con, table, row)
        return None if total is None else (_holds(found["observed_value"], total, row), found["observed_value"], total)
    if "element_count" in found:
        total = found["element_count"] - found.get("missing_count", 0)
        return outcome.success, found["unexpected_count"] or 0, total
    return outcome.success, int(not outcome.success), 1  # a check of the table as a whole


def _denominator(con, table, row):
    query = row.get("of", "select 1 from {batch}").format(batch=table)
    try:
        return con.execute(f"select count(*) from ({query}) as asked").fetchall()[0][0]
    except Exception:  # as above
        return None


def _holds(n_unexpected, total, row):
    return n_unexpected <= total * (1 - row.get("mostly", 1)) + 1e-9


def _result(table, row, counts):
    holds, n_unexpected, n_total = counts or (False, None, None)
    return {
        "code": row["code"],
        "table_name": table,
        "expectation": _name(row),
        "severity": row["severity"],
        "status": _status(counts, holds, n_total),
        "n_unexpected": n_unexpected,
        "n_total": n_total,
        "why": " ".join(row["why"].split()),
    }


def _status(counts, holds, n_total):
    """The order matters: an empty denominator is never a pass."""
    if counts is None:
        return "error"
    if n_total == 0:
        return "not_applicable"
    return "passed" if holds else "failed"


def _name(row):
    if row["query"]:
        return f"no row of sql {row['code']}"
    kwargs = row["what"].get("kwargs", {})
    columns = kwargs.get("column_list") or [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs]
    return f"{row['what']['type']}({', '.join(columns)})"


def _sentence(row):
    if row["status"] == "error":
        return f"{row['code']} on {row['table_name']} could not be checked ({row['why']})"
    return f"{row['code']} on {row['table_name']}: {row['n_unexpected']} of {row['n_total']} ({row['why']})"


def _mend(table, folder):
    schema, name = table.split(".")
    return _read_suite(_folder(folder) / schema / f"{name}.yaml")["mend"].strip()


@contextmanager
def _quiet():
    # GX logs the tracebacks of failed queries, and a DuckDB error may quote the value it choked on.
    # Some of its loggers set a level of their own, so the way up is closed rather than the level raised.
    logger, sink = logging.getLogger("great_expectations"), logging.NullHandler()
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(sink)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeHandler(sink)
        logger.propagate = propagates
