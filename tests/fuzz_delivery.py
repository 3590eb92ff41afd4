"""A small valid delivery held as lists, and how it is written to files: what the fuzz campaign spoils."""

import csv
import functools
import gzip
import io
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from flows import ROOT

MODES = ("limited_data_set", "limited_data_set", "shifted_dates", "relative_days")

@dataclass
class Extract:
    name: str
    header: list
    rows: list
    ending: str = ".csv"
    encoding: str = "utf-8"
    quoting: int = csv.QUOTE_MINIMAL
    delimiter: str = ","
    newline: str = "\n"
    names: list = field(default_factory=list)  # parts of a folder
    on_text: list = field(default_factory=list)
    on_bytes: list = field(default_factory=list)
    frame: object = None  # polars, for Parquet

    def text(self, rows=None):
        out = io.StringIO()
        writer = csv.writer(out, delimiter=self.delimiter, lineterminator=self.newline, quoting=self.quoting)
        writer.writerows([self.header, *(self.rows if rows is None else rows)])
        text = out.getvalue()
        for change in self.on_text:
            text = change(text)
        return text

    def content(self, rows=None):
        if self.ending == ".parquet":
            content = self._parquet()
        else:
            content = self.text(rows).encode(self.encoding, errors="replace")
        if self.ending == ".csv.gz":
            content = gzip.compress(content, 1)
        for change in self.on_bytes:
            content = change(content)
        return content

    def _parquet(self):
        out = io.BytesIO()
        (as_frame(self) if self.frame is None else self.frame).write_parquet(out)
        return out.getvalue()

    def write(self, folder):
        if not self.names:
            (folder / f"{self.name}{self.ending}").write_bytes(self.content())
            return
        (folder / self.name).mkdir()
        share = -(-len(self.rows) // len(self.names)) or 1
        for number, name in enumerate(self.names):
            path = os.path.join(os.fsencode(folder / self.name), os.fsencode(name))
            with open(path, "wb") as part:
                part.write(self.content(self.rows[number * share : (number + 1) * share]))


def as_frame(extract):
    width = len(extract.header)
    rows = [(row + [""] * width)[:width] for row in extract.rows]
    columns = {name: pl.Series(name, [row[at] for row in rows], dtype=pl.String) for at, name in enumerate(extract.header)}
    return pl.DataFrame(columns)


@functools.cache
def contract():
    with (ROOT / "rules" / "contract.csv").open(encoding="utf-8", newline="") as lines:
        kinds = {(row["extract"], row["column"]): row["kind"] for row in csv.DictReader(lines)}
    return kinds | {("code_map", "code_system"): "code_system", ("code_map", "code"): "code", ("code_map", "procedure"): "word"}


@functools.cache
def base(n_patients):
    """{extract: (header, rows)} of a few patients of the example."""
    from flows.demo import write_demo

    folder = Path(tempfile.mkdtemp(prefix="fuzz-base-"))
    write_demo(folder, n_patients=n_patients)
    found = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines)
        # The example holds mistakes of its own; what is spoilt here begins without any.
        found[path.stem] = (header, [row for row in rows if len(row) == len(header) and _is_sound(path.stem, header, row)])
    shutil.rmtree(folder)
    return found


def _is_sound(extract, header, row):
    dates = [value for name, value in zip(header, row, strict=True) if value and contract()[(extract, name)] == "date"]
    return row[0] and all(_is_date(value) for value in dates)


def _is_date(value):
    try:
        return bool(date.fromisoformat(value[:10]))
    except ValueError:
        return False


def valid(mode, n_patients=8):
    """The extracts as they should be under the mode."""
    rows_of = base(n_patients).items()
    extracts = {name: Extract(name, list(header), [list(row) for row in rows]) for name, (header, rows) in rows_of}
    if mode == "relative_days":
        for extract in extracts.values():
            for at in places(extract, "date"):
                for row in extract.rows:
                    row[at] = row[at] and str((date.fromisoformat(row[at][:10]) - date(2024, 1, 1)).days)
    return extracts


def places(extract, *kinds):
    return [at for at, name in enumerate(extract.header) if contract().get((extract.name, name)) in kinds]
