"""Publishing: everything is built aside, then one rename of a symbolic link changes all of it at once.

out/releases/RUN/ holds a result; out/current points to one; out/audit.duckdb, report.html, exports … point through it.
Whoever has a file open keeps reading the old one, and a failed run has touched nothing.
"""

import json
import shutil

from flows import ledger, releases
from flows.errors import NotFoundError
from flows.headline import headline_row
from flows.software import versions
from flows.workspace import digest, now, sha256

EXPORTED = (
    "compliance",
    "sensitivity",
    "attrition",
    "case_attrition",
    "unmapped_code",
    "secondary_measure",
    "scenario_compliance",
    "edition_change",
    "staging_summary",
    "radiation",
    "maturity",
    "label_basis",
    "validity",
    "quality_warning",
    "quality_result",
)
# Row-level tables leave the database only into the folder that says what it is.
PROTECTED = (
    *("order_label", "neoadjuvant_case", "episode", "worklist"),
    *("scenario_episode", "staging_workup", "case_radiation"),
)
# When and as which run a check was made is the manifest's business: the same audit exports the same bytes.
NOT_EXPORTED = {"run_id", "checked_at"}

PROTECTED_NOTE = """Patients' rows: for the protected zone only.

order_label        one row per imaging order line of a neoadjuvant case, with its label and evidence
neoadjuvant_case   one row per cancer, with its course, surgery and the ids they rest on
episode            one row per case and measure, with its verdict
worklist           one row per index order to look at, by site and reason: about orders, never a ranking of people;
                   worklist.html shows the same rows to read
scenario_episode   one row per case and other question that its orders asked, with its verdict
staging_workup     one row per case imaged for suspected metastasis: which exams, and whether they follow the either/or
case_radiation     one row per case and procedure performed before surgery, with its radiation band as a range

In the CSV files a text that begins with = + - or @ stands behind an apostrophe, so that no spreadsheet runs it; the
Parquet files hold every value as it is.

No disclosure control is applied here or in audit.duckdb. What may be passed on is in exports/ and report.html.
"""

# What makes a cell a formula where it begins one, or follows a mark at which some locales split cells.
RUN_BY_SPREADSHEETS = r"(^|[;\t\r\n])([=+\-@＝＋－＠])"


def publish_run(run):
    """Build aside, swap, remember."""
    releases.finish(run.settings.out)
    if is_current(run.settings.out, run.run_id):
        return  # a first try came as far as the swap
    release = run.work / "release"
    shutil.rmtree(release, ignore_errors=True)  # what a first try left
    tables = _released(run)
    _write_database(run, release)
    _write_exports(tables, release / "exports")
    _write_protected(run, release / "protected")
    _write_report(tables, release / "report.html")
    _write_manifest(run, release, tables["audit_run"])
    releases.swap(run.settings.out, release, run.run_id, _entry(run, tables))
    releases.prune(run.settings.out, run.settings.keep_releases)


def is_current(out, run_id):
    """The published result is that of this very audit, and nobody has touched it."""
    manifest = read_manifest(out)
    return bool(manifest) and manifest["run_id"] == run_id and _is_whole(out / "current", manifest)


def published_database(out):
    path = out / "audit.duckdb"
    if not path.exists():
        raise NotFoundError(
            "no published result", where=out, next_step="imaging-audit run writes one; name its --out folder"
        )
    return path


def read_manifest(out):
    path = out / "current" / "manifest.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _is_whole(release, manifest):
    try:
        return all(sha256(release / path) == facts["sha256"] for path, facts in manifest["files"].items())
    except OSError:
        return False


def _released(run):
    """The aggregate tables as they may leave; the one place where they pass."""
    from flows import disclosure

    (given,) = run.con.execute("select small_cell_max, unrated_withhold_share from stg.parameter").fetchall()
    tables = {name: run.con.sql(f"select * from out.{name} order by all").pl() for name in (*EXPORTED, "audit_run")}
    return disclosure.release(tables, run.settings.suppression, *given)


def _write_database(run, release):
    """A compact copy: the work database still holds the space of every table that was built twice."""
    release.mkdir()
    copy = str((release / "audit.duckdb").resolve()).replace("'", "''")
    run.con.execute(f"attach '{copy}' as snapshot")
    try:
        run.con.execute("copy from database work to snapshot")
    finally:
        run.con.execute("detach snapshot")


def _write_exports(tables, folder):
    folder.mkdir()
    for name in EXPORTED:
        table = tables[name]
        _write(table.drop(NOT_EXPORTED & set(table.columns)), folder / name)


def _write_protected(run, folder):
    from flows import page_worklist

    folder.mkdir()
    (folder / "README.txt").write_text(PROTECTED_NOTE, encoding="utf-8")
    tables = {name: run.con.sql(f"select * from out.{name} order by all").pl() for name in PROTECTED}
    for name, table in tables.items():
        _write(table, folder / name)
    worklist = page_worklist.render(tables["worklist"], run.settings.source_label)
    (folder / "worklist.html").write_text(worklist, encoding="utf-8")


def _write(table, stem):
    _for_spreadsheets(table).write_csv(stem.with_suffix(".csv"))
    table.write_parquet(stem.with_suffix(".parquet"))


def _for_spreadsheets(table):
    """A text that a spreadsheet would run gets an apostrophe before it; numbers are no text, and Parquet runs nothing."""
    import polars as pl

    text = pl.col(pl.String)
    return table.with_columns(text.str.replace_all(RUN_BY_SPREADSHEETS, "${1}'${2}").str.replace("^[\\t\\r\\n]", "'${0}"))


def _write_report(tables, path):
    from flows import report

    path.write_text(report.render(tables), encoding="utf-8")


def _write_manifest(run, release, audit_run):
    paths = sorted(path for path in release.rglob("*") if path.is_file())
    facts = {
        path.relative_to(release).as_posix(): {"sha256": sha256(path), "bytes": path.stat().st_size} for path in paths
    }
    as_of = audit_run["as_of"][0]
    manifest = {
        "run_id": run.run_id,
        "published_at": now().isoformat() + "Z",
        "source": run.settings.source_label,
        "deid_mode": run.settings.deid_mode,
        "as_of": as_of and as_of.isoformat(),
        "editions": [
            edition for (edition,) in run.con.execute("select edition from rule.edition order by edition").fetchall()
        ],
        "suppression": run.settings.suppression,
        "settings": run.settings.content(),
        "versions": versions(),
        "inputs": run.inputs,
        "rules_and_code": run.files,
        "files": facts,
    }
    (release / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _entry(run, tables):
    """The line of the ledger: what must still be known when the release itself was pruned."""
    as_of = tables["audit_run"]["as_of"][0]
    return {
        "event": "published",
        "run_id": run.run_id,
        "source": run.settings.source_label,
        "deid_mode": run.settings.deid_mode,
        "as_of": as_of and as_of.isoformat(),
        "inputs": run.inputs,
        "digests": {group: digest(files) for group, files in ledger.grouped(run.inputs, run.files).items()},
        "rules_hash": digest(
            {path: content for path, content in run.files.items() if path.startswith(("rules/", "site/"))}
        ),
        "sql_hash": digest({path: content for path, content in run.files.items() if path.startswith("sql/")}),
        "settings_hash": digest(run.settings.content()),
        "settings": run.settings.content(),
        "versions": versions(),
        "headline": headline_row(tables["compliance"]),
        "quality": run.quality,
    }
