"""Made-up tables beside the measure, shaped like `out`, for the tests of the page. The figures are invented."""

import csv
import itertools
from datetime import date

import polars as pl

from flows import ROOT
from flows.disclosure.rounding import wilson

SMALL = 10
QUARTERS = [date(year, month, 1) for year in (2022, 2023, 2024) for month in (1, 4, 7, 10)]
# Numerator and denominator of the 27 secondary measures in turn: usual, all, none, small part, small whole, empty.
PARTS = [(455, 541), (44, 148), (0, 131), (341, 523), (149, 149), (12, 19), (3, 7), (0, 0), (27, 61)]


def rules(name):
    with (ROOT / "rules" / f"{name}.csv").open(encoding="utf-8") as text:
        return list(csv.DictReader(text))


def rated(part, whole):
    low, high = wilson(part / whole, whole) if whole else (None, None)
    return {"rate": part / whole if whole else None, "ci_low": low, "ci_high": high}


def secondary_measure():
    rows = []
    for number, told in enumerate(rules("secondary_measure")):
        part, whole = PARTS[number % len(PARTS)]
        days = {"median_days": 32.0, "q1_days": 24.25, "q3_days": 41.0} if told["measure"] == "S8" and whole else {}
        doses = {"msv_low": 131.0, "msv_high": 478.5, "n_unknown_band": 2} if told["measure"] == "S7" and part else {}
        row = {name: told[name] for name in ("measure", "part")} | {"period_grain": "all", "period_start": None}
        row |= {name: told[name] for name in ("name", "label", "unit", "better", "sanity_note")} | {"numerator": part, "denominator": whole} | rated(part, whole)
        row |= dict.fromkeys(("median_days", "q1_days", "q3_days", "msv_low", "msv_high", "n_unknown_band")) | days | doses
        row |= {"is_computable": whole > 0 or told["measure"] == "S9", "position": int(told["position"]), "suppressed": False}
        rows.append(row)
    return [*rows, rows[0] | {"period_grain": "year", "period_start": date(2023, 1, 1)}]


def scenario_compliance():
    counts = {
        "axilla": (40, 12, 30), "baseline_axilla": (198, 0, 0), "baseline_axillary_biopsy": (53, 0, 3), "baseline_breast": (535, 7, 1),
        "clinical_worsening": (0, 0, 21), "discordant_findings": (0, 0, 9), "suspected_metastasis": (0, 0, 0),
    }  # fmt: skip
    labels = {row["scenario"]: row["label"] for row in rules("scenario")}
    rows = []
    for scenario, (good, bad, unrated) in counts.items():
        index = good + bad + unrated
        is_withheld = bool(index) and unrated / index > 0.15
        for basis in ("episode", "order"):
            row = {"scenario": scenario, "label": labels[scenario], "basis": basis, "n_index": index, "n_appropriate": good}
            row |= {"n_mixed": 0, "n_may_be": 0, "n_not_appropriate": bad, "n_unrated": unrated, "n_indeterminate": 0}
            row |= rated(0, 0) if is_withheld else rated(good, good + bad)
            row |= {"bound_low": good / index if index else None, "bound_high": (good + unrated) / index if index else None}
            rows.append(row | {"is_withheld": is_withheld})
    return rows


def edition_change():
    good, bad, none = "usually_appropriate", "usually_not_appropriate", "no_edition_in_force"
    told = [
        ("breast_response", good, good, 783, 470), ("breast_response", none, good, 44, 31), ("breast_response", bad, bad, 4, 4),
        ("axilla", good, "no_matching_variant", 6, 5), ("axilla", good, good, 21, 21), ("baseline_breast", good, good, 1440, 571),
    ]  # fmt: skip
    names = ("question", "answer_then", "answer_now", "n_orders", "n_cases")
    rows = [dict(zip(names, values, strict=True)) for values in told]
    return [{name: row[name] for name in names[:3]} | {"is_moved": row["answer_then"] != row["answer_now"]} | row for row in rows]


def staging_summary():
    words = {"true": True, "false": False, "": None}
    counts = {"all_three": 14, "pet_ct_alone": 22, "bone_scan_with_ct": 6, "ct_alone": 3}
    return [
        {"workup": row["workup"]} | {name: words[row[name]] for name in ("follows_either_or", "is_all_three")} | {"n_cases": counts.get(row["workup"], 0)}
        for row in rules("staging_workup")
    ]


def radiation():
    names = ("procedure", "radiation_level", "n_exams", "n_cases", "msv_low", "msv_high", "n_avoidable", "avoidable_msv_low", "avoidable_msv_high")
    told = [
        ("fdg_pet_ct_skull_base_to_mid_thigh", 4, 107, 101, 1070.0, 3210.0, 31, 310.0, 930.0), ("sestamibi_mbi", 3, 5, 5, 5.0, 50.0, 5, 5.0, 50.0),
        ("mammography_diagnostic", 2, 743, 529, 74.3, 743.0, 0, 0.0, 0.0), ("us_breast", 0, 961, 612, 0.0, 0.0, 0, 0.0, 0.0),
        ("echocardiography", None, 441, 380, None, None, 0, 0.0, 0.0),
    ]  # fmt: skip
    return [dict(zip(names, values, strict=True)) for values in told]


def maturity():
    rows = []
    for measure, size in (("post_completion", 44), ("on_treatment", 15)):
        periods = [("all", None, 12 * size), *(("quarter", start, size) for start in QUARTERS), ("year", date(2024, 1, 1), 4 * size)]
        for grain, start, n_index in periods:
            unsettled = 15 if start == QUARTERS[-1] else 0
            row = {"measure": measure, "period_grain": grain, "period_start": start, "n_index": n_index, "n_settled": max(0, n_index - unsettled)}
            rows.append(row | {"settled_share": row["n_settled"] / n_index, "is_immature": unsettled > 0})
    return rows


def label_basis():
    counts = {("intent", "inferred"): 331, ("intent", "explicit"): 120, ("side", "known"): 446, ("side", "unknown"): 5, ("edition", "2022"): 451}
    rows = [{"measure": "post_completion", "aspect": aspect, "kind": kind, "n_index": count, "share": count / 451} for (aspect, kind), count in counts.items()]
    return [*rows, {"measure": "on_treatment", "aspect": "side", "kind": "known", "n_index": 90, "share": 1.0}]


def validity():
    """The figures as they are; an alarm for those on the wrong side of their limit."""
    watched = [
        ("rate_low", "post_completion", 0.9375, 0.8, 451), ("rate_low", "on_treatment", 0.93, 0.8, 176), ("rate_full", "post_completion", 0.9375, 1.0, 451),
        ("rate_full", "on_treatment", 0.93, 1.0, 176), ("laterality", "post_completion", 0.01, 0.02, 523), ("laterality", "on_treatment", None, 0.02, 0),
        ("response_imaging", "all", 0.841, 0.6, 541),
    ]  # fmt: skip
    words = {row["alarm"]: {name: row[name] for name in ("label", "next_step")} for row in rules("alarm")}
    return [
        {"alarm": alarm, "measure": measure, "value": value, "threshold": limit, "n": n, "is_alarm": None if value is None else False} | words[alarm]
        for alarm, measure, value, limit, n in watched
    ]


def multiverse(step=0.01):
    """The headline under a small grid; assumed PET moves it most, the clock less, the window in places only."""
    axes = {"window_days": (56, 84), "completion_lead_days": (7,), "min_response_days": (28,), "clock": ("ordered", "performed"), "assumed_pet": ("indeterminate", "rated"), "tiers": ("all", "explicit"), "therapy_classes": ("all",)}  # fmt: skip
    rows = []
    for number, values in enumerate(itertools.product(*axes.values())):
        row = dict(zip(axes, values, strict=True))
        is_declared = (row["window_days"], row["clock"], row["assumed_pet"], row["tiers"]) == (84, "performed", "rated", "all")
        hundredths = 93 + 3 * (row["assumed_pet"] == "indeterminate") + (row["clock"] == "ordered") + (row["tiers"] == "explicit") * (row["window_days"] == 56)
        given = {"rate": 0.9375, "rate_step": None} if is_declared else {"rate": hundredths / 100, "rate_step": step}
        rows.append({"definition": number} | row | {"is_declared": is_declared} | given | {"rate_band": None, "suppressed": False})
    return pl.DataFrame(rows, infer_schema_length=None)


def exact():
    """As they stand in the database."""
    makers = (secondary_measure, scenario_compliance, edition_change, staging_summary, radiation, maturity, label_basis, validity)
    schemas = {"period_start": pl.Date, "n_unknown_band": pl.Int64, "radiation_level": pl.Int32}
    found = {}
    for make in makers:
        rows = make()
        kinds = {column: kind for column, kind in schemas.items() if column in rows[0]}
        found[make.__name__] = pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None)
    return found


def released():
    """As they may leave, by a crude stand-in of disclosure control: same columns, small counts masked, the others coarse."""
    shown = {name: [dict(row) for row in table.to_dicts()] for name, table in exact().items()}
    shown["secondary_measure"] = [secondary(row) for row in shown["secondary_measure"] if row["period_grain"] == "all"]
    shown["scenario_compliance"] = [scenario(row) for row in shown["scenario_compliance"]]
    for name in ("edition_change", "staging_summary"):
        shown[name] = [coarse(row, *({"n_orders", "n_cases"} & set(row))) for row in shown[name]]
    shown["radiation"] = [without_doses(coarse(row, "n_exams", "n_cases", "n_avoidable")) for row in shown["radiation"]]
    shown["maturity"] = [without(row, "n_index", "n_settled") | {"suppressed": False} for row in shown["maturity"]]
    shown["label_basis"] = [share(row, row["n_index"], round(row["n_index"] / row["share"]), "share") for row in shown["label_basis"]]
    shown["validity"] = [row | {"suppressed": False} for row in shown["validity"]]
    first = {"rate_band": pl.String, "rate_step": pl.Float64, "share_band": pl.String, "period_start": pl.Date, "n_unknown_band": pl.Int64}
    return {name: pl.DataFrame(rows, schema_overrides={key: kind for key, kind in first.items() if key in rows[0]}, infer_schema_length=None) for name, rows in shown.items()}


def without(row, *names):
    return {name: value for name, value in row.items() if name not in names}


def coarse(row, *names):
    is_closed = any(0 < row[name] <= SMALL for name in names)
    return row | {name: None if 0 < row[name] <= SMALL else round(row[name], -1) for name in names} | {"suppressed": is_closed}


def without_doses(row):
    return row | dict.fromkeys([name for name in row if "msv" in name and row["n_exams"] is None])


def share(row, part, whole, name):
    """A share whose part, rest or whole is small gives way to a band, or to nothing."""
    is_closed = any(0 < number <= SMALL for number in (part, whole - part, whole))
    band = ("95_and_above" if part > whole / 2 else "below_80") if is_closed and whole > SMALL else None
    row = without(row, "numerator", "n_index", "n_appropriate") | {name: round(part / whole, 2) if whole and not is_closed else None}
    return row | {f"{name}_band": band, "suppressed": is_closed}


def secondary(row):
    row = share(coarse(row, "denominator"), row["numerator"], row["denominator"], "rate")
    hidden = dict.fromkeys(("ci_low", "ci_high", "msv_low", "msv_high") if row["suppressed"] else ("n_unknown_band",))
    days = {name: round(row[name]) and float(round(row[name])) for name in ("median_days", "q1_days", "q3_days") if row[name]}
    return row | {"rate_step": 0.05 if row["rate"] is not None and row["denominator"] < 100 else 0.01 if row["rate"] is not None else None} | hidden | days


def scenario(row):
    n = coarse(row, "n_index")["n_index"]
    rated = row["n_appropriate"] + row["n_not_appropriate"]
    kept = {name: row[name] for name in ("scenario", "label", "basis", "is_withheld", "ci_low", "ci_high", "n_appropriate")}
    shown = share(kept, row["n_appropriate"], rated, "rate")
    if shown["suppressed"] or row["is_withheld"]:
        shown |= dict.fromkeys(("rate", "ci_low", "ci_high"))
    return shown | {"rate_band": None if row["is_withheld"] else shown["rate_band"], "rate_step": None, "n_index": n, "suppressed": n is None or shown["suppressed"]}
