"""The whole story of one order, from the published database: SELECTs find it, Python lays it out."""

import json
from textwrap import fill

from flows import ROOT
from flows.answers.explain_rating import told_rating
from flows.answers.prose import WIDTH, entry, headed, in_words, listed
from flows.errors import NotFoundError

CHAPTERS = (
    *("order_line", "superseded_row", "fate", "label", "cancer", "diagnosis", "course_event"),
    *("phase", "router_trial", "exam_line", "verdict", "calendar"),
)
NAMELESS = {
    "unmapped": "a code that may hide a breast exam",
    "not_breast_code": "a code that names no breast exam",
    None: "not an imaging order",
}


def explain(con, order_id, as_json=False):
    """What became of an order and why, as text for a person or as JSON for a program."""
    story = tell(con, order_id)
    if as_json:
        return json.dumps(story, default=str, indent=2, ensure_ascii=False) + "\n"
    return "\n".join(_pages(story)) + "\n"


def tell(con, order_id):
    """The rows of every chapter of an order's story."""
    story = {chapter: _rows(con, chapter, order_id) for chapter in CHAPTERS}
    if not story["fate"]:
        # The id is not repeated: whoever typed it knows it, and a log need not.
        raise NotFoundError(
            "no order of that id is in the published database",
            where="the orders of the delivery",
            next_step="ids are compared as written, capitals and leading zeros included; "
            "out.order_label lists the orders that have a label",
        )
    return story


def _rows(con, chapter, order_id):
    query = (ROOT / "sql" / "explain" / f"{chapter}.sql").read_text(encoding="utf-8")
    found = con.cursor().execute(query, {"order_id": order_id})
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _pages(story):
    order, label = _first(story["order_line"]), _first(story["label"])
    yield from _order(order) if order else _unread(story["fate"][0])
    yield from entry("Superseded", *map(_superseded, story["superseded_row"]))
    yield from _verdict(label, story["cancer"]) if label else _left(story["fate"])
    yield from _cancers(story, is_read=bool(order) or not story["fate"][0]["is_kept"])
    if label:
        yield from _phase(label, story["phase"])
        yield from _router(story["router_trial"])
        yield from _exam(story["exam_line"])
        yield from told_rating(label, story["verdict"])
    yield from entry("Dates", story["calendar"][0]["meaning"])


def _first(rows):
    return rows[0] if rows else None


def _order(order):
    return entry(
        "Order",
        f"{order['order_id']}: {order['code_system']} {order['code']}, "
        + (order["procedure_label"] or NAMELESS.get(order["kind"], "")),
        listed(*(headed(word, order[f"{word}_on"]) for word in ("ordered", "scheduled", "performed"))),
        listed(
            headed("type", order["order_type"]),
            headed("status", order["order_status"]),
            headed("side", order["line_laterality"] or order["stated_laterality"]),
            headed("modifiers", order["modifiers"]),
            headed("context", order["context"]),
            headed("reasons", order["reason_codes"]),
        ),
        f"read from {order['part']}, line {order['line']}",
    )


def _unread(fate):
    return entry("Order", f"{fate['order_id']}, in {fate['part']}, line {fate['line']}")


def _superseded(row):
    return f"{row['part']}, line {row['line']}: came in delivery {row['delivery']}, superseded by delivery {row['superseded_by']}"


def _left(fates):
    return entry("No label", *(_fate(fate) for fate in fates))


def _fate(fate):
    problems = (fate["problems"] or "").replace(":", ": ").replace(";", ", ")
    where = listed(fate["part"], headed("line", fate["line"]), problems)
    return f"{fate['label'] or fate['reason']} ({where})"


def _verdict(label, cancers):
    verdict = f"rated {in_words(label['rating'])}" if label["rating"] else listed(label["status"], label["reason"])
    tiers = {cancer["case_id"]: cancer["intent_tier"] for cancer in cancers}
    is_beside = label["is_first"] and tiers[label["case_id"]] == "unresolved"
    return entry(
        "Label",
        verdict,
        _place(label),
        headed("question asked:", label["scenario_label"]),
        is_beside and "beside the headline, because the intent of the case is unresolved",
    )


def _place(label):
    if label["measure"] is None:
        return "in no measure"
    if label["is_first"]:
        return f"index order {label['index_rank']} of measure {label['measure']}"
    return f"a later order of measure {label['measure']}: another came first"


def _cancers(story, is_read):
    if is_read and not story["cancer"]:
        yield from entry("Cancer", "the patient has no diagnosis of invasive breast cancer")
    for cancer in story["cancer"]:
        yield from _cancer(cancer)
        if cancer["is_of_order"]:
            yield from _course(cancer, story["course_event"])
            yield from _surgery(cancer)
    yield from entry("Diagnoses", *(_diagnosis(row) for row in story["diagnosis"]))


def _cancer(cancer):
    return entry(
        "Cancer",
        listed(
            cancer["case_id"],
            cancer["laterality"] or "side unknown",
            f"diagnosed {cancer['diagnosed_on']} (diagnosis {cancer['diagnosis_id']})",
        ),
        not cancer["is_of_order"] and "the order does not belong to it",
        "a neoadjuvant case" if cancer["is_case"] else f"not a neoadjuvant case: {cancer['not_case_reason']}",
        headed("distant metastasis: diagnosis", cancer["metastasis_id"]),
        headed("radiation before systemic therapy:", cancer["radiation_id"]),
    )


def _diagnosis(row):
    return listed(row["diagnosis_id"], f"invasive, {row['diagnosed_on']}", row["laterality"] or "side unknown")


def _course(cancer, events):
    if cancer["first_dose_on"] is None:
        return entry("Course", "none: no exposure that can start one")
    agents = sorted({event["agent"] or f"unnamed {in_words(event['therapy_class'])}" for event in events})
    ends = {True: "its end is known", False: "its end is not known"}
    return entry(
        "Course",
        f"first dose {cancer['first_dose_on']} ({cancer['first_dose_id']})",
        f"last dose {cancer['last_dose_on']} ({cancer['last_dose_id']})",
        listed(cancer["therapy_class"], f"{cancer['n_events']} events", ends.get(cancer["is_closed"])),
        f"agents: {listed(*agents)}",
        listed(headed("intent", cancer["intent_tier"]), _stated(cancer)),
        cancer["is_intent_conflict"] and "intent in conflict: adjuvant is stated, and surgery followed",
        headed("surgery planned: order", cancer["planned_surgery_id"]),
    )


def _stated(cancer):
    return cancer["intent_id"] and f"stated {cancer['stated_intent']} by {cancer['intent_id']}"


def _surgery(cancer):
    if cancer["surgery_on"] is None:
        return entry("Surgery", "none found")
    return entry("Surgery", f"{cancer['surgery_on']} ({cancer['surgery_id']}, from {cancer['surgery_source']})")


def _phase(label, rules):
    conditions = (row["condition"] for row in rules)
    return entry("Phase", f"{label['phase']}, by the clock of {label['clock_on']}", *conditions)


def _router(trials):
    yield "Router"
    for trial in trials:
        found = f" [{trial['found']}]" if trial["found"] else ""
        words = f"{trial['row']:>4}  {trial['outcome']:<13} {trial['condition']}{found}"
        yield fill(words, WIDTH, subsequent_indent=" " * 20)


def _exam(lines):
    return entry("Exam", *(_line(line) for line in lines)) if len(lines) > 1 else []


def _line(line):
    code = f"{line['order_id']}: {line['code_system']} {line['code']}"
    return listed(code, line["procedure_label"], line["laterality"], line["is_representative"] and "speaks for the exam")
