"""A year of monthly deliveries of invented persons, each as the warehouse knew it at the end of its month.

A row is delivered in the month of its first date; what happens to it later (it is performed, a course ends) comes with the
month in which it happens, under the same key. The first delivery holds everything before it.
"""

import csv
from datetime import date, timedelta

from flows.demo.delivery import LABEL, SEED, code_map, delivery
from flows.demo.rows import columns, key_column

MONTHS = [date(2024 + month // 12, month % 12 + 1, 1) - timedelta(days=1) for month in range(10, 22)]
FIRST_DATE = {
    "orders": "ordered_on", "diagnoses": "diagnosed_on", "therapies": "started_on",
    "procedures": "performed_on", "findings": "reported_on",
}
# What is not known before its day, and the word that stands for it until then.
LATER = {"orders": ("scheduled_on", "performed_on"), "therapies": ("ended_on",)}


def year(n_patients=60, seed=SEED):
    """{month's last day: {extract: rows}} from October 2024 to September 2025."""
    rows, known, months = delivery(n_patients, seed), {}, {}
    for day in MONTHS:
        months[day] = {extract: [] for extract in rows}
        for extract, lines in rows.items():
            for line in lines:
                seen = as_known(extract, line, day)
                if seen and known.get((extract, line[key_column(extract)])) != seen:
                    known[extract, line[key_column(extract)]] = seen
                    months[day][extract].append(seen)
    return months


def as_known(extract, line, day):
    """The row as it stood on that day; None where nobody had heard of it."""
    if extract == "patients":
        return line
    if line[FIRST_DATE[extract]][:10] > day.isoformat():
        return None
    open_ends = {name: "" for name in LATER.get(extract, ()) if (line.get(name) or "")[:10] > day.isoformat()}
    is_planned = extract == "orders" and "performed_on" in open_ends and line.get("status") == "completed"
    return line | open_ends | ({"status": "scheduled"} if is_planned else {})


def write(folder, rows):
    """A delivery without its marker: it is not complete yet."""
    folder.mkdir(parents=True)
    for extract, lines in rows.items():
        if lines:
            _write_csv(folder / f"{extract}.csv", columns(extract), lines)
    _write_csv(folder / "code_map.csv", ("code_system", "code", "procedure"), code_map())
    (folder / "SYNTHETIC.txt").write_text(LABEL, encoding="utf-8")


def _write_csv(path, names, lines):
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([line.get(name) or "" for name in names] for line in lines)
