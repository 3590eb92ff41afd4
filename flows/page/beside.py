"""What of the tables beside the measure stands on the page, and in which order. Their words stand in reports/."""

from flows.headline import MEASURE_WORDS

MEASURES = tuple(MEASURE_WORDS)
GRAINS = ("all", "year", "quarter")


def beside(rows):
    """What the templates beside.html and trust.html may say: rows of released tables, chosen and sorted."""
    return {
        "questions": sorted(rows["scenario_compliance"], key=lambda row: (row["label"] or row["scenario"], row["basis"])),
        "question_labels": {row["scenario"]: row["label"] for row in rows["scenario_compliance"]},
        "workups": sorted(rows["staging_summary"], key=_flagged_first),
        "changes": changes(rows["edition_change"]),
        "edition_readings": edition_readings(rows["sensitivity"]),
        "secondary": sorted((row for row in rows["secondary_measure"] if row["period_grain"] == "all"), key=lambda row: row["position"]),
        "radiation": radiation(rows["radiation"]),
        "alarms": [row for row in watched(rows["validity"]) if row["is_alarm"]],
        "watched": watched(rows["validity"]),
        "immature": [row for row in sorted(rows["maturity"], key=_by_time) if row["is_immature"] and row["period_grain"] != "all"],
        "maturity_is_hidden": any(row["is_immature"] is None for row in rows["maturity"]),
        "maturity": side_by_side(sorted(rows["maturity"], key=_by_time), ("period_grain", "period_start")),
        "label_basis": side_by_side(sorted(rows["label_basis"], key=lambda row: (row["aspect"], row["kind"])), ("aspect", "kind")),
    }


def with_maturity(compliance, maturity):
    """Each row of the measure with the word whether its period is immature."""
    immature = {_period(row) for row in maturity if row["is_immature"]}
    return [row | {"is_immature": row["period_grain"] != "all" and _period(row) in immature} for row in compliance]


def changes(rows):
    """Pairs of answers that differ, then those that do not; the audited question first."""

    def order(row):
        return row["question"] != "breast_response", row["question"], -(row["n_orders"] or 0), row["answer_then"], row["answer_now"]

    return {is_moved: sorted((row for row in rows if row["is_moved"] is is_moved), key=order) for is_moved in (True, False)}


def edition_readings(sensitivity):
    """The headline as defined and by the current edition, under each other; nothing where the second was not counted."""
    names = ("as_defined", "current_edition")
    rows = [row for row in sensitivity if row["basis"] == "episode" and row["reading"] in names]
    rows.sort(key=lambda row: (MEASURES.index(row["measure"]), names.index(row["reading"])))
    return rows if any(row["reading"] == "current_edition" for row in rows) else []


def radiation(rows):
    """Procedures that radiate, and those that do not or whose level is not known: nothing is added for these."""
    rows = sorted(rows, key=lambda row: (-(row["msv_high"] or 0), -(row["n_exams"] or 0), row["procedure"]))
    return {does: [row for row in rows if bool(row["radiation_level"]) is does] for does in (True, False)}


def watched(validity):
    """Alarms first, the headline before what stands beside it."""
    order = ("rate_low", "rate_full", "response_imaging", "laterality")
    measures = ("all", *MEASURES)
    return sorted(validity, key=lambda row: (not row["is_alarm"], order.index(row["alarm"]), measures.index(row["measure"])))


def side_by_side(rows, key):
    """One row per key, with the rows of both measures in it."""
    found = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in key), {})[row["measure"]] = row
    return [dict(zip(key, values, strict=True)) | {"by_measure": by_measure} for values, by_measure in found.items()]


def _flagged_first(row):
    return not row["is_all_three"], {True: 0, False: 1, None: 2}[row["follows_either_or"]], row["workup"]


def _period(row):
    return row["measure"], row["period_grain"], row["period_start"]


def _by_time(row):
    return GRAINS.index(row["period_grain"]), str(row["period_start"] or ""), MEASURES.index(row["measure"])
