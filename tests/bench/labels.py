"""Labels alone: the audit's own SQL up to out.order_label, without gate, expectations, exports and report.

python -m tests.bench.labels DELIVERY FOLDER. It exists to be compared with scripts that stop at the label as well; the audit
itself has no such way round its gate.
"""

import sys
from pathlib import Path

import duckdb

from flows import machine, models, rules
from flows.delivery import ingest
from flows.settings import load_settings

LABEL = "out.order_label"


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
        models.build(con, given=not_needed())
    return database


def not_needed():
    """Every model that the labels do not stand on."""
    read = {f"{schema}.{models.table_name(path)}": models.reads(text) for schema, path, text in models.steps()}
    return read.keys() - models.under(read, {LABEL})


if __name__ == "__main__":
    build_labels(Path(sys.argv[1]), Path(sys.argv[2]))
