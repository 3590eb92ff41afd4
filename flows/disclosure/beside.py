"""What may be shown of the tables that stand beside the measure: secondary measures, other questions, radiation, maturity.

Their counts hang together with those of the measure in many ways. Instead of following every chain of differences, counts are
given in tens and shares in steps (flows/disclosure/rounding.py). What another table hides is hidden here
(flows/disclosure/elsewhere.py), and rows that add up are closed by the rule of flows/disclosure/groups.py.
"""

import csv
import functools
import json
import math

from flows import ROOT
from flows.disclosure.elsewhere import Elsewhere
from flows.disclosure.groups import SHOWN, Group, is_small, settle
from flows.disclosure.rounding import band, coarse_share, names_of_closed, share_of, tens
from flows.disclosure.states import within

BESIDE = (
    *("secondary_measure", "scenario_compliance", "edition_change", "staging_summary"),
    *("radiation", "maturity", "label_basis", "validity"),
)
BELOW = 0.8  # where the band below_80 ends
DAYS = ("median_days", "q1_days", "q3_days")
DOSES = ("msv_low", "msv_high")
FINER = {"all": "year", "year": "quarter"}
OUTCOMES = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate")


def close_beside(rows, small, compliance):
    """The rows of every table in BESIDE, coarse; `rows` (name → list of dicts) changes in place."""
    known = Elsewhere(rows, compliance)
    is_open = may_show_avoidable(rows, small)
    rows["secondary_measure"] = [secondary(row, small, known) for row in rows["secondary_measure"] if row["period_grain"] == "all"]
    rows["scenario_compliance"] = [scenario(row, small, known) for row in rows["scenario_compliance"]]
    rows["edition_change"] = edition_change(rows["edition_change"], small, known)
    rows["staging_summary"] = staging(rows["staging_summary"], small, known)
    rows["radiation"] = [radiation(row, small, is_open) for row in rows["radiation"]]
    rows["maturity"] = maturity(rows["maturity"], small, known, json.loads(rows["audit_run"][0]["parameters"]))
    rows["label_basis"] = label_basis(rows["label_basis"], small, known)
    rows["validity"] = [validity(row, rows) for row in rows["validity"]]


def in_groups(rows, key, column, small, is_closed, given, is_known=lambda row: False, hidden=lambda row, total: 0):
    """Each row, the total of its group, and whether it is closed. Some table may show the total: no row is closed alone.

    given(count, row, total): what is given of an open row; one of them must look the same with a unit less, which a closed one
    may then have more, even if all others were known. is_known(row): others do show the count of the row: it is no company.
    hidden(row, total): how many of the total are hidden elsewhere: as many may be missing here for all that is shown.
    """
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    for group in groups.values():
        total = sum(row[column] for row in group)
        closed = {at for at, row in enumerate(group) if row[column] and is_closed(row, total)}
        sizes = [0 if is_known(row) else row[column] for row in group]
        settle([Group(SHOWN, range(len(group)))], closed, sizes.__getitem__, lambda at, sizes=sizes: (sizes[at], at), small)
        still = sorted((sizes[at], at) for at in range(len(group)) if sizes[at] and at not in closed)
        while still and not is_loose(group, column, closed, still, given, total, hidden(group[0], total)):
            closed.add(still.pop(0)[1])
        yield from ((row, total, at in closed) for at, row in enumerate(group))


def is_loose(group, column, closed, still, given, total, n_hidden):
    if closed and not any(given(size, group[at], total) == given(size - 1, group[at], total) for size, at in still):
        return False
    return not n_hidden or sum(group[at][column] - 1 for at in closed) >= n_hidden


def secondary(row, small, known):
    """Days are whole: fractions of a quartile would tell by how many they were divided. Quartiles beside a band would narrow it."""
    part, whole, near = row.pop("numerator"), row["denominator"], known.near(row["measure"], row["part"])
    n = None if near is None and row["is_computable"] else tens(whole, small, near)
    row |= {"denominator": n} | share_of(part, whole, n, small, row["measure"] == "S9" and known.hides_other_side())
    for name in DAYS:
        row[name] = None if n is None or row[name] is None else float(math.floor(row[name] + 0.5))
        row["rate_band"] = row["rate_band"] if row[name] is None else None
    if row["suppressed"] or row["n_unknown_band"]:
        row |= dict.fromkeys((*DOSES, "n_unknown_band")) | {"suppressed": True}
    elif part and row["msv_high"] is not None:
        row |= zip(DOSES, doses(row["msv_low"], row["msv_high"], part, row["rate"] * n), strict=True)
    return row


def scenario(row, small, known):
    rated = sum(row[name] for name in OUTCOMES)
    near = known.asking(row["scenario"], {"order": "n_orders", "episode": "n_cases"}[row["basis"]])
    n = None if near is None else tens(row["n_index"], small, near)
    shown = share_of(row["n_appropriate"], rated, n and tens(rated, small), small)
    if row["is_withheld"] or n is None:
        shown = dict.fromkeys(shown) | {"suppressed": False}
    kept = {name: row[name] for name in ("scenario", "label", "basis", "is_withheld")}
    return kept | shown | {"n_index": n, "is_withheld": kept["is_withheld"] if n is not None else None, "suppressed": shown["suppressed"] or n is None}


def edition_change(rows, small, known):
    def is_closed(row, _):
        return is_small(row["n_orders"], small) or not known.at_least_asking(row["question"])

    def hidden(row, total):
        return 0 if known.asking(row["question"]) is not None else total - known.at_least_asking(row["question"])

    groups = in_groups(rows, lambda row: known.reasons(row["question"]), "n_orders", small, is_closed, lambda count, *_: tens(count, small), hidden=hidden)
    return [counted(row, closed, small) for row, _, closed in groups]


def staging(rows, small, known):
    is_hidden = known.asking("suspected_metastasis") is None
    groups = in_groups(rows, lambda row: None, "n_cases", small, lambda row, _: is_small(row["n_cases"], small), lambda count, *_: tens(count, small))
    return [counted(row, closed or is_hidden, small) for row, _, closed in groups]


def counted(row, is_closed, small):
    counts = {name: None if is_closed else tens(row[name], small) for name in ("n_orders", "n_cases") if name in row}
    return row | counts | {"suppressed": None in counts.values()}


def label_basis(rows, small, known):
    """A closed kind still shows a band, where that fits several counts."""

    def n_of(row, total):
        near = known.in_period(row["measure"], "order")
        return None if near is None else tens(total, small, near)

    def stratum(row):
        return known.stratum(row["measure"], row["aspect"], row["kind"])

    def given(count, row, total):
        return coarse_share(count, total, n_of(row, total), small)

    def is_closed(row, total):
        twin = stratum(row)
        return (twin and twin["n_index"] is None) or given(row["n_index"], row, total) is None

    def is_known(row):
        twin = stratum(row)
        return bool(twin) and twin["n_index"] is not None

    shown = []
    for row, total, closed in in_groups(rows, lambda row: (row["measure"], row["aspect"]), "n_index", small, is_closed, given, is_known):
        part, n = row["n_index"], n_of(row, total)
        share = None if closed else given(part, row, total)
        names = {name: row[name] for name in ("measure", "aspect", "kind")}
        shown.append(names | {"share": share, "share_band": band(part, total, n, small) if closed else None, "suppressed": closed})
    return shown


def radiation(row, small, is_avoidable_open):
    """Bands times tens: what one exam of the procedure gives is public."""
    exams, avoidable = row["n_exams"], row["n_avoidable"]
    shown = {"n_exams": tens(exams, small), "n_cases": tens(row["n_cases"], small)}
    shown["n_avoidable"] = tens(avoidable, small) if is_avoidable_open else avoidable and None
    for prefix, n, given in (("", exams, "n_exams"), ("avoidable_", avoidable, "n_avoidable")):
        names = [prefix + name for name in DOSES]
        if row[names[0]] is not None and n:
            shown |= zip(names, (None, None) if shown[given] is None else doses(row[names[0]], row[names[1]], n, shown[given]), strict=True)
    return row | shown | {"suppressed": None in (shown["n_exams"], shown["n_cases"], shown["n_avoidable"])}


def may_show_avoidable(rows, small):
    """Exams that could be avoided add up to the same over the procedures and in S7: a small count must be free to move."""
    by_measure = [row["numerator"] for row in rows["secondary_measure"] if row["measure"] == "S7" and row["period_grain"] == "all"]
    by_procedure = [row["n_avoidable"] for row in rows["radiation"]]
    others = [number for number in by_procedure if number > small]
    is_loose = all(any(tens(number, small) == tens(number + by, small) for number in others) for by in (-1, 1))
    return is_loose or not any(is_small(number, small) for number in (*by_measure, *by_procedure, sum(by_procedure) - sum(by_measure)))


def doses(low, high, exams, given):
    """So many exams as given, each of the least and the most that the mean of them allows by the ends of bands: a mixture says no more."""
    least = max(end for end in ends() if end <= low / exams + 1e-6)
    most = min((end for end in ends() if end >= high / exams - 1e-6), default=ends()[-1])
    return round(least * given, 1), round(most * given, 1)


@functools.cache
def ends():
    """The ends of the bands of radiation."""
    with (ROOT / "rules" / "radiation_level.csv").open(encoding="utf-8", newline="") as lines:
        return sorted({float(row[name]) for row in csv.DictReader(lines) for name in DOSES})


def maturity(rows, small, known, parameters):
    """Shares by period; years and quarters add up, and how many episodes each holds is known."""
    found = {(row["measure"], row["period_grain"], row["period_start"]): row for row in rows}
    n_of = {key: near and tens(found[key]["n_index"], small, near) for key, near in ((key, known.in_period(key[0], "episode", *key[1:])) for key in found)}
    shares = {key: coarse_share(row["n_settled"], row["n_index"], n_of[key], small) for key, row in found.items()}
    closed = {key for key, share in shares.items() if share is None}
    groups = [Group(key, [other for other in found if is_part(other, key)]) for key in found if key[1] in FINER]
    settle(groups, closed, lambda key: found[key]["n_index"], lambda key: (found[key]["n_index"], str(key)), small)
    limit = float(parameters["maturity_share"])
    shown = []
    for key, row in found.items():
        is_immature, n, whole = row["is_immature"], n_of[key], row["n_index"]
        if key in closed:
            names = names_of_closed(n, small, lambda part, whole: part / whole < limit) if n else {}
            is_immature = names.get((row["n_settled"], whole))
        names = ("measure", "period_grain", "period_start")
        shown.append(dict(zip(names, key, strict=True)) | {
            "settled_share": None if key in closed else shares[key], "is_immature": is_immature, "suppressed": key in closed})
    return shown


def is_part(one, whole):
    return one[0] == whole[0] and one[1] == FINER[whole[1]] and (whole[1] == "all" or within(one[2], whole[:1] + (None,) + whole[1:]))


def validity(row, released):
    """An alarm says no more than the figure that it watches."""
    if row["alarm"] in ("rate_low", "rate_full"):
        key = (row["measure"], "episode", "all", "all")
        (watched,) = [
            each for each in released["compliance"]
            if (each["measure"], each["basis"], each["period_grain"], each["stratum"]) == key
        ]
        value, n, is_rounded = watched["rate"], watched["n_index"], watched["is_rounded"]
        is_below = row["alarm"] == "rate_low" and watched["rate_band"] == "below_80" and row["threshold"] >= BELOW
    else:
        name = {"laterality": "S9", "response_imaging": "S1"}[row["alarm"]]
        (watched,) = [each for each in released["secondary_measure"] if (each["measure"], each["part"]) == (name, row["measure"])]
        value, n, is_below, is_rounded = watched["rate"], watched["denominator"], False, False
        value = round(1 - value, 2) if name == "S9" and value is not None else value
    is_closed = value is None and row["value"] is not None
    is_alarm = True if is_closed and is_below else None if value is None else row["is_alarm"]
    return row | {"value": value, "n": n, "is_alarm": is_alarm, "is_rounded": is_rounded, "suppressed": is_closed or n is None}
