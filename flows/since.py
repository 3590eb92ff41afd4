"""What changed since the last release, by cause, as it may be published: the table `change`.

From the machinery of flows/answers/diff.py on both databases, without their counts of persons' rows: of each cause whether it
differs, how much, and by how much it moved the headline. Where several differ, the last release's rows are judged again with one
cause more at a time (flows/answers/rejudged.py), and the moves leave in steps. The headline stands as both releases show it.
"""

import polars as pl

from flows import formats
from flows.answers import diff, rejudged
from flows.disclosure import on_the_way
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
OURS = ("rules/rating.csv", "rules/edition.csv", "rules/parameter.csv")  # told row by row, not as files
NAMED = 4  # of a cause, the rest is counted
SCHEMA = {
    "position": pl.Int32, "cause": pl.String, "counts": pl.String, "is_changed": pl.Boolean, "n_changed": pl.Int64,
    "explains": pl.Float64, "moves": pl.Float64, "moves_step": pl.Float64, "rate_then": pl.Float64, "rate_now": pl.Float64, "band_then": pl.String, "band_now": pl.String,
    "is_rounded_then": pl.Boolean, "is_rounded_now": pl.Boolean,
    "suppressed": pl.Boolean, "names": pl.String,
}
# Which days are read: a later one brings rows that were delivered before and not read, which is new data to a reader.
COVERED = ("as_of", "data_from")
SMALL = 10


def since(release, later, compliance, profile="cms", withhold_share=0.15):
    """One row per cause; None where there is no release to compare with.

    release: the folder of the last one (out/current). later: the same facts of this run (inputs, rules_and_code, settings,
    versions, as its manifest will have them), `database`, where its audit.duckdb lies, and `machine`, what DuckDB may use.
    compliance: as it will be published.
    """
    manifest, published = formats.manifest_of(release), release / "exports" / "compliance.parquet"
    if manifest is None or not published.exists():
        return None
    then = pl.read_parquet(published)
    database = release / "audit.duckdb"
    found = diff.between([diff.facts(manifest, database), diff.facts(later, later["database"])])
    told = [_row(at, cause, _counted(found, cause[0]), profile) | {"names": _names(found, cause[0])} for at, cause in enumerate(CAUSES, start=1)]
    if any(row["name"] in COVERED for row in found["settings"] or ()):
        told[0] |= {"is_changed": True, "n_changed": told[0]["n_changed"] or None}  # how many it brought is not counted
        told[0]["suppressed"] = told[0]["n_changed"] is None
    _explain(told)
    ends = headline_row(then) or {}, headline_row(compliance) or {}
    _split(told, ends, (database, later["database"], later.get("machine")), profile, withhold_share)
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
        return _files(found, ("rules", "site"), OURS)
    if cause == "definition":
        return _sum(_tables(found, "parameter_change"), _values(found["settings"]), _files(found, ("sql", "flows")))
    return _values(found["versions"])


def _tables(found, *names):
    return _sum(*(None if found.get(name) is None else len(found[name]) for name in names))


def _values(rows):
    """Parameters given as settings are counted as parameters, the code map as codes."""
    if rows is None:
        return None
    return sum(_is_counted(row) for row in rows)


def _is_counted(row):
    return row["name"] not in {*diff.MOVES_NO_LABEL, *COVERED} and not row["name"].startswith("parameters.")


def _files(found, groups, but=()):
    moved = [found["files"][group] for group in groups]
    return None if any("changed" not in files for files in moved) else len(_paths(found, groups, but))


def _paths(found, groups, but=()):
    ways = [found["files"][group].get(way, ()) for group in groups for way in ("changed", "added", "removed")]
    return [path for way in ways for path in way if path not in but]


def _names(found, cause):
    """Which of it differ, where that is ours or the site's to say; codes and rows are the delivery's."""
    names = {
        "rule_edition": lambda: [f"{row['edition']} in force {_way(row)}" for row in found.get("edition_date") or ()]
        + [f"{row['edition']} variant {row['variant']} {row['procedure']} {_way(row)}" for row in found.get("rating_change") or ()],
        "rules": lambda: _paths(found, ("rules", "site"), OURS),
        "definition": lambda: [f"{row['name']} {_way(row)}" for row in found.get("parameter_change") or ()]
        + [row["name"] for row in found["settings"] or () if _is_counted(row)] + _paths(found, ("sql", "flows")),
        "software": lambda: [f"{row['name']} {_way(row)}" for row in found["versions"] or ()],
    }.get(cause, list)()  # fmt: skip
    more = len(names) - NAMED
    return "; ".join(names[:NAMED]) + (f"; {more} more" if more > 0 else "") or None


def _way(row):
    return " → ".join("none" if row[when] is None else str(row[when]) for when in ("earlier", "later"))


def _sum(*numbers):
    return None if None in numbers else sum(numbers)


def _row(position, cause, n, profile):
    """Rows of the delivery in tens, as for every table beside the measure: rows that came are nearly the orders that came.

    Codes, ratings, parameters and files are nobody's, and are counted as they are.
    """
    given = n if profile == "none" or n is None or cause[0] not in ROWS else tens(n, SMALL)
    names = {"position": position, "cause": cause[0], "counts": cause[1]}
    return names | {"is_changed": None if n is None else n > 0, "n_changed": given, "suppressed": bool(n) and given is None}


def _explain(rows):
    """The whole move where nothing else differs, none of it where nothing differs here."""
    changed = [row["is_changed"] for row in rows]
    for row in rows:
        is_alone = row["is_changed"] and changed.count(False) == len(rows) - 1
        row["explains"] = 1.0 if is_alone else 0.0 if row["is_changed"] is False else None


def _split(rows, ends, databases, profile, withhold_share):
    """By how much each of several causes moved the headline, one after the other; nothing where that cannot be told."""
    for row in rows:
        row |= {"moves": None, "moves_step": None}
    causes = rejudged.order([row["cause"] for row in rows if row["is_changed"]])
    if len(causes) < 2 or None in [row["is_changed"] for row in rows] or None in [end.get("rate") for end in ends]:
        return
    stations = rejudged.on_the_way(*databases[:2], causes, databases[2])
    if stations is None:
        return
    then, now = ends
    stations.append((causes[-1], None))
    given = then, stations, now
    found = on_the_way.exactly(*given) if profile == "none" else on_the_way.moves(*given, SMALL, withhold_share)
    for row in rows if found else ():
        if row["cause"] in found[0]:
            row |= {"moves": found[0][row["cause"]], "moves_step": found[1]}


def _headlines(then, now):
    told = {"then": headline_row(then) or {}, "now": headline_row(now) or {}}
    return {f"{name.replace('rate_band', 'band')}_{when}": row.get(name) for when, row in told.items() for name in ("rate", "rate_band", "is_rounded")}


def nothing(profile="cms"):
    """The table without a row: nothing to compare with."""
    table = pl.DataFrame(schema=SCHEMA)
    return table.with_columns(protected_zone_only=True) if profile == "none" else table
