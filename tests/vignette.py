"""Vignettes: a patient told in a few lines, and what the audit must say of her. Read, batched, run and compared here.

Vignettes with the same settings are built as one delivery: each has ids of its own, so that none sees another.
"""

import copy
import csv
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from unittest import mock

import pipeline
import yaml
from tables import days_of, differences, key_of, on, read_table

from flows import models

FOLDER = Path(__file__).parent / "vignettes"
IDS = {
    "orders": "order_id", "diagnoses": "diagnosis_id", "therapies": "therapy_id", "procedures": "procedure_id",
    "findings": "finding_id", "patients": "patient_id",
}
REFERENCES = {"patient_id", "order_id", *IDS.values()}
# The key of each table, and what a cell of the key means that was not drawn.
KEYS = {
    "order_label": {"order_id": None},
    "neoadjuvant_case": {"case_id": "p#1"},
    "episode": {"case_id": "p#1", "measure": "post_completion"},
    "quarantine": {"extract": None, "line": None, "column_name": None},
    "compliance": {
        "measure": "post_completion", "basis": "episode", "period_grain": "all", "period_start": "null",
        "stratum": "all", "stratum_value": "all",
    },
    "sensitivity": {"measure": "post_completion", "basis": "episode", "reading": None},
    "attrition": {"reason": None},
    "case_attrition": {"reason": None},
    "unmapped_code": {"code_system": None, "code": None},
    "quality_warning": {"code": None},
    "secondary_measure": {"measure": None, "part": "post_completion", "period_grain": "all", "period_start": "null"},
    "edition_change": {"question": "breast_response", "answer_then": None, "answer_now": None},
    "scenario_episode": {"case_id": "p#1", "scenario": None},
    "scenario_compliance": {"scenario": None, "basis": "episode"},
    "staging_workup": {"case_id": "p#1"},
    "case_radiation": {"case_id": "p#1", "procedure": None},
    "radiation": {"procedure": None},
    "worklist": {"order_id": None},
    "maturity": {"measure": "post_completion", "period_grain": "all", "period_start": "null"},
    "label_basis": {"measure": "post_completion", "aspect": None, "kind": None},
    # The declared definition, so that a vignette names only the choice that it is about.
    "multiverse": {
        "window_days": "84", "completion_lead_days": "7", "min_response_days": "28", "clock": "performed",
        "assumed_pet": "rated", "tiers": "explicit+inferred+presumptive", "therapy_classes": "all",
    },
}
# Tables that count the whole delivery: a vignette that looks at one is a delivery of its own, and names the rows it means.
OF_DELIVERY = {
    "compliance", "sensitivity", "attrition", "case_attrition", "unmapped_code", "quality_warning", "secondary_measure",
    "edition_change", "scenario_compliance", "radiation", "maturity", "label_basis",
    "multiverse",
}
OF_PERSON = {
    "order_label", "neoadjuvant_case", "episode", "scenario_episode", "staging_workup", "case_radiation", "worklist",
}
# `no compliance` draws the keys of rows that must not be there.
ABSENT = "no "
DEFAULTS = {"as_of": "Z", "deid_mode": "limited_data_set"}
DAY_0 = date(2000, 1, 1)


@dataclass
class Vignette:
    file: str
    name: str
    rules: list
    because: str
    settings: dict
    given: dict
    expect: dict
    mark: str

    @property
    def is_alone(self):
        tables = {table.removeprefix(ABSENT) for table in self.expect}
        return bool(OF_DELIVERY & tables) or "code_map" in self.given or self.settings["as_of"] is None


def load():
    shared = yaml.safe_load((FOLDER / "stories.yaml").read_text(encoding="utf-8"))
    words = {row["word"]: row for row in read_csv(FOLDER / "words.csv")}
    files = [path for path in sorted(FOLDER.glob("*.yaml")) if path.name != "stories.yaml"]
    told = [(path.stem, one) for path in files for one in yaml.safe_load(path.read_text(encoding="utf-8"))]
    return [read(file, one, shared, words, f"v{number:03d}.") for number, (file, one) in enumerate(told)]


def read_csv(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def read(file, told, shared, words, mark):
    unknown = set(told) - {"name", "rule", "because", "settings", "days", "story", "copies", "given", "expect"}
    if unknown:
        raise ValueError(f"{file}, {told['name']}: unknown {unknown}")
    days = days_of({**shared["days"], **told.get("days", {})})
    settings = {name: as_setting(value, days) for name, value in {**DEFAULTS, **told.get("settings", {})}.items()}
    is_relative = settings["deid_mode"] == "relative_days"
    given = {
        extract: [delivered(row, days, words, is_relative) for row in rows]
        for extract, rows in with_stories(told, shared["stories"]).items()
    }
    for patient, n_copies in told.get("copies", {}).items():
        add_copies(given, patient, n_copies)
    expect = {table: expected(table.removeprefix(ABSENT), text, days) for table, text in told["expect"].items()}
    rule = told["rule"] if isinstance(told["rule"], list) else [told["rule"]]
    return Vignette(file, told["name"], [str(tag) for tag in rule], told["because"], settings, given, expect, mark)


def as_setting(value, days):
    return str(on(value, days)) if isinstance(value, str) else value


def with_stories(told, stories):
    """The rows of the vignette after those of its patients' stories. Its own row of a person replaces the story's."""
    own = {extract: read_table(text) for extract, text in told.get("given", {}).items()}
    for extract, rows in own.items():
        for number, row in enumerate(rows, start=1):
            row.setdefault("patient_id", "p")
            if extract in IDS:
                row.setdefault(IDS[extract], f"{extract[0]}{number}")
    story = told.get("story", {})
    given = {}
    for patient, name in (story.items() if isinstance(story, dict) else [("p", story)]):
        for extract, text in stories[name].items():
            given.setdefault(extract, []).extend(told_of(patient, extract, text, isinstance(story, dict)))
    own_patients = {row["patient_id"] for row in own.get("patients", [])}
    given["patients"] = [row for row in given.get("patients", []) if row["patient_id"] not in own_patients]
    for extract, rows in own.items():
        given[extract] = given.get(extract, []) + rows
    return given


def told_of(patient, extract, text, is_one_of_several):
    key = IDS[extract]
    for row in read_table(text):
        if key != "patient_id" and is_one_of_several:
            row[key] = f"{patient}.{row[key]}"
        yield {**row, "patient_id": patient}


def delivered(row, days, words, is_relative):
    """A row as a site would send it: words become codes, named days become dates."""
    row = dict(row)
    if not row.get("code_system") and row.get("code"):
        row["code_system"], row["code"] = code_of(row["code"], words)
    for column, cell in row.items():
        if column.endswith("_on") or column == "observed_to":
            day = on(cell, days)
            row[column] = str((day - DAY_0).days) if is_relative and day != cell else str(day)
    return {column: cell for column, cell in row.items() if cell != ""}


def code_of(cell, words):
    if cell in words:
        return words[cell]["code_system"], words[cell]["code"]
    code_system, _, code = cell.partition(" ")
    if not code or code_system != code_system.upper():
        raise ValueError(f"'{cell}' is neither in words.csv nor a code system and a code")
    return code_system, code


def add_copies(given, patient, n_copies):
    """So many more people with the same story: rates need crowds."""
    for extract, rows in given.items():
        for row in [row for row in rows if row.get("patient_id") == patient]:
            for number in range(1, n_copies):
                copied = copy.copy(row)
                copied["patient_id"] = f"{patient}.{number}"
                if IDS[extract] != "patient_id":
                    copied[IDS[extract]] += f".{number}"
                rows.append(copied)


def expected(table, text, days):
    if text == "none":
        return []
    rows = read_table(text)
    for row in rows:
        for column, default in KEYS[table].items():
            row.setdefault(column, default)
        for column, cell in row.items():
            if cell == "" or cell is None:
                raise ValueError(f"{table}: the cell of {column} is empty; write null, or leave the column out")
            row[column] = str(on(cell, days))
    return rows


def batches(vignettes):
    """Vignettes that can be one delivery, the largest batch first."""
    by_settings = {}
    for vignette in vignettes:
        key = vignette.name if vignette.is_alone else json.dumps(vignette.settings, sort_keys=True)
        by_settings.setdefault(key, []).append(vignette)
    return sorted(by_settings.values(), key=len, reverse=True)


class Delivery:
    """A batch loaded into a database of its own; `build` runs the models, `failures` compares."""

    def __init__(self, batch):
        self.vignettes = batch
        self.first_line = {}
        # The raw tables as every test has them; the models come later, by themselves and without their comments.
        with mock.patch.object(pipeline.models, "build"):
            delivery = {extract: self._rows(extract) for extract in [*IDS, "code_map"]}
            self.con = pipeline.audit(delivery, **batch[0].settings)
        self._tables = {}

    def _rows(self, extract):
        rows = []
        for vignette in self.vignettes:
            self.first_line[vignette.mark, extract] = len(rows) + 2
            rows += [marked(row, vignette.mark) for row in vignette.given.get(extract, [])]
        return rows

    def build(self, steps=None):
        """Runs the models, or only `steps` of them: (schema, table, text)."""
        for schema, table, text in model_steps() if steps is None else steps:
            self.con.execute(f"create schema if not exists {schema}")
            self.con.execute(f"create or replace table {schema}.{table} as {text}")
        self._tables = {}

    def failures(self, vignette):
        said = []
        for table, rows in vignette.expect.items():
            if table.startswith(ABSENT):
                said += self._present(table.removeprefix(ABSENT), rows, vignette)
                continue
            is_whole = table not in OF_DELIVERY
            said += [f"{table} {one}" for one in differences(rows, self._found(table, vignette), KEYS[table], is_whole)]
        return said

    def looked_at(self, vignette):
        """The tables, with their schema, that a vignette says something of."""
        return {self._named(table.removeprefix(ABSENT)) for table in vignette.expect}

    @staticmethod
    def _named(table):
        return f"{'stg' if table == 'quarantine' else 'out'}.{table}"

    def _present(self, table, rows, vignette):
        forbidden = {key_of(row, KEYS[table]) for row in rows}
        found = {key_of(row, KEYS[table]) for row in self._found(table, vignette)}
        return [f"{table} {' '.join(key)}: found, not expected" for key in sorted(forbidden & found)]

    def _found(self, table, vignette):
        if table not in self._tables:
            self._tables[table] = pipeline.rows(self.con, self._named(table))
        if table == "quarantine":
            return list(self._quarantined(vignette))
        rows = self._tables[table]
        if table in OF_PERSON:
            rows = [row for row in rows if row["patient_id"].startswith(vignette.mark)]
        return [{column: unmarked(value, vignette.mark) for column, value in row.items()} for row in rows]

    def _quarantined(self, vignette):
        """Quarantine names lines, not people: those that the vignette's rows fill, counted from its own first row."""
        for row in self._tables["quarantine"]:
            line = row["line"] - self.first_line.get((vignette.mark, row["extract"]), 0) + 1
            if 1 <= line <= len(vignette.given.get(row["extract"], [])):
                yield {**row, "line": line}


def model_steps():
    return [(schema, models.table_name(path), text) for schema, path, text in models.steps(models.FROM_DELIVERED)]


def marked(row, mark):
    return {column: mark + cell if column in REFERENCES and cell.strip() else cell for column, cell in row.items()}


def unmarked(value, mark):
    return value.replace(mark, "") if isinstance(value, str) else value
