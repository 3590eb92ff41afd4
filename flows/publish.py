"""Publishing: everything is built aside, then one rename of a symbolic link changes all of it at once.

out/releases/RUN/ holds a result; out/current points to one; out/audit.duckdb, report.html, exports … point through it.
Whoever has a file open keeps reading the old one, and a failed run has touched nothing. The audit of a day after which the
series goes on is filed: its result is kept and remembered, and what is shown stays.
"""

import json
import shutil

from flows import formats, ledger, machine, releases, signals
from flows.delivery import series
from flows.errors import NotFoundError
from flows.exports import catalog
from flows.headline import headline_row
from flows.proof.prove import is_listed
from flows.software import versions
from flows.workspace import digest, now, sha256

# Row-level tables leave the database only into the folder that says what it is.
PROTECTED = (
    *("order_label", "neoadjuvant_case", "episode", "worklist"),
    *("scenario_episode", "staging_workup", "case_radiation", "not_appropriate_gap"),
    *("site", "imaging_procedure", "rating_edition", "calendar_day"),
)
PROTECTED_NOTE = """Patients' rows: for the protected zone only.

order_label        one row per imaging order line of a neoadjuvant case, with its label and evidence
neoadjuvant_case   one row per cancer, with its course, surgery and the ids they rest on
episode            one row per case and measure, with its verdict
worklist           one row per index order to look at, by site and reason: about orders, never a ranking of people;
                   worklist.html shows the same rows to read
scenario_episode   one row per case and other question that its orders asked, with its verdict
staging_workup     one row per case imaged for suspected metastasis: which exams, and whether they follow the either/or
case_radiation     one row per case and procedure performed before surgery, with its radiation band as a range
not_appropriate_gap  one row per stretch of index orders that ends with one that is not appropriate
site, imaging_procedure, rating_edition, calendar_day
                   what the keys of the tables above lead to: a star for programs that like one
report.html        the report before disclosure control, with the chart that only exact counts allow

In the CSV files a text that begins with = + - or @ stands behind an apostrophe, so that no spreadsheet runs it; the
Parquet files hold every value as it is.

No disclosure control is applied here or in audit.duckdb. What may be passed on is in exports/ and report.html.
"""


def publish_run(run):
    """Build aside, show or file, remember."""
    is_past = series.is_past(run.settings)
    releases.finish(run.settings.out)
    if (is_filed if is_past else is_current)(run.settings.out, run.run_id, run.settings.proof):
        signals.record(run.settings.out)
        return  # a first try came as far as the swap
    release = run.work / "release"
    shutil.rmtree(release, ignore_errors=True)  # what a first try left
    _write_database(run, release)
    manifest, truth = _manifest(run), _truth(run)
    tables = _released(run, truth, manifest, release)
    history = ledger.quality_history(run.settings.out)
    charts = catalog.write_exports(run.con, tables, run.settings.suppression, release / "exports")
    if run.settings.proof:
        catalog.prove(run.con, run.settings.suppression, release / "exports")
    _write_protected(run, truth, tables["change"], history, release / "protected")
    _write_report(run, tables, history, release / "report.html")
    _write_manifest(manifest, release)
    seen = signals.found(charts, run.settings.suppression)
    bring_in = releases.file if is_past else releases.swap
    bring_in(run.settings.out, release, run.run_id, _entry(run, manifest, tables) | {"signals": seen})
    signals.record(run.settings.out)
    releases.prune(run.settings.out, run.settings.keep_releases)


def is_current(out, run_id, proof=False):
    """The published result is that of this very audit, and nobody has touched it; proof: and it came with its proof.

    The proof moves no figure, so the run keeps its name; and where it is asked for, a result without it does not stand.
    """
    return _is_of(out / "current", run_id, proof)


def whole_run(out, proof=False):
    """The run whose result is shown; None where there is none, or somebody has touched it. All of it is hashed to say so."""
    manifest = read_manifest(out)
    return manifest["run_id"] if manifest and _is_whole(out / "current", manifest, proof) else None


def is_filed(out, run_id, proof=False):
    """The same of a result that is kept, shown or not."""
    entries = [entry for entry in ledger.of(out, "published") if entry["run_id"] == run_id]
    return any(_is_of(out / "releases" / entry.get("release", run_id), run_id, proof) for entry in entries)


def published_database(out):
    path = out / "audit.duckdb"
    if not path.exists():
        raise NotFoundError(
            "no published result", where=out, next_step="imaging-audit run writes one; name its --out folder"
        )
    formats.refuse_other(read_manifest(out) or {"format": formats.FORMAT}, out)
    return path


def read_manifest(out):
    return formats.manifest_of(out / "current")


def _is_of(release, run_id, proof):
    manifest = formats.manifest_of(release)
    return bool(manifest) and manifest["run_id"] == run_id and _is_whole(release, manifest, proof)


def _is_whole(release, manifest, proof=False):
    if proof and not is_listed(manifest):
        return False
    try:
        return all(sha256(release / path) == facts["sha256"] for path, facts in manifest["files"].items())
    except OSError:
        return False


def _truth(run):
    """The aggregate tables before disclosure control."""
    names = (*(name for name in catalog.EXPORTED if name not in catalog.MADE_AT_RELEASE), "audit_run")
    return {name: run.con.sql(f"select * from out.{name} order by all").pl() for name in names}


def _released(run, truth, manifest, release):
    """The aggregate tables as they may leave; the one place where they pass."""
    from flows import disclosure, since
    from flows.disclosure import differencing

    (given,) = run.con.execute("select small_cell_max, unrated_withhold_share from stg.parameter").fetchall()
    profile, out = run.settings.suppression, run.settings.out
    last = _last(run)
    tables = disclosure.release(truth, profile, *given, before=differencing.last_release(out, first=last))
    later = manifest | {"database": release / "audit.duckdb", "machine": machine.config(run.settings)}
    change = since.since(last, later, tables["compliance"], profile, given[1])
    return tables | {"change": since.nothing(profile) if change is None else change}


def _last(run):
    """The release that this one is held against: the one published last, shown or filed.

    A day that is shown anew is held against what is shown of it, since that is what its readers have.
    """
    settings, shown = run.settings, (read_manifest(run.settings.out) or {}).get("settings", {}).get("as_of")
    is_newest = series.is_series(settings.extracts) and not series.is_past(settings)
    is_anew = is_newest and shown is not None and shown >= settings.as_of.isoformat()
    return (settings.out / "current" if is_anew else releases.latest(settings.out)).resolve()


def _write_database(run, release):
    """The work database byte by byte: it is compressed already, and to build every table a second time takes many times longer.

    The space of tables that were built twice goes along, some hundredths. After the checkpoint the file stands for itself,
    without a journal, and nothing writes to it while it is copied.
    """
    release.mkdir()
    run.con.execute("force checkpoint work")
    shutil.copyfile(run.work / "work.duckdb", release / "audit.duckdb")


def _write_protected(run, truth, change, history, folder):
    from flows import disclosure
    from flows.page.worklist import render

    folder.mkdir()
    (folder / "README.txt").write_text(PROTECTED_NOTE, encoding="utf-8")
    tables = {name: run.con.sql(f"select * from out.{name} order by all").pl() for name in PROTECTED}
    for name, table in tables.items():
        catalog.write_table(table, folder / name)
    page = render(tables["worklist"], run.settings.source_label, run.settings.deid_mode)
    (folder / "worklist.html").write_text(page, encoding="utf-8")
    everything = disclosure.release(truth, "none") | {"not_appropriate_gap": tables["not_appropriate_gap"], "change": change}
    _write_report(run, everything, history, folder / "report.html")


def _write_report(run, tables, history, path):
    from flows.page import report

    path.write_text(report.render(tables, history, catalog.baselines(run.con)), encoding="utf-8")


def _manifest(run):
    """What went into the release; which files it holds is known when they are written."""
    (as_of,) = run.con.execute("select as_of from out.audit_run").fetchall()[0]
    editions = run.con.execute("select edition from rule.edition order by edition").fetchall()
    return {
        "format": formats.FORMAT,
        "run_id": run.run_id,
        "published_at": now().isoformat() + "Z",
        "source": run.settings.source_label,
        "deid_mode": run.settings.deid_mode,
        "as_of": as_of and as_of.isoformat(),
        "editions": [edition for (edition,) in editions],
        "suppression": run.settings.suppression,
        "settings": run.settings.content(),
        "versions": versions(),
        "inputs": run.inputs,
        "rules_and_code": run.files,
    }


def _write_manifest(manifest, release):
    paths = sorted(path for path in release.rglob("*") if path.is_file())
    files = {
        path.relative_to(release).as_posix(): {"sha256": sha256(path), "bytes": path.stat().st_size} for path in paths
    }
    text = json.dumps(manifest | {"files": files}, indent=2)
    (release / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _entry(run, manifest, tables):
    """The line of the ledger: what must still be known when the release itself was pruned."""
    audited = tables["audit_run"].row(0, named=True)
    return {
        "event": "published",
        **{name: manifest[name] for name in ("run_id", "source", "deid_mode", "as_of", "inputs", "settings", "versions")},
        "digests": {group: digest(files) for group, files in ledger.grouped(run.inputs, run.files).items()},
        **{name: audited[name] for name in ("rules_hash", "sql_hash", "settings_hash")},
        "headline": headline_row(tables["compliance"]),
        "quality": run.quality,
        **run.noticed,
    }
