"""Labels alone: the audit's own SQL up to out.order_label, without gate, expectations, exports and report.

python -m tests.bench.labels DELIVERY FOLDER. It exists to be compared with scripts that stop at the label as well; the audit
itself has no such way round its gate.
"""

import re
import sys
from pathlib import Path

import duckdb

from flows import machine, models, rules
from flows.delivery import ingest
from flows.settings import load_settings

LABEL = "out.order_label"
READS = re.compile(r"\b(?:raw|stg|core|out)\.\w+")


def build_labels(delivery, folder):
    """The database with the labels in it."""
    settings = load_settings(delivery / "audit.toml", extracts=delivery, out=folder)
    folder.mkdir(parents=True, exist_ok=True)
    limits = {"memory_limit": machine.memory_limit(), "threads": machine.threads(), "temp_directory": str(folder / "spill")}
    database = folder / "labels.duckdb"
    with duckdb.connect(str(database), config=limits) as con:
        rules.load_rules(con, settings, "bench")
        contract = ingest.read_contract(con)
        parts = ingest.open_parts(delivery, contract)
        ingest.fill_raw(con, contract, parts)
        for path, schema in needed():
            con.execute(f"create schema if not exists {schema}")
            models.create(con, schema, path)
    return database


def needed():
    """(file, schema) of every model that the labels stand on, in the order of building."""
    every = [(f"{schema}.{models.table_name(path)}", path, schema) for schema in models.SCHEMAS for path in models.model_files(schema)]
    reads = {name: set(READS.findall(re.sub("--.*", "", path.read_text(encoding="utf-8")))) for name, path, _ in every}
    wanted, found = {LABEL}, set()
    while wanted:
        found |= wanted
        wanted = {name for each in wanted for name in reads[each] if name in reads} - found
    return [(path, schema) for name, path, schema in every if name in found]


if __name__ == "__main__":
    build_labels(Path(sys.argv[1]), Path(sys.argv[2]))
