"""The gate before the delivery is read: identifiers stop the run by place, rule and count, never by value.

The rules are the rows of rules/identifier.csv. They are read from there and not from the database: a site may add
codes of its own, but it cannot talk the gate out of a rule.

kind             it stops the run when
column_name      a column's name matches (lower case, everything but letters and digits as _)
value_shape      any value matches; with `file` or `metadata` in applies_to, a file's name or a Parquet file's metadata too
value_length     any value matches; asked apart, for a count of characters beside other patterns makes them slow
value_variety    the matching values are more than allowed_values different ones, and more than allowed_share of them
value_majority   more than allowed_share of a column's values match
top_code         a birth year implies an age above the pattern, at the end of the delivery
"""

import csv
import datetime
import re
from pathlib import Path

import duckdb

from flows import ROOT
from flows.delivery.part_bytes import MAX_LINE, MAX_RATIO, SMALL
from flows.delivery.part_rows import as_literal, damaged, relation
from flows.errors import DeidentificationError, DeliveryError

MODES = ("relative_days", "shifted_dates", "limited_data_set")
SHOWN = 20
LENGTH = re.compile(r"\{(\d+)")  # of a pattern of value_length
# What a person reads as the same: a wide digit, a typographic dash, a hard space. Patterns are written for the plain ones.
ALIKE = {
    **{wide: plain for first in "０٠۰" for wide, plain in zip(map(chr, range(ord(first), ord(first) + 10)), "0123456789", strict=True)},
    **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
    **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000", " "),
    **{"＠": "@", "﹫": "@", "．": ".", "․": ".", "。": ".", "／": "/", "：": ":", "（": "(", "）": ")", "＋": "+"},
}


def require_mode(mode):
    if mode not in MODES:
        raise DeidentificationError(
            "the delivery's de-identification is not declared, so nothing was read",
            next_step="say --deid-mode relative_days (days from a per-person origin), "
            "shifted_dates (one shift per person) or limited_data_set (true dates under a data use agreement)",
        )


def read_identifiers():
    with (ROOT / "rules" / "identifier.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def check_file_names(folder):
    """Before anything is opened: file names go into the manifest, the ledger and messages as they are."""
    try:
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    except RecursionError:
        raise DeliveryError("folders lie hundreds deep within each other", where=folder, next_step="deliver the extracts themselves") from None
    rules, findings = _rules_for("file", "", read_identifiers()), []
    for place, name in enumerate(names, 1):
        where = f"name {place} of the {len(names)} in the delivery's folder, sorted"
        if not name.isprintable():
            raise DeliveryError("a file's name holds what cannot be shown", where=where, next_step="name it otherwise")
        rule = next((rule for rule in rules if any(_matches(rule, part) for part in name.split("/"))), None)
        if rule:
            findings.append({"where": f"{where}: looks like {rule['words']} ({rule['code']})", "remedy": "name the file otherwise"})
    refuse(findings)


def _matches(rule, name):
    stem = name.removesuffix(".gz").removesuffix(".csv").removesuffix(".parquet")
    return re.search(rule["pattern"], stem.translate(str.maketrans(ALIKE)).replace("_", " "))


def check_names(extract, part, identifiers):
    """One finding per column whose name says that it identifies somebody, by place: the name itself may be a value."""
    patterns = [rule for rule in identifiers if rule["kind"] == "column_name"]
    found = []
    for place, column in enumerate(part["header"], 1):
        name = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
        rule = next((rule for rule in patterns if re.search(rule["pattern"], name)), None)
        if rule:
            found.append(_finding(rule, extract, part, f"column {place}", f"names {rule['words']}"))
    for rule in _rules_for("metadata", "", identifiers):
        if any(re.search(rule["pattern"], text) for text in part.get("metadata", ())):
            found.append(_finding(rule, extract, part, "metadata of the Parquet file", f"looks like {rule['words']}"))
    return found


def check_values(con, extract, part, kinds, mode, identifiers):
    """Reads the part once and counts the values that match; notes on the way how much there is to read."""
    columns = {name: _rules_for(kind, mode, identifiers) for name, kind in kinds.items()}
    _refuse_bomb(con, part, list(kinds))
    counts = {"n_rows": "count(*) filter (where reason is null)", "n_rejected": "count(reason)"}
    if _age_rules(mode, identifiers):
        counts["latest_year"] = _latest_year(kinds)
    for column, rules in columns.items():
        counts |= _first_look(column, rules)
    seen = _count(con, part, list(kinds), counts, as_delivered=True)
    part |= {"latest_year": None} | {name: seen[name] for name in ("n_rows", "n_rejected", "latest_year") if name in seen}
    return _findings(con, extract, part, columns, seen)


def _rules_for(kind, mode, identifiers):
    return [
        rule
        for rule in identifiers
        if rule["kind"].startswith("value_")
        and kind in rule["applies_to"].split(";")
        and mode in (rule["modes"] or mode).split(";")
    ]


def _first_look(column, rules):
    """One pattern for all that may be wrong with a column, so that clean values are looked at once: in doubt it matches."""
    patterns = [rule["pattern"] for rule in rules if rule["kind"] != "value_length"]
    # What only looks like a plain sign is exchanged for it in the second look: that costs more than looking.
    counts = {f"{column}:any": _matching(column, "|".join(f"(?:{pattern})" for pattern in (*patterns, f"[{''.join(ALIKE)}]")))}
    if len(patterns) < len(rules):
        counts[f"{column}:longest"] = f"coalesce(max(strlen({column})), 0)"
    return counts


def _counts(column, rule):
    """What decides whether a rule is broken: in rows, in different values, out of how many."""
    counts = {"rows": _matching(column, rule["pattern"])}
    if rule["kind"] == "value_variety":
        values = f"case when regexp_matches({column}, {as_literal(rule['pattern'])}) then {column} end"
        counts["values"] = f"approx_count_distinct({values})"
    if rule["kind"] == "value_majority":
        counts["filled"] = f"count({column})"
    return {f"{column}:{rule['code']}:{name}": count for name, count in counts.items()}


def _matching(column, pattern):
    return f"count(*) filter (where regexp_matches({column}, {as_literal(pattern)}))"


def _latest_year(kinds):
    """What the delivery itself says about its end; a typing error in the far future must not make everybody old."""
    dates = [column for column, kind in kinds.items() if kind == "date"]
    years = [
        f"max(case when regexp_matches({column}, '^\\s*[12][0-9]{{3}}-[0-9]') then left(trim({column}), 4) end)"
        for column in dates
    ]
    return f"greatest({', '.join(years)})" if years else "null"


def _refuse_bomb(con, part, columns):
    """Parquet writes a value once and repeats it for nothing, so that a few kilobytes may take days to be looked through."""
    if part["format"] != ".parquet" or not columns:
        return
    lengths = [f"coalesce(strlen({column}), 0)" for column in columns]
    counts = {"longest": f"max(greatest({', '.join(lengths)}, 0))", "n_bytes": f"sum({' + '.join(lengths)})"}
    told = _count(con, part, columns, counts, as_delivered=True)
    if (told["longest"] or 0) > MAX_LINE or (told["n_bytes"] or 0) > max(SMALL, MAX_RATIO * Path(part["path"]).stat().st_size):
        raise DeliveryError(
            f"the Parquet file holds a value of more than {MAX_LINE:,} bytes, or unpacks to more than {MAX_RATIO} times its size",
            where=part["name"],
            next_step="export it again, only the columns of the contract; where it is right, deliver it as .csv or in several parts",
        )


def _count(con, part, columns, counts, as_delivered=False):
    names = list(counts)
    values = ", ".join([*(column if as_delivered else f"{_plain(column)} as {column}" for column in columns), "reason"])
    query = f"select {', '.join(counts[name] for name in names)} from (select {values} from ({relation(part, columns)}) where not is_blank)"
    try:
        return dict(zip(names, con.execute(query).fetchall()[0], strict=True))
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, UnicodeError):  # a message that quotes half a letter cannot even be decoded
        raise damaged(part) from None


def _plain(column):
    """Nearly every value is ASCII, and told to be by a comparison of lengths."""
    exchange = f"translate({column}, {as_literal(''.join(ALIKE))}, {as_literal(''.join(ALIKE.values()))})"
    return f"case when strlen({column}) = length({column}) then {column} else {exchange} end"


def _findings(con, extract, part, columns, seen):
    """Which rule it was, and in how many rows, is asked only of the columns that may break one."""
    suspects = [(column, rule) for column, rules in columns.items() for rule in rules if _is_suspect(column, rule, seen)]
    if not suspects:
        return []
    counts = {name: count for column, rule in suspects for name, count in _counts(column, rule).items()}
    counted = _count(con, part, sorted({column for column, _ in suspects}), counts)
    found = []
    for column, rule in suspects:
        n_rows, n_values, n_filled = (counted.get(f"{column}:{rule['code']}:{name}") for name in ("rows", "values", "filled"))
        if _is_broken(rule, n_rows, n_values, n_filled):
            found.append(_finding(rule, extract, part, f"column {column}", f"{_rows(n_rows)} like {rule['words']}"))
    return found


def _is_suspect(column, rule, seen):
    if rule["kind"] == "value_length":
        return seen[f"{column}:longest"] >= int(LENGTH.search(rule["pattern"])[1])
    return seen[f"{column}:any"] > 0


def _is_broken(rule, n_rows, n_values, n_filled):
    if rule["kind"] == "value_variety":
        return n_values > max(int(rule["allowed_values"]), float(rule["allowed_share"]) * n_rows)
    if rule["kind"] == "value_majority":
        return n_rows > float(rule["allowed_share"]) * n_filled
    return n_rows > 0


def _age_rules(mode, identifiers):
    return [rule for rule in identifiers if rule["kind"] == "top_code" and mode in rule["modes"].split(";")]


def check_age(con, patients, parts, mode, as_of, identifiers):
    """Nobody over 89 may be told by a birth year. Without a calendar in the data, today's counts: the stricter end."""
    today = datetime.date.today().year
    years = [int(part["latest_year"]) for part in parts if part["latest_year"]]
    end = as_of.year if as_of else max((year for year in years if year <= today + 1), default=today)
    found = []
    for rule in _age_rules(mode, identifiers):
        limit = end - int(rule["pattern"])
        for part in (part for part in patients if "birth_year" in part["columns"]):
            counts = {"n": f"count(*) filter (where try_cast(left(trim(birth_year), 4) as integer) < {limit})"}
            n_rows = _count(con, part, ["birth_year"], counts)["n"]
            if n_rows:
                told = rule | {"remedy": rule["remedy"].format(limit=limit)}
                found.append(
                    _finding(told, "patients", part, "column birth_year", f"{_rows(n_rows)} like {rule['words']}")
                )
    return found


def _finding(rule, extract, part, column, what):
    return {"where": f"{extract} ({part['name']}), {column}: {what} ({rule['code']})", "remedy": rule["remedy"]}


def _rows(n_rows):
    return f"{n_rows} row looks" if n_rows == 1 else f"{n_rows} rows look"


def refuse(findings):
    if findings:
        more = f"; and {len(findings) - SHOWN} more" if len(findings) > SHOWN else ""
        raise DeidentificationError(
            "the delivery holds what a de-identified delivery may not, so nothing of it was kept",
            where="; ".join(finding["where"] for finding in findings[:SHOWN]) + more,
            next_step="; ".join(dict.fromkeys(finding["remedy"] for finding in findings)),
        )
