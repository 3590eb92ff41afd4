"""A CSV part as bytes, before anything is made of it: UTF-8 text, lines of bounded length, unpacked within bounds."""

import codecs
import gzip
from pathlib import Path

from flows.errors import DeliveryError

CHUNK = 1 << 20
# A row of the contract is a few hundred characters; a longer line costs memory and holds nothing that may be read.
MAX_LINE = 1 << 16
# Rows with keys of their own compress to a tenth, hardly to a hundredth: what unpacks further is a bomb or a mistake.
MAX_RATIO = 200
SMALL = 1 << 26  # below that, unpacking costs too little to be refused


def open_bytes(part):
    return gzip.open(part["path"]) if part["format"] == ".csv.gz" else open(part["path"], "rb")


def line_end(part):
    """Reads the part once: it must be UTF-8 text; returns how its lines end, in DuckDB's words."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    n_lf = n_cr = n_crlf = n_read = open_line = 0
    last = b""
    with open_bytes(part) as stream:
        while chunk := stream.read(CHUNK):
            n_read += len(chunk)
            _refuse_bomb(part, n_read)
            _refuse_binary(chunk, n_lf, part["name"])
            open_line = _refuse_long_line(chunk, open_line, n_lf or n_cr, part["name"])
            if not chunk.isascii() or decoder.getstate()[0]:  # nearly every chunk is ASCII, and told to be in no time
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    raise _not_text(part["name"], n_lf + error.object[: error.start].count(b"\n") + 1) from None
            n_lf += chunk.count(b"\n")
            if b"\r" in chunk or last == b"\r":
                n_crlf += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
                n_cr += chunk.count(b"\r")
            last = chunk[-1:]
    if decoder.getstate()[0]:
        raise _not_text(part["name"], n_lf + 1)
    return _line_end(n_lf, n_cr, n_crlf, part["name"])


def _refuse_bomb(part, n_read):
    if part["format"] == ".csv.gz" and n_read > max(SMALL, MAX_RATIO * Path(part["path"]).stat().st_size):
        raise DeliveryError(
            f"the gzip file unpacks to more than {MAX_RATIO} times its size, as no rows do",
            where=part["name"],
            next_step="export it again; where it is right, deliver it as .csv or in several parts",
        )


def _refuse_long_line(chunk, open_line, n_lines, name):
    """How long the line is that the chunk ends in; none may be longer than MAX_LINE."""
    start = -open_line
    while start + MAX_LINE < len(chunk):
        begun = _after_last_end(chunk, start, start + MAX_LINE + 1)
        if begun == start:
            before = chunk[: max(start, 0)]
            line = n_lines + (before.count(b"\n") or before.count(b"\r")) + 1
            raise DeliveryError(
                f"a line is longer than {MAX_LINE:,} bytes",
                where=f"{name}, line {line}",
                next_step="export it again with one row a line, and only the columns of the contract",
            )
        start = begun
    return len(chunk) - _after_last_end(chunk, start, len(chunk))


def _after_last_end(chunk, start, stop):
    """Where the line begins that is open at `stop`; a line that began in an earlier chunk has a negative start."""
    ends = [chunk.rfind(end, max(start, 0), max(stop, 0)) for end in (b"\n", b"\r")]
    return max(ends) + 1 if max(ends) >= 0 else start


def _refuse_binary(chunk, n_lf, name):
    # The unit separator is what csv_row.sql takes for "never in a file".
    for byte, what in ((b"\x00", "a NUL byte, as UTF-16 or a damaged copy does"), (b"\x1f", "the control character 0x1F")):
        if byte in chunk:
            raise _not_text(name, n_lf + chunk[: chunk.index(byte)].count(b"\n") + 1, f"not UTF-8 text: it holds {what}")


def _not_text(name, line, what="not UTF-8 text"):
    return DeliveryError(what, where=f"{name}, line {line}", next_step="save the file as UTF-8 text and deliver it again")


def _line_end(n_lf, n_cr, n_crlf, name):
    if n_cr and not n_lf:
        return r"\r"
    if n_crlf and n_cr != n_crlf:
        raise DeliveryError(
            "some lines end in CR alone, others in CR LF",
            where=name,
            next_step="save the file with one kind of line end",
        )
    # With CR LF, DuckDB takes a lone LF for a line end too; with LF, a lone CR. So do editors.
    return r"\r\n" if n_crlf else r"\n"
