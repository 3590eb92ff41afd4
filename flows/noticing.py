"""Before a result is published it is compared with earlier ones: sql/notice/ compares, rules/notice.csv says what is far.

The facts of earlier runs come from the ledger, which outlives the releases. Of each covered day the run published last
counts, and only days before that of this run, so that a late, repeated or backfilled run compares as if run in time.
"""

import json

from flows import ROOT, ledger, models
from flows.errors import QualityError
from flows.logs import log

FOLDER = models.SQL / "notice"
# Facts whose subject is a code as it was delivered; it stays out of what terminals, logs and Prefect are told.
ABOUT_CODES = ("unmapped_code", "index_code")


def notice(run):
    """Compare, keep what is worth a look as out.notice, and stop where the rules say so."""
    on = covered_on({"as_of": _as_of(run.con), "settings": run.settings.content(), "recorded_at": str(run.started_at)})
    before = history(run.settings, on)
    build(run.con, on, before)
    run.noticed.update(notices=noticed(run.con), facts=facts(run.con))
    _say(run.noticed["notices"], len({row["covered_on"] for row in before}))
    _refuse(run.noticed["notices"])


def build(con, on, before):
    """The tables of the schema notice, then out.notice. before: rows of notice.history."""
    values = {"run": {"covered_on": on}, "history": {"history": json.dumps(before)}}
    made = {}
    con.execute("create schema if not exists notice")
    for path in [*models.model_files("notice"), ROOT / "sql" / "run" / "notice.sql"]:
        name = models.table_name(path)
        table = f"{'notice' if path.parent == FOLDER else 'out'}.{name}"
        query = path.read_text(encoding="utf-8")
        con.execute(f"create or replace table {table} as {query}", values.get(name) if path.parent == FOLDER else None)
        made[table] = models.grain(query)
    models.comment(con, made)


def covered_on(entry):
    """The day by which runs are put in order; without a calendar the one that was declared, else that of the run."""
    return entry.get("as_of") or entry.get("settings", {}).get("as_of") or entry["recorded_at"][:10]


def history(settings, on):
    """The facts of earlier runs of deliveries of this kind, one run a covered day."""
    days = {}
    for entry in ledger.of(settings.out, "published"):
        if "facts" in entry:
            is_alike = (entry["source"], entry["deid_mode"]) == (settings.source_label, settings.deid_mode)
            if is_alike and covered_on(entry) < on:
                days[covered_on(entry)] = entry["facts"]
    return [{"covered_on": day, **fact} for day, rows in sorted(days.items()) for fact in rows]


def facts(con):
    """The facts of this run as the ledger keeps them: what is not there is left out."""
    rows = con.sql("select * from notice.fact order by fact, subject").pl().to_dicts()
    return [{name: _brief(value) for name, value in row.items() if value is not None} for row in rows]


def noticed(con):
    return con.sql("select * from out.notice order by notice, subject").pl().to_dicts()


def _brief(value):
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 4)
    return value if isinstance(value, str) else value.isoformat()


def _as_of(con):
    (as_of,) = con.execute("select as_of from out.audit_run").fetchall()[0]
    return as_of and as_of.isoformat()


def _say(notices, n_runs):
    names = sorted({row["notice"] for row in notices if row["severity"] != "note"})
    if names:
        log.warning("Compared with %d earlier run(s), to look at: %s; the report says what to do", n_runs, ", ".join(names))
    elif n_runs:
        log.info("Compared with %d earlier run(s): nothing to look at", n_runs)
    else:
        log.info("No earlier run to compare with")


def _refuse(notices):
    """A stop is told by its own sentences; nothing was published, so they are all that a person has."""
    grave = [row for row in notices if row["severity"] == "stop"]
    if grave:
        raise QualityError(
            " ".join(f"{row['says']} {row['means']}" for row in map(_spoken, grave)),
            where=", ".join(dict.fromkeys(row["notice"] for row in grave)),
            next_step=" ".join(dict.fromkeys(row["next_step"] for row in grave)),
        )


def _spoken(row):
    if row["fact"] not in ABOUT_CODES:
        return row
    return row | {"says": row["says"].replace(row["subject"], "a code")}
