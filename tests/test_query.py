"""imaging-audit query: what it answers, what it refuses, and what it never repeats."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from datetime import date

import duckdb
import pytest

from flows import ROOT

MARKED = "canary-7f3a"
ROW = f"""
    '=1+1' as "=head", -1.5 as amount, '-2' as text, null as nothing, true as flag, [1, 2] as list,
    {{'day': date '2024-05-01'}} as record, 'nan'::double as number, '{MARKED}' as id, e'a\\x1b[31m\\nb' as steering,
    7::hugeint as big
"""
HEADS = ["=head", "amount", "text", "nothing", "flag", "list", "record", "number", "id", "steering", "big"]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A result folder with the one file that a query reads, and a value in it that no message may repeat."""
    folder = tmp_path_factory.mktemp("published")
    con = duckdb.connect(str(folder / "audit.duckdb"))
    con.execute("create schema out")
    con.execute(f"create table out.one as select {ROW}")
    con.execute("create table out.number as select unnest(range(250)) as n")
    con.close()
    return folder


def test_rows_go_to_stdout_and_talk_to_stderr(command, out):
    code, told, talk = command("query", "select n from out.number where n < 3 order by n", "--out", out)
    assert code == 0
    assert told.splitlines() == ["n", "-", "0", "1", "2"]
    assert "protected zone" in talk
    assert "exports/" in talk


def test_table_shows_null_and_steers_no_terminal(command, out):
    told = command("query", "from out.one", "--out", out)[1]
    head, _, row = told.splitlines()
    assert head.split() == HEADS
    assert "\x1b" not in told
    assert "a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}b" in row
    assert "null" in row
    assert row.startswith("=1+1 ")


def test_table_puts_numbers_under_each_other(command, out):
    told = command("query", "select n, 'x' as word from out.number where n in (5, 123) order by n", "--out", out)[1]
    assert told.splitlines()[2:] == ["  5  x", "123  x"]


def test_csv_is_safe_for_spreadsheets_as_the_exports_are(command, out):
    code, told, _ = command("query", "from out.one", "--out", out, "--format", "csv")
    head, row = csv.reader(io.StringIO(told))
    assert code == 0
    assert head == ["'=head", *HEADS[1:]]
    given = dict(zip(HEADS, row, strict=True))
    assert given["=head"] == "'=1+1"
    assert given["text"] == "'-2"
    assert given["amount"] == "-1.5", "a number is no text"
    assert given["nothing"] == ""
    assert given["flag"] == "true"
    assert json.loads(given["list"]) == [1, 2]
    assert given["steering"] == "a\nb", "a line break stays inside its cell; colours are for terminals"


def test_csv_guards_as_publishing_does(command, out):
    import polars as pl

    from flows.exports.catalog import RUN_BY_SPREADSHEETS

    hostile = ["=a", "+a", "-a", "@a", "＝a", "a;=b", "a\t=b", "\ta", "plain", "a=b"]
    values = ", ".join("('" + text.replace("\t", "' || chr(9) || '") + "')" for text in hostile)
    told = command("query", f"select t from (values {values}) as v(t)", "--out", out, "--format", "csv")[1]
    written = [row[0] for row in csv.reader(io.StringIO(told))][1:]
    is_run = pl.DataFrame({"t": hostile})["t"].str.contains(RUN_BY_SPREADSHEETS).to_list()
    assert [text != given for text, given in zip(written, hostile, strict=True)] == [bad or given[0] == "\t" for bad, given in zip(is_run, hostile, strict=True)]
    assert not pl.Series(written).str.contains(RUN_BY_SPREADSHEETS).any()


def test_json_is_json(command, out):
    code, told, _ = command("query", "from out.one", "--out", out, "--format", "json")
    assert code == 0
    (row,) = json.loads(told, parse_constant=pytest.fail)
    assert list(row) == HEADS
    assert row | {"steering": ""} == {
        "=head": "=1+1", "amount": -1.5, "text": "-2", "nothing": None, "flag": True, "list": [1, 2],
        "record": {"day": str(date(2024, 5, 1))}, "number": "nan", "id": MARKED, "steering": "", "big": 7,
    }  # fmt: skip


def test_columns_of_one_name_are_told_apart(command, out):
    told = command("query", "select 1 as n, 2 as n, 3 as n_2, 4 as n", "--out", out, "--format", "json")[1]
    assert json.loads(told) == [{"n": 1, "n_2": 2, "n_2_2": 3, "n_3": 4}]


def test_values_inside_values_are_json_too(command, out):
    sql = "select map([date '2024-05-01'], ['nan'::double]) as days, [1.5::decimal(4, 1), 'inf'::double] as numbers"
    expected = {"days": {"2024-05-01": "nan"}, "numbers": [1.5, "inf"]}
    assert json.loads(command("query", sql, "--out", out, "--format", "json")[1], parse_constant=pytest.fail) == [expected]
    _, row = csv.reader(io.StringIO(command("query", sql, "--out", out, "--format", "csv")[1]))
    assert [json.loads(cell, parse_constant=pytest.fail) for cell in row] == list(expected.values())


@pytest.mark.parametrize(("form", "n_lines"), [("csv", 1), ("json", 2), ("table", 2)])
def test_no_rows_is_an_answer(command, out, form, n_lines):
    code, told, _ = command("query", "from out.number where n < 0", "--out", out, "--format", form)
    assert code == 0
    assert len(told.splitlines()) == n_lines
    assert form != "json" or json.loads(told) == []


def test_limit(command, out):
    rows = {form: command("query", "from out.number", "--out", out, "--format", form) for form in ("table", "csv")}
    assert len(rows["table"][1].splitlines()) == 102
    assert "first 100 rows" in rows["table"][2]
    assert len(rows["csv"][1].splitlines()) == 251, "programs get all"
    assert "first" not in rows["csv"][2]
    code, told, talk = command("query", "from out.number", "--out", out, "--format", "json", "--limit", "250")
    assert (code, len(json.loads(told))) == (0, 250)
    assert "first" not in talk, "nothing was left out"
    assert command("query", "from out.number", "--out", out, "--limit", "0")[0] == 2


@pytest.mark.parametrize(
    "sql",
    ["select 1", "with a as (select 1 as b) from a", "describe out.one", "show all tables", "summarize out.number", "from out.one;", "values (1)"],
)
def test_what_selects_is_answered(command, out, sql):
    code, told, _ = command("query", sql, "--out", out)
    assert code == 0
    assert told


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("delete from out.one", "DELETE"),
        ("with a as (select 1) delete from out.one", "DELETE"),
        ("insert into out.number values (1)", "INSERT"),
        ("update out.number set n = 0", "UPDATE"),
        ("drop table out.one", "DROP"),
        ("create table x as select 1", "CREATE"),
        ("copy out.one to 'x.csv'", "COPY"),
        ("export database 'x'", "EXPORT"),
        ("attach 'x.duckdb'", "ATTACH"),
        ("install httpfs", "LOAD"),
        ("load httpfs", "LOAD"),
        ("set threads = 1", "SET"),
        ("reset threads", "SET"),
        ("call pragma_version()", "CALL"),
        ("checkpoint", "CALL"),
        ("begin", "TRANSACTION"),
        ("explain analyze delete from out.one", "EXPLAIN"),
        ("prepare p as delete from out.one", "PREPARE"),
        ("select 1; delete from out.one", "2 statements"),
        ("pivot out.one on flag using count(*)", "2 statements"),
        ("", "0 statements"),
        ("/* select 1 */", "0 statements"),
    ],
)
def test_what_does_anything_else_is_refused(command, out, sql, kind):
    before = hashlib.sha256((out / "audit.duckdb").read_bytes()).hexdigest()
    code, told, talk = command("query", sql, "--out", out)
    assert (code, told) == (2, "")
    assert kind in talk
    assert "single select" in talk
    assert hashlib.sha256((out / "audit.duckdb").read_bytes()).hexdigest() == before


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{secret}')",
        "select * from read_csv('{secret}')",
        "select * from read_parquet('{secret}')",
        "select * from glob('{folder}/*')",
        "select * from duckdb_secrets()",
        "select * from sniff_csv('{secret}')",
        "from '{secret}'",
        "from 'https://example.org/x.parquet'",
    ],
)
def test_nothing_but_the_database_is_within_reach(command, out, tmp_path, sql):
    secret = tmp_path / "secret.csv"
    secret.write_text("word\nopen-sesame\n", encoding="utf-8")
    code, told, talk = command("query", sql.format(secret=secret, folder=tmp_path), "--out", out)
    assert (code, told) == (2, "")
    assert "open-sesame" not in talk
    assert "Traceback" not in talk


@pytest.mark.parametrize(
    ("sql", "named"),
    [("select nope from out.number", '"n"'), ("from out.numbers", "number"), ("select count(* from out.number", '"from"'), ("select nofunction(1)", "nofunction")],
)
def test_slips_are_explained(command, out, sql, named):
    code, told, talk = command("query", sql, "--out", out)
    assert (code, told) == (2, "")
    assert named in talk
    assert "show all tables" in talk
    assert "LINE 1" not in talk


@pytest.mark.parametrize(
    "sql",
    [
        "select cast(id as integer) from out.one",
        "select error(id) from out.one",
        "select strptime(id, '%Y') from out.one",
        "select cast(id as date) from out.one where nope = 1 and id = 'x'",
        "select json_extract(id, '$.a') from out.one",
        f"select nope from out.one where id = '{MARKED}'",
    ],
)
@pytest.mark.parametrize("form", ["table", "csv"])
def test_no_message_repeats_a_value(command, out, sql, form):
    code, told, talk = command("query", sql, "--out", out, "--format", form)
    assert code == 2
    assert MARKED not in told + talk
    assert "Traceback" not in talk


def test_memory_is_bounded_and_nothing_spills(command, out, monkeypatch):
    from flows import machine

    monkeypatch.setattr(machine, "memory_limit", lambda: "20MiB")
    code, _, talk = command("query", "select a.n + b.n + c.n as s from out.number a, out.number b, out.number c order by hash(s)", "--out", out)
    assert code == 9
    assert "out of memory" in talk
    assert "fewer rows" in talk
    assert [path.name for path in out.iterdir()] == ["audit.duckdb"], "nothing was left beside the database"


def test_no_result_and_no_such_format(command, out, tmp_path):
    code, _, talk = command("query", "select 1", "--out", tmp_path)
    assert code == 11
    assert "imaging-audit run" in talk
    code, _, talk = command("query", "select 1", "--out", out, "--format", "xml")
    assert code == 2
    assert "table, csv, json" in talk


def test_a_damaged_database_is_an_error_with_a_next_step(command, tmp_path):
    (tmp_path / "audit.duckdb").write_bytes(b"not a database" * 1000)
    code, _, talk = command("query", "select 1", "--out", tmp_path)
    assert code == 9
    assert "makes it anew" in talk
    assert "Traceback" not in talk


def test_reads_stdin_and_ends_with_the_reader(out):
    """In a process of its own: the statement comes through a pipe, and whoever reads may stop reading."""
    call = [sys.executable, "-m", "flows", "query", "-", "--out", str(out), "--format", "csv"]
    done = subprocess.run(call, input="select count(*) as n from out.number", capture_output=True, text=True, check=True)
    assert done.stdout == "n\n250\n"
    process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write("select n.n, m.n as m, repeat('x', 500) as long from out.number n, out.number m")
    process.stdin.close()
    assert process.stdout.readline() == "n,m,long\n"
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert "Traceback" not in said
    assert "unexpected" not in said


def test_the_file_may_be_read_only_and_others_may_read_it_too(out):
    os.chmod(out / "audit.duckdb", 0o400)
    call = [sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True).execute('from out.one'); input()", str(out / "audit.duckdb")]
    reader = subprocess.Popen(call, stdin=subprocess.PIPE)
    try:
        done = subprocess.run([sys.executable, "-m", "flows", "query", "select 1 as a", "--out", str(out)], capture_output=True, text=True, check=False)
        assert done.returncode == 0
        assert reader.poll() is None
    finally:
        reader.communicate(b"\n", timeout=30)


@pytest.mark.parametrize("sql", ["-- a comment\nselect 1 as one", "--comment\nselect 1 as one", "-- out = 1 --\nselect 1 as one"])
def test_a_statement_may_begin_with_a_comment(command, out, sql):
    for arguments in ((sql, "--out", out), ("--out", out, sql), (f"--out={out}", "--", sql)):
        code, told, _ = command("query", *arguments)
        assert code == 0
        assert told.split() == ["one", "---", "1"]


def test_an_option_may_hold_white_space_in_its_value(command, out, tmp_path):
    (tmp_path / "with space").symlink_to(out)
    assert command("query", "select 1 as one", f"--out={tmp_path / 'with space'}")[0] == 0
    assert command("query", "select 1 as one", "--limt", "1", "--out", out)[0] == 2


@pytest.mark.parametrize(("form", "reader"), [("csv", "head -1"), ("json", "head -c 1"), ("table", "true")])
def test_141_a_reader_that_has_enough_ends_it_quietly(out, form, reader):
    sql = "select range as n, repeat('x', 50) as text from range(100000)"
    piped = f'"$0" -m flows query "{sql}" --out "$1" --format {form} --limit 100000 | {reader}; echo "${{PIPESTATUS[0]}}" >&2'
    told = subprocess.run(["bash", "-c", piped, sys.executable, str(out)], cwd=ROOT, capture_output=True, text=True, check=True)
    talk, code = told.stderr.splitlines()
    assert code == "141"
    assert talk.startswith("Rows and exact counts")
