"""The SPEC in boring Python: an independent second implementation, to compare the SQL with.

    audit(delivery, load_rules("rules"), settings) → the tables of `out`, as lists of dicts

It reads the rule rows, as the SQL does, and nothing else of the project: never sql/, never
flows/. Speed and elegance do not matter here; being easy to check against the SPEC does.

settings: deid_mode, and where wanted as_of, data_from, parameters (overrides by name, the
clock among them), conditional_surgery (code system, code), all_orders_after_first_edition,
edition_override.
"""

from collections import Counter
from datetime import date

from oracle_beside import edition_change_rows, scenario_compliance_rows, scenario_episode_rows, staging_rows
from oracle_cases import case_row, cases_of
from oracle_counts import (
    compliance_rows,
    episode_rows,
    final_step,
    sensitivity_rows,
    unmapped_rows,
)
from oracle_exams import case_of_order, clock_of, line_of, make_exams
from oracle_labels import label_of, mark_index_orders
from oracle_reroutes import mark_reroute_index_orders
from oracle_rows import by_code, code_of, load_rules, parameters, read_delivery
from oracle_secondary import case_radiation_rows, maturity_rows, secondary_rows, worklist_rows
from oracle_series import standing
from oracle_study import Study

__all__ = ["audit", "load_rules"]


def audit(delivery, rules, settings):
    delivery, n_superseded = standing(delivery)
    world = world_of(delivery, rules, settings)
    people, n_orders, n_after = read_delivery(delivery, rules, settings)
    funnel = Counter(input=n_orders + n_superseded, superseded=n_superseded, after_as_of=n_after)
    cases, lines_of_all, labels, put_back = [], [], [], []
    for patient_id, person in sorted(people.items()):
        mine = cases_of(patient_id, person, world)
        lines = lines_of_cases(person, mine, world, funnel)
        cases += mine
        lines_of_all += lines
        labels += [label_of(line, person, world, ticked=True) for line in lines]
        put_back += [label_of(line, person, world, ticked=False) for line in lines]
    index, put_back_index = mark_index_orders(labels), mark_index_orders(put_back)
    reroute_index = mark_reroute_index_orders(labels)
    funnel.update(final_step(label) for label in labels)
    study = study_of(people, cases, lines_of_all, labels, index, world)
    return {
        "neoadjuvant_case": [case_row(case) for case in cases],
        "order_label": labels,
        "episode": episode_rows(index),
        "compliance": compliance_rows(index, labels, cases, world),
        "sensitivity": sensitivity_rows(index, put_back_index, cases, world),
        "attrition": {reason: n for reason, n in sorted(funnel.items()) if n},
        "unmapped_code": unmapped_rows(labels),
        "edition_change": edition_change_rows(labels),
        "scenario_episode": scenario_episode_rows(reroute_index),
        "scenario_compliance": scenario_compliance_rows(reroute_index, cases, world),
        "staging_workup": staging_rows(reroute_index, lines_of_all, world),
        "secondary_measure": secondary_rows(study),
        "case_radiation": case_radiation_rows(study),
        "maturity": maturity_rows(study),
        "worklist": worklist_rows(index),
    }


def study_of(people, cases, lines, labels, index, world):
    of_case = {}
    for label in labels:
        of_case.setdefault(label["case_id"], []).append(label)
    neoadjuvant = [case for case in cases if case.is_case]
    return Study(neoadjuvant, people, {line.id: line for line in lines}, of_case, index, world)


def lines_of_cases(person, cases, world, funnel):
    """The imaging order lines of the person's cases, in exams; counts those that go before."""
    person["lines"], mine = [], []
    for order in person["orders"]:
        line = line_of(order, person, world)
        if line is None:
            funnel["not_imaging"] += 1
            continue
        person["lines"].append(line)
        line.clock_on = clock_of(order, world)
        line.case = case_of_order(line.clock_on, cases, world) if cases else None
        reason = why_outside(line, cases)
        if reason:
            funnel[reason] += 1
        else:
            mine.append(line)
    make_exams(mine, world)
    return mine


def why_outside(line, cases):
    if not cases:
        return "no_invasive_cancer"
    return line.case.reason if line.case else "before_cancer"


def world_of(delivery, rules, settings):
    """What every rule may look at: parameters, value sets by code, editions, settings."""
    data_from = settings.get("data_from")
    return {
        **parameters(rules, settings),
        "rules": rules,
        "deid_mode": settings["deid_mode"],
        # Without a true calendar a day of the delivery cannot be held against this date.
        "data_from": date.fromisoformat(str(data_from)) if data_from
        and settings["deid_mode"] == "limited_data_set" else None,
        "all_orders_after_first_edition": settings.get("all_orders_after_first_edition"),
        "edition_override": settings.get("edition_override"),
        "conditional_surgery": {
            (system, code_of(system, code))
            for system, code in settings.get("conditional_surgery") or []
        },
        **{name: by_code(rules[name]) for name in
           ("imaging", "diagnosis", "therapy", "surgery", "radiation")},
        "biopsy": biopsy_codes(code_map(delivery, rules), rules),
        "procedure": {row["procedure"]: row for row in rules["procedure"]},
        "merge": {(row["merge_modality"], row["contrast"]): row["procedure"]
                  for row in rules["merge"]},
        "otherwise": {(row["requires"], row["procedure"]): row["otherwise"] for row in rules["otherwise"]},
        "no_exam": {row["procedure"] for row in rules["no_exam"]},
        "editions": sorted(
            ((row["edition"], date.fromisoformat(row["effective_from"]))
             for row in rules["edition"]), key=lambda pair: pair[1]),
        "bands": {int(row["level"]): (float(row["msv_low"]), float(row["msv_high"]))
                  for row in rules["radiation_level"]},
        "rating": {(row["edition"], row["variant"], row["procedure"]): row
                   for row in rules["rating"]},
        "alias": {(row["edition"], row["procedure"], row["scope"]): row["rated_as"]
                  for row in rules["procedure_alias"]},
        "exception_words": {row["word"] for row in rules["vocabulary"]
                            if row["vocabulary"] == "context" and row["role"] == "exception"},
        "code_map": code_map(delivery, rules),
    }


def biopsy_codes(mapped, rules):
    """Decision 118: a local code does what the procedure does that the site maps it to, unless a row says otherwise."""
    of_procedure = {row["procedure"]: row for row in rules["biopsy_procedure"]}
    known = by_code(rules["biopsy"])
    local = {
        key: [{**of_procedure[procedure], "laterality": None}]
        for key, procedure in mapped.items() if key[0] == "LOCAL" and procedure in of_procedure
    }
    return {**local, **known}


def code_map(delivery, rules):
    spellings = {row["written"]: row["code_system"] for row in rules["code_system"]}
    mapped = {}
    for row in delivery.get("code_map") or []:
        written = row["code_system"].strip().lower()
        system = spellings.get(written, written.upper())
        procedure = row["procedure"].strip()
        is_none = procedure.upper() == "NOT_BREAST"
        mapped[system, code_of(system, row["code"])] = (
            "NOT_BREAST" if is_none else procedure.lower()
        )
    return mapped
