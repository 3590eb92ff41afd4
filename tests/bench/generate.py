"""Large deliveries: the demo's persons under new ids, scattered among many more who were imaged for other reasons.

Which shares: two order lines in a hundred are the demo's (about one person in thirty, where one woman in sixty of a whole
population has had breast cancer, and people who are imaged are iller than a population); twenty lines a person; what the
others were ordered stands in case_mix.csv, row by row with its source. Every row follows from its number and the seed, so
the same size is the same bytes, and DuckDB writes it in a stream: memory does not grow with the size.
"""

import csv
import shutil
from pathlib import Path

import duckdb

from flows.demo import write_demo

HERE = Path(__file__).parent
SEED = 235
COHORT_SHARE = 0.02  # of order lines
LINES_A_PERSON = 20
DEMO_PERSONS = 2000
DEMO_LINES_A_PERSON = 8.6
# Rows of the others for each of their persons; so that 10 million lines come with about half a million of therapies and procedures.
A_PERSON = {"diagnoses": 3, "therapies": 0.5, "procedures": 0.8, "patients": 1, "findings": 0}
EXTRACTS = ("orders", *A_PERSON)
BESIDE = ("code_map.csv", "SYNTHETIC.txt", "audit.toml")
SLOTS = 1000
HOW = {"csv": "header", "parquet": "format parquet, compression zstd"}


def write_delivery(folder, n_lines, formats=("csv",), seed=SEED, memory="1GB", say=None):
    """folder/csv and folder/parquet, each a delivery of about `n_lines` order lines; gives the rows of each extract."""
    folder = Path(folder)
    demo = folder / "demo"
    write_demo(demo, n_patients=min(DEMO_PERSONS, max(20, int(n_lines * COHORT_SHARE / DEMO_LINES_A_PERSON))))
    for form in formats:
        (folder / form).mkdir(parents=True, exist_ok=True)
        for name in BESIDE:
            shutil.copy(demo / name, folder / form / name)
    with duckdb.connect(config={"memory_limit": memory, "temp_directory": str(folder / "spill")}) as con:
        n_rows = _write(con, demo, folder, n_lines, formats, seed, say or (lambda words: None))
    shutil.rmtree(demo)
    return n_rows


def _write(con, demo, folder, n_lines, formats, seed, say):
    con.execute(_text("macros", seed=seed))
    _fill_slots(con)
    for extract in EXTRACTS:
        con.execute(f"create table {extract} as select *, row_number() over () - 1 as number from read_csv('{demo}/{extract}.csv', all_varchar = true, ignore_errors = true)")
    (n_demo,) = con.execute("select count(*) from orders").fetchall()[0]
    n_copies = max(1, round(n_lines * COHORT_SHARE / n_demo))
    n_persons = max(1, n_lines // LINES_A_PERSON)
    counted = {}
    for extract in EXTRACTS:
        (n_rows,) = con.execute(f"select count(*) from {extract}").fetchall()[0]
        others = n_lines - n_copies * n_demo if extract == "orders" else int(n_persons * A_PERSON[extract])
        sizes = {"n_cohort": n_copies * n_rows, "n_others": max(0, others)}
        query = _rows(con, extract, n_rows, n_persons, **sizes)
        for form in sorted(formats, reverse=True):  # Parquet first: reading it again is cheaper than making the rows again
            say(f"writing {extract}.{form}: {sum(sizes.values()):,} rows")
            path = folder / form / f"{extract}.{form}"
            con.execute(f"copy ({query}) to '{path}' ({HOW[form]})")
            query = f"from '{path}'"
        counted[extract] = sum(sizes.values())
    return counted


def _rows(con, extract, n_rows, n_persons, n_cohort, n_others):
    """A row of the demo at every so-manieth place: no sort, which a hundred million rows would have to spill."""
    every = (n_cohort + n_others) // n_cohort
    con.execute(f"create or replace view other as select range as n from range({n_cohort + n_others})")
    columns = [name for name, *_ in con.execute(f"describe {extract}").fetchall() if name != "number"]
    chosen = ", ".join(f"case when mine.number is null then other.{name} else {_anew(name, every * n_rows)} end as {name}" for name in columns)
    return (
        f"select {chosen} from ({_text(extract, n_persons=n_persons)}) as other left join {extract} as mine "
        f"on mine.number = case when n % {every} = 0 and n < {every * n_cohort} then (n // {every}) % {n_rows} end"
    )


def _anew(column, period):
    """A demo's key in its copy: the same word for the same key, so that rows still find each other."""
    if not column.endswith("_id") or column in ("site_id", "ordering_provider_id"):
        return f"mine.{column}"
    return f"anew(left(mine.{column}, 1), 'demo' || (n // {period}), mine.{column})"


def _fill_slots(con):
    """The mix in a thousand slots, so that a row finds its code by one join on a number."""
    con.execute("create table slot (extract varchar, number integer, kind varchar, code_system varchar, code varchar)")
    with (HERE / "case_mix.csv").open(encoding="utf-8", newline="") as lines:
        mix = list(csv.DictReader(lines))
    for extract in {row["extract"] for row in mix}:
        codes = [row for row in mix if row["extract"] == extract for _ in range(int(row["weight"]))]
        if len(codes) != SLOTS:
            raise ValueError(f"the weights of {extract} in case_mix.csv add up to {len(codes)}, not {SLOTS}")
        rows = [(extract, number, row["kind"] or None, row["code_system"], row["code"]) for number, row in enumerate(codes)]
        con.executemany("insert into slot values (?, ?, ?, ?, ?)", rows)


def _text(name, **values):
    text = (HERE / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"${key}", str(value))
    return text
