"""The last release's rows judged again, one cause of change after the other: what the headline would have been on the way.

Begins with all that went into the last release and ends with all that goes into this one. Code comes first, because earlier
code is not kept; then parameters and rules, then the data. Only the models that the headline stands on are built, in a
database beside the run's that goes with it. Nothing here is under disclosure control: flows/since.py sees to that.
"""

import functools
import re
from contextlib import contextmanager

import duckdb

from flows import doors, models
from flows.errors import AuditError
from flows.headline import HEADLINE

# In this order each cause takes the place of what it was. Versions come with the code: a step of their own where it stayed.
ON_THE_WAY = ("software", "definition", "rules", "rule_edition", "code_map", "corrected_data", "gone_data", "new_data")
DEFINITION, OF_EDITIONS = {"parameter"}, {"rating", "edition"}
IDS = {
    "orders": "order_id", "diagnoses": "diagnosis_id", "therapies": "therapy_id", "procedures": "procedure_id",
    "patients": "patient_id", "findings": "finding_id",
}
TALLY = "core.compliance_tally"
READ = re.compile(r"\b(?:raw|rule|stg|core)\.\w+")


def order(causes):
    """The causes that take a step of their own, in the order of their steps."""
    found = [cause for cause in ON_THE_WAY if cause in causes]
    return found[1:] if found[:2] == ["software", "definition"] else found


def on_the_way(earlier, later, causes, machine=None):
    """[(cause, counts of the headline once it has come)], the last cause left out: with it the headline is this run's.

    earlier, later: the two audit.duckdb. causes: those that differ. None where the tables of the two are unlike.
    """
    found, come, views = [], set(), {}
    try:
        with _attached(earlier, later, machine or {}) as con:
            for cause in order(causes)[:-1]:
                come.add(cause)
                moved = {name for name, text in _views(con, come).items() if views.get(name) != text}
                views = _views(con, come)
                for name in sorted(moved):
                    con.execute(f"create or replace view {name} as {views[name]}")
                found.append((cause, _headline(con, moved)))
    except (AuditError, duckdb.BinderException, duckdb.CatalogException) as error:
        if isinstance(error, AuditError) and not isinstance(error.__cause__, (duckdb.BinderException, duckdb.CatalogException)):
            raise
        return None
    return found


@contextmanager
def _attached(earlier, later, machine):
    path = later.with_name("rejudged.duckdb")
    con = duckdb.connect(str(path), config=doors.FETCHES_NOTHING | {"temp_directory": f"{path}.tmp"} | machine)
    try:
        for name, database in (("earlier", earlier), ("later", later)):
            con.execute(f"attach {models.quoted(str(database.resolve()))} as {name} (read_only)")
        doors.close(con, path.parent)
        for schema in ("raw", "rule", "stg", "core", "diff"):
            con.execute(f"create schema {schema}")
        for file in models.model_files("diff"):
            if models.table_name(file) in ("delivered_row", "delivered_id", "row_change"):
                models.create(con, "diff", file, is_kept=False)
        yield con
    finally:
        con.close()
        for file in path.parent.glob(path.name + "*"):
            file.unlink()


def _views(con, come):
    """Table → what stands in for it: of the later run where its cause has come, else of the earlier one."""
    views = {}
    known = _rule_tables(con)
    for name in sorted(_rules_read()):
        cause = "definition" if name in DEFINITION else "rule_edition" if name in OF_EDITIONS else "rules"
        # A table that the earlier run did not have came with the code that reads it.
        views[f"rule.{name}"] = f"from {_run(cause, come) if name in known else 'later'}.rule.{name}"
    days = f"(select as_of, data_from from {_run('new_data', come)}.rule.run) days"
    covered = "replace (days.as_of as as_of, days.data_from as data_from)"
    views["rule.run"] = f"select run.* {covered} from {_run('definition', come)}.rule.run, {days}"
    views["raw.other_order"] = f"from {_run('new_data', come)}.raw.other_order"
    views["raw.code_map"] = f"from {_run('code_map', come)}.raw.code_map"
    return views | {f"raw.{extract}": _rows(extract, key, come) for extract, key in IDS.items()}


def _rows(extract, key, come):
    """Rows go by their id, as in sql/diff; one without an id comes with the new data, and is read by nobody."""
    if "new_data" in come:
        return f"from later.raw.{extract}"
    changed = "(select row_id from diff.row_change where extract = '{}' and change = '{}')"
    kept = f"select * from earlier.raw.{extract} where true"
    if "gone_data" in come:
        kept += f" and trim({key}) not in {changed.format(extract, 'gone')}"
    if "corrected_data" in come:
        is_corrected = f"trim({key}) in {changed.format(extract, 'corrected')}"
        kept += f" and ({is_corrected}) is not true union all by name from later.raw.{extract} where {is_corrected}"
    return kept


def _run(cause, come):
    return "later" if cause in come else "earlier"


def _rule_tables(con):
    rows = con.execute(
        "select table_name from duckdb_tables() where database_name = 'earlier' and schema_name = 'rule'"
    ).fetchall()
    return {name for (name,) in rows}


def _rules_read():
    read = {name for _, _, reads in needed() for name in reads if name.startswith("rule.")}
    return {name.removeprefix("rule.") for name in read} - {"run"}


def _headline(con, moved):
    """Only what stands on something that moved is built again."""
    moved = set(moved)
    for schema, file, reads in needed():
        if reads & moved:
            models.create(con, schema, file, is_kept=False)
            moved.add(f"{schema}.{models.table_name(file)}")
    where = " and ".join(f"{name} = ?" for name in HEADLINE)
    found = con.execute(f"from {TALLY} where {where}", list(HEADLINE.values()))
    return dict(zip([column[0] for column in found.description], found.fetchone(), strict=True))


@functools.cache
def needed():
    """(schema, file, tables read) of the models that the headline stands on, in the order of building."""
    files = {
        f"{schema}.{models.table_name(file)}": (schema, file, _reads(file))
        for schema in ("stg", "core") for file in models.model_files(schema)
    }  # fmt: skip
    wanted = {TALLY}
    for name in reversed(files):
        wanted |= files[name][2] if name in wanted else set()
    return [place for name, place in files.items() if name in wanted]


def _reads(file):
    return set(READ.findall(re.sub("--.*", "", file.read_text(encoding="utf-8"))))
