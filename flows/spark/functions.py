"""What Spark reads otherwise than DuckDB, as functions of its session: tests/test_spark.py compares them text by text."""

# Zs of Unicode: what DuckDB trims. Spark trims the plain space alone.
SPACES = "".join(map(chr, (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)))
DIGITS = "[0-9]+(_[0-9]+)*"
NUMBER = rf"(?d)\\A\\s*[+-]?({DIGITS}[.]?({DIGITS})?|[.]{DIGITS})([eE][+-]?{DIGITS})?\\s*\\z"
INFINITE = r"(?i)\\A\\s*[+-]?(inf|infinity)\\s*\\z"
NOT_A_NUMBER = r"(?i)\\A\\s*[+-]?nan\\s*\\z"
BASES = (("0[xX][0-9a-fA-F]+", 16), ("0[bB][01]+", 2))
MIDNIGHT = r"(?d)\\A.{10}[T ]24:00(:00([.]0+)?)?\\z"


def functions(con):
    """(name, parameters, type, body) of each."""
    text = "x STRING"
    return (
        ("audit_trim", text, "STRING", f"btrim(x, '{SPACES}')"),
        ("audit_upper", text, "STRING", _cased(con, "upper")),
        ("audit_lower", text, "STRING", _cased(con, "lower")),
        ("audit_read_integer", text, "INT", _integer()),
        ("audit_read_double", text, "DOUBLE", _double()),
        ("audit_read_date", text, "DATE", "try_cast(x as date)"),
        ("audit_read_instant", text, "TIMESTAMP_NTZ", _instant()),
        ("audit_clock_in", "zone STRING, x TIMESTAMP_NTZ", "TIMESTAMP_NTZ", "cast(from_utc_timestamp(cast(x as timestamp), zone) as timestamp_ntz)"),
    )


def _cased(con, name):
    """Letter for letter, as DuckDB's own table of letters has it: Java may make two of one."""
    letters, become = con.execute(
        f"select string_agg(letter, '' order by letter), string_agg({name}(letter), '' order by letter) from "
        "(select chr(case when i between 55296 and 57343 then 1 else cast(i as integer) end) as letter from range(1, 1114112) as t(i)) "
        f"where {name}(letter) <> letter"
    ).fetchall()[0]
    return f"case when length(x) = octet_length(x) then {name}(x) else translate(x, '{letters}', '{become}') end"


def _integer():
    """Rounded where it has decimals; Spark would read none of 12.5, 1e2, 1_000 and 0x1F."""
    rounded = "cast(round(try_cast(replace(x, '_', '') as decimal(38, 18))) as string)"
    based = " ".join(f"when x rlike '\\\\A{digits}\\\\z' then try_cast(conv(substr(x, 3), {base}, 10) as int)" for digits, base in BASES)
    return f"case when x rlike '{NUMBER}' then try_cast({rounded} as int) {based} end"


def _double():
    """Spark would read 1d as well."""
    special = f"when x rlike '{INFINITE}' then try_cast(x as double) when x rlike '{NOT_A_NUMBER}' then double('NaN')"
    return f"case when x rlike '{NUMBER}' then try_cast(replace(x, '_', '') as double) {special} end"


def _instant():
    """24:00 is the next day's midnight."""
    next_day = "cast(date_add(try_cast(substr(x, 1, 10) as date), 1) as timestamp_ntz)"
    return f"case when x rlike '{MIDNIGHT}' then {next_day} else try_cast(x as timestamp_ntz) end"
