"""The headline under every definition of the declared grid (SPEC section 9, "Multiverse"). Part of the oracle.

Nothing is derived from anything: the oracle runs itself once for each way to place exams in time, with other parameters.

    multiverse(delivery, rules, settings) → one row per definition
"""

from collections import Counter
from itertools import product

from oracle import lines_of_cases, world_of
from oracle_cases import cases_of, class_groups
from oracle_counts import HEADLINE_TIERS, count, rates, with_assumed_pet_indeterminate
from oracle_labels import label_of, mark_index_orders
from oracle_rows import parameters, read_delivery

IN_TIME = ["window_days", "completion_lead_days", "min_response_days", "clock"]
TIERS = {
    "explicit": {"explicit"},
    "explicit+inferred": {"explicit", "inferred"},
    "explicit+inferred+presumptive": HEADLINE_TIERS,
    "all": HEADLINE_TIERS | {"unresolved"},
}
CLASSES = {
    "chemotherapy": {"chemotherapy"},
    "all": {"chemotherapy", "targeted", "immunotherapy", "unspecified", "endocrine"},
}
PET = ["rated", "indeterminate"]
AS_DECLARED = ("rated", "explicit+inferred+presumptive", "all")


def multiverse(delivery, rules, settings):
    people, _, _ = read_delivery(delivery, rules, settings)
    own = parameters(rules, settings)
    declared = tuple(own[name] for name in IN_TIME)
    grid = list(product([56, 84, 180], [0, 7, 21], [14, 21, 28], ["performed", "ordered"]))
    rows = []
    for placed in grid if declared in grid else [*grid, declared]:
        world = world_of(delivery, rules, with_parameters(settings, placed))
        index, cases = episodes(people, world)
        indexes = {"rated": index, "indeterminate": with_assumed_pet_indeterminate(index)}
        for pet, tiers, classes in product(PET, TIERS, CLASSES):
            is_declared = placed == declared and (pet, tiers, classes) == AS_DECLARED
            # What is not on the grid is told as the site defines it, and not varied any further.
            if placed in grid or is_declared:
                rows.append({
                    **dict(zip(IN_TIME, placed, strict=True)),
                    "assumed_pet": pet, "tiers": tiers, "therapy_classes": classes,
                    "is_declared": is_declared,
                    **counted(indexes[pet], chosen(cases, TIERS[tiers], CLASSES[classes]), world),
                })
    return rows


def with_parameters(settings, placed):
    given = {**(settings.get("parameters") or {}), **dict(zip(IN_TIME, placed, strict=True))}
    return {**settings, "parameters": given}


def episodes(people, world):
    cases, labels = [], []
    for patient_id, person in sorted(people.items()):
        mine = cases_of(patient_id, person, world)
        cases += mine
        lines = lines_of_cases(person, mine, world, Counter())
        labels += [label_of(line, person, world, ticked=True) for line in lines]
    return mark_index_orders(labels), cases


def chosen(cases, tiers, classes):
    return {
        case.cancer.case_id for case in cases
        if case.is_case and case.tier in tiers and class_groups(case)[0] in classes
    }


def counted(index, case_ids, world):
    counts = count(index, "post_completion", "episode", case_ids)
    found = rates(counts, world)
    found.pop("share")
    return {**counts, **found}
