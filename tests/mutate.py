"""Seeded mistakes in the SQL, and whether a model test or a vignette notices each of them.

    python tests/mutate.py [ID ...]      tries them one by one and says who noticed
    python tests/mutate.py --write       tries all of them and writes noticed.csv anew
"""

import csv
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import model_cases
import vignette

from flows import models

FILE = Path(__file__).with_name("mutants.csv")
# Which vignette noticed a mutant or a moved parameter last time: it is asked first. A row out of date costs time, nothing else.
NOTICED = Path(__file__).with_name("noticed.csv")
# Parameters that no boundary of a label rests on, with the reason.
NOT_IN_LABELS = {
    "small_cell_max": "disclosure control reads it, after the models",
    "rate_alarm_full_n": "a vignette of 111 episodes would cost more than its model test (tests/models/out.yaml)",
}
# An event covers its first day whatever is supplied: a default of no day covers as much as one of a day.
SAME_ANYWAY = {"default_supply_days-1"}
# A built delivery takes up to 60 MB; there are about a hundred of them, and mutants come in the order of who notices them.
KEPT = 6


@dataclass
class Mutant:
    id: str
    file: str
    find: str
    replace: str
    rule: str
    note: str

    @property
    def step(self):
        schema, _, name = self.file.partition("/")
        return schema, models.table_name(Path(name))

    def text(self):
        """The model with the mistake in it. Where its lines are broken does not matter, so comments go first."""
        sound = flat((models.SQL / self.file).read_text(encoding="utf-8"))
        find = flat(self.find)
        if sound.count(find) != 1:
            raise LookupError(f"{self.id}: '{find}' stands {sound.count(find)} times in sql/{self.file}, not once: mend mutants.csv")
        return sound.replace(find, flat(self.replace))


@dataclass
class MovedParameter:
    """A parameter off by one: each side of its boundary must be held by a vignette that names it."""

    name: str
    by: int
    file: str = "stg/00_parameter.sql"
    step: tuple = ("stg", "parameter")

    @property
    def id(self):
        return f"{self.name}{self.by:+d}"

    @property
    def rule(self):
        return self.name

    def text(self):
        sound = flat((models.SQL / self.file).read_text(encoding="utf-8"))
        return f"select * replace ({self.name} + {self.by} as {self.name}) from ({sound})"


def flat(text):
    lines = [line for line in text.splitlines() if not line.strip().startswith("--")]
    return re.sub(r"\s+", " ", " ".join(lines)).strip()


def load():
    return [Mutant(**row) for row in vignette.read_csv(FILE)]


class Killers:
    """The vignettes, each batch loaded and built soundly once; a mutant builds again what stands on it and is looked at."""

    def __init__(self):
        self.steps = {f"{schema}.{table}": (schema, table, text) for schema, table, text in vignette.model_steps()}
        self.reads = {name: models.reads(text) for name, (*_, text) in self.steps.items()}
        self.batches = vignette.batches(vignette.load())
        self.deliveries = {}
        self.noticed = noticed()
        # A test that is red on the sound SQL notices nothing.
        self.cases = [case for case in model_cases.load() if not model_cases.failures(case)]
        self.green = {}
        # Of each delivery the tables that are not sound, and the mutant that they were built with.
        self.unsound = {}

    def killer(self, mutant):
        """Who notices, in words; None where nobody does. A mutant that does not run is an error: it proves nothing."""
        text = mutant.text()
        by_model = self._model_test(mutant, text)
        # A run is compared with earlier ones when its models stand: no vignette has a history.
        return by_model if by_model or mutant.step[0] == "notice" else self._vignette(mutant, text)

    def _model_test(self, mutant, text):
        table = ".".join(mutant.step)
        for case in self.cases:
            said = model_cases.failures(case, {table: text}) if table in {case.model, *case.after} else []
            if said:
                return f"model test '{case.name}': {said[0]}"
        return None

    def _vignette(self, mutant, text):
        for number in sorted(range(len(self.batches)), key=lambda number: self._distance(number, mutant)):
            delivery = self._delivery(number)
            likely = [told for told in self.green[number] if name_of(told) == self.noticed.get(mutant.id)]
            for asked in (likely, self.green[number]):
                self._build(number, mutant, text, {table for told in asked for table in delivery.looked_at(told)})
                for told in asked:
                    said = delivery.failures(told)
                    if said:
                        return f"vignette '{name_of(told)}': {said[0]}"
        return None

    def _distance(self, number, mutant):
        """Who noticed it last time is asked first, then batches that know the mutant's rule or parameter."""
        batch = self.batches[number]
        knows = any(mutant.rule in told.rules or mutant.rule in told.because for told in batch)
        return self.noticed.get(mutant.id) not in map(name_of, batch), not knows

    def _delivery(self, number):
        delivery = self.deliveries.pop(number, None) or self._sound(number)
        self.deliveries[number] = delivery  # the last in line is the last to be dropped
        while len(self.deliveries) > KEPT:
            dropped = next(iter(self.deliveries))
            self.deliveries.pop(dropped).con.close()
            self.unsound.pop(dropped, None)
        return delivery

    def _build(self, number, mutant, text, wanted):
        """Brings the wanted tables, and what they stand on, to what they are with this mutant; others stay as they are."""
        unsound, mutated, steps = self.unsound.setdefault(number, {}), ".".join(mutant.step), {}
        moved, needed = models.standing_on(self.reads, mutated), models.under(self.reads, wanted)
        for name, (*step, sound) in self.steps.items():
            if name in needed and unsound.get(name) != (mutant.id if name in moved else None):
                steps[name] = (*step, text if name == mutated else sound)
        unsound |= dict.fromkeys(steps, "a mutant that does not run")
        self.deliveries[number].build(list(steps.values()))
        unsound |= {name: mutant.id if name in moved else None for name in steps}

    def _sound(self, number):
        delivery = vignette.Delivery(self.batches[number])
        delivery.build(list(self.steps.values()))
        if number not in self.green:
            self.green[number] = [told for told in self.batches[number] if not delivery.failures(told)]
        return delivery


def name_of(told):
    return f"{told.file}: {told.name}"


def noticed():
    return {row["id"]: row["vignette"] for row in vignette.read_csv(NOTICED)}


def in_order():
    """Those that one vignette notices together, last models first: what one mutant leaves unsound the next one builds again anyway."""
    order, known = [step[:2] for step in vignette.model_steps()], noticed()
    places = {step: place for place, step in enumerate(order)}
    return sorted(load(), key=lambda mutant: (known.get(mutant.id, ""), -places.get(mutant.step, len(order))))


def whole_parameters():
    columns = model_cases.empty_audit("{}").execute("describe stg.parameter").fetchall()
    return sorted(name for name, kind, *_ in columns if kind == "INTEGER" and name not in NOT_IN_LABELS)


def moved_parameters():
    found, known = [MovedParameter(name, by) for by in (1, -1) for name in whole_parameters()], noticed()
    return sorted((one for one in found if one.id not in SAME_ANYWAY), key=lambda one: known.get(one.id, ""))


def main(wanted):
    killers, survivors, found = Killers(), [], {}
    for mutant in [*in_order(), *moved_parameters()]:
        if wanted in ([], ["--write"]) or mutant.id in wanted:
            killer = killers.killer(mutant)
            survivors += [] if killer else [mutant.id]
            if told := re.match("vignette '(.*?)': ", killer or ""):
                found[mutant.id] = told[1]
            print(f"{mutant.id} {mutant.file}: {killer or 'SURVIVES'}", flush=True)
    print(f"{len(survivors)} survive: {' '.join(survivors)}")
    if wanted == ["--write"]:
        with NOTICED.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("id", "vignette"), *sorted(found.items())])
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
