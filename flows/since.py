"""What changed since the last release, by cause, as it may be published: the table `change`.

From the machinery of flows/answers/diff.py on both databases, without their counts: of each cause whether it differs, how much in
tens, and the part of the headline's move that it explains where it alone can. The headline stands as both releases show it.
"""

import json

import polars as pl

from flows.answers import diff
from flows.disclosure.rounding import tens
from flows.headline import headline_row

# What a reader would call another cause, and what is counted of it.
CAUSES = (
    ("new_data", "rows that were not there before, or of days not covered then"),
    ("corrected_data", "rows that say something else"),
    ("gone_data", "rows that are not delivered any more"),
    ("code_map", "local codes that reach another procedure"),
    ("rule_edition", "ratings and dates of the criteria"),
    ("rules", "other rule files, ours and the site's"),
    ("definition", "parameters, settings and files of the definition"),
    ("software", "versions"),
)
ROWS = {"new_data": "n_new", "corrected_data": "n_corrected", "gone_data": "n_gone"}
OF_EDITIONS = ("rules/rating.csv", "rules/edition.csv")
SCHEMA = {
    "position": pl.Int32, "cause": pl.String, "counts": pl.String, "is_changed": pl.Boolean, "n_changed": pl.Int64,
    "explains": pl.Float64, "rate_then": pl.Float64, "rate_now": pl.Float64, "band_then": pl.String, "band_now": pl.String,
    "suppressed": pl.Boolean,
}
# Which days are read: a later one brings rows that were delivered before and not read, which is new data to a reader.
COVERED = ("as_of", "data_from")
SMALL = 10


def since(release, later, compliance, profile="cms"):
    """One row per cause; None where there is no release to compare with.

    release: the folder of the last one (out/current). later: the same facts of this run (inputs, rules_and_code, settings,
    versions, as its manifest will have them) and `database`, where its audit.duckdb lies. compliance: as it will be published.
    """
    try:
        manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
        then = pl.read_parquet(release / "exports" / "compliance.parquet")
    except FileNotFoundError:
        return None
    database = release / "audit.duckdb"
    found = diff.between([diff.facts(manifest, database), diff.facts(later, later["database"])])
    told = [_row(at, cause, _counted(found, cause[0]), profile) for at, cause in enumerate(CAUSES, start=1)]
    if any(row["name"] in COVERED for row in found["settings"] or ()):
        told[0] |= {"is_changed": True, "n_changed": told[0]["n_changed"] or None}  # how many it brought is not counted
        told[0]["suppressed"] = told[0]["n_changed"] is None
    _explain(told)
    table = pl.DataFrame([row | _headlines(then, compliance) for row in told], schema=SCHEMA, orient="row")
    return table.with_columns(protected_zone_only=True) if profile == "none" else table


def _counted(found, cause):
    """How many differ; None where one of the releases no longer says."""
    if cause in ROWS:
        rows = found.get("data_change")
        return None if rows is None else sum(row[ROWS[cause]] for row in rows)
    if cause == "code_map":
        return _tables(found, "code_map_change")
    if cause == "rule_edition":
        return _tables(found, "edition_date", "rating_change")
    if cause == "rules":
        return _files(found, ("rules", "site"), (*OF_EDITIONS, "rules/parameter.csv"))
    if cause == "definition":
        return _sum(_tables(found, "parameter_change"), _values(found["settings"]), _files(found, ("sql", "flows")))
    return _values(found["versions"])


def _tables(found, *names):
    return _sum(*(None if found.get(name) is None else len(found[name]) for name in names))


def _values(rows):
    """Parameters given as settings are counted as parameters, the code map as codes."""
    if rows is None:
        return None
    return sum(row["name"] not in {*diff.MOVES_NO_LABEL, *COVERED} and not row["name"].startswith("parameters.") for row in rows)


def _files(found, groups, but=()):
    moved = [found["files"][group] for group in groups]
    if any("changed" not in files for files in moved):
        return None
    return sum(path not in but for files in moved for way in ("changed", "added", "removed") for path in files[way])


def _sum(*numbers):
    return None if None in numbers else sum(numbers)


def _row(position, cause, n, profile):
    """Counts in tens, as for every table beside the measure: rows that came are nearly the orders that came."""
    given = n if profile == "none" or n is None else tens(n, SMALL)
    names = {"position": position, "cause": cause[0], "counts": cause[1]}
    return names | {"is_changed": None if n is None else n > 0, "n_changed": given, "suppressed": bool(n) and given is None}


def _explain(rows):
    """The whole move where nothing else differs, none of it where nothing differs here; a split is not computed."""
    changed = [row["is_changed"] for row in rows]
    for row in rows:
        is_alone = row["is_changed"] and changed.count(False) == len(rows) - 1
        row["explains"] = 1.0 if is_alone else 0.0 if row["is_changed"] is False else None


def _headlines(then, now):
    told = {"then": headline_row(then) or {}, "now": headline_row(now) or {}}
    return {f"{name.replace('rate_band', 'band')}_{when}": row.get(name) for when, row in told.items() for name in ("rate", "rate_band")}


def nothing(profile="cms"):
    """The table without a row: nothing to compare with."""
    table = pl.DataFrame(schema=SCHEMA)
    return table.with_columns(protected_zone_only=True) if profile == "none" else table
