"""Deliveries larger than memory: the demo again and again under new ids, most of it about persons without breast cancer."""

import shutil

import duckdb

EXTRACTS = ("orders", "diagnoses", "therapies", "procedures", "patients", "findings")


def write_bulk(source, folder, n_copies, n_cohort):
    """`n_copies` of each extract; of the copies after the first `n_cohort` nobody has a diagnosis. Gives the bytes."""
    folder.mkdir()
    for name in ("code_map.csv", "SYNTHETIC.txt", "audit.toml"):
        shutil.copy(source / name, folder / name)
    with duckdb.connect() as con:
        for extract in EXTRACTS:
            n = n_cohort if extract == "diagnoses" else n_copies
            con.execute(f"create or replace table rows as from read_csv('{source}/{extract}.csv', all_varchar = true, ignore_errors = true)")
            names = [name for name, *_ in con.execute("describe rows").fetchall() if name.endswith("_id") and name != "site_id"]
            anew = ", ".join(f"{name} || '-' || copy as {name}" for name in names)
            query = f"select rows.* replace ({anew}) from range({n}) as copies(copy), rows"
            con.execute(f"copy ({query}) to '{folder}/{extract}.csv' (header)")
    return sum(path.stat().st_size for path in folder.iterdir())
