"""The example as a site delivers it month by month: what the tests of series and of arrival share."""

import csv
import hashlib
import json
import shutil
from pathlib import Path

REQUIRED = {
    "orders": "ordered_on", "diagnoses": "diagnosed_on", "therapies": "started_on",
    "procedures": "performed_on", "findings": "reported_on", "patients": None,
}  # fmt: skip
MONTHS = {"2024-06": "2024-06-30", "2024-12": "2024-12-31", "2025-06": "2025-06-30"}


def read(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def monthly(example, folder, months=MONTHS):
    """A delivery for each of the days: what is new since the last one, and the persons and the code map anew."""
    before = ""
    for name, day in months.items():
        for extract, column in REQUIRED.items():
            rows = [row for row in read(example / f"{extract}.csv") if None not in row and None not in row.values()]
            new = [row for row in rows if column is None or before < row[column] <= day]
            if new:
                write(folder / name / f"{extract}.csv", new)
        for other in ("code_map.csv", "SYNTHETIC.txt"):
            shutil.copy(example / other, folder / name)
        before = day
    return folder


def dropped(delivery, drop, name=None, marker="SHA256SUMS"):
    """A copy of a delivery in the drop folder, complete."""
    target = drop / (name or delivery.name)
    shutil.copytree(delivery, target)
    mark(target, marker)
    return target


def mark(folder, marker="SHA256SUMS"):
    if marker == "DONE":
        (folder / marker).touch()
    elif marker:
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != marker)
        lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in paths)
        (folder / marker).write_text("".join(lines))


def config(folder, **more):
    """The settings of a site whose deliveries arrive in folder/drop."""
    lines = {"extracts": "series", "out": "out", "drop": "drop", "deid_mode": "limited_data_set", **more}
    path = Path(folder) / "audit.toml"
    path.write_text("".join(f"{name} = {json.dumps(value, default=str)}\n" for name, value in lines.items()))
    (folder / "drop").mkdir(exist_ok=True)
    return path
