"""Reading a delivery: what arrives in the raw tables, and what stops the run, with which words."""

import codecs
import gzip

import polars as pl
import pytest

from flows import models
from flows.errors import DeliveryError
from flows.rules import load_rules
from tests.deliveries import DIAGNOSES, ORDERS, column, put, read, rows, settings_for, with_rules, write

HEADER = "order_id,patient_id,ordered_on,code_system,code"


@pytest.fixture(scope="module")
def con():
    return with_rules()


def orders(*lines, end="\n"):
    return end.join([HEADER, *lines]) + end


def refused(con, folder, **given):
    with pytest.raises(DeliveryError) as error:
        read(con, folder, **given)
    assert error.value.exit_code == 4
    assert error.value.next_step
    return str(error.value)


# What is read


def test_every_value_arrives_as_delivered_with_its_place(con, tmp_path):
    read(con, write(tmp_path))
    assert rows(con, "select order_id, patient_id, ordered_on, code_system, code, part, line from raw.orders") == [
        ("o1", "p1", "2024-03-01", "CPT", "76641", "orders.csv", 2)
    ]
    kinds = rows(
        con, "select distinct data_type from duckdb_columns() where schema_name = 'raw' and column_name <> 'line' "
        "and table_name not in ('delivery_part', 'other_order', 'repeated_order')"
    )
    assert {kind for (kind,) in kinds} <= {"VARCHAR", "BIGINT"}


def test_columns_stand_in_the_contracts_order_and_absent_ones_are_null(con, tmp_path):
    read(con, write(tmp_path, orders="code,CODE_SYSTEM, Ordered_On ,patient_id,order_id\n76641,CPT,2024-03-01,p1,o1\n"))
    read_columns = [name for (name,) in rows(con, "select column_name from (describe raw.orders)")]
    contract = [
        name for (name,) in rows(con, "select \"column\" from rule.contract where extract = 'orders' order by position")
    ]
    assert read_columns == [*contract, "part", "line"]
    assert rows(con, "select order_id, code, payer from raw.orders") == [("o1", "76641", None)]


def test_optional_extracts_that_are_absent_or_empty_are_empty_tables(con, tmp_path):
    folder = write(tmp_path, therapies="", procedures="procedure_id,patient_id,code_system,code,performed_on\n")
    info = read(con, folder)
    assert info["n_rows"] == {
        "orders": 1, "diagnoses": 1, "therapies": 0, "procedures": 0, "patients": 0, "findings": 0, "code_map": 0
    }  # fmt: skip


def test_codes_keep_their_leading_zeros_and_dots(con, tmp_path):
    read(con, write(tmp_path, orders=orders("o1,p1,2024-03-01,NDC,00409-1234-01", "o2,p1,2024-03-01,LOCAL,007")))
    assert column(con, "orders", "code") == ["00409-1234-01", "007"]


def test_an_empty_value_is_null_and_a_quoted_one_too(con, tmp_path):
    read(con, write(tmp_path, orders=f'{HEADER},payer\no1,p1,2024-03-01,CPT,76641,\no2,p1,2024-03-01,CPT,76641,""\n'))
    assert column(con, "orders", "payer") == [None, None]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"a, b"', "a, b"),
        ('"say ""no"""', 'say "no"'),
        ('"plain"', "plain"),
        (' "spaced, too" ', "spaced, too"),
        ("back\\slash", "back\\slash"),
        ('""""', '"'),
        ('","', ","),
        ("#1", "#1"),
        ("São Paulo", "São Paulo"),
    ],
)
def test_quotes_are_read_as_rfc_4180_has_them(con, tmp_path, written, meant):
    read(con, write(tmp_path, orders=f"payer,{HEADER}\n{written},o1,p1,2024-03-01,CPT,76641\n"))
    assert column(con, "orders", "payer") == [meant]
    assert rows(con, "from raw.rejected_row") == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_line_ends_and_a_byte_order_mark_make_no_difference(con, tmp_path, end, mark):
    text = orders("o1,p1,2024-03-01,CPT,76641", "o2,p1,2024-03-01,CPT,76642", end=end)
    read(con, write(tmp_path, orders=mark + text.encode()))
    assert rows(con, "select order_id, code, line from raw.orders order by line") == [
        ("o1", "76641", 2),
        ("o2", "76642", 3),
    ]


def test_mixed_line_ends_keep_their_line_numbers(con, tmp_path):
    text = f"{HEADER}\no1,p1,2024-03-01,CPT,76641\r\no2,p1,2024-03-01,CPT,76641\n\r\no4,p1,2024-03-01,CPT,76641"
    read(con, write(tmp_path, orders=text))
    assert rows(con, "select order_id, line from raw.orders order by line") == [("o1", 2), ("o2", 3), ("o4", 5)]


@pytest.mark.parametrize("name", ["orders.csv", "orders.csv.gz"])
def test_lines_keep_their_numbers_however_many_threads_read_them(con, tmp_path, name):
    """Long enough for several threads and for several groups of rows, with lines that are blank and lines that cannot be split."""
    lines = [_line(number) for number in range(2, 400_000)]
    folder = write(tmp_path)
    (folder / "orders.csv").unlink()
    content = ("\n".join([HEADER, *lines]) + "\n").encode()
    put(folder / name, gzip.compress(content, 1) if name.endswith(".gz") else content)
    con.execute("set threads = 4")
    read(con, folder)
    assert rows(con, "select count(*) from raw.orders where order_id <> 'o' || line") == [(0,)]
    assert rows(con, "select count(*) from raw.orders") == [(sum(line.startswith("o") and line.count(",") == 4 for line in lines),)]
    assert [line for (line,) in rows(con, "select line from raw.rejected_row order by all")] == [
        number for number, line in enumerate(lines, 2) if line == "cut"
    ]


def _line(number):
    return {0: "", 1: "   ", 2: "cut"}.get(number % 1009, f"o{number},p1,2024-03-01,CPT,76641")


def test_gzip_parquet_and_folders_of_parts_read_alike(con, tmp_path):
    plain = orders("o1,p1,2024-03-01,CPT,76641")
    folder = write(tmp_path, orders=None)
    put(folder / "orders" / "b.csv", plain)
    put(folder / "orders" / "a.csv.gz", gzip.compress(plain.replace("o1", "o2").encode()))
    pl.read_csv(plain.replace("o1", "o3").encode(), infer_schema=False).write_parquet(folder / "orders" / "c.parquet")
    put(folder / "orders" / "_SUCCESS", "")
    read(con, folder)
    assert rows(con, "select part, line, order_id, code from raw.orders order by part") == [
        ("orders/a.csv.gz", 2, "o2", "76641"),
        ("orders/b.csv", 2, "o1", "76641"),
        ("orders/c.parquet", 2, "o3", "76641"),
    ]


def test_parts_may_differ_in_their_optional_columns(con, tmp_path):
    folder = write(tmp_path, orders=None)
    put(folder / "orders" / "1.csv", ORDERS)
    put(folder / "orders" / "2.csv", f"payer,{HEADER}\nmedicare,o2,p1,2024-03-01,CPT,76641\n")
    put(folder / "orders" / "3.csv", "")
    read(con, folder)
    assert column(con, "orders", "payer") == [None, "medicare"]


def test_parquet_types_become_the_text_a_csv_would_have(con, tmp_path):
    from datetime import UTC, date, datetime
    from decimal import Decimal

    folder = write(tmp_path)
    pl.DataFrame(
        {"patient_id": ["p1", "p2"], "birth_year": [1950.0, None], "observed_to": [date(2024, 5, 1), None]}
    ).write_parquet(folder / "patients.parquet")
    pl.DataFrame(
        {
            "therapy_id": [1, 2],
            "patient_id": pl.Series(["p1", "p2"], dtype=pl.Categorical),
            "code_system": ["RXNORM", "RXNORM"],
            "code": [583214, 583214],
            "started_on": [datetime(2024, 1, 2, 23, 30), datetime(2024, 1, 3)],
            "ended_on": pl.Series([datetime(2024, 1, 2, 23, 30, tzinfo=UTC), None], dtype=pl.Datetime("us", "UTC")),
            "days_supply": [Decimal("30.00"), Decimal("2.50")],
        }
    ).write_parquet(folder / "therapies.parquet")
    con.execute("set timezone = 'America/New_York'")  # an instant is written in UTC wherever the machine stands
    read(con, folder)
    assert rows(con, "select birth_year, observed_to, line from raw.patients order by line") == [
        ("1950", "2024-05-01", 2),
        (None, None, 3),
    ]
    assert rows(
        con, "select therapy_id, patient_id, code, started_on, ended_on, days_supply from raw.therapies order by line"
    ) == [
        ("1", "p1", "583214", "2024-01-02T23:30:00", "2024-01-02T23:30:00Z", "30"),
        ("2", "p2", "583214", "2024-01-03T00:00:00", None, "2.50"),
    ]


def test_a_parquet_number_that_is_not_one_is_a_gap(con, tmp_path):
    folder = write(tmp_path)
    pl.DataFrame({"patient_id": ["p1"], "birth_year": [float("nan")]}).write_parquet(folder / "patients.parquet")
    read(con, folder)
    assert column(con, "patients", "birth_year") == [None]


def test_local_codes_are_mapped_by_code_map(con, tmp_path):
    read(con, write(tmp_path, code_map="code_system,code,procedure\nLOCAL,0042,us_breast\nLOCAL,0043,NOT_BREAST\n"))
    assert rows(con, "select code, procedure, part, line from raw.code_map order by line") == [
        ("0042", "us_breast", "code_map.csv", 2),
        ("0043", "NOT_BREAST", "code_map.csv", 3),
    ]


def test_other_files_are_none_of_our_business(con, tmp_path):
    folder = write(tmp_path)
    for name in ("README.txt", "SYNTHETIC.txt", ".DS_Store", "audit.toml", "labs.csv", "notes.json", "_tmp.csv"):
        put(folder / name, "anything")
    assert read(con, folder)["is_synthetic"]


@pytest.mark.parametrize(
    "name", ['it\'s "here"; drop table.csv', "a[1]*.csv", "what?.csv", "$path $new_line.csv", "ü {x}.csv"]
)
def test_a_file_name_is_a_name_and_nothing_else(con, tmp_path, name):
    folder = write(tmp_path / "it's [a] delivery*", orders=None)
    put(folder / "orders" / name, ORDERS)
    put(folder / "orders" / "a1x.csv", f"{HEADER}\no9,p1,2024-03-01,CPT,76641\n")
    read(con, folder)
    assert sorted(rows(con, "select part, order_id from raw.orders")) == sorted(
        [(f"orders/{name}", "o1"), ("orders/a1x.csv", "o9")]
    )


def test_reading_twice_reads_once(con, tmp_path):
    folder = write(tmp_path)
    read(con, folder)
    read(con, folder)
    assert rows(con, "select count(*) from raw.orders") == [(1,)]


def test_every_raw_table_says_what_a_row_is(con, tmp_path):
    read(con, write(tmp_path))
    silent = rows(
        con,
        "select table_name from duckdb_tables() where schema_name = 'raw' and (comment is null or comment not like 'One row per%')",
    )
    assert silent == []


def test_many_rows_keep_their_line_numbers(con, tmp_path):
    """Parallel reading must not shuffle the count: each order carries its own line in its id."""
    lines = [HEADER, *(f"o{line},p1,2024-03-01,CPT,76641" for line in range(2, 200_002))]
    lines[100] = ""
    lines[150_000] = "torn"
    read(con, write(tmp_path, orders="\n".join(lines)))
    assert rows(con, "select count(*), count(*) filter (where order_id <> 'o' || line) from raw.orders") == [
        (199_998, 0)
    ]
    assert rows(con, "select line, reason from raw.rejected_row") == [(150_001, "too_few_columns")]


# What is set aside


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("o2,p1,2024-03-01,CPT", "too_few_columns"),
        ("o2,p1,2024-03-01,CPT,76641,", "too_many_columns"),
        ("o2,p1,2024-03-01,CPT,76641,x", "too_many_columns"),
        ('o2,"p1"x,2024-03-01,CPT,76641', "unreadable_row"),
        ('o2,p"1",2024-03-01,CPT,76641', "unreadable_row"),
        ('o2,"p1,2024-03-01,CPT,76641', "unreadable_row"),
    ],
)
def test_a_line_that_cannot_be_split_is_set_aside_alone(con, tmp_path, line, reason):
    read(con, write(tmp_path, orders=orders("o1,p1,2024-03-01,CPT,76641", line, "o3,p1,2024-03-01,CPT,76641")))
    assert column(con, "orders", "order_id") == ["o1", "o3"]
    assert rows(con, "from raw.rejected_row") == [("orders", "orders.csv", 3, None, reason)]


def test_a_line_break_inside_quotes_breaks_its_record_and_no_line_number_after_it(con, tmp_path):
    text = f'payer,{HEADER}\n"two\nlines",o1,p1,2024-03-01,CPT,76641\nx,o2,p1,2024-03-01,CPT,76641\n'
    read(con, write(tmp_path, orders=text))
    assert rows(con, "select order_id, line from raw.orders") == [("o2", 4)]
    assert rows(con, "select line, reason from raw.rejected_row order by line") == [
        (2, "unreadable_row"),
        (3, "unreadable_row"),
    ]


def test_rows_that_were_split_but_not_understood_are_quarantined_with_line_and_reason(tmp_path):
    con = with_rules()
    text = orders(
        "o1,p1,2024-03-01,CPT,76641",
        "o2,p1,01.03.2024,CPT,76641",
        "o3,p1,2024-03-01,CTP,76641",
        ",p1,2024-03-01,CPT,76641",
        "o5,p1,2024-03-01,CPT,76641",
        "o5,p1,2024-03-02,CPT,76641",
        "torn",
    )
    folder = write(tmp_path, orders=text)
    load_rules(con, settings_for(folder))
    read(con, folder)
    models.build(con, schemas=("stg",))
    assert rows(con, "select extract, line, column_name, reason from stg.quarantine order by line") == [
        ("orders", 3, "ordered_on", "unreadable_date"),
        ("orders", 4, "code_system", "unknown_code_system"),
        ("orders", 5, "order_id", "missing_key"),
        ("orders", 6, "order_id", "duplicate_key"),
        ("orders", 7, "order_id", "duplicate_key"),
        ("orders", 8, None, "too_few_columns"),
    ]


# What stops the run


@pytest.mark.parametrize("extract", ["orders", "diagnoses"])
def test_a_missing_extract(con, tmp_path, extract):
    assert f"lacks {extract}; found:" in refused(con, write(tmp_path, **{extract: None}))


@pytest.mark.parametrize("content", ["", f"{HEADER}\n", f"{HEADER}\n\n\n", "\ufeff"])
def test_an_empty_extract(con, tmp_path, content):
    assert "orders is empty" in refused(con, write(tmp_path, orders=content))


def test_an_empty_folder_of_parts(con, tmp_path):
    folder = write(tmp_path, orders=None)
    (folder / "orders").mkdir()
    assert "lacks orders" in refused(con, folder)


def test_no_such_folder(con, tmp_path):
    assert "not a folder" in refused(con, tmp_path / "nowhere")


def test_an_unknown_column_names_the_nearest(con, tmp_path):
    told = refused(con, write(tmp_path, orders=f"{HEADER},perfomed_on\no1,p1,2024-03-01,CPT,76641,\n"))
    assert "'perfomed_on'" in told
    assert "performed_on?" in told
    assert "orders.csv" in told


def test_a_column_of_another_extract_is_unknown_here(con, tmp_path):
    assert "'intent' of orders" in refused(
        con, write(tmp_path, orders=f"{HEADER},intent\no1,p1,2024-03-01,CPT,76641,\n")
    )


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("order_id,patient_id,order_date,code_system,code", "did you mean ordered_on, which is missing? Otherwise leave it out;"),
        ("order_id,patient_id,when,code_system,code", "leave it out, or, if it is ordered_on, which must be there, name it so;"),
        ("order_id,mammogram,ordered_on,code_system,when", "leave it out, or, if it is patient_id or code, which must be there"),
        ("order_id,patient_id,perfomed_on,code_system,code", "did you mean performed_on? Otherwise leave it out, or, if it is ordered_on,"),
        ("order_id,patient_id,ordered_on,code_system,code,order_typ", "did you mean order_type? Otherwise leave it out;"),
        ("order_id,patient_id,ordered_on,code_system,code,order_type,order_typ", "in the contract — orders.csv — leave it out;"),
    ],
)
def test_a_misspelt_column_is_taken_for_a_required_one_that_is_missing(con, tmp_path, header, says):
    told = refused(con, write(tmp_path, orders=header + "\n" + ",".join("x" for _ in header.split(",")) + "\n"))
    assert says in told
    assert told.endswith("docs/extracts.md lists the columns")


def test_a_missing_column_is_named(con, tmp_path):
    assert "lacks the column ordered_on" in refused(
        con, write(tmp_path, orders="order_id,patient_id,code_system,code\no1,p1,CPT,1\n")
    )


@pytest.mark.parametrize("twice", ["code", "CODE", " Code "])
def test_a_column_that_stands_twice(con, tmp_path, twice):
    assert "code stands twice" in refused(con, write(tmp_path, orders=f"{HEADER},{twice}\no1,p1,2024-03-01,CPT,1,1\n"))


def test_a_column_without_a_name(con, tmp_path):
    assert "number 6" in refused(con, write(tmp_path, orders=f"{HEADER},\no1,p1,2024-03-01,CPT,1,\n"))


def test_a_file_without_a_header_is_refused_without_repeating_its_first_row(con, tmp_path):
    told = refused(con, write(tmp_path, orders="Jane_Canary,p1,2024-03-01,CPT,76641\n"))
    assert "first line names no column" in told
    assert "canary" not in told.lower()


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_another_separator(con, tmp_path, mark):
    assert "not separated by commas" in refused(con, write(tmp_path, orders=ORDERS.replace(",", mark)))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le"])
def test_another_encoding_names_the_line(con, tmp_path, encoding):
    text = orders("o1,p1,2024-03-01,CPT,76641", "ö2,p1,2024-03-01,CPT,76641")
    told = refused(con, write(tmp_path, orders=text.encode(encoding)))
    assert "UTF-8" in told
    assert "orders.csv, line 3" in told or encoding != "latin-1"


def test_a_wrong_byte_far_inside_names_its_line(con, tmp_path):
    text = ORDERS.encode() + b"o1,p1,2024-03-01,CPT,76641\n" * 80_000
    told = refused(con, write(tmp_path, orders=text + b"\xff,p1,2024-03-01,CPT,76641\n"))
    assert "line 80003" in told


def test_a_nul_byte(con, tmp_path):
    assert "line 3" in refused(
        con, write(tmp_path, orders=orders("o1,p1,2024-03-01,CPT,1", "o\x002,p1,2024-03-01,CPT,1"))
    )


def test_a_lone_cr_among_crlf(con, tmp_path):
    told = refused(con, write(tmp_path, orders=orders("o1,p1,2024-03-01,CPT,1\ro2,p1,2024-03-01,CPT,1", end="\r\n")))
    assert "CR alone" in told


@pytest.mark.parametrize(("sign", "says"), [("\0", "it holds a NUL byte, as UTF-16 or a damaged copy does"), ("\x1f", "it holds the control character 0x1F")])
def test_a_byte_that_no_text_holds_is_named(con, tmp_path, sign, says):
    told = refused(con, write(tmp_path, orders=ORDERS.replace("76641", f"76641{sign}")))
    assert says in told
    assert "orders.csv, line 2" in told


def test_a_plain_file_that_is_named_as_if_compressed(con, tmp_path):
    folder = write(tmp_path, orders=None)
    put(folder / "orders.csv.gz", ORDERS)
    told = refused(con, folder)
    assert "not what its name says" in told
    assert "a file that is not compressed is named .csv" in told


@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_a_parquet_file_that_was_cut_short(con, tmp_path, keep):
    folder = write(tmp_path, orders=None)
    whole = tmp_path / "whole.parquet"
    pl.read_csv(ORDERS.encode(), infer_schema=False).write_parquet(whole)
    content = whole.read_bytes()
    whole.unlink()
    put(folder / "orders.parquet", content[: int(len(content) * keep)])
    told = refused(con, folder)
    assert "cut short" in told
    assert "orders.parquet" in told


def test_a_parquet_file_with_damaged_pages(con, tmp_path):
    folder = write(tmp_path, orders=None)
    pl.read_csv(ORDERS.encode(), infer_schema=False).write_parquet(folder / "orders.parquet")
    content = bytearray((folder / "orders.parquet").read_bytes())
    content[10:60] = b"\xff" * 50
    put(folder / "orders.parquet", bytes(content))
    assert "damaged" in refused(con, folder)


@pytest.mark.parametrize("content", [gzip.compress(ORDERS.encode() * 200)[:-20], ORDERS.encode()])
def test_a_gzip_file_that_was_cut_short_or_is_none(con, tmp_path, content):
    folder = write(tmp_path, orders=None)
    put(folder / "orders.csv.gz", content)
    assert "gzip" in refused(con, folder)


def test_a_parquet_column_of_lists(con, tmp_path):
    folder = write(tmp_path, orders=None)
    frame = pl.read_csv(ORDERS.encode(), infer_schema=False).with_columns(modifiers=pl.Series([["LT", "RT"]]))
    frame.write_parquet(folder / "orders.parquet")
    assert "modifiers holds lists" in refused(con, folder)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("order.csv", "orders"),
        ("Orders.CSV", "orders"),
        ("ORDERS.csv.gz", "orders"),
        ("orders_2024.csv", "orders"),
        ("orders.xlsx", "orders"),
        ("orders.csv.zip", "orders"),
        ("therapy.csv", "therapies"),
        ("diagnosis.parquet", "diagnoses"),
        ("code-map.csv", "code_map"),
        ("Patients/a.csv", "patients"),
    ],
)
def test_a_name_that_is_nearly_an_extracts(con, tmp_path, name, nearest):
    folder = write(tmp_path)
    put(folder / name, "x\n")
    told = refused(con, folder)
    assert f"name it {nearest}.csv" in told
    assert name.split("/")[0] in told


def test_an_extract_given_twice(con, tmp_path):
    folder = write(tmp_path)
    put(folder / "orders.csv.gz", gzip.compress(ORDERS.encode()))
    assert "orders.csv, orders.csv.gz" in refused(con, folder)


@pytest.mark.parametrize("name", ["part.xlsx", "deeper/part.csv"])
def test_what_is_no_part_inside_a_folder_of_parts(con, tmp_path, name):
    folder = write(tmp_path, orders=None)
    put(folder / "orders" / "1.csv", ORDERS)
    put(folder / "orders" / name, ORDERS)
    assert "not a part" in refused(con, folder)


def test_a_link_out_of_the_delivery_is_not_followed(con, tmp_path):
    put(tmp_path / "elsewhere.csv", ORDERS)
    folder = write(tmp_path / "delivery", orders=None)
    (folder / "orders.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert "leads out of the delivery" in refused(con, folder)


def test_a_broken_link(con, tmp_path):
    folder = write(tmp_path, orders=None)
    (folder / "orders.csv").symlink_to(folder / "gone.csv")
    assert "no file" in refused(con, folder)


def test_errors_never_repeat_a_value(con, tmp_path):
    """The same canary in every place where an error could quote a row."""
    canary = "CANARY77"
    cases = {
        "encoding": orders(f"{canary},p1,2024-03-01,CPT,1").encode() + b"\xff",
        "nul": orders(f"{canary}\x00,p1,2024-03-01,CPT,1"),
        "column": f"{HEADER},x{canary}!\n{canary},p1,2024-03-01,CPT,1,1\n",
        "no header": f"{canary},{canary},2024-03-01,CPT,1\n",
        "quotes": f'"{canary},p1,2024-03-01,CPT,1\n',
    }
    for name, content in cases.items():
        assert canary.lower() not in refused(con, write(tmp_path / name, orders=content)).lower(), name


def test_diagnoses_are_checked_like_orders(con, tmp_path):
    assert "diagnoses is empty" in refused(con, write(tmp_path, diagnoses=DIAGNOSES.split("\n")[0]))
