"""Rule files as rows: read, completed and checked, so that a mistake is named where it stands.

rules/rule_column.csv says which files and columns there are, of which type, and whose words they hold.
A site's folder may hold files of the same names: its rows follow ours.
"""

import csv
import difflib
import hashlib
from datetime import date
from pathlib import Path

from flows.errors import RulesError, SettingsError

COLUMNS = "rule_column.csv"
# What a delivery may hold and in which order rows are judged is no site's to change: a column that a site
# added to the contract would walk past the de-identification check.
CLOSED = {
    COLUMNS, "age_band.csv", "alarm.csv", "attrition_step.csv", "contract.csv", "demo.csv", "identifier.csv", "multiverse.csv",
    "phase.csv", "radiation_level.csv", "router.csv", "secondary_measure.csv", "staging_workup.csv",
}
# Here a site's row takes the place of ours with the same key; anywhere else two rows of one key are a finding.
REPLACED = {"edition.csv", "notice.csv", "parameter.csv", "resolution.csv"}
FIRST = ("vocabulary.csv", "code_system.csv")


def read_rules(folder, site=None):
    """The columns of every rule file, its rows (ours, then the site's), and what was read for that."""
    shape = _shape(folder)
    theirs = _site_files(site, shape)
    tables, files, known = {}, [], {"vocabulary": {}, "code_system": {}}
    for file in [*FIRST, *(name for name in shape if name not in FIRST)]:
        rows = _table(folder / file, file, shape, known)
        files.append(_read(file, "bundled", folder / file, rows))
        if file in theirs:
            added = _table(theirs[file], file, shape, known, ours=rows)
            files.append(_read(file, "site", theirs[file], added))
            rows = _without(rows, added, _key(shape[file])) + added if file in REPLACED else rows + added
        tables[file] = rows
        _learn(known, file, rows)
    return shape, tables, files


def _read(file, origin, path, rows):
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"file": file, "origin": origin, "n_rows": len(rows), "sha256": sha256}


def _site_files(site, shape):
    """The site's rule files by name. A name that is none of ours is a slip: skipped, it would change nothing."""
    if not site:
        return {}
    site = Path(site)
    refuse_absent(site)
    found = {path.relative_to(site).as_posix(): path for path in site_paths(site)}
    for file, path in found.items():
        if file not in shape:
            raise RulesError("no rule file has this name", where=path, next_step=nearest(file, shape.keys() - CLOSED))
        if file in CLOSED:
            raise RulesError("this rule file is not a site's to change", where=path, next_step="remove it there")
    return found


def refuse_absent(site):
    """Said alike whoever asks: a folder that is misspelt is a mistake in the settings, not in the rules."""
    if not site.is_dir():
        raise SettingsError("there is no such folder of site rules", where=site, next_step="mend --rules, or site_rules in the settings")


def site_paths(site):
    """Every CSV file of a site's folder, none of them opened: a link may lead anywhere, and a pipe or a device never ends."""
    found = sorted(Path(site).rglob("*.csv"))
    for path in found:
        if not path.resolve().is_relative_to(Path(site).resolve()):
            raise RulesError("a link out of the folder of site rules", where=path, next_step="put the file there")
        if not path.is_file():
            raise RulesError("this is no file", where=path, next_step="put a CSV file there, or remove it")
    return found


def nearest(word, known):
    close = difflib.get_close_matches(str(word), sorted(known), n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else "known: " + ", ".join(sorted(known)[:30])


def normal_code(code_system, code):
    """Codes are compared trimmed, in upper case, without the ICD dot."""
    code = code.strip().upper()
    return code.replace(".", "") if (code_system or "").startswith("ICD") else code


def _shape(folder):
    header, lines = _read_csv(folder / COLUMNS)
    shape = {}
    for _, values in lines:
        column = dict(zip(header, values, strict=True))
        shape.setdefault(column["file"], {})[column["column"]] = column
    return shape


def _table(path, file, shape, known, ours=None):
    """The rows of one file, complete and checked. A site may leave out what it does not change."""
    columns, origin = shape[file], "bundled" if ours is None else "site"
    header, lines = _read_csv(path)
    _check_header(path, header, columns, may_omit=ours is not None)
    given = [{**dict(zip(header, map(_cell, values), strict=True)), "line": line} for line, values in lines]
    before = {_key_of(row, columns): row for row in ours or ()} if file in REPLACED else {}
    empty = dict.fromkeys(columns)
    rows = [empty | (before.get(_key_of(row, columns), {}) if before else {}) | row for row in given]
    for row in rows:
        row["origin"] = origin
        _normalise(row, columns, known)
    _refuse_misspelt(path, rows, columns, before)
    _check_cells(path, rows, columns, known)
    if ours and file == "parameter.csv":
        _refuse_unknown_parameters(path, rows, {row["name"] for row in ours})
    return rows


def _refuse_misspelt(path, rows, columns, before):
    """A site's row completes ours of that name. One of another name that is not whole is no new row: its name is a slip."""
    name, *others = _key(columns)
    if not before or others:
        return
    required = [each for each, column in columns.items() if column["is_required"] == "true"]
    for row in rows:
        lacking = [each for each in required if row[each] is None]
        if row[name] and (row[name],) not in before and lacking:
            what = f"there is no {name} '{row[name]}', and for a new one the row lacks {', '.join(lacking)}"
            raise RulesError(what, where=f"{path}, line {row['line']}, column {name}", next_step=nearest(row[name], {key[0] for key in before}))


def _refuse_unknown_parameters(path, rows, known):
    """A misspelt parameter would be read by nobody, and the run would look as if it had been."""
    for row in rows:
        if row["name"] not in known:
            where = f"{path}, line {row['line']}, column name"
            raise RulesError(f"unknown parameter '{row['name']}'", where=where, next_step=nearest(row["name"], known))


def _read_csv(path):
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            lines = [(reader.line_num, values) for values in reader if values]
    except OSError as error:
        raise RulesError(f"cannot read the rule file: {error.strerror}", where=path, next_step="put it back") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise RulesError(f"not CSV in UTF-8: {error}", where=path, next_step="save it as CSV, UTF-8, commas") from None
    if not lines:
        raise RulesError("the rule file is empty", where=path, next_step="give it a header line, or remove it")
    header = lines[0][1]
    for line, values in lines[1:]:
        if len(values) != len(header):
            found = f"{len(values)} columns where the header has {len(header)}"
            raise RulesError(found, where=f"{path}, line {line}", next_step="quote a text that holds a comma")
    return [name.strip() for name in header], lines[1:]


def _cell(text):
    return text.strip() or None


def _check_header(path, header, columns, may_omit):
    where = f"{path}, line 1"
    for name in header:
        if name not in columns:
            raise RulesError(f"unknown column '{name}'", where=where, next_step=nearest(name, columns))
        if header.count(name) > 1:
            raise RulesError(f"column '{name}' appears twice", where=where, next_step="keep one of them")
    for name, column in columns.items():
        is_needed = column["is_key"] == "true" and column["is_required"] == "true" if may_omit else True
        if is_needed and name not in header:
            raise RulesError(f"column '{name}' is missing", where=where, next_step="add it to the header and each row")


def _key(columns):
    return [name for name, column in columns.items() if column["is_key"] == "true"]


def _key_of(row, columns):
    return tuple(row.get(name) for name in _key(columns))


def _without(rows, replaced_by, key):
    gone = {tuple(row[name] for name in key) for row in replaced_by}
    return [row for row in rows if tuple(row[name] for name in key) not in gone]


def _normalise(row, columns, known):
    for name, column in columns.items():
        if row[name] and column["type"] == "boolean":
            row[name] = row[name].lower()
        if row[name] and column["type"] == "code_system":
            row[name] = known["code_system"].get(row[name].lower(), row[name])
        if row[name] and column["type"] == "code":
            row[name] = normal_code(row.get("code_system"), row[name])


def _check_cells(path, rows, columns, known):
    for name, column in columns.items():
        for value in sorted({row[name] for row in rows}, key=str):
            mistake = _mistake(value, column, known)
            if mistake:
                line = next(row["line"] for row in rows if row[name] == value)
                raise RulesError(mistake[0], where=f"{path}, line {line}, column {name}", next_step=mistake[1])


def _mistake(value, column, known):
    """What is wrong with a cell, and what to do about it; None where nothing is."""
    if value is None:
        return ("no value", "every row needs one") if column["is_required"] == "true" else None
    words = known["vocabulary"].get(column["vocabulary"], ())
    if column["vocabulary"] and value not in words:
        return f"'{value}' is no word of {column['vocabulary']}", nearest(value, words)
    if column["type"] == "code_system" and value not in known["code_system"].values():
        return f"unknown code system '{value}'", nearest(value, set(known["code_system"].values()))
    if column["type"] in PATTERN and not _reads(PATTERN[column["type"]], value):
        return f"'{value}' is not {column['type']}", EXAMPLE[column["type"]]
    return None


PATTERN = {"date": date.fromisoformat, "integer": int, "number": float, "boolean": {"true": True, "false": False}.__getitem__}
EXAMPLE = {
    "date": "write it as 2023-01-31",
    "integer": "write a whole number",
    "number": "write a number such as 0.5",
    "boolean": "write true or false",
}


def _reads(pattern, value):
    try:
        pattern(value)
    except (ValueError, KeyError):
        return False
    return True


def _learn(known, file, rows):
    if file == "vocabulary.csv":
        words = {}
        for row in rows:
            words.setdefault(row["vocabulary"], set()).add(row["word"])
        known["vocabulary"] = words
    if file == "code_system.csv":
        known["code_system"] = {row["written"].lower(): row["code_system"] for row in rows}
