"""Loads the rules into the schema rule. Every clinical decision is a row there, with its origin beside it."""

from datetime import UTC, datetime
from types import SimpleNamespace

from flows import ROOT, doors
from flows.check_rules import check_rules
from flows.errors import RulesError
from flows.rule_files import nearest, normal_code, read_rules

__all__ = ["alone", "check_rules", "load_rules"]

RULES = ROOT / "rules"
SQL_TYPE = {"date": "date", "integer": "integer", "number": "double", "boolean": "boolean", "timestamp": "timestamp"}
TEXT = {"type": "text"}
ORIGIN = {"origin": TEXT | {"comment": "bundled, site or settings: where the row comes from"}}
RULE_FILE = {
    "file": TEXT | {"comment": "rule file"},
    "n_rows": {"type": "integer", "comment": "rows that the file has"},
    "sha256": TEXT | {"comment": "hash of the file as it was read"},
}
CONDITIONAL = {
    "code_system": TEXT | {"comment": "code system"},
    "code": TEXT | {"comment": "code: trimmed, upper case, without the ICD dot"},
}
RUN = {
    "run_id": TEXT | {"comment": "name of the run"},
    "as_of": {"type": "date", "comment": "last day that the extracts cover; empty to derive it"},
    "deid_mode": TEXT | {"comment": "how the delivery says that it was de-identified"},
    "source": TEXT | {"comment": "shape of the delivery"},
    "data_from": {"type": "date", "comment": "first day that the extracts cover; empty where they begin nowhere"},
    "all_orders_after_first_edition": {"type": "boolean", "comment": "no order is older than the first edition"},
    "edition_override": TEXT | {"comment": "edition that judges every order, whatever its day; empty for none"},
    "started_at": {"type": "timestamp", "comment": "when the rules were loaded (UTC)"},
}


def load_rules(con, settings=None, run_id=None, folder=RULES):
    """The rule tables: rules/, the site's folder, then what the settings change for this run."""
    shape, tables, files = read_rules(folder, getattr(settings, "site_rules", None))
    named_in = getattr(settings, "named_in", "settings")
    _override_parameters(con, tables["parameter.csv"], getattr(settings, "parameters", None) or {}, named_in)
    surgery = _conditional_surgery(tables, getattr(settings, "conditional_surgery", None) or (), named_in)
    run = _run(tables, settings, run_id, named_in)
    con.execute("create schema if not exists rule")
    for file, columns in shape.items():
        _create(con, _table_name(file), columns | ORIGIN, tables[file], _grain(tables, file))
    _create(con, "rule_file", RULE_FILE | ORIGIN, files, "One row per rule file that was read")
    _create(con, "conditional_surgery", CONDITIONAL, surgery, "One row per conditional surgery code that counts here")
    _create(con, "run", RUN, [run], "One row per run: the one that these rules were loaded for")


def alone(site_rules=None):
    """The rules in a database of their own, without a run: to be checked, or asked."""
    import duckdb

    con = duckdb.connect(config=doors.FETCHES_NOTHING)
    load_rules(con, SimpleNamespace(site_rules=site_rules))
    return con


def _table_name(file):
    return file.rsplit("/", 1)[-1].removesuffix(".csv")


def _grain(tables, file):
    described = [row["grain"] for row in tables["value_set.csv"] if row["file"] == file]
    return described[0] if described else f"One row per row of rules/{file}"


def _create(con, table, columns, rows, comment):
    types = {name: SQL_TYPE.get(column["type"], "varchar") for name, column in columns.items()}
    typed = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    cells = ", ".join("unnest(cast(? as varchar[]))" for _ in columns)
    con.execute(f"create or replace table rule.{table} ({typed})")
    con.execute(f"insert into rule.{table} select {cells}", [[row[name] for row in rows] for name in columns])
    said = [f"comment on table rule.{table} is {_quoted(comment)}"]
    said += [f'comment on column rule.{table}."{name}" is {_quoted(each["comment"])}' for name, each in columns.items()]
    con.execute("; ".join(said))


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


def _override_parameters(con, rows, given, named_in):
    units = {row["name"]: row["unit"] for row in rows}
    for name, value in given.items():
        if name not in units:
            hint = nearest(name, units)
            raise RulesError(f"unknown parameter '{name}'", where=f"{named_in}, parameters", next_step=hint)
        rows[:] = [row for row in rows if row["name"] != name]
        new = {"name": name, "effective_from": None, "value": str(value), "unit": units[name], "reference": "settings"}
        rows.append(new | {"origin": "settings", "line": None})
    for row in rows:
        _check_parameter(con, row, named_in)


def _check_parameter(con, row, named_in):
    """A wrong number would move every label, so it stops here and not inside a model."""
    value, unit = row["value"], row["unit"]
    if unit == "time_zone":
        known = con.execute("select count(*) from pg_timezone_names() where name = ?", [value]).fetchall()[0][0]
        is_right, hint = known == 1, "write a time zone such as UTC or America/New_York"
    elif unit == "clock":
        is_right, hint = value in ("performed", "ordered"), "write performed or ordered"
    elif unit in ("share", "number"):
        is_right = _is_number(value) and (unit == "number" or 0 <= float(value) <= 1)
        hint = "write a share between 0 and 1, such as 0.15" if unit == "share" else "write a number"
    else:
        is_right = value.isascii() and value.isdigit() and len(value) <= 6
        hint = f"write a whole number of {unit}, 0 or more"
    if not is_right:
        place = {"settings": f"{named_in}, parameters", "site": f"parameter.csv of the site, line {row['line']}"}
        where = place.get(row["origin"], f"rules/parameter.csv, line {row['line']}")
        raise RulesError(f"parameter {row['name']} cannot be '{value}'", where=where, next_step=hint)


def _is_number(value):
    try:
        return float(value) - float(value) == 0
    except ValueError:
        return False


def _conditional_surgery(tables, named, named_in):
    spellings = {row["written"].lower(): row["code_system"] for row in tables["code_system.csv"]}
    kinds = {(row["code_system"], row["code"]): row["definitive"] for row in tables["value_sets/surgery.csv"]}
    found = []
    for entry in named:
        code_system, _, code = entry.rpartition(":")
        code_system = spellings.get(code_system.strip().lower())
        key = (code_system, normal_code(code_system, code))
        if kinds.get(key) not in ("conditional", "yes"):
            known = {f"{system}:{code}" for (system, code), kind in kinds.items() if kind == "conditional"}
            raise RulesError(
                f"'{entry}' is not a surgery code that the value set marks conditional",
                where=f"{named_in}, conditional_surgery",
                next_step=nearest(entry, known),
            )
        found.append(dict(zip(CONDITIONAL, key, strict=True)))
    return found


def _run(tables, settings, run_id, named_in):
    row = {name: getattr(settings, name, None) for name in RUN}
    row |= {"run_id": run_id, "started_at": datetime.now(UTC).replace(tzinfo=None, microsecond=0)}
    row["all_orders_after_first_edition"] = bool(row["all_orders_after_first_edition"])
    editions = {edition["edition"] for edition in tables["edition.csv"]}
    if row["edition_override"] not in editions | {None}:
        hint = nearest(row["edition_override"], editions)
        raise RulesError("there is no such edition", where=f"{named_in}, edition_override", next_step=hint)
    return {name: None if value is None else str(value) for name, value in row.items()}
