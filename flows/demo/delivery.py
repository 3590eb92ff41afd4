"""The bundled example: a seeded delivery of invented persons, byte for byte the same on every machine."""

import csv
from pathlib import Path

from flows.demo import not_cases, others, stories
from flows.demo.faults import SMALLEST_SPOILED, cut_short, spoil
from flows.demo.figures import figures
from flows.demo.people import describe, population
from flows.demo.rows import CODE_MAP, columns, contract, dressed, key_column
from flows.errors import PublishError

SEED = 20261122
MARK = "SYNTHETIC.txt"
CODE_MAP_COLUMNS = ("code_system", "code", "procedure")
STORIES = stories.STORIES | not_cases.STORIES | others.STORIES
LABEL = """SYNTHETIC DATA

Every person, date and order in this folder is invented by a program (imaging-audit demo). None of it is
about anyone. The dates are plausible, not real; figures come from rules/demo.csv with their sources.
Do not quote a result of this folder as a finding about care.
"""


def write_demo(folder, n_patients=2000, seed=SEED):
    """Write the example delivery into a folder; gives the number of rows of each extract."""
    folder = Path(folder)
    _refuse_others(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # First, so that no row stands there without it, and a demo that was cut off is known for one.
    (folder / MARK).write_text(LABEL, encoding="utf-8", newline="\n")
    rows = spoil(delivery(n_patients, seed), seed)
    for extract, lines in rows.items():
        _write_csv(folder / f"{extract}.csv", columns(extract), lines)
    if len(rows["orders"]) >= SMALLEST_SPOILED:
        cut_short(folder / "orders.csv")
    _write_csv(folder / "code_map.csv", CODE_MAP_COLUMNS, code_map())
    (folder / "audit.toml").write_text(_settings(), encoding="utf-8", newline="\n")
    return {extract: len(lines) for extract, lines in rows.items()}


def _refuse_others(folder):
    """Somebody's orders.csv would be gone: only a new folder, an empty one, or an earlier demo is written to."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise PublishError("the example needs a folder, and this is none", where=folder, next_step="name a new folder")
    if any(folder.iterdir()) and not _is_demo(folder):
        what = f"the folder holds something that is not the example's, and nothing was written ({MARK} would say that it is)"
        raise PublishError(what, where=folder, next_step="name a new or an empty folder")


def _is_demo(folder):
    mark = folder / MARK
    return mark.is_file() and mark.read_bytes() == LABEL.encode()


def delivery(n_patients, seed):
    """Rows by extract, sorted by key as a warehouse would hand them over, still without faults."""
    rows = {extract: [] for extract in contract()}
    for person in population(n_patients, seed):
        STORIES[person.story](person)
        person.rows["patients"] = [describe(person)]
        for extract, lines in person.rows.items():
            rows[extract] += [dressed(person, extract, line) for line in lines]
    for extract, lines in rows.items():
        lines.sort(key=lambda line: line[key_column(extract)])
    return rows


def code_map():
    return [{"code_system": "LOCAL", "code": code, "procedure": procedure} for code, procedure in CODE_MAP.items()]


def _write_csv(path, names, lines):
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([line.get(name) or "" for name in names] for line in lines)


def _settings():
    return (
        "# Settings of the bundled example (synthetic data): imaging-audit run --config audit.toml\n"
        'deid_mode = "limited_data_set"\n'
        f"as_of = {figures()['day.as_of']}\n"
        f"data_from = {figures()['day.data_from']}\n"
    )
