"""The invariants of the rules: one SELECT a file in sql/check/, each row of its result a finding."""

import csv
import hashlib
import io
import re
from typing import NamedTuple

from flows import ROOT

CHECKS = ROOT / "sql" / "check"
MANIFEST = "value_set.csv"
# The second line of a check names its code and what breaking it means: error stops a run, warning is told.
HEADER = re.compile(r"-- (RUL-\d\d), (error|warning)[.:]")


class Finding(NamedTuple):
    code: str
    severity: str
    file: str
    row_key: str
    message: str
    fix: str

    def __str__(self):
        return f"{self.code} {self.severity}: {self.file}, {self.row_key}: {self.message}. {self.fix}"


def check_rules(con):
    """Every broken invariant of the rules that are loaded, errors first."""
    found = [finding for path in sorted(CHECKS.glob("*.sql")) for finding in run_check(con, path)]
    return sorted(found, key=lambda finding: (finding.severity, finding.code))


def run_check(con, path):
    query = path.read_text(encoding="utf-8")
    code, severity = HEADER.search(query).groups()
    rows = con.execute(f"select file, row_key, message, fix from ({query}) order by all").fetchall()
    return [Finding(code, severity, *row) for row in rows]


def write_manifest(folder=ROOT / "rules"):
    """Row numbers and hashes of the files as they are now: what the author says after meaning to change them."""
    path = folder / MANIFEST
    with path.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    for row in rows:
        content = (folder / row["file"]).read_bytes()
        row["n_rows"] = sum(1 for _ in csv.reader(io.StringIO(content.decode("utf-8"), newline=""))) - 1
        row["sha256"] = hashlib.sha256(content).hexdigest()
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)
