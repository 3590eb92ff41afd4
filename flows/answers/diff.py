"""What moved between two published runs, and where it came from.

What went into them is compared by hash: from the kept manifests file by file, from the ledger alone group by group.
What came out is compared row by row in the two kept databases, by the SELECTs of sql/diff, in memory.
"""

import json

import typer

from flows import doors, formats, ledger, machine, models
from flows.answers.prose import listed
from flows.answers.runs import history
from flows.errors import AuditError, NotFoundError
from flows.logs import log
from flows.workspace import digest

WORDS = {"current": 1, "previous": 2}
# What can move a label, and the groups of files that it is made of; expectations and the page only look on.
CAUSES = {"data": ("data",), "code map": ("code_map",), "rules": ("rules", "site"), "definition": ("sql", "flows")}
MOVES_NO_LABEL = {"suppression", "pyspark", "sqlglot"}
TOLD = (
    *("count", "data_change", "code_map_change", "edition_date", "rating_change", "parameter_change"),
    *("label_change", "part_change", "label_gain", "case_change", "headline_change"),
)
MOVED = ("label_change", "label_gain", "case_change")
PRUNED = (
    "the release of run {} is no longer kept, so this is what the ledger alone knows: which rows, rules, labels and cases "
    "moved is not in it. A larger keep_releases keeps more results to compare"
)
UNLIKE = "{}: the two databases were made by software whose tables differ there"


def diff(out, earlier, later, as_json=False):
    """What moved, as text for a person or as JSON for a program."""
    from flows.answers.diff_page import page

    found = compare(out, earlier, later)
    return json.dumps(found, default=str, indent=2, ensure_ascii=False) if as_json else "\n".join(page(found))


def compare(out, earlier, later):
    published = [entry for entry in history(out) if entry["event"] == "published"]
    runs = [_facts(out, _named(published, word, out)) for word in (earlier, later)]
    if runs[0]["release"] == runs[1]["release"]:
        raise typer.BadParameter("both words name the same run; imaging-audit runs lists the others")
    if runs[0]["recorded_at"] > runs[1]["recorded_at"]:
        log.warning("The first run is the later one: what is told is the way back")
    if all("database" in run for run in runs):
        log.warning("Exact counts, without disclosure control: what is shown here stays in the protected zone")
    shown = ("run_id", "release", "kept", "recorded_at", "source", "deid_mode", "as_of", "headline")
    return {
        **{name: {fact: run.get(fact) for fact in shown} for name, run in zip(("earlier", "later"), runs, strict=True)},
        **between(runs),
    }


def between(runs):
    """What differs of all that went into two runs, what that may have moved, and what did move. runs: two of `facts`."""
    files = {group: _moved_files(group, *runs) for group in ledger.GROUPS}
    values = {name: _moved_values(*(run.get(name) for run in runs)) for name in ("settings", "versions")}
    tables, not_known = _compared(runs)
    causes, unknown = _causes(files, values, tables)
    return {
        "files": files,
        **values,
        "causes": causes,
        "why": why(causes, unknown, any(tables.get(name) for name in MOVED)),
        **tables,
        "not_known": not_known,
    }


def facts(manifest, database):
    """What a kept release says of itself, with its database."""
    files = ledger.grouped(manifest["inputs"], manifest["rules_and_code"])
    digests = {group: digest(paths) for group, paths in files.items()}
    known = {name: manifest[name] for name in ("run_id", "inputs", "settings", "versions") if name in manifest}
    return known | {"paths": files, "digests": digests, "database": database}


def _named(published, word, out):
    """The run that a word, a release or the beginning of a run id names; of several results of one run, the newest."""
    if word in WORDS:
        shown = [entry for entry in published if entry.get("is_shown", True)]
        if len(shown) >= WORDS[word]:
            return shown[-WORDS[word]]
        step = f"the ledger has {len(published)} published run(s); imaging-audit run publishes another"
        raise NotFoundError(f"there is no {word} run", where=out / ledger.NAME, next_step=step)
    fitting = [entry for entry in published if entry["release"] == word]
    fitting = fitting or [entry for entry in published if entry["run_id"].startswith(word)]
    if not fitting:
        step = "imaging-audit runs lists them; a failed run published nothing to compare"
        raise NotFoundError(f"no published run is named '{word}'", where=out / ledger.NAME, next_step=step)
    ids = {entry["run_id"] for entry in fitting}
    if len(ids) > 1:
        raise typer.BadParameter(f"'{word}' begins {len(ids)} run ids: {', '.join(sorted(ids))}; write more of it")
    return fitting[-1]


def _facts(out, entry):
    """The line of the ledger, with what the kept release knows better."""
    if entry["kept"] == "pruned":
        return entry
    release = out / "releases" / entry["release"]
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    formats.refuse_other(manifest, out)
    return entry | facts(manifest, release / "audit.duckdb")


def _moved_files(group, earlier, later):
    """Which files of a group were added, removed or changed; without both lists, whether any was."""
    before, after = (_paths(group, run) for run in (earlier, later))
    if before is None or after is None:
        digests = [run.get("digests", {}).get(group) for run in (earlier, later)]
        return {"is_changed": None if None in digests else digests[0] != digests[1]}
    return {
        "is_changed": before != after,
        "changed": sorted(path for path in before.keys() & after.keys() if before[path] != after[path]),
        "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()),
    }


def _paths(group, run):
    """The hash of every file of a group; the ledger has those of the delivery alone."""
    if "paths" in run:
        return run["paths"][group]
    return None if group in ledger.OURS else ledger.grouped(run["inputs"], {})[group]


def _moved_values(earlier, later):
    """The values that differ, by name; None where one of the runs has not kept them."""
    if earlier is None or later is None:
        return None
    before, after = _flat(earlier), _flat(later)
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [{"name": name, "earlier": before.get(name), "later": after.get(name)} for name in names]


def _flat(values):
    flat = {name: value for name, value in values.items() if not isinstance(value, dict)}
    inner = {name: value for name, value in values.items() if isinstance(value, dict)}
    return flat | {f"{name}.{key}": each for name, value in inner.items() for key, each in value.items()}


def _causes(files, values, tables):
    """What differs of all that can move a label, and what nobody knows any more.

    A series brings its code map anew with every delivery: where no code reaches another procedure, it moved no label.
    """
    moved = {cause: [files[group]["is_changed"] for group in groups] for cause, groups in CAUSES.items()}
    for cause, rows in (("settings", values["settings"]), ("software", values["versions"])):
        moved[cause] = [None if rows is None else any(row["name"] not in MOVES_NO_LABEL for row in rows)]
    if tables.get("code_map_change") == []:
        moved["code map"] = [False]
    causes = [cause for cause, changed in moved.items() if any(changed)]
    return causes, [cause for cause, changed in moved.items() if None in changed and cause not in causes]


def why(causes, unknown=(), has_moved=False):
    """Where the changes come from, as far as anyone can say without running anything again."""
    if unknown:
        return f"not known: whether {_and(unknown)} changed is no longer in the ledger"
    if not causes:
        doubt = ", and yet labels do: one of the results was changed by hand, or is a defect; report it"
        return "nothing that can move a label differs" + (doubt if has_moved else "")
    if len(causes) == 1:
        return f"{causes[0]}: of all that can move a label, nothing else differs"
    together = "both" if len(causes) == 2 else "all"
    if "data" not in causes:
        return f"{_and(causes)}: {together} changed, the data did not; the split between them is not computed"
    others = _and([cause for cause in causes if cause != "data"])
    return (
        f"{_and(causes)}: {together} changed, the split is not computed; "
        f"run the earlier {others} on the later data to separate them"
    )


def _and(names):
    return " and ".join(filter(None, (listed(*names[:-1]), names[-1])))


def _compared(runs):
    """The rows of each table of sql/diff, and in words what could not be compared."""
    pruned = [run["run_id"] for run in runs if "database" not in run]
    if pruned:
        return {}, [PRUNED.format(run_id) for run_id in pruned]
    con = _attached(*(run["database"] for run in runs))
    try:
        unlike = _built(con)
        tables = {name: _rows(con, name) for name in TOLD if name not in unlike}
    finally:
        con.close()
    return tables, [UNLIKE.format(name) for name in TOLD if name in unlike]


def _attached(earlier, later):
    import duckdb

    con = duckdb.connect(config=machine.config() | {"temp_directory": f"{later}.tmp"})  # what spills stays in the protected zone
    for name, path in (("earlier", earlier), ("later", later)):
        con.execute(f"attach {models.quoted(str(path.resolve()))} as {name} (read_only)")
    doors.close(con)
    con.execute("create schema diff")
    return con


def _built(con):
    """Builds every table that the two databases allow; names those that they do not."""
    unlike = set()
    for path in models.model_files("diff"):
        try:
            models.create(con, "diff", path, is_kept=False)
        except AuditError as error:
            if type(error.__cause__).__name__ not in ("BinderException", "CatalogException"):
                raise
            unlike.add(models.table_name(path))
    return unlike


def _rows(con, name):
    found = con.execute(f"select * from diff.{name} order by all")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
