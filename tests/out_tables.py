"""Made-up people counted into tables shaped like `out`, for the tests of disclosure control and of the page.

The figures are invented. What matters is that every margin adds up, as it does in a real run.
"""

import csv
import json
import math
import random
from datetime import date, datetime, timedelta
from itertools import product

import polars as pl
from out_tables_beside import later_orders, tables_beside

from flows import ROOT

STRATA = {
    "site": [("site_a", 8), ("site_b", 6), ("site_c", 4), ("site_d", 3), ("site_e", 2), ("site_f", 1)],
    "therapy_class": [
        ("chemotherapy", 30),
        ("targeted", 5),
        ("endocrine", 4),
        ("immunotherapy", 2),
        ("unspecified", 1),
    ],
    "intent_tier": [("inferred", 16), ("explicit", 6), ("presumptive", 2), ("unresolved", 1)],
    "payer": [("commercial", 9), ("medicare", 7), ("medicaid", 3), ("unknown", 1)],
    "sex": [("female", 120), ("male", 1)],
    "gender_identity": [("woman", 90), ("man", 1), ("non_binary", 1), ("unknown", 20)],
    "age_band": [("18-39", 2), ("40-49", 5), ("50-59", 6), ("60-69", 5), ("70-79", 2), ("80+", 1)],
    "race": [("white", 20), ("black", 7), ("asian", 3), ("other", 1), ("unknown", 2)],
    "ethnicity": [("not_hispanic", 14), ("hispanic", 3), ("unknown", 1)],
    "breast_density": [("a", 1), ("b", 4), ("c", 4), ("d", 1), ("unknown", 3)],
}
PROCEDURES = [
    ("us_breast", "appropriate", 40),
    ("mammography_diagnostic", "appropriate", 22),
    ("dbt_diagnostic", "appropriate", 24),
    ("mri_breast_without_and_with_contrast", "appropriate", 60),
    ("fdg_pet_ct_skull_base_to_mid_thigh", "not_appropriate", 6),
    ("mri_breast_without_contrast", "not_appropriate", 1),
    ("sestamibi_mbi", "not_appropriate", 1),
    ("contrast_mammography", "unrated", 3),
    ("unmapped", "unrated", 3),
    ("mri_breast_unspecified", "indeterminate", 1),
]
VERDICTS = ("appropriate", "mixed", "may_be", "not_appropriate", "unrated", "indeterminate")
OUTSIDE = [("end_unknown", "n_end_unknown", 1), ("rerouted", "n_rerouted", 3), ("excluded", "n_excluded", 12)]
REASONS = {
    "end_unknown": [("therapy_end_unknown", 1)],
    "rerouted": [("progression", 3), ("discordance", 1), ("metastasis", 5), ("axilla", 4)],
    "excluded": [
        ("cancelled", 8),
        ("collapsed", 30),
        ("not_breast_code", 9),
        ("guidance", 20),
        ("screening", 2),
        ("before_therapy", 50),
        ("after_surgery", 14),
        ("outside_window", 5),
        ("other_purpose", 25),
        ("contralateral", 3),
        ("too_early", 8),
        ("under_age", 0.1),
    ],
}
READINGS = {
    "as_defined": "as defined",
    "context_reroutes_put_back": "orders rerouted only by their stated context put back",
    "exceptions_set_aside": "orders with a documented exception set aside",
    "assumed_pet_indeterminate": "FDG-PET without a stated purpose counted as indeterminate",
    "unresolved_included": "cases of unresolved intent included",
}
Z = 1.959963984540054


def pick(rng, choices):
    return rng.choices(
        [choice[:-1] if len(choice) > 2 else choice[0] for choice in choices], [choice[-1] for choice in choices]
    )[0]


def wilson(hits, total):
    """The interval the SQL computes, here only so that made-up tables look like real ones."""
    if not total:
        return None, None
    share, spread = hits / total, Z * math.sqrt(hits * (total - hits) / total + Z * Z / 4)
    return max(0.0, (hits + Z * Z / 2 - spread) / (total + Z * Z)), min(
        1.0, (hits + Z * Z / 2 + spread) / (total + Z * Z)
    ) if share < 1 else 1.0


def with_rates(row):
    bad = row["n_mixed"] + row["n_may_be"] + row["n_not_appropriate"]
    rated, index = row["n_appropriate"] + bad, row["n_index"]
    withheld = bool(index) and (row["n_unrated"] + row["n_indeterminate"]) / index > 0.15
    shown = rated and not withheld
    low, high = wilson(row["n_appropriate"], rated) if shown else (None, None)
    return row | {
        "rate": row["n_appropriate"] / rated if shown else None,
        "ci_low": low,
        "ci_high": high,
        "bound_low": row["n_appropriate"] / index if index else None,
        "bound_high": (index - bad) / index if index else None,
        "is_withheld": withheld,
    }


def people(n_cases, seed, start=date(2022, 1, 1), days=1095, strata=STRATA, procedures=PROCEDURES):
    """Index orders and the orders around them, one dict each."""
    rng, orders = random.Random(seed), []
    for number in range(n_cases):
        case = {name: pick(rng, values) for name, values in strata.items()} | {"case_id": f"p{number}#1"}
        for measure, chance in (("post_completion", 0.75), ("on_treatment", 0.3)):
            if rng.random() < chance:
                orders += index_orders(rng, case, measure, start + timedelta(rng.randrange(days)), procedures)
            for _ in range(rng.randrange(4)):
                orders.append(other_order(rng, case, measure, start + timedelta(rng.randrange(days)), procedures))
    return orders


def beside_the_measure(orders, measure, n_single, n_double=0):
    """So many cases with one index order and with two put into the tier unresolved: of that measure alone, all appropriate."""
    index = {}
    for order in orders:
        if order["kind"] == "index":
            index.setdefault(order["case_id"], []).append(order)
    fit = [case for case, of in index.items() if {(order["measure"], order["result"]) for order in of} == {(measure, "appropriate")}]
    single, double = ([case for case in fit if len(index[case]) == count] for count in (1, 2))
    moved = {*single[:n_single], *double[:n_double]}
    assert len(moved) == n_single + n_double
    return [order | {"intent_tier": "unresolved"} if order["case_id"] in moved else order for order in orders]


def index_orders(rng, case, measure, day, procedures):
    count = rng.choices((1, 2), (8, 2))[0]
    orders = []
    for procedure, result in (pick(rng, procedures) for _ in range(count)):
        exception = result == "not_appropriate" and rng.random() < 0.15
        assumed = procedure.startswith("fdg") and rng.random() < 0.4
        orders.append(
            case
            | {
                "measure": measure,
                "day": day,
                "kind": "index",
                "procedure": procedure,
                "result": result,
                "exception": exception,
                "assumed": assumed,
            }
        )
    return orders


def other_order(rng, case, measure, day, procedures):
    kind, _ = pick(rng, OUTSIDE)
    return case | {
        "measure": measure,
        "day": day,
        "kind": kind,
        "reason": pick(rng, REASONS[kind]),
        "procedure": pick(rng, procedures)[0],
    }


def verdict(results):
    good, bad = "appropriate" in results, "not_appropriate" in results
    if good or bad:
        return "mixed" if good and bad else "appropriate" if good else "not_appropriate"
    return "unrated" if "unrated" in results else "indeterminate"


def units(orders, measure, basis, reading="as_defined"):
    """The orders or episodes a row counts: result, day, strata, exception."""
    index = [dict(order) for order in orders if order["measure"] == measure and order["kind"] == "index"]
    for order in index:
        if reading == "assumed_pet_indeterminate" and order["assumed"]:
            order["result"] = "indeterminate"
    if reading == "exceptions_set_aside":
        index = [order for order in index if not order["exception"]]
    if basis == "order":
        return index
    groups = {}
    for order in index:
        groups.setdefault(order["case_id"], []).append(order)
    return [
        group[0]
        | {
            "result": verdict({order["result"] for order in group}),
            "exception": any(order["exception"] for order in group),
            "procedure": group[0]["procedure"] if len({order["procedure"] for order in group}) == 1 else "several",
        }
        for group in groups.values()
    ]


def counted(rows, around):
    row = {f"n_{name}": sum(1 for unit in rows if unit["result"] == name) for name in VERDICTS}
    return (
        {"n_index": len(rows)}
        | row
        | {column: sum(1 for order in around if order["kind"] == kind) for kind, column, _ in OUTSIDE}
        | {"n_exception": sum(1 for unit in rows if unit["exception"])}
    )


def periods(day):
    return {
        "year": date(day.year, 1, 1),
        "quarter": date(day.year, (day.month + 2) // 3 * 3 - 2, 1),
        "month": date(day.year, day.month, 1),
    }


def compliance(orders, with_calendar=True, strata=STRATA):
    rows = []
    for measure in ("post_completion", "on_treatment"):
        for basis in ("episode", "order"):
            index = units([order for order in orders if order["intent_tier"] != "unresolved"], measure, basis)
            around = [
                order
                for order in orders
                if order["measure"] == measure and order["kind"] != "index" and order["intent_tier"] != "unresolved"
            ]
            outside = units([order for order in orders if order["intent_tier"] == "unresolved"], measure, basis)
            outside_around = [
                order
                for order in orders
                if order["measure"] == measure and order["kind"] != "index" and order["intent_tier"] == "unresolved"
            ]
            key = {
                "measure": measure,
                "basis": basis,
                "period_grain": "all",
                "period_start": None,
                "stratum": "all",
                "stratum_value": "all",
            }
            rows.append(key | counted(index, around))
            for grain in ("year", "quarter", "month") if with_calendar else ():
                starts = sorted({periods(unit["day"])[grain] for unit in index + around})
                rows += [
                    key
                    | {"period_grain": grain, "period_start": begin}
                    | counted(
                        [unit for unit in index if periods(unit["day"])[grain] == begin],
                        [unit for unit in around if periods(unit["day"])[grain] == begin],
                    )
                    for begin in starts
                ]
            for stratum in (*strata, "procedure"):
                beside = (outside, outside_around) if stratum == "intent_tier" else ([], [])
                here, around_here = index + beside[0], around + beside[1]
                for value in sorted({unit[stratum] for unit in here + around_here}):
                    rows.append(
                        key
                        | {"stratum": stratum, "stratum_value": value}
                        | counted(
                            [unit for unit in here if unit[stratum] == value],
                            [unit for unit in around_here if unit[stratum] == value],
                        )
                    )
    rows = [with_rates(row) for row in rows]
    for row in rows:
        rated = row["n_index"] - row["n_unrated"] - row["n_indeterminate"] - row["n_exception"]
        row["rate_without_exception"] = row["n_appropriate"] / rated if rated and row["rate"] is not None else None
        row["suppressed"] = False
    return pl.DataFrame(rows, schema_overrides={"period_start": pl.Date, "rate": pl.Float64}, infer_schema_length=None)


def sensitivity(orders):
    rows = []
    for measure in ("post_completion", "on_treatment"):
        for basis in ("episode", "order"):
            for reading, label in READINGS.items():
                kept = (
                    orders
                    if reading == "unresolved_included"
                    else [order for order in orders if order["intent_tier"] != "unresolved"]
                )
                row = counted(units(kept, measure, basis, reading), [])
                row = {"measure": measure, "basis": basis, "reading": reading, "label": label} | {
                    name: value for name, value in row.items() if name[2:] in (*VERDICTS, "index")
                }
                rows.append(with_rates(row))
    return pl.DataFrame(rows, schema_overrides={"rate": pl.Float64}, infer_schema_length=None)


def multiverse(orders):
    """The headline of made-up people under every definition. Not among `tables`: it takes as long as all of them."""
    with (ROOT / "rules" / "multiverse.csv").open(encoding="utf-8") as text:
        choices = list(csv.DictReader(text))
    grid = {axis: [row["value"] for row in choices if row["axis"] == axis] for axis in dict.fromkeys(row["axis"] for row in choices)}
    declared = ("84", "7", "28", "performed", "rated", "explicit+inferred+presumptive", "all")
    episodes, rows = {}, []
    for choice in product(*grid.values()):
        named = dict(zip(grid, choice, strict=True))
        placed = choice[:2] + choice[3:5]  # min_response_days moves nothing after completion
        if placed not in episodes:
            reading = "assumed_pet_indeterminate" if named["assumed_pet"] == "indeterminate" else "as_defined"
            there = [order for order in orders if is_in_time(order, *placed[:3])]
            episodes[placed] = units(there, "post_completion", "episode", reading)
        counted_ones = [
            one for one in episodes[placed]
            if named["tiers"] == "all" or one["intent_tier"] in named["tiers"].split("+")
            if named["therapy_classes"] in ("all", one["therapy_class"])
        ]
        counts = {name: n for name, n in counted(counted_ones, []).items() if name[2:] in (*VERDICTS, "index")}
        days = {axis: int(value) for axis, value in list(named.items())[:3]}
        rows.append(with_rates({"definition": "-".join(choice)} | named | days | {"is_declared": choice == declared} | counts))
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(("rate", "ci_low", "ci_high", "bound_low", "bound_high"), pl.Float64))


def is_in_time(order, window, lead, clock):
    """Who is lost or won by another definition is made up, but always the same."""
    place = hash_of(order["case_id"]) % 100
    return not (window == "56" and place < 4 or lead == "0" and place > 95 or clock == "ordered" and 40 < place < 45)


def steps(funnel, counts):
    """The steps as `rules/attrition_step.csv` words them, with made-up counts: reason → numbers by column."""
    with (ROOT / "rules" / "attrition_step.csv").open(encoding="utf-8") as text:
        words = [row for row in csv.DictReader(text) if row["funnel"] == funnel]
    blank = dict.fromkeys(next(iter(counts.values())), 0)
    return pl.DataFrame(
        [
            {"step": int(row["step"]), "kind": row["kind"], "reason": row["reason"], "label": row["label"]}
            | blank
            | counts.get(row["reason"], {})
            for row in words
        ]
    )


def attrition(orders, n_other):
    def numbers(lines):
        cases = {order["case_id"] for order in lines}
        return {"n_orders": len(lines), "n_cases": len(cases), "n_patients": len(cases)}

    counts = {
        reason: {"n_orders": count, "n_cases": 0, "n_patients": min(count, 800)}
        for reason, count in (
            ("not_imaging", n_other),
            ("no_invasive_cancer", n_other * 2),
            ("exact_duplicate", 12),
            ("quarantined", 3),
        )
    }
    for reason in {order.get("reason") for order in orders} - {None}:
        counts[reason] = numbers([order for order in orders if order.get("reason") == reason])
    for measure in ("post_completion", "on_treatment"):
        counts[f"index_{measure}"] = numbers(
            [order for order in orders if order["kind"] == "index" and order["measure"] == measure]
        )
    total = sum(row["n_orders"] for row in counts.values())
    return steps("orders", counts | {"input": {"n_orders": total, "n_cases": 0, "n_patients": total // 3}})


def case_attrition(orders, n_cases):
    with_index = {order["case_id"] for order in orders if order["kind"] == "index"}
    operated = {case for case in with_index if hash_of(case) % 10}
    removed = {
        "no_therapy_in_time": 77,
        "surgery_first": 239,
        "metastatic_at_start": 50,
        "limited_exposure": 7,
        "unoperated_endocrine": 12,
    }
    counts = removed | {
        "operated_with_response_order": len(operated),
        "unoperated_with_response_order": len(with_index) - len(operated),
        "operated_without_response_order": (n_cases - len(with_index)) * 2 // 3,
        "unoperated_without_response_order": -(-(n_cases - len(with_index)) // 3),
    }
    rows = {reason: {"n_cases": count, "n_patients": count} for reason, count in counts.items()}
    cancers = sum(counts.values())
    return steps(
        "cases",
        rows
        | {
            "cancers": {"n_cases": cancers, "n_patients": cancers},
            "no_invasive_cancer": {"n_cases": 0, "n_patients": 890},
            "persons": {"n_cases": 0, "n_patients": cancers + 890},
        },
    )


def hash_of(case_id):
    return int("".join(letter for letter in case_id if letter.isdigit()))


def unmapped_code(orders):
    """Unmapped index orders come from two codes, in turn; lines with a code of something else from one."""
    unmapped = [order for order in orders if order["kind"] == "index" and order["procedure"] == "unmapped"]
    other = [order for order in orders if order.get("reason") == "not_breast_code"]
    rows = [
        ("LOCAL", "IMG8831", "unmapped_code", unmapped[::2], True),
        ("CPT", "76499", "unmapped_code", unmapped[1::2], False),
        ("CPT", "74177", "not_breast_code", other, False),
    ]
    return pl.DataFrame(
        [
            (
                system,
                code,
                reason,
                len(lines),
                len({order["case_id"] for order in lines}),
                len(lines) if reason == "unmapped_code" else 0,
                is_new,
            )
            for system, code, reason, lines, is_new in rows
        ],
        schema=["code_system", "code", "reason", "n_orders", "n_cases", "n_index", "is_newer_than_review"],
        orient="row",
    )


def notice():
    """Words alone: what a run noticed holds no count."""
    rows = [
        ("history_short", "note", "persons", "whole", "Too few earlier runs.", "Not all is compared.", "Nothing to do."),
        ("site_silent", "warning", "site", "site_f", "site_f: no order lately.", "Its feed may have stopped.", "Ask the site."),
    ]
    return pl.DataFrame(rows, schema=["notice", "severity", "fact", "subject", "says", "means", "next_step"], orient="row")


def quality_warning():
    rows = [
        (
            "code_outside_valid_dates",
            "orders",
            "codes used outside their valid dates",
            14,
            15210,
            "a code used outside its dates may be a typing error",
        ),
        ("side_contradicts_code", "orders", "sides that contradict the code", 3, 15210, "the column was ignored"),
        (
            "exact_duplicate",
            "therapies",
            "exact duplicates dropped",
            120,
            22011,
            "the same row delivered twice counts once",
        ),
        ("quarantined", "diagnoses", "rows in quarantine", 22, 8120, "rows that cannot be read take no part"),
    ]
    return pl.DataFrame(rows, schema=["code", "extract", "label", "n_rows", "n_total", "why"], orient="row")


def quality_result():
    rows = [
        (
            "ORD-01",
            "raw.orders",
            "expect_column_values_to_be_unique",
            "critical",
            "passed",
            0,
            15210,
            "an order counted twice moves every rate",
        ),
        (
            "ORD-07",
            "stg.order_line",
            "expect_column_values_to_not_be_null",
            "warning",
            "failed",
            212,
            15210,
            "orders without a site fall into the stratum unknown",
        ),
        (
            "FND-01",
            "stg.finding",
            "expect_column_values_to_be_in_set",
            "warning",
            "not_applicable",
            0,
            0,
            "the delivery holds no findings",
        ),
        (
            "OUT-03",
            "out.attrition",
            "unexpected_rows_expectation",
            "critical",
            "passed",
            0,
            24,
            "the rows of the attrition add up to the input",
        ),
    ]
    return pl.DataFrame(
        [row + ("run-1", datetime(2026, 11, 22, 10)) for row in rows],
        orient="row",
        schema=[
            "code",
            "table_name",
            "expectation",
            "severity",
            "status",
            "n_unexpected",
            "n_total",
            "why",
            "run_id",
            "checked_at",
        ],
    )


def audit_run():
    return pl.DataFrame(
        [
            {
                "run_id": "20261122-made-up",
                "as_of": date(2025, 1, 31),
                "started_at": datetime(2026, 11, 22, 9, 58),
                "finished_at": datetime(2026, 11, 22, 10),
                "deid_mode": "limited_data_set",
                "all_orders_after_first_edition": False,
                "source": "contract",
                "inputs": json.dumps({"orders.csv": "ab" * 32}),
                "rules_hash": "c" * 64,
                "sql_hash": "d" * 64,
                "versions": json.dumps({"imaging-order-audit": "0.1.0", "duckdb": "1.5.6"}),
                "parameters": json.dumps({"window_days": "84", "clock": "performed", "maturity_share": "0.90"}),
                "row_counts": json.dumps({"raw.orders": 15210, "stg.quarantine": 4}),
                "settings_hash": "e" * 64,
            }
        ]
    )


def tables(n_cases=1400, seed=7, with_calendar=True, strata=STRATA, **how):
    orders = people(n_cases, seed, strata=strata, **how)
    later = later_orders(orders, seed)
    beside = tables_beside(orders, later, n_cases, seed, lambda case_id: hash_of(case_id) % 10 > 0, wilson)
    if not with_calendar:
        beside["maturity"] = beside["maturity"].filter(period_grain="all")
    return beside | {
        "compliance": compliance(orders, with_calendar, strata),
        "attrition": attrition(orders + later, n_other=n_cases * 3),
        "case_attrition": case_attrition(orders, n_cases),
        "unmapped_code": unmapped_code(orders),
        "sensitivity": sensitivity(orders),
        "notice": notice(),
        "quality_warning": quality_warning(),
        "quality_result": quality_result(),
        "audit_run": audit_run(),
    }
