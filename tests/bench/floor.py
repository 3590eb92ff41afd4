"""The floor: DuckDB reads every column that an audit needs of the same files, and does nothing with it.

python -m tests.bench.floor DELIVERY. Text as delivered, types given, so that nothing is guessed; lengths are summed, so that
no column can be skipped.
"""

import sys
from pathlib import Path

import duckdb

from flows import machine

EXTRACTS = ("orders", "diagnoses", "therapies", "procedures", "patients", "findings")


def read_all(delivery):
    """Rows of each extract."""
    with duckdb.connect(config={"memory_limit": machine.memory_limit(), "threads": machine.threads()}) as con:
        return {extract: _read(con, delivery, extract) for extract in EXTRACTS}


def _read(con, delivery, extract):
    path = delivery / f"{extract}.parquet"
    rows = f"read_parquet('{path}')" if path.exists() else _csv(delivery / f"{extract}.csv")
    columns = [name for name, *_ in con.execute(f"describe from {rows}").fetchall()]
    lengths = ", ".join(f"sum(strlen({name}))" for name in columns)
    return con.execute(f"select count(*), {lengths} from {rows}").fetchall()[0][0]


def _csv(path):
    with path.open(encoding="utf-8") as lines:
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in lines.readline().strip().split(","))
    return f"read_csv('{path}', header = true, auto_detect = false, delim = ',', quote = '\"', ignore_errors = true, columns = {{{columns}}})"


if __name__ == "__main__":
    print(read_all(Path(sys.argv[1])))
