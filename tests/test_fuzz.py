"""Bad input, thousands of times: a result or a refusal that instructs; never a traceback, a hang, or a change of what was published."""

import base64
import csv
import gzip
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import duckdb
import pytest
import tally
import yaml

from flows import ROOT
from tests import fuzz
from tests.deliveries import DIAGNOSES, ORDERS, put, write
from tests.fuzz_cells import CANARY, PAYLOADS
from tests.fuzz_delivery import places, valid
from tests.fuzz_kinds import KINDS, VALUES
from tests.fuzz_page import wrong_files

CORPUS = sorted((ROOT / "tests" / "corpus").glob("*.yaml"))
SMALL = range(140), range(100_000, 100_004), range(200_000, 200_001)
DEEP = range(3_000), range(100_000, 100_150), range(200_000, 200_040)


def jobs(reads, judges, runs):
    """Most cases meet the reader alone; those that change values alone go on to the models, and a few through the whole run."""
    some = [*VALUES, "payloads", "names"]
    return [
        *(("run", seed, some) for seed in runs), *(("judge", seed, VALUES) for seed in judges),
        *(("read", seed, None) for seed in reads),
    ]  # fmt: skip


def campaign(given):
    """Every case counts for each family of its mutations; the seeds of those that ended badly are told."""
    outcomes = fuzz.campaign(given)
    for outcome in outcomes:
        tally.record("input: read or refused as it should", not fuzz.faults(outcome), 1)
        for family in dict.fromkeys(outcome["families"]):
            tally.record(f"bad input: {family}", not fuzz.faults(outcome), 1)
    ends = Counter((outcome["job"][0], outcome["end"]) for outcome in outcomes)
    for depth in fuzz.STEPS:
        n_cases = sum(n for (at, _), n in ends.items() if at == depth)
        tally.record(f"bad input refused, not read ({depth})", ends[depth, "refused"], n_cases)
    slowest, largest = (max(outcome.get(what, 0) for outcome in outcomes) for what in ("cpu", "memory"))
    tally.NOTES.append(f"bad input, {len(outcomes):,} cases: at most {slowest:.0f} s of processor time and {largest >> 20:,} MB of memory")
    bad = [(outcome["job"], fuzz.faults(outcome), outcome["told"]) for outcome in outcomes if fuzz.faults(outcome)]
    assert not bad
    assert len(outcomes) == len(given)
    return outcomes


def test_a_small_campaign():
    outcomes = campaign(jobs(*SMALL))
    assert {outcome["end"] for outcome in outcomes} == {"read", "refused"}
    assert len({outcome["exit_code"] for outcome in outcomes}) >= 4
    assert {family for outcome in outcomes for family in outcome["families"]} == set(KINDS)


@pytest.mark.deep
def test_a_large_campaign():
    campaign(jobs(*DEEP))


def test_what_is_not_spoilt_is_read(tmp_path):
    """Otherwise every refusal of the campaign would mean nothing."""
    for extract in valid("limited_data_set").values():
        extract.write(tmp_path)
    (outcome,) = campaign([("judge", str(tmp_path), ["nothing"])])
    assert outcome["end"] == "read"


# What once failed


def corpus_case(path, folder):
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, given in ({"orders.csv": ORDERS, "diagnoses.csv": DIAGNOSES} | case["files"]).items():
        if given is not None:
            place = os.fsdecode(name.encode("latin-1")) if case.get("names_are_bytes") else name
            put(folder / place, content(given))
    return case


def content(given):
    """Text, or a mapping: text `before` and `after` a `text` repeated so many `times`; or bytes in base64."""
    if isinstance(given, str):
        return given
    if "base64" in given:
        return base64.b64decode(given["base64"])
    made = given.get("before", "") + given["text"] * given["times"] + given.get("after", "")
    return gzip.compress(made.encode()) if given.get("gzip") else made


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_once_failed_no_longer_does(path, tmp_path, command):
    folder, out = tmp_path / "delivery", tmp_path / "out"
    case = corpus_case(path, folder)
    mode = case.get("mode", "limited_data_set")
    if case["exit_code"]:
        code, said, told = command("run", "--extracts", folder, "--out", out, "--deid-mode", mode, "--direct")
        assert (code, said) == (case["exit_code"], ""), told
        assert case["told"] in told
        assert " — " in told
        assert CANARY not in told
        assert not found_in(out, CANARY)
        assert [path.name for path in out.iterdir() if path.name not in ("ledger.jsonl", ".lock", "health.json", "logs")] == []
    else:
        from tests.deliveries import read, rows, with_rules

        con = with_rules()
        read(con, folder, deid_mode=mode)
        assert rows(con, "select count(*) from raw.rejected_row") == [(0,)]


def found_in(folder, text):
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


# Sizes


def many_columns(folder):
    names = ",".join(f"c{number}" for number in range(10_000))
    write(folder, orders=f"{ORDERS.splitlines()[0]},{names}\n" + f"{ORDERS.splitlines()[1]}{',x' * 10_000}\n")


def huge_cell(folder):
    write(folder, orders=ORDERS.replace("76641", "7" * 10_000_000))


def huge_cell_in_parquet(folder):
    query = "select 'o1' as order_id, 'p1' as patient_id, '2024-03-01' as ordered_on, 'CPT' as code_system, repeat('ab ', 3500000) as code"
    write(folder, orders=None)
    duckdb.execute(f"copy ({query}) to '{folder}/orders.parquet' (format parquet)")


def million_short_lines(folder):
    write(folder, orders=ORDERS + "x\n" * 1_000_000)


def gzip_bomb(fill):
    def made(folder):
        block = gzip.compress(fill * ((8 << 20) // len(fill)), 9)
        write(folder, orders=None)
        put(folder / "orders.csv.gz", gzip.compress(ORDERS.encode()) + block * 150)

    return made


def parquet_bomb(folder):
    query = "select 'o1' as order_id, 'p1' as patient_id, '2024-03-01' as ordered_on, 'CPT' as code_system, '76641' as code from range(20000000)"
    write(folder, orders=None)
    duckdb.execute(f"copy ({query}) to '{folder}/orders.parquet' (format parquet, compression zstd, row_group_size 5000000)")


def long_values_in_parquet(size, n_rows):
    """One value, written once in a file of a few kilobytes and meant in every row."""

    def made(folder):
        query = f"select 'o' || i as order_id, 'p1' as patient_id, '2024-03-01' as ordered_on, 'CPT' as code_system, '76641' as code, repeat('a ', {size}) as payer from range({n_rows}) as numbers(i)"
        write(folder, orders=None)
        duckdb.execute(f"copy ({query}) to '{folder}/orders.parquet' (format parquet, compression zstd)")

    return made


def folders_in_folders(folder):
    write(folder)
    deep = os.open(folder, os.O_RDONLY)
    for _ in range(1_900):
        os.mkdir("a", dir_fd=deep)
        below = os.open("a", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)


SIZES = {
    "10,000 columns": (many_columns, 4),
    "a cell of 10 MB": (huge_cell, 4),
    "a cell of 10 MB in Parquet": (huge_cell_in_parquet, 4),
    "a million lines of one letter": (million_short_lines, 6),
    "a gzip bomb of one line": (gzip_bomb(b"x"), 4),
    "a gzip bomb of short lines": (gzip_bomb(b"o1,p1,2024-03-01,CPT,76641\n"), 4),
    "a Parquet bomb": (parquet_bomb, 4),
    "a Parquet bomb of values of a megabyte": (long_values_in_parquet(500_000, 20_000), 4),
    "a Parquet bomb of values of a page": (long_values_in_parquet(2_000, 500_000), 4),
    "folders a thousand deep": (folders_in_folders, 4),
}


def test_sizes_are_bounded(tmp_path):
    """Each in a few seconds and less memory than an office machine has; the gzip bombs unpack to 1.2 GB."""
    for number, (make, _) in enumerate(SIZES.values()):
        make(tmp_path / str(number))
    try:
        outcomes = campaign([("read", str(tmp_path / str(number)), ["sizes"]) for number in range(len(SIZES))])
    finally:
        subprocess.run(["rm", "-rf", *tmp_path.iterdir()], check=True)  # Python's own way gives up at a thousand folders
    codes = {Path(outcome["job"][1]).name: outcome["exit_code"] for outcome in outcomes}
    assert {name: codes[str(number)] for number, name in enumerate(SIZES)} == {name: code for name, (_, code) in SIZES.items()}


# Payloads


def test_payloads_are_published_and_never_run(tmp_path):
    """Every payload that the gate lets pass stands in a label, a code or an id of somebody whose order is counted."""
    from flows.settings import Settings
    from flows.stages import run_direct

    extracts, payloads = valid("limited_data_set", 60), [text for text in PAYLOADS if is_let_pass(text)]
    formula = next(text for text in payloads if text[0] in "=+-@")
    persons = {row[0]: f"{payloads[number % len(payloads)]}{row[0]}" for number, row in enumerate(extracts["patients"].rows)}
    for extract in extracts.values():
        at_person = extract.header.index("patient_id") if "patient_id" in extract.header else None
        for number, row in enumerate(extract.rows):
            for place in places(extract, "text", "id", "key"):
                name = extract.header[place]
                if place == at_person:
                    row[place] = persons.get(row[place], row[place])
                elif name in ("order_id", "therapy_id", "procedure_id", "diagnosis_id", "finding_id"):
                    row[place] = f"{formula}{row[place]}" if row[place] else ""
                else:
                    row[place] = payloads[number % len(payloads)]
    folder, out = tmp_path / "delivery", tmp_path / "out"
    folder.mkdir()
    for extract in extracts.values():
        extract.write(folder)
    run_direct(Settings(extracts=folder, out=out, deid_mode="limited_data_set", suppression="none"))
    assert wrong_files(out) == []
    assert "&lt;script&gt;" in (out / "report.html").read_text(encoding="utf-8")
    with (out / "protected" / "order_label.csv").open(encoding="utf-8", newline="") as lines:
        labels = list(csv.DictReader(lines))
    assert labels
    assert all(row["order_id"].startswith(f"'{formula}") for row in labels)
    kept = duckdb.execute(f"select order_id from '{out}/protected/order_label.parquet'").fetchall()
    assert {order_id for (order_id,) in kept} == {row["order_id"][1:] for row in labels}
    tally.record("payloads published and not run", len(payloads), len(payloads))


def is_let_pass(text):
    """By the gate: one visible token or two, no address, no long number."""
    return text.isprintable() and len(text.split()) in (1, 2) and len(text) < 60 and not re.search(r"//|\d{7}|;$|^;", text)


def test_the_sums_of_the_table(monkeypatch):
    given = {"SIGKILL x": (99, 100), "input: y": (9, 10), "bad input: dates": (7, 8), "bad input refused, not read (run)": (3, 10)}
    given |= {"canaries not repeated after a refusal": (5, 6), "canary refused: x": (4, 9), "no false alarm: y": (99, 101)}
    monkeypatch.setattr(tally, "COUNTS", given)
    assert list(tally.figures().values()) == [(99, 100), (3, 1), (9, 10), (1, 6), (4, 9), (2, 101)]
    assert "        99 / 100         faults survived / injected" in tally.lines()
