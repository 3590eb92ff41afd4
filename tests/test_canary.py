"""Planted identifiers: which of them stop the run, and that none of them is repeated anywhere, whatever comes of the run.

A canary that the gate lets pass is a gap, and stands in GAPS with what keeps it in: the figures at the end of a test run count it.
"""

import csv
import hashlib
import io
import json
import random
import re
import subprocess
import sys
import time
import uuid
from base64 import b32encode, b64encode, urlsafe_b64encode
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pyarrow
import pyarrow.parquet
import pytest
import tally

from flows import ROOT
from flows.delivery import deidentify
from flows.delivery.parts import open_part
from flows.errors import DeidentificationError
from flows.rules import load_rules
from flows.stages import run_direct
from tests.deliveries import ORDERS, put, read, settings_for, with_rules, write
from tests.fuzz_delivery import Extract, contract, valid

pytestmark = pytest.mark.canary

EXTRACTS = ("orders", "diagnoses", "therapies", "procedures", "patients", "findings", "code_map")
# What is planted, in each of its shapes. The letters zqx and the digits 7319 stand in all of them and in nothing else.
CANARIES = {
    "social security number": ("529-71-7319", "SSN 529 71 7319", "５２９-７１-７３１９", "529\u201171\u20117319"),
    "e-mail address": ("jane.zqx7319@example.org", "Jane <zqx7319@mail.example.co.uk>", "zqx7319＠example.org"),
    "telephone number": ("(617) 555-7319", "617-555-7319", "617.555.7319", "+44 20 7946 7319", "+1 617 555 7319"),
    "web address": ("https://zqx7319.example.org/p/7", "http://zqx7319.example.org", "www.zqx7319.org"),
    "IP address": ("203.0.113.73", "2001:db8:85a3::7319", "fe80:0:0:0:1ff:fe23:4567:7319"),
    "DICOM identifier": ("1.2.840.113619.2.55.3.6046887319", "2.16.840.1.113883.3.7319.1.2.3"),
    "date of birth": ("1931-07-19", "07/19/1931", "19.7.1931", "1931/07/19"),
    "age over 89": ("93 year old", "97 y/o", "101 yrs"),
    "name with comma or title": ("Zqxson, Jane", "Zqxson,Jane M.", "Dr. Zqxson", "Mrs Zqxson", "J. Zqxson M.D."),
    "name": ("Jane Zqxson", "zqxson"),
    "record number, named": ("MRN 00737319", "MRN: 7319731", "mrn-00737319"),
    "record number, bare": ("00737319", "7319731901"),
    "ZIP code, nine digits": ("01610-7319",),
    "ZIP code, five digits": ("73190",),
    "street": ("12 Zqx Street", "Apt 7319 Zqx Rd"),
    "free text": (
        "palpable lump in the left breast since zqx March", "pt states that zqx 7319 has been worse for a week now",
        "zqx7319 was seen in clinic by her husband and told to come back in six months unless the swelling goes down",
    ),
    "text with hidden letters": ("zqx\u200b7319", "\u202ezqx7319", "zqx\x077319"),
}  # fmt: skip
NEEDLES = sorted({shape for shapes in CANARIES.values() for shape in shapes if "zqx" in shape.lower() or "7319" in shape})
TEXT = {"text", "word", "word_list"}
KEYS = {"key", "id"}
ALL = {"key", "id", "code_system", "code", "code_list", "date", "word", "word_list", "number", "year", "text"}
# Kinds of column in which a canary passes, and why it cannot be told there. A word, date or number that cannot be read goes
# to quarantine, so that its value leaves the raw tables for no other; a code or key stays in the protected zone.
GAPS = {
    "social security number": {},
    "e-mail address": {},
    "telephone number": {
        "code": "NDC codes have the shape of telephone numbers",
        "code_list": "as codes",
    },
    "web address": {"code_system": "code systems are named by addresses"},
    "IP address": {"code_system": "identifiers of code systems are dotted numbers", "code": "local codes are dotted numbers", "code_list": "as codes"},
    "DICOM identifier": {"code_system": "code systems are named by such numbers", "code": "local codes may be", "code_list": "as codes"},
    "date of birth": {"date": "a date among dates"},
    "age over 89": dict.fromkeys(ALL - TEXT - KEYS, "goes to quarantine, or is no age there"),
    "name with comma or title": dict.fromkeys(ALL - KEYS - {"date", "number", "year"}, "labels and words hold commas"),
    "name": dict.fromkeys(ALL, "a name is a word like any other"),
    "record number, named": {"code_system": "goes to quarantine", "code_list": "reaches nothing"},
    "record number, bare": dict.fromkeys(ALL - TEXT - {"year", "number"}, "a number is a number"),
    "ZIP code, nine digits": dict.fromkeys(ALL - TEXT - {"year"}, "keys and codes have that shape"),
    "ZIP code, five digits": dict.fromkeys(ALL - {"year"}, "codes of payers and sites have that shape"),
    "street": dict.fromkeys(ALL - {"year"}, "a short label"),
    "free text": {},
    "text with hidden letters": {},
}


@pytest.fixture(scope="module")
def con():
    return with_rules()


# The gate, cell by cell


def planted(extract, value):
    """The extract with the value in every column of its second row."""
    rows = valid("limited_data_set")[extract]
    rows.rows[1] = [value] * len(rows.header)
    return rows


def refused_columns(con, folder, extract, value, mode):
    spoilt = planted(extract, value)
    spoilt.write(folder)
    part = open_part(folder / f"{extract}.csv", folder)
    kinds = {name: contract()[extract, name] for name in part["header"]}
    findings = deidentify.check_values(con, extract, part, kinds, mode, deidentify.read_identifiers())
    assert value not in json.dumps(findings, ensure_ascii=False)
    return {name for name in kinds if any(f"column {name}:" in finding["where"] for finding in findings)}, kinds


@pytest.mark.parametrize("kind", CANARIES)
def test_every_kind_of_canary_in_every_column(con, tmp_path, kind):
    """Counted per cell. The kinds of column in which one passes are those of GAPS: no other, and none that is closed by now."""
    passed = {}
    for shape in CANARIES[kind]:
        for extract in EXTRACTS:
            stopped, columns = refused_columns(con, tmp_path, extract, shape, "shifted_dates")
            tally.record(f"canary refused: {kind}", len(stopped), len(columns))
            for name in columns.keys() - stopped:
                passed.setdefault(columns[name], []).append((extract, name, shape))
    assert passed.keys() == GAPS[kind].keys(), {each: cells[:3] for each, cells in passed.items()}


@pytest.mark.parametrize("year", ["1931", "1899", "93", "101", "1931-07-19"])
def test_a_birth_year_of_the_very_old_is_refused_outside_a_limited_data_set(con, tmp_path, year):
    folder = write(tmp_path, patients=f"patient_id,birth_year\np1,{year}\n")
    with tally.counted("canary refused: birth year of the very old"), pytest.raises(DeidentificationError) as error:
        read(con, folder, deid_mode="shifted_dates", as_of="2024-12-31")
    assert not re.search(rf"\b{year}\b", str(error.value))


# What a refused run leaves behind


def left_behind(out, told, needles=NEEDLES):
    """Where a canary is found: file contents, file names, and what was said."""
    found = [f"said: {needle}" for needle in needles if needle in told]
    for path in out.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        shown = {content, content.decode("utf-8", errors="replace").encode("unicode_escape")}
        found += [
            f"{path.name}: {needle}" for needle in needles
            if needle in path.name or any(needle.encode() in text or json.dumps(needle)[1:-1].encode() in text for text in shown)
        ]  # fmt: skip
    return found


def everything_planted(extract):
    """A row for each shape of each canary, in every column."""
    rows = valid("limited_data_set")[extract]
    shapes = [shape for shapes in CANARIES.values() for shape in shapes]
    rows.rows += [[shape] * len(rows.header) for shape in shapes]
    return rows


@pytest.mark.parametrize(("extract", "ending"), [*((extract, ".csv") for extract in EXTRACTS), ("orders", ".csv.gz"), ("orders", ".parquet")])
def test_a_refused_run_repeats_no_value(command, tmp_path, extract, ending):
    folder, out = tmp_path / "delivery", tmp_path / "out"
    folder.mkdir()
    for name, each in (valid("limited_data_set") | {extract: everything_planted(extract)}).items():
        each.ending = ending
        assert name == each.name
        each.write(folder)
    code, said, told = command("run", "--extracts", folder, "--out", out, "--deid-mode", "shifted_dates", "--direct")
    assert code == 5, told
    leaks = left_behind(out, said + told)
    tally.record("canaries not repeated after a refusal", len(NEEDLES) - len(leaks), len(NEEDLES))
    assert leaks == []


HEADERS = (
    "name_zqxson", "zqxson_name", "patient_name", "ssn_529_71_7319", "mrn_00737319", "email_zqx7319", "phone_617_555_7319", "address_12_zqx_street",
    "zip_01610_7319", "dob_1931_07_19", "death_1931_07_19", "photo_zqx", "device_id_zqx7319", "529-71-7319", "zqx7319@example.org", "Zqxson, Jane", "zqxson",
    "00737319", "jane_zqxson", "code_zqx7319", "zqx_status", "palpable lump since zqx march",
)  # fmt: skip


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("header", HEADERS)
def test_a_canary_in_a_header_is_refused_and_not_repeated(con, tmp_path, header, ending):
    rows = valid("limited_data_set")["patients"]
    added = Extract("patients", [*rows.header, header], [[*row, ""] for row in rows.rows], ending=ending)
    folder = write(tmp_path / "delivery")
    added.write(folder)
    with tally.counted("canary refused: in a header"), pytest.raises(Exception, match="column") as error:
        read(con, folder)
    assert error.value.exit_code in (4, 5)
    assert not re.search("zqx|7319|1931", str(error.value).lower())


FILE_NAMES = {
    "529-71-7319.csv": True, "part_529_71_7319.csv": True, "zqx7319@example.org.csv": True, "617-555-7319.csv": True, "(617) 555-7319.csv": True,
    "203.0.113.73.csv": True, "1.2.840.113619.2.55.7319.csv": True, "MRN 00737319.csv": True, "mrn_00737319.csv.gz": True, "Zqxson, Jane.csv": True,
    "Dr. Zqxson.parquet": True, "zqx\u202e.csv": True,
    # A name, a bare number or a date in a file's name is like any other.
    "jane_zqxson.csv": False, "00737319.csv": False, "1931-07-19.csv": False, "01610-7319.csv": False, "zqx_7319.csv": False,
}  # fmt: skip


@pytest.mark.parametrize("name", FILE_NAMES)
def test_a_canary_in_a_file_name(tmp_path, name):
    from flows.workspace import _hash_delivery

    put(tmp_path / "orders" / name, ORDERS)
    is_refused = FILE_NAMES[name]
    tally.record("canary refused: in a file name", is_refused, 1)
    if not is_refused:
        assert _hash_delivery(tmp_path)
        return
    with pytest.raises(Exception, match="name") as error:
        _hash_delivery(tmp_path)
    assert error.value.exit_code in (4, 5)
    assert not re.search("zqx|7319|529|203.0", str(error.value).lower())


def test_a_file_that_is_named_for_somebody_leaves_no_line_in_the_ledger(command, tmp_path):
    folder = write(tmp_path / "delivery")
    put(folder / "notes" / "zqx7319@example.org.csv", "x\n")
    code, said, told = command("run", "--extracts", folder, "--out", tmp_path / "out", "--deid-mode", "limited_data_set", "--direct")
    assert code == 5
    assert left_behind(tmp_path / "out", said + told, ["zqx", "7319@"]) == []


def dropped(folder, how):
    """A delivery on its way that holds canaries, complete."""
    for name, extract in valid("limited_data_set").items():
        (everything_planted(name) if how == "values" else extract).write(folder)
    if how == "headers":
        text = (folder / "patients.csv").read_text(encoding="utf-8")
        (folder / "patients.csv").write_text(text.replace("birth_year", "zqxcanary_7319", 1), encoding="utf-8")
    if how == "names of files":
        put(folder / "zqx7319@example.org.csv", "x\n")
        put(folder / "orders_zqx7319.csv", "x\n")
    if how == "sums":
        put(folder / "SHA256SUMS", "zqx7319@example.org  zqx7319.csv\n")
    (folder / "DONE").touch()


@pytest.mark.parametrize("how", ["values", "headers", "names of files", "name of the folder", "sums"])
def test_a_delivery_that_is_refused_on_its_way_is_repeated_nowhere(command, tmp_path, how):
    """Neither where it would have gone, nor in the ledger, the log, the health file or any command that tells of it."""
    folder, out, config = tmp_path / "drop" / ("zqx7319 Jane" if how == "name of the folder" else "2024-12"), tmp_path / "out", tmp_path / "audit.toml"
    folder.mkdir(parents=True)
    dropped(folder, how)
    config.write_text('extracts = "series"\nout = "out"\ndrop = "drop"\ndeid_mode = "shifted_dates"\n')
    told = [command("catch-up", "--config", config, "--direct")]
    told += [command(name, "--config", config) for name in ("deliveries", "doctor")] + [command("notices", "--out", out)]
    assert [json.loads(line)["event"] for line in (out / "ledger.jsonl").read_text().splitlines()] == ["incident", "refused"], told
    needles = [*NEEDLES, "zqx", "7319"] if how != "values" else NEEDLES
    leaks = left_behind(out, "".join(said + talk for _, said, talk in told).replace(str(tmp_path), ""), needles) + left_behind(tmp_path / "series", "")
    tally.record("canaries not repeated after a delivery was refused on its way", len(needles) - len(leaks), len(needles))
    assert leaks == []
    assert [path.name for path in (tmp_path / "series").iterdir()] == [".lock"]


METADATA = {
    "social security number": True, "e-mail address": True, "IP address": True, "DICOM identifier": True, "telephone number": True,
    "name": False, "date of birth": False, "record number, named": False,
}  # fmt: skip


@pytest.mark.parametrize("kind", METADATA)
def test_a_canary_in_parquet_metadata(command, tmp_path, kind):
    """It is refused where its shape tells it; where not, the run reads nothing of it and repeats nothing of it."""
    folder, out, canary = write(tmp_path / "delivery"), tmp_path / "out", CANARIES[kind][0]
    rows = valid("limited_data_set")["patients"]
    table = pyarrow.table({name: [row[at] for row in rows.rows] for at, name in enumerate(rows.header)})
    field = pyarrow.field("patient_id", pyarrow.string(), metadata={"note": canary})
    table = table.cast(pyarrow.schema([field, *list(table.schema)[1:]])).replace_schema_metadata({"exported for": canary})
    pyarrow.parquet.write_table(table, folder / "patients.parquet")
    tally.record("canary refused: in Parquet metadata", METADATA[kind], 1)
    with with_rules() as con:
        if METADATA[kind]:
            with pytest.raises(DeidentificationError, match="metadata of the Parquet file") as error:
                read(con, folder)
            assert canary not in str(error.value)
        else:
            read(con, folder)
    if kind == "name":
        code, said, told = command("run", "--extracts", folder, "--out", out, "--deid-mode", "limited_data_set", "--direct")
        assert code == 0, told
        assert left_behind(out, said + told, [canary]) == []


# What a run that succeeds leaves behind


def test_what_cannot_be_split_is_kept_nowhere(command, tmp_path):
    """Torn rows are counted by their place; their content goes nowhere, not even into the database."""
    extracts = valid("limited_data_set", 60)
    for extract in extracts.values():
        torn = [f'zqxtorn7319 "x{extract.name}', "zqxtorn7319", "zqxtorn7319," * 60]
        extract.on_text.append(lambda text, torn=torn: text + "\n".join(torn) + "\n")
    folder, out = tmp_path / "delivery", tmp_path / "out"
    folder.mkdir()
    for extract in extracts.values():
        extract.write(folder)
    put(tmp_path / "audit.toml", 'deid_mode = "limited_data_set"\n[parameters]\nquarantine_max_share = "0.5"\n')
    code, said, told = command("run", "--extracts", folder, "--out", out, "--config", tmp_path / "audit.toml", "--direct")
    assert code == 0, told
    found = duckdb.connect(str(out / "audit.duckdb"), read_only=True).execute("select count(*) from raw.rejected_row").fetchall()
    assert found == [(21,)]
    leaks = left_behind(out, said + told, ["zqxtorn7319"])
    tally.record("canaries not repeated after a success", 21 - len(leaks), 21)
    assert leaks == []


ROW_LEVEL = ("key", "id")


def test_exports_report_and_records_hold_no_row_of_anybody(audited, example):
    """Keys of persons, orders, accessions and providers stand in the database and in protected/, and nowhere else."""
    keys, days = set(), set()
    for path in sorted(example.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                for name, value in row.items():
                    kind = contract().get((path.stem, name))
                    if isinstance(value, str) and kind in ROW_LEVEL and name != "site_id" and len(value) > 5:
                        keys.add(value)
                    if kind == "date" and value:
                        days.add(value[:10])
    assert len(keys) > 1_000
    shown = released(audited)
    leaks = {place: [key for key in keys if key in text] for place, text in shown.items()}
    n_leaks = sum(map(len, leaks.values()))
    tally.record("keys of rows not released", len(keys) * len(shown) - n_leaks, len(keys) * len(shown))
    assert not n_leaks, {place: found[:3] for place, found in leaks.items() if found}
    for place, text in shown.items():
        if place == "ledger.jsonl":
            continue  # later runs are compared with its first and last days; it stays in the protected zone
        told = set(re.findall(r"\d{4}-\d{2}-\d{2}", text)) & days
        assert all(day.endswith("-01") or day == "2024-12-31" or day in known_days(audited) for day in told), place


def known_days(out):
    """Days that are no person's: of the settings, the editions and the reviews."""
    con = duckdb.connect(str(out / "audit.duckdb"), read_only=True)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    days = {manifest["as_of"], manifest["settings"]["as_of"], manifest["settings"]["data_from"], manifest["published_at"][:10]}
    days |= {str(day) for (day,) in con.execute("select effective_from from rule.edition union select next_review_on from rule.value_set").fetchall()}
    con.close()
    return days


def released(out):
    """Everything outside the protected zone, as text."""
    shown = {path.name: path.read_text(encoding="utf-8") for path in [*(out / "exports").glob("*.csv"), out / "report.html", out / "ledger.jsonl"]}
    shown |= {path.name: pl.read_parquet(path).write_json() for path in (out / "exports").glob("*.parquet")}
    return shown | {"manifest.json": (out / "manifest.json").read_text(encoding="utf-8")}


LATE_FAILURE = """
import sys
from flows import publish
def broken(*given):
    rows = next(given[-1].parent.rglob("order_label.csv")).read_text(encoding="utf-8")
    assert "zqx7319" in rows
    raise ValueError(rows)  # what a foreign error may do: quote the rows it met
publish._write_report = broken
from flows.__main__ import main
sys.argv = ["imaging-audit", *sys.argv[1:]]
main()
"""


@pytest.mark.deep
@pytest.mark.flow
def test_a_late_failure_under_prefect_repeats_no_row(tmp_path):
    """The whole run through Prefect's server; the last stage fails with an error that quotes every row."""
    extracts, folder, out = valid("limited_data_set", 60), tmp_path / "delivery", tmp_path / "out"
    for extract in extracts.values():
        for at, name in enumerate(extract.header):
            if contract().get((extract.name, name)) in ROW_LEVEL and name != "site_id":
                for row in extract.rows:
                    row[at] = row[at] and f"zqx7319{row[at]}"
    folder.mkdir()
    for extract in extracts.values():
        extract.write(folder)
    given = ["run", "--extracts", str(folder), "--out", str(out), "--deid-mode", "limited_data_set"]
    done = subprocess.run([sys.executable, "-c", LATE_FAILURE, *given], cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 1, done.stderr
    assert "unexpected ValueError" in done.stderr
    assert "Traceback" not in done.stderr
    assert (out / ".prefect").is_dir()
    leaks = left_behind(out, done.stdout + done.stderr, ["zqx7319"])
    tally.record("canaries not repeated after a late failure under Prefect", not leaks, 1)
    assert leaks == []
    assert not (out / "current").exists()


# False alarms


def hashed(number, shape):
    digest = hashlib.sha256(f"salt {number}".encode()).digest()
    return {
        "hexadecimal, short": lambda: digest.hex()[:12], "hexadecimal": digest.hex, "hexadecimal, upper case": lambda: digest.hex().upper(),
        "hexadecimal, 512 bits": lambda: hashlib.sha512(digest).hexdigest(), "base32": lambda: b32encode(digest).decode(), "base64": lambda: b64encode(digest).decode(),
        "base64url": lambda: urlsafe_b64encode(digest).decode().rstrip("="), "base64, 512 bits": lambda: b64encode(hashlib.sha512(digest).digest()).decode(),
        "UUID": lambda: str(uuid.UUID(bytes=digest[:16])), "UUID, upper case in braces": lambda: f"{{{str(uuid.UUID(bytes=digest[:16])).upper()}}}",
        "URN": lambda: uuid.UUID(bytes=digest[:16]).urn, "digits": lambda: str(int.from_bytes(digest[:8])), "digits, ten": lambda: str(int.from_bytes(digest[:8]))[:10],
        "digits, negative": lambda: str(int.from_bytes(digest[:8], signed=True)), "prefixed": lambda: f"PAT-{digest.hex()[:16]}", "dotted": lambda: f"{number % 97}.{digest.hex()[:8]}",
        "three groups": lambda: f"{digest.hex()[:4]}-{digest.hex()[4:8]}-{digest.hex()[8:12]}", "year and number": lambda: f"2024-{int.from_bytes(digest[:3]):07}",
        "FHIR reference": lambda: f"Patient/{digest.hex()[:20]}", "with a colon": lambda: f"site1:{digest.hex()[:24]}",
    }[shape]()  # fmt: skip


SHAPES = (
    "hexadecimal, short", "hexadecimal", "hexadecimal, upper case", "hexadecimal, 512 bits", "base32", "base64", "base64url", "base64, 512 bits", "UUID",
    "UUID, upper case in braces", "URN", "digits", "digits, ten", "digits, negative", "prefixed", "dotted", "three groups", "year and number", "FHIR reference", "with a colon",
)  # fmt: skip


def alarms(con, folder, mode="limited_data_set"):
    """Rows of a delivery in which the gate sees an identifier, and how many there are."""
    info = {"n": 0}
    try:
        info = {"n": sum(read(con, folder, deid_mode=mode)["n_rows"].values())}
        found = 0
    except DeidentificationError as error:
        found = sum(int(number) for number in re.findall(r": (\d+) rows? looks?", str(error)))
    return found, info["n"]


def counted(kind, found, n_rows):
    tally.record(f"no false alarm: {kind}", n_rows - found, n_rows)
    assert found == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_hashed_keys_are_no_identifiers(con, tmp_path, shape):
    n_keys = 5_000
    lines = ["order_id,patient_id,ordered_on,code_system,code,accession_id,ordering_provider_id,site_id"]
    lines += [
        f"{hashed(number, shape)},{hashed(number % 900 - 10**6, shape)},2024-03-01,CPT,76641,{hashed(-number, shape)},{hashed(number % 50, shape)},{hashed(number % 5, shape)}"
        for number in range(1, n_keys + 1)
    ]
    people = "patient_id,birth_year\n" + "".join(f"{hashed(number - 10**6, shape)},1960\n" for number in range(900))
    write(tmp_path, orders="\n".join(lines) + "\n", patients=people)
    started = time.process_time()
    counted("hashed keys", *alarms(con, tmp_path))
    # Patterns that do not go together once took a quarter of a millisecond for each key: two hours for ten million rows.
    assert time.process_time() - started < 6


def every_code():
    found = []
    for path in sorted((ROOT / "rules" / "value_sets").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            found += [(row["code_system"], row["code"]) for row in csv.DictReader(lines) if row.get("code_system") and row.get("code")]
    return found


def spelled(code_system, code):
    """The ways in which sources write a code."""
    ways = {code, code.lower(), f" {code} "}
    if code_system.startswith("ICD") and len(code) > 3:
        ways.add(f"{code[:3]}.{code[3:]}")
    if code_system in ("CPT", "HCPCS"):
        ways |= {f"{code}-50", f"{code} LT", f"{code},RT"}
    if code_system == "NDC":
        digits = code.replace("-", "").rjust(11, "0")
        ways |= {digits, f"{digits[:5]}-{digits[5:9]}-{digits[9:]}", f"{digits[1:5]}-{digits[5:9]}-{digits[9:]}", f"{digits[:5]}-{digits[6:9]}-{digits[9:]}"}
    return ways


def test_codes_of_every_value_set_are_no_identifiers(con, tmp_path):
    codes = [(system, way) for system, code in every_code() for way in sorted(spelled(system, code))]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["order_id", "patient_id", "ordered_on", "code_system", "code", "reason_codes"])
    for number, (system, code) in enumerate(codes):
        writer.writerow([f"o{number}", "p1", "2024-03-01", system, code, f"{code};{codes[number - 1][1]}"])
    write(tmp_path, orders=out.getvalue())
    assert len(codes) > 5_000
    counted("codes of the value sets", *alarms(con, tmp_path))


def test_dates_of_all_kinds_are_no_identifiers(con, tmp_path):
    rng = random.Random(1)
    formats = ("{y:04}-{m:02}-{d:02}", "{y:04}-{m:02}-{d:02}T{h:02}:{n:02}:00Z", "{y:04}-{m:02}-{d:02} {h:02}:{n:02}:{n:02}.123456", "{y:04}-{m:02}-{d:02}T{h:02}:{n:02}:00-05:00",
               "{y:04}-{m:02}-{d:02} 00:00:00+00", "{m:02}/{d:02}/{y:04}", "{y:04}{m:02}{d:02}", "{d:02}-Jan-{y:04}", "{y:04}-{m:02}-{d:02}T{h:02}:{n:02}")  # fmt: skip
    lines = ["order_id,patient_id,ordered_on,code_system,code,scheduled_on,performed_on"]
    for number in range(9_000):
        day = {"y": rng.randrange(1990, 2027), "m": rng.randrange(1, 13), "d": rng.randrange(1, 29), "h": rng.randrange(24), "n": rng.randrange(60)}
        written = formats[number % 9].format(**day)
        lines.append(f"o{number},p1,{written},CPT,76641,{written},{written}")
    write(tmp_path, orders="\n".join(lines) + "\n")
    counted("dates", *alarms(con, tmp_path))


def test_relative_days_are_no_identifiers(con, tmp_path):
    lines = ["order_id,patient_id,ordered_on,code_system,code,performed_on", *(f"o{day},p1,{day - 3000},CPT,76641,{day:+d}" for day in range(6_000))]
    write(tmp_path, orders="\n".join(lines) + "\n", diagnoses="diagnosis_id,patient_id,code_system,code,diagnosed_on\nd1,p1,ICD10CM,C50.911,0\n")
    counted("relative days", *alarms(con, tmp_path, "relative_days"))


LABELS = {
    "payer": ("medicare", "Medicare Part B", "Blue Cross Blue Shield of Massachusetts", "BCBS MA PPO", "Self-Pay", "60054", "Tricare/VA", "UnitedHealthcare (Choice Plus)", "Medi-Cal", "N/A",
              "Aetna Medicare Advantage HMO-POS", "Commercial: other", "Workers' Comp.", "MassHealth/Medicaid", "Cigna Open Access Plus 90/70"),
    "site_id": ("north", "St. Mary Medical Center North", "MR CENTER NORTH", "US ROOM 3", "DR ROOM 2", "MS CLINIC", "02", "H-0017", "Breast Center, 2nd floor", "Site A (main)", "CT/MR", "BWH.RAD.MG1",
                "Radiology - Building 45", "1.2.3", "hospital_17/unit-4"),
}  # fmt: skip
TRAITS = {
    "sex": ("female", "F", "Male", "unknown", "intersex"), "gender_identity": ("woman", "Identifies as female gender (finding)", "non-binary", "446151000124109"),
    "race": ("White", "2106-3", "Native Hawaiian or Other Pacific Islander", "Black or African American", "American Indian or Alaska Native", "Asian; White", "declined", "2054-5"),
    "ethnicity": ("Not Hispanic or Latino", "2186-5", "Hispanic or Latino", "Not of Hispanic, Latino/a, or Spanish origin"),
    "breast_density": ("b", "C", "Heterogeneously dense", "Scattered areas of fibroglandular density", "BI-RADS 3", "almost entirely fatty (a)"),
    "birth_year": ("1950", "1966", "", "1999", "2004"),
}  # fmt: skip


def test_ordinary_labels_are_no_identifiers(con, tmp_path):
    rng = random.Random(2)
    lines = [["order_id", "patient_id", "ordered_on", "code_system", "code", *LABELS]]
    lines += [[f"o{number}", "p1", "2024-03-01", "CPT", "76641", *(rng.choice(values) for values in LABELS.values())] for number in range(4_000)]
    people = [["patient_id", *TRAITS], *([f"p{number}", *(rng.choice(values) for values in TRAITS.values())] for number in range(2_000))]
    sites = ("upper outer quadrant left breast", "L 2:00 4cm FN", "right, 10 o'clock, 5 cm from nipple", "A", "site 2", "clip #1 (coil)", "R1", "index lesion")
    findings = [["finding_id", "patient_id", "reported_on", "finding", "site_label", "size_mm"]]
    findings += [[f"f{number}", "p1", "2024-03-01", "clip_seen", rng.choice(sites), rng.choice(("12", "12.5", "", "0", "101"))] for number in range(2_000)]
    texts = {}
    for name, rows in {"orders": lines, "patients": people, "findings": findings}.items():
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        texts[name] = out.getvalue()
    write(tmp_path, **texts)
    counted("labels", *alarms(con, tmp_path))


def test_the_example_raises_no_alarm(con, example):
    counted("the example", *alarms(con, example))


def test_ordinary_file_names_and_metadata_raise_no_alarm(tmp_path):
    names = [
        "part-00000-4f1c2b3d-1a2b-4c3d-8e9f-0123456789ab-c000.csv", "part-00001-tid-7319555123456789012-4f1c.c000.csv.gz", "orders_2024-03-01.csv", "orders_20240301.csv", "2024Q1.csv",
        "orders (1).csv", "Orders Final v2.csv", "0001.csv", "site-3_orders_2024_03.csv", "a1b2c3d4e5f6.parquet", "000000_0.csv", "DR_ROOM_2.csv", "export.2024.03.01.csv", "Müller & Söhne.csv",
        "orders-001-of-012.csv", "part-m-00000.csv", "20240301T101500Z.csv", "orders_2020_2024.csv",
    ]  # fmt: skip
    for name in names:
        put(tmp_path / "orders" / name, ORDERS)
    deidentify.check_file_names(tmp_path)
    tally.record("no false alarm: file names", len(names), len(names))


@pytest.mark.shared
@pytest.mark.parametrize("mode", ["limited_data_set", "shifted_dates"])
def test_the_third_parties_data_raise_no_alarm(shared, mode):
    """Synthea's export holds identifiers by design; of the columns that are read, none may alarm."""
    from flows.delivery import sources
    from tests import adapters

    con = with_rules()
    folder = adapters.folder_of(shared, "synthea_breast_csv")
    files = sources.open_files(folder, "synthea")
    sources._check_values(con, files, settings_for(folder, mode, source="synthea"))
    n_rows = sum(part["n_rows"] for parts in files.values() for part in parts)
    tally.record("no false alarm: Synthea", n_rows, n_rows)


# What the run says about keys and shifts


def warned(con, folder, mode="shifted_dates"):
    load_rules(con, settings_for(folder, mode))
    return {(warning["code"], warning["extract"]) for warning in read(con, folder, deid_mode=mode)["warnings"]}


def test_the_example_raises_no_warning(con, example):
    assert warned(con, example, "limited_data_set") == set()


def keyed(name, keys):
    lines = [f"order_id,patient_id,ordered_on,code_system,code,{name}", *(f"o{key},p1,2024-03-01,CPT,76641,{key}" for key in keys)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("name", "keys", "code"),
    [
        ("accession_id", [f"A{number}" for number in range(7_000, 7_040)], "ID-62"),
        ("accession_id", [f"E{30_000_000 + 7919 * number}" for number in range(40)], "ID-63"),
        ("ordering_provider_id", [str(1_234_567_000 + number) for number in range(40)], "ID-64"),
        ("ordering_provider_id", [str(1_234_567_893 + 7919 * number) for number in range(40)], "ID-65"),
        ("accession_id", [hashed(number, "hexadecimal") for number in range(200)], None),
        ("accession_id", [hashed(number, "base32") for number in range(200)], None),
        ("ordering_provider_id", [hashed(number, "digits") for number in range(200)], None),
        ("ordering_provider_id", ["1", "2", "3"], None),
    ],
)
def test_keys_that_look_like_the_sources_own_are_warned_about(con, tmp_path, name, keys, code):
    assert warned(con, write(tmp_path, orders=keyed(name, keys))) == ({(code, "orders")} if code else set())


def shifted(folder, by, mode="shifted_dates"):
    """The example with each date moved by what `by` says of the person, the extract and the column."""
    extracts = valid("limited_data_set", 200)
    for extract in extracts.values():
        people = extract.header.index("patient_id") if "patient_id" in extract.header else None
        for at, name in enumerate(extract.header):
            if contract().get((extract.name, name)) == "date":
                for row in extract.rows:
                    if row[at]:
                        day = date.fromisoformat(row[at][:10]) + timedelta(by(row[people], extract.name, name))
                        row[at] = str((day - date(2024, 1, 1)).days) if mode == "relative_days" else day.isoformat()
    folder.mkdir()
    for extract in extracts.values():
        extract.write(folder)
    return folder


def days(*given):
    return random.Random(repr(given)).randint(-365, 365)


SHIFTS = {
    "one shift for each person": (lambda person, extract, column: days(person), set()),
    "a shift for each extract": (
        lambda person, extract, column: days(person, extract),
        {("ID-70", "orders"), ("ID-70", "procedures"), ("ID-70", "therapies"), ("ID-71", "findings")},
    ),
    "orders alone": (lambda person, extract, column: days(person, extract == "orders"), {("ID-70", "orders"), ("ID-71", "findings")}),
    "procedures alone": (lambda person, extract, column: days(person, extract == "procedures"), {("ID-70", "procedures")}),
    "findings alone": (lambda person, extract, column: days(person, extract == "findings"), {("ID-71", "findings")}),
    "a shift for each column": (
        lambda person, extract, column: days(person, column),
        {("ID-70", "orders"), ("ID-70", "procedures"), ("ID-70", "therapies"), ("ID-71", "findings"), ("ID-72", "orders")},
    ),
}


@pytest.mark.parametrize("mode", ["shifted_dates", "relative_days"])
@pytest.mark.parametrize("how", SHIFTS)
def test_shifts_that_differ_within_one_person_are_warned_about(con, tmp_path, how, mode):
    by, expected = SHIFTS[how]
    assert warned(con, shifted(tmp_path / "delivery", by, mode), mode) == expected


def test_rows_after_the_last_day_covered_are_warned_about(con, tmp_path):
    people = "patient_id,observed_to\n" + "".join(f"p{number},2024-06-{1 + number % 28:02}\n" for number in range(60))
    lines = "".join(f"o{number},p{number},2024-{3 + 6 * (number % 3 == 0):02}-01,CPT,76641\n" for number in range(60))
    folder = write(tmp_path, patients=people, orders="order_id,patient_id,ordered_on,code_system,code\n" + lines)
    assert warned(con, folder) == {("ID-73", "patients")}
    assert warned(con, folder, "limited_data_set") == set()


def test_the_warnings_stand_on_the_page(tmp_path):
    """A reader of the report sees them with their counts, before any figure is believed."""
    folder, out = shifted(tmp_path / "delivery", SHIFTS["findings alone"][0]), tmp_path / "out"
    run_direct(settings_for(folder, "shifted_dates").model_copy(update={"out": out}))
    assert "findings dated before the order that they name" in (out / "report.html").read_text(encoding="utf-8")


def test_what_is_there_is_found(audited, example):
    """Otherwise nothing above would mean anything: a needle in a database, a page, a table and what was said."""
    with (example / "orders.csv").open(encoding="utf-8", newline="") as lines:
        site = next(csv.DictReader(lines))["site_id"]
    found = left_behind(audited, site, [site])
    assert any(place.startswith("said") for place in found)
    assert {Path(place.split(":")[0]).suffix for place in found} >= {".csv", ".html", ".duckdb"}
