"""What the secondary measures look at, in their common words (Decisions 51 to 69). Part of the oracle."""

from dataclasses import dataclass
from datetime import date

from oracle_counts import HEADLINE_TIERS
from oracle_events import days
from oracle_exams import is_exam_line
from oracle_rows import meets, sides


@dataclass
class Study:
    all_cases: list     # every neoadjuvant case, of any tier
    people: dict        # patient_id → person
    lines: dict         # order_id → imaging order line of any case
    labels: dict        # case_id → its labels
    index: dict         # (case_id, measure) → (index day, its index orders)
    world: dict

    @property
    def cases(self):
        """The cases of the headline's tiers."""
        return [case for case in self.all_cases if case.tier in HEADLINE_TIERS]

    def person(self, case):
        return self.people[case.cancer.patient_id]

    def line(self, label):
        return self.lines[label["order_id"]]

    def episodes(self, measure):
        """(case, index day, index orders) of the headline's tiers."""
        for case in self.cases:
            if (case.cancer.case_id, measure) in self.index:
                yield case, *self.index[case.cancer.case_id, measure]

    def answers(self, case, measure=None):
        """The case's orders that reach row 15, of one measure or of both."""
        return [label for label in self.labels.get(case.cancer.case_id, [])
                if label["router_row"] == 15 and measure in (None, label["measure"])]

    def family(self, line):
        """The exam family, or None where the code reached no procedure."""
        return self.world["procedure"][line.procedure]["exam_family"] if line.procedure else None

    def exams(self, case):
        """Imaging order lines of the patient, whichever case they are of, that are exams."""
        return [line for line in self.person(case)["lines"] if is_exam_line(line)]


@dataclass
class Unit:
    """One unit of a denominator."""
    on: date                            # the day that decides its period
    is_met: bool
    n_days: int | None = None           # S8
    band: tuple | None = None           # S7: (low, high), of a unit that is met


def is_within(day, first, last):
    return first <= day <= last


def before_surgery(day, case):
    return case.surgery_on is None or day < case.surgery_on


def was_performed(order):
    return order["performed_on"] is not None or order["status"] == "completed"


def band_of(level, world):
    """The adult band of a radiation level, or None where the level is not known."""
    return None if level is None else world["bands"][int(level)]


def net_band(label, world):
    """The band of a not-appropriate exam, net of its alternative's; None where either is not known."""
    own = band_of(label["radiation_level"], world)
    other = band_of(label["alternative_radiation_level"], world)
    if own is None or other is None:
        return None
    return max(0.0, own[0] - other[1]), max(0.0, own[1] - other[0])


# ---- Decision 54: whose result a finding is ----------------------------------------------

def exam_of_result(finding, case, study):
    """The exam_id of the exam that a finding is the result of, or None."""
    if finding["order_id"]:
        line = study.lines.get(finding["order_id"])
        is_own = line is not None and line.order["patient_id"] == finding["patient_id"]
        return line.exam[0].id if is_own else None
    on = finding["reported_on"]
    earliest = on - days(study.world["evidence_days"])
    seen = [
        label for label in study.answers(case)
        if is_within(label["clock_on"], earliest, on)
        and meets(sides(finding["laterality"]), study.line(label).exam_sides)
    ]
    if not seen:
        return None
    latest = max(label["clock_on"] for label in seen)
    return min(label["order_id"] for label in seen if label["clock_on"] == latest)


def findings_of(case, words, study):
    """Findings of the patient in these words, in order of day, then id."""
    rows = [row for row in study.person(case)["findings"] if row["finding"] in words]
    return sorted(rows, key=lambda row: (row["reported_on"], row["finding_id"]))


# ---- periods -----------------------------------------------------------------------------

def periods_of(day, world):
    """(grain, first day) of every period that a day is in."""
    found = [("all", None)]
    if world["deid_mode"] != "relative_days":
        found += [("year", date(day.year, 1, 1)), ("quarter", date(day.year, (day.month - 1) // 3 * 3 + 1, 1))]
    return found
