"""The tables of the secondary measures: rates by period, radiation, maturity, worklist (Decisions 51 to 69).
Part of the oracle.
"""

from oracle_counts import MEASURES, episode_verdict, outcome, wilson
from oracle_events import days
from oracle_measures import (
    s1_any_response_imaging,
    s2_mammogram_beside_us,
    s3_baseline,
    s4_mri_after_indeterminate,
    s5_clip,
    s6_escalation,
    s7_avoidable_radiation,
    s8_waiting,
    s9_laterality,
    s10_mri,
    s11_exceptions,
    s12_repeats,
    s13_performed,
    s14_every_site,
)
from oracle_router import is_exam
from oracle_study import band_of, net_band, periods_of, was_performed

SECONDARY = [
    ("S1", s1_any_response_imaging, ["all"]),
    ("S2", s2_mammogram_beside_us, MEASURES),
    ("S3", s3_baseline, MEASURES),
    ("S4", s4_mri_after_indeterminate, MEASURES),
    ("S5", s5_clip, ["certain", "possible"]),
    ("S6", s6_escalation, ["all"]),
    ("S7", s7_avoidable_radiation, MEASURES),
    ("S8", s8_waiting, ["last_dose_to_index", "index_to_surgery", "last_dose_to_surgery"]),
    ("S9", s9_laterality, MEASURES),
    ("S10", s10_mri, MEASURES),
    ("S11", s11_exceptions, MEASURES),
    ("S12", s12_repeats, MEASURES),
    ("S13", s13_performed, MEASURES),
    ("S14", s14_every_site, ["sides", "sites"]),
]


# ---- rates by period ---------------------------------------------------------------------

def secondary_rows(study):
    rows = []
    for measure, units_of, parts in SECONDARY:
        for part in parts:
            for (grain, start), units in by_period(units_of(study, part), study.world).items():
                rows.append({"measure": measure, "part": part, "period_grain": grain, "period_start": start,
                             **share(units, study.world), **waiting(units, measure), **radiation(units, measure)})
    return rows


def by_period(units, world):
    """(grain, first day) → units; the whole time always, even without any."""
    groups = {("all", None): []}
    for unit in units:
        for period in periods_of(unit.on, world):
            groups.setdefault(period, []).append(unit)
    return groups


def share(units, world):
    n, good = len(units), sum(unit.is_met for unit in units)
    low, high = wilson(good, n, world["wilson_z"]) if n else (None, None)
    return {"numerator": good, "denominator": n, "rate": good / n if n else None, "ci_low": low, "ci_high": high}


def waiting(units, measure):
    found = dict.fromkeys(["median_days", "q1_days", "q3_days"])
    if measure == "S8" and units:
        waited = sorted(unit.n_days for unit in units)
        found.update(median_days=quantile(waited, 0.5), q1_days=quantile(waited, 0.25), q3_days=quantile(waited, 0.75))
    return found


def quantile(values, share):
    """Linear interpolation between the two values beside the place."""
    place = (len(values) - 1) * share
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def radiation(units, measure):
    if measure != "S7":
        return dict.fromkeys(["msv_low", "msv_high", "n_unknown_band"])
    if not units:
        return {"msv_low": None, "msv_high": None, "n_unknown_band": 0}
    avoidable = [unit for unit in units if unit.is_met]
    bands = [unit.band for unit in avoidable if unit.band]
    return {"msv_low": sum((low for low, _ in bands), 0.0), "msv_high": sum((high for _, high in bands), 0.0),
            "n_unknown_band": len(avoidable) - len(bands)}


# ---- Decision 66: radiation over the episode ---------------------------------------------

def case_radiation_rows(study):
    groups = {}
    for case_id, labels in study.labels.items():
        for label in labels:
            if is_performed_exam(label, study):
                groups.setdefault((case_id, label["procedure"] or "unmapped"), []).append(label)
    return [radiation_of(*key, group, study.world) for key, group in sorted(groups.items())]


def is_performed_exam(label, study):
    """A representative line of any purpose that is an exam, not cancelled, before surgery."""
    line = study.line(label)
    return (
        label["reason"] != "cancelled" and line.is_representative and line.state != "not_breast"
        and is_exam(line, study.world) and was_performed(line.order) and label["phase"] != "after_surgery"
    )


def radiation_of(case_id, procedure, labels, world):
    rule = world["procedure"].get(procedure)
    level = int(rule["radiation_level"]) if rule and rule["radiation_level"] else None
    band = band_of(level, world)
    avoidable = [label for label in labels if label["is_appropriate"] is False]
    low, high = total([band] * len(labels))
    avoidable_low, avoidable_high = total([net_band(label, world) for label in avoidable])
    return {
        "case_id": case_id, "patient_id": labels[0]["patient_id"], "procedure": procedure,
        "radiation_level": level, "n_exams": len(labels), "msv_low": low, "msv_high": high,
        "n_avoidable": len(avoidable), "avoidable_msv_low": avoidable_low, "avoidable_msv_high": avoidable_high,
    }


def total(bands):
    """Bands added up as a range; nothing where one of them is not known."""
    if None in bands:
        return None, None
    return sum((low for low, _ in bands), 0.0), sum((high for _, high in bands), 0.0)


# ---- Decision 69: maturity ---------------------------------------------------------------

def maturity_rows(study):
    groups = {}
    for measure in MEASURES:
        for case, index_on, _ in study.episodes(measure):
            for period in periods_of(index_on, study.world):
                groups.setdefault((measure, *period), []).append(is_settled(case, study.world))
    rows = []
    for (measure, grain, start), settled in groups.items():
        settled_share = sum(settled) / len(settled)
        rows.append({"measure": measure, "period_grain": grain, "period_start": start, "n_index": len(settled),
                     "n_settled": sum(settled), "settled_share": settled_share,
                     "is_immature": settled_share < study.world["maturity_share"]})
    return rows


def is_settled(case, world):
    """From then on no surgery can change tier or phase."""
    latest = case.last_cover + days(world["surgery_max_days"])
    return case.surgery_on is not None or case.covered_to > latest


# ---- Decision 67: the worklist -----------------------------------------------------------

def worklist_rows(index):
    rows = []
    for (case_id, measure), (_, labels) in sorted(index.items()):
        verdict = episode_verdict([outcome(label) for label in labels])
        for label in labels:
            finding = what_to_look_at(outcome(label), verdict)
            if finding:
                rows.append({"order_id": label["order_id"], "patient_id": label["patient_id"], "case_id": case_id,
                             "measure": measure, "finding": finding})
    return rows


def what_to_look_at(found, verdict):
    """The first that holds."""
    if found == "n_not_appropriate":
        return "not_appropriate"
    if verdict == "mixed":
        return "mixed"
    return {"n_unrated": "unrated", "n_indeterminate": "indeterminate"}.get(found)
