"""What may be wrong with a delivery, by family. A mutation spoils the extracts; what it returns is done to the folder afterwards."""

import codecs
import csv
import gzip
import io
import os
import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pyarrow
import pyarrow.parquet

from tests import fuzz_cells as cells
from tests.fuzz_delivery import as_frame, contract, places

KINDS = {}  # family → mutations of it
# Families that leave the form of the files alone, so that the models get to see what they do.
VALUES = ("dates", "numbers", "payloads", "sides", "keys")
MANY = 10_000


def mutation(family):
    def keep(function):
        KINDS.setdefault(family, []).append(function)
        return function

    return keep


def one(rng, extracts):
    # Orders and diagnoses are read in every delivery, so they are spoilt more often.
    return extracts[rng.choice([*sorted(extracts), *(name for name in ("orders", "diagnoses") if name in extracts)])]


def put(rng, extract, columns, values):
    """One cell, a column of one value, or a column of many."""
    if not columns or not extract.rows:
        return
    at, how = rng.choice(columns), rng.choice(("cell", "cell", "column", "all"))
    value = rng.choice(values)
    for row in [rng.choice(extract.rows)] if how == "cell" else extract.rows:
        if at < len(row):
            row[at] = rng.choice(values) if how == "all" else value


# Values


@mutation("dates")
def any_date(rng, extracts):
    extract = one(rng, extracts)
    put(rng, extract, places(extract, "date"), cells.DATES)


@mutation("dates")
def far_dates(rng, extracts):
    """Dates that can be read, and are of no century."""
    extract = one(rng, extracts)
    far = ("0001-01-01", "0001-12-31", "9999-12-31", "9999-01-01T00:00:00Z", "0999-06-01", "1000-01-01", "999999", "-999999", "0")
    put(rng, extract, places(extract, "date"), far)


@mutation("dates")
def everything_shifted(rng, extracts):
    days = timedelta(days=rng.choice((-700_000, -300_000, 300_000, 2_900_000)))
    for extract in extracts.values():
        for at in places(extract, "date"):
            for row in extract.rows:
                row[at] = _moved(row[at], days)


def _moved(text, days):
    try:
        return (date.fromisoformat(text) + days).isoformat()
    except (ValueError, OverflowError):
        return text


@mutation("numbers")
def any_number(rng, extracts):
    extract = extracts.get(rng.choice(("therapies", "patients", "findings")))
    if extract:
        put(rng, extract, places(extract, "number", "year"), cells.NUMBERS)


@mutation("payloads")
def any_payload(rng, extracts):
    extract = one(rng, extracts)
    put(rng, extract, range(len(extract.header)), cells.PAYLOADS)


@mutation("payloads")
def payload_in_a_label(rng, extracts):
    extract = one(rng, extracts)
    put(rng, extract, places(extract, "text", "id", "key", "code"), cells.PAYLOADS)


@mutation("payloads")
def payload_everywhere(rng, extracts):
    extract, value = one(rng, extracts), rng.choice(cells.PAYLOADS)
    extract.rows = [[value] * len(row) for row in extract.rows]


@mutation("payloads")
def payload_beside_the_value(rng, extracts):
    extract, value = one(rng, extracts), rng.choice(cells.PAYLOADS)
    columns = places(extract, "text", "id", "key", "code", "word", "code_list")
    if columns:
        at = rng.choice(columns)
        for row in extract.rows:
            row[at] = rng.choice((row[at] + value, value + row[at]))


@mutation("sides")
def absurd_side(rng, extracts):
    extract = one(rng, extracts)
    put(rng, extract, [at for at, name in enumerate(extract.header) if name in ("laterality", "modifiers")], cells.LATERALITY)


@mutation("sides")
def any_word(rng, extracts):
    extract = one(rng, extracts)
    put(rng, extract, places(extract, "word", "word_list", "code_system"), [*cells.LATERALITY, *cells.PAYLOADS, *cells.NUMBERS])


@mutation("keys")
def one_key_for_all(rng, extracts):
    extract = one(rng, extracts)
    put(rng, extract, places(extract, "key", "id"), ("", "same", " same ", "SAME", "0", "#", "#1", "p1#1"))


@mutation("keys")
def rows_again(rng, extracts):
    extract = one(rng, extracts)
    extract.rows += [list(row) for row in rng.choices(extract.rows, k=rng.choice((1, 5, 500)))]
    rng.shuffle(extract.rows)


@mutation("keys")
def columns_exchanged(rng, extracts):
    extract = one(rng, extracts)
    a, b = rng.sample(range(len(extract.header)), 2)
    for row in extract.rows:
        row[a], row[b] = row[b], row[a]


# Rows and dialects


@mutation("rows")
def ragged(rng, extracts):
    extract = one(rng, extracts)
    for row in rng.sample(extract.rows, min(len(extract.rows), rng.choice((1, 1, 10)))):
        how = rng.choice(("short", "long", "longer", "none", "blank"))
        row[:] = {"short": row[: rng.randrange(len(row))], "long": [*row, "x"], "longer": row * 50, "none": [], "blank": [" "]}[how]


@mutation("rows")
def quotes(rng, extracts):
    extract, mark = one(rng, extracts), rng.choice(('"', '""', '"x', "'", '",', ',"', '"\n', '\\"', "“", '"""'))

    def strewn(text):
        for _ in range(rng.choice((1, 1, 30))):
            at = rng.randrange(len(text) + 1)
            text = text[:at] + mark + text[at:]
        return text

    extract.on_text.append(strewn)


@mutation("rows")
def lines_broken(rng, extracts):
    extract = one(rng, extracts)
    put(rng, extract, range(len(extract.header)), ("two\nlines", "\n", "\r", "a\r\nb", "\n\n\n", "x\n=1+1"))


@mutation("rows")
def first_line(rng, extracts):
    extract = one(rng, extracts)
    added = rng.choice(("sep=,\n", "# exported today\n", "\n", "\n\n\n", "zqxcanary\n", ",,,,\n", '"\n', "Report of orders,,\n"))
    extract.on_text.append(lambda text: added + text)


@mutation("rows")
def no_rows_or_no_header(rng, extracts):
    extract = one(rng, extracts)
    extract.on_text.append(rng.choice((lambda text: "", lambda text: text.split("\n")[0], lambda text: text.partition("\n")[2], lambda text: "\n" * 1000)))


@mutation("rows")
def text_cut_or_doubled(rng, extracts):
    extract = one(rng, extracts)
    extract.on_text.append(rng.choice((lambda text: text[: rng.randrange(len(text) + 1)], lambda text: text + text, lambda text: text[::-1])))


@mutation("dialects")
def dialect(rng, extracts):
    extract = one(rng, extracts)
    extract.delimiter = rng.choice((";", "\t", "|", ",", " ", "~", "\x01"))
    extract.quoting = rng.choice((csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL))
    extract.newline = rng.choice(("\n", "\r\n", "\r", "\n\r", "\r\r\n", "\x0b", "\u2028", "\x85"))


@mutation("dialects")
def spaces(rng, extracts):
    extract = one(rng, extracts)
    pad = rng.choice((" ", "\t", "\u00a0", "  ", "\u3000"))
    extract.rows = [[f"{pad}{value}{pad}" for value in row] for row in extract.rows]
    extract.header = [f"{pad}{name}{pad}" for name in extract.header]


@mutation("dialects")
def mixed_ends(rng, extracts):
    extract, ends = one(rng, extracts), ("\n", "\r\n", "\r")
    extract.on_text.append(lambda text: "".join(line + rng.choice(ends) for line in text.splitlines()))


# Headers


@mutation("headers")
def a_name_changed(rng, extracts):
    extract = one(rng, extracts)
    names = [name for _, name in contract()]
    strange = ["", " ", '"', "zqxcanary", "ssn", "Patient Name", "=1+1", "<script>", "'; drop", "CODE", "сode", "code\u200b", "x" * 70_000, "line", "part", "reason", "fields", "text"]
    extract.header[rng.randrange(len(extract.header))] = rng.choice(names + strange)


@mutation("headers")
def a_column_more_or_less(rng, extracts):
    extract = one(rng, extracts)
    at = rng.randrange(len(extract.header))
    if rng.random() < 0.5:
        extract.header = extract.header[:at] + extract.header[at + 1 :]
        extract.rows = [row[:at] + row[at + 1 :] for row in extract.rows]
    else:
        name = rng.choice(["zqxcanary", "email_zqxcanary", "address_zqxcanary", "mrn_zqxcanary", "zqx canary", *[name for _, name in contract()]])
        extract.header = [*extract.header[:at], name, *extract.header[at:]]
        extract.rows = [[*row[:at], "x", *row[at:]] for row in extract.rows]


@mutation("headers")
def many_columns(rng, extracts):
    extract = one(rng, extracts)
    more = [rng.choice(("", "code", f"column_{number}", "email")) if rng.random() < 0.01 else f"c{number}" for number in range(MANY)]
    extract.header = rng.choice(([*more, *extract.header], [*extract.header, *more], extract.header * 600))
    extract.rows = [row + [""] * MANY for row in extract.rows[:3]]


# Encodings


@mutation("encodings")
def encoding(rng, extracts):
    extract = one(rng, extracts)
    extract.encoding = rng.choice(("latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037", "utf-8-sig", "shift_jis", "gb18030", "mac_roman"))
    put(rng, extract, range(len(extract.header)), ("é", "Ω", "naïve", "€"))


@mutation("encodings")
def marks(rng, extracts):
    extract = one(rng, extracts)
    mark = rng.choice((codecs.BOM_UTF8, codecs.BOM_UTF8 * 2, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE, b"\xef\xbb"))
    at = rng.choice((0, 0, 0.5, 1))
    extract.on_bytes.append(lambda content: content[: int(at * len(content))] + mark + content[int(at * len(content)) :])


@mutation("encodings")
def wrong_bytes(rng, extracts):
    extract = one(rng, extracts)
    wrong = rng.choice((b"\x00", b"\x1f", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82", b"\x1a", b"\x0c", b"\x80", b"\x1c", b"\x1b", b"\xf4\x90\x80\x80"))

    def strewn(content):
        for _ in range(rng.choice((1, 1, 20))):
            at = rng.choice((rng.randrange(len(content) + 1), len(content)))
            content = content[:at] + wrong + content[at:]
        return content

    extract.on_bytes.append(strewn)


@mutation("encodings")
def bytes_changed(rng, extracts):
    extract = one(rng, extracts)

    def changed(content):
        content = bytearray(content)
        for _ in range(rng.choice((1, 5, 200))):
            if content:
                content[rng.randrange(len(content))] = rng.randrange(256)
        return bytes(content)

    extract.on_bytes.append(changed)


# Sizes: bounded, so that thousands of cases fit an hour; the largest ones stand in test_fuzz.py, each by itself.


@mutation("sizes")
def long_cell(rng, extracts):
    extract = one(rng, extracts)
    size = rng.choice((199, 1_000, 100_000, 1_100_000, 10_000_000))
    value = rng.choice(("x", "1", ";", "a ", "<b>", "1.", "-", "=", "é", "0-"))
    put(rng, extract, range(len(extract.header)), [(value * size)[:size]]) if size < 200_000 else _in_one_row(rng, extract, (value * size)[:size])


def _in_one_row(rng, extract, value):
    if extract.rows:
        row = rng.choice(extract.rows)
        row[rng.randrange(len(row))] = value


@mutation("sizes")
def long_line(rng, extracts):
    extract, size = one(rng, extracts), rng.choice((5_000, 300_000, 3_000_000))
    mark = rng.choice((",", '"', "x,", '"",', " ", '","', "\t", "''"))
    extract.on_text.append(lambda text: rng.choice((text + mark * size, mark * size + "\n" + text)))


@mutation("sizes")
def short_lines(rng, extracts):
    extract, size = one(rng, extracts), rng.choice((1_000, 50_000))
    line = rng.choice(("x\n", "\n", ",\n", '"\n', " \n", "\r\n"))
    extract.on_text.append(lambda text: text + line * size)


# Parquet


@mutation("parquet")
def as_parquet(rng, extracts):
    for extract in extracts.values():
        extract.ending = ".parquet"


@mutation("parquet")
def typed(rng, extracts):
    """One column of another type, with the far ends of that type."""
    extract = one(rng, extracts)
    frame, at = as_frame(extract), rng.randrange(len(extract.header))
    name, kind = rng.choice(list(TYPED.items()))
    if frame.width > at:
        values = (TYPED[name] * (frame.height // len(kind) + 1))[: frame.height]
        with_type = pl.Series(frame.columns[at], values, strict=False) if name != "enum" else pl.Series(frame.columns[at], values, dtype=pl.Categorical)
        extract.frame, extract.ending = frame.with_columns(with_type), ".parquet"


TYPED = {
    "integer": [0, -1, 2**63 - 1, -(2**63), 1950, None],
    "float": [0.0, -1.5, float("nan"), float("inf"), -float("inf"), 1e308, 1950.0, 2.0**53, 1e15, -0.0, None],
    "boolean": [True, False, None],
    "date": [date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29), None],
    "timestamp": [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), datetime(2024, 1, 1, 12), None],
    "instant": [datetime(1900, 1, 1, tzinfo=UTC), datetime(2262, 4, 11, tzinfo=UTC), None],
    "time": [time(0), time(23, 59, 59), None],
    "duration": [timedelta(days=1), timedelta(days=-99999), None],
    "decimal": [Decimal("0.00"), Decimal("-99999999.99"), Decimal("2024.00"), None],
    "binary": [b"abc", b"\xff\xfe", b"", b"\x00", None],
    "null": [None],
    "list": [["a", "b"], [], None],
    "nested": [[["zqxcanary"]], [[]], None],
    "struct": [{"ssn": "zqxcanary"}, {"ssn": None}, None],
    "enum": ["a", "b", None],
    "text": ["", "\x00", "\x1f", "a\nb", "\u202e", "zqxcanary", None],
}


@mutation("parquet")
def strange_schema(rng, extracts):
    extract = one(rng, extracts)
    frame = as_frame(extract)
    extract.ending = ".parquet"
    extract.frame = rng.choice(
        (
            frame.clear(), pl.DataFrame(), frame.select(pl.all().name.to_uppercase()), frame.rename({frame.columns[0]: ""}),
            frame.rename({frame.columns[-1]: 'q"u\'o\nte'}), frame.with_columns(pl.lit(None).alias("file_row_number")), frame.with_columns(pl.lit("x").alias("CODE")),
            frame.with_columns([pl.lit("").alias(f"c{number}") for number in range(2_000)]), frame.select(pl.struct(pl.all()).alias("orders")),
            pl.concat([frame] * 200), frame.with_columns(pl.lit("x").alias("filename")),
        )
    )  # fmt: skip


@mutation("parquet")
def parquet_bytes(rng, extracts):
    extract = one(rng, extracts)
    extract.ending = ".parquet"
    how = rng.choice(("cut", "flip", "footer", "magic", "empty", "text", "length"))

    def spoilt(content):
        at = rng.randrange(len(content)) if content else 0
        footer = bytes(rng.randrange(256) for _ in range(20))
        return {
            "cut": content[:at], "flip": content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :], "footer": content[:-28] + footer + content[-8:],
            "magic": b"PAR1PAR1", "empty": b"", "text": b"order_id,patient_id\n", "length": content[:-8] + b"\xff\xff\xff\x7f" + content[-4:],
        }[how]  # fmt: skip

    extract.on_bytes.append(spoilt)


@mutation("parquet")
def other_writer(rng, extracts):
    """The same rows as other programs write them, with words in the file's metadata."""
    extract = one(rng, extracts)
    table = as_frame(extract).to_arrow().replace_schema_metadata({"note": "zqxcanary", "pandas": '{"index_columns": []}'})
    table = table.cast(pyarrow.schema([pyarrow.field(name, pyarrow.string()) for name in table.column_names], metadata=table.schema.metadata))
    version, codec = rng.choice(("1.0", "2.4", "2.6")), rng.choice(("snappy", "gzip", "none", "zstd", "brotli", "lz4"))
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, version=version, compression=codec, row_group_size=7, use_dictionary=rng.random() < 0.5)
    extract.ending = ".parquet"
    extract.on_bytes.append(lambda _: out.getvalue())


# gzip


@mutation("gzip")
def as_gzip(rng, extracts):
    for extract in extracts.values():
        extract.ending = ".csv.gz"


def _unpacked(content):
    """Another mutation may have made something else of it."""
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


@mutation("gzip")
def gzip_bytes(rng, extracts):
    extract = one(rng, extracts)
    extract.ending = ".csv.gz"
    at = rng.random()
    extract.on_bytes.append(
        rng.choice(
            (
                lambda content: content[: int(at * len(content))], lambda content: content + b"tail", lambda content: content + b"\x00" * 512,
                lambda content: content + content, gzip.compress, _unpacked, lambda content: b"", lambda content: content[:-8] + b"\x00" * 8,
                lambda content: content[:10] + os.urandom(50) + content[60:], lambda content: b"\x1f\x8b", lambda content: content + gzip.compress(b""),
            )
        )
    )  # fmt: skip


@mutation("gzip")
def bomb(rng, extracts):
    """A few kilobytes that unpack to many megabytes."""
    extract = one(rng, extracts)
    extract.ending = ".csv.gz"
    fill = rng.choice((b"\n", b"x", b",", b"x,y\n", b" ", b'"'))
    size = rng.choice((200_000, 4_000_000))
    extract.on_bytes.append(lambda content: content + gzip.compress(fill * (size // len(fill)), 1))


# Names and places of files


@mutation("names")
def parts_named(rng, extracts):
    extract = one(rng, extracts)
    extract.names = rng.sample(cells.NAMES, rng.choice((1, 2, 5)))


@mutation("names")
def file_beside(rng, extracts):
    name = rng.choice((*cells.NAMES, "order.csv", "Orders.csv", "orders (1).csv", "orders.csv.bak", "orders.tsv", "code_map.xlsx", ".orders.csv", "notes/orders.csv"))

    def added(folder):
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as beside:
            beside.write(b"zqxcanary\n")

    return added


@mutation("names")
def extract_gone_or_twice(rng, extracts):
    extract = one(rng, extracts)
    how = rng.choice(("gone", "twice", "folder", "empty folder", "fifo", "dangling", "loop", "outside", "device", "zero"))

    def changed(folder):
        path = folder / f"{extract.name}{extract.ending}"
        content = path.read_bytes() if path.is_file() else b""
        if how == "twice":
            (folder / f"{extract.name}.csv.gz").write_bytes(gzip.compress(content))
            return
        path.unlink(missing_ok=True)
        if how == "folder":
            path.mkdir()
        elif how == "empty folder":
            (folder / extract.name).mkdir(exist_ok=True)
        elif how == "fifo":
            os.mkfifo(path)
        elif how == "zero":
            path.touch()
        elif how != "gone":
            path.symlink_to({"dangling": "nowhere.csv", "loop": path.name, "outside": "/etc/hostname", "device": "/dev/zero"}[how])

    return changed


@mutation("names")
def all_gone(rng, extracts):
    for name in rng.sample(sorted(extracts), rng.randrange(1, len(extracts) + 1)):
        del extracts[name]


def draw(seed, folder, families=None):
    """Write the delivery of a seed; the families of what was done to it, its mode, and whether quarantine may be large."""
    from tests.fuzz_delivery import MODES, valid

    rng = random.Random(seed)
    mode, is_lenient = rng.choice(MODES), rng.random() < 0.5
    extracts, chosen, after = valid(mode), [], []
    folder.mkdir(parents=True)
    for _ in range(rng.choice((1, 1, 2, 3))):
        family = rng.choice(sorted(families or KINDS))
        if extracts:
            done = rng.choice(KINDS[family])(rng, extracts)
            after += [done] if callable(done) else []
            chosen.append(family)
    for extract in extracts.values():
        extract.write(folder)
    for change in after:
        change(folder)
    return chosen, mode, is_lenient
