"""The page docs/data_dictionary.md, written from the comments of a database that was built from an empty delivery.

    .venv/bin/python tests/data_dictionary.py > docs/data_dictionary.md      writes it anew
"""

import sys

import pipeline

from flows import ROOT, models, noticing
from flows.exports import dictionary

PAGE = ROOT / "docs" / "data_dictionary.md"
RUN = {
    "quality_result": {"results": "[]"},
    "audit_run": dict.fromkeys(("started_at", "finished_at"))
    | dict.fromkeys(("run_id", "deid_mode", "source", "rules_hash", "sql_hash", "settings_hash"), "")
    | dict.fromkeys(("inputs", "files", "versions", "parameters", "row_counts"), "{}"),
}  # fmt: skip


def database():
    """All tables of a result, without a row of anybody; those that a run writes about itself included."""
    con = pipeline.audit({})
    noticing.build(con, "2025-12-31", [])
    for table, values in RUN.items():
        query = (ROOT / "sql" / "run" / f"{table}.sql").read_text(encoding="utf-8")
        con.execute(f"create or replace table out.{table} as {query}", values)
        models.comment(con, {f"out.{table}": models.grain(query)})
    return con


if __name__ == "__main__":
    sys.stdout.write(dictionary.page(database()))
