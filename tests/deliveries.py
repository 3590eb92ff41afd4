"""Small deliveries on disk, read by the production code; what the tests of reading share."""

import duckdb

from flows.delivery.ingest import read_delivery
from flows.rules import load_rules
from flows.settings import Settings

ORDERS = "order_id,patient_id,ordered_on,code_system,code\no1,p1,2024-03-01,CPT,76641\n"
DIAGNOSES = "diagnosis_id,patient_id,code_system,code,diagnosed_on\nd1,p1,ICD10CM,C50.911,2024-01-01\n"


def write(folder, **extracts):
    """orders and diagnoses unless given; text or bytes; None leaves an extract out."""
    folder.mkdir(parents=True, exist_ok=True)
    for extract, content in ({"orders": ORDERS, "diagnoses": DIAGNOSES} | extracts).items():
        if content is not None:
            put(folder / f"{extract}.csv", content)
    return folder


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def settings_for(folder, deid_mode="limited_data_set", **given):
    return Settings(extracts=folder, out=folder.with_name(f"{folder.name}-out"), deid_mode=deid_mode, **given)


def with_rules():
    con = duckdb.connect()
    load_rules(con)
    return con


def read(con, folder, **given):
    return read_delivery(con, folder, settings_for(folder, **given))


def rows(con, query):
    return con.execute(query).fetchall()


def column(con, table, name):
    return [row[0] for row in rows(con, f"select {name} from raw.{table} order by part, line")]
