"""Every table and column that the glossary names is there."""

import re

from tiny import audited

from flows import ROOT, noticing
from flows.models import SCHEMAS

# Written by the run itself after the models, or on the way out.
LATER = {"out.audit_run": {"inputs"}, "out.quality_result": {"status"}}


def test_the_glossary_names_what_exists():
    con = audited(ROOT / "tests" / "gate" / "delivery.yaml")
    noticing.build(con, "2025-12-31", [])
    columns = LATER | {}
    for schema, table, column in con.execute(
        "select table_schema, table_name, column_name from information_schema.columns"
    ).fetchall():
        columns.setdefault(f"{schema}.{table}", set()).add(column)
    for table, column in named():
        assert table in columns, f"the glossary names {table}, which is not a table"
        assert column in columns[table] | {""}, f"the glossary names {table}.{column}, which is not a column"


def named():
    text = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    schemas = "|".join(("rule", "raw", "notice", *SCHEMAS))
    return re.findall(rf"`((?:{schemas})\.[a-z_]+)\.?([a-z_]*)`", text)
