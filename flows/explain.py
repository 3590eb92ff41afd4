"""The whole story of one order, from the published database: SELECTs find it, Python lays it out."""

import json
from textwrap import fill

from flows import ROOT
from flows.errors import NotFoundError

CHAPTERS = (
    *("order_line", "fate", "label", "cancer", "diagnosis", "course_event"),
    *("phase", "router_trial", "exam_line", "verdict", "calendar"),
)
WIDTH, INDENT = 100, " " * 16
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
            where="table raw.orders, column order_id",
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
    yield from _verdict(label, story["cancer"]) if label else _left(story["fate"])
    yield from _cancers(story, is_read=bool(order))
    if label:
        yield from _phase(label, story["phase"])
        yield from _router(story["router_trial"])
        yield from _exam(story["exam_line"])
        yield from _rating(label)
        yield from _editions(story["verdict"])
        yield from _aside(label)
    yield from _entry("Dates", story["calendar"][0]["meaning"])


def _first(rows):
    return rows[0] if rows else None


def _entry(title, *sentences):
    """A titled paragraph; each sentence starts a line, empty ones are left out."""
    lines = [fill(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT) for text in sentences if text]
    return [f"{title:<16}" + "\n".join(lines).lstrip()] if lines else []


def _listed(*facts):
    return ", ".join(fact for fact in facts if fact)


def _with(word, fact):
    return f"{word} {fact}" if fact is not None else ""


def _in_words(code):
    return code.replace("_", " ")


def _order(order):
    return _entry(
        "Order",
        f"{order['order_id']}: {order['code_system']} {order['code']}, "
        + (order["procedure_label"] or NAMELESS.get(order["kind"], "")),
        _listed(*(_with(word, order[f"{word}_on"]) for word in ("ordered", "scheduled", "performed"))),
        _listed(
            _with("type", order["order_type"]),
            _with("status", order["order_status"]),
            _with("side", order["line_laterality"] or order["stated_laterality"]),
            _with("modifiers", order["modifiers"]),
            _with("context", order["context"]),
            _with("reasons", order["reason_codes"]),
        ),
        f"read from {order['part']}, line {order['line']}",
    )


def _unread(fate):
    return _entry("Order", f"{fate['order_id']}, in {fate['part']}, line {fate['line']}")


def _left(fates):
    return _entry("No label", *(_fate(fate) for fate in fates))


def _fate(fate):
    problems = (fate["problems"] or "").replace(":", ": ").replace(";", ", ")
    where = _listed(fate["part"], _with("line", fate["line"]), problems)
    return f"{fate['label'] or fate['reason']} ({where})"


def _verdict(label, cancers):
    verdict = f"rated {_in_words(label['rating'])}" if label["rating"] else _listed(label["status"], label["reason"])
    tiers = {cancer["case_id"]: cancer["intent_tier"] for cancer in cancers}
    is_beside = label["is_first"] and tiers[label["case_id"]] == "unresolved"
    return _entry(
        "Label",
        verdict,
        _place(label),
        _with("question asked:", label["scenario_label"]),
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
        yield from _entry("Cancer", "the patient has no diagnosis of invasive breast cancer")
    for cancer in story["cancer"]:
        yield from _cancer(cancer)
        if cancer["is_of_order"]:
            yield from _course(cancer, story["course_event"])
            yield from _surgery(cancer)
    yield from _entry("Diagnoses", *(_diagnosis(row) for row in story["diagnosis"]))


def _cancer(cancer):
    return _entry(
        "Cancer",
        _listed(
            cancer["case_id"],
            cancer["laterality"] or "side unknown",
            f"diagnosed {cancer['diagnosed_on']} (diagnosis {cancer['diagnosis_id']})",
        ),
        not cancer["is_of_order"] and "the order does not belong to it",
        "a neoadjuvant case" if cancer["is_case"] else f"not a neoadjuvant case: {cancer['not_case_reason']}",
        _with("distant metastasis: diagnosis", cancer["metastasis_id"]),
        _with("radiation before systemic therapy:", cancer["radiation_id"]),
    )


def _diagnosis(row):
    return _listed(row["diagnosis_id"], f"invasive, {row['diagnosed_on']}", row["laterality"] or "side unknown")


def _course(cancer, events):
    if cancer["first_dose_on"] is None:
        return _entry("Course", "none: no exposure that can start one")
    agents = sorted({event["agent"] or f"unnamed {_in_words(event['therapy_class'])}" for event in events})
    ends = {True: "its end is known", False: "its end is not known"}
    return _entry(
        "Course",
        f"first dose {cancer['first_dose_on']} ({cancer['first_dose_id']})",
        f"last dose {cancer['last_dose_on']} ({cancer['last_dose_id']})",
        _listed(cancer["therapy_class"], f"{cancer['n_events']} events", ends.get(cancer["is_closed"])),
        f"agents: {_listed(*agents)}",
        _listed(_with("intent", cancer["intent_tier"]), _with("stated by", cancer["intent_id"])),
        _with("surgery planned: order", cancer["planned_surgery_id"]),
    )


def _surgery(cancer):
    if cancer["surgery_on"] is None:
        return _entry("Surgery", "none found")
    return _entry("Surgery", f"{cancer['surgery_on']} ({cancer['surgery_id']}, from {cancer['surgery_source']})")


def _phase(label, rules):
    conditions = (row["condition"] for row in rules)
    return _entry("Phase", f"{label['phase']}, by the clock of {label['clock_on']}", *conditions)


def _router(trials):
    yield "Router"
    for trial in trials:
        found = f" [{trial['found']}]" if trial["found"] else ""
        words = f"{trial['row']:>4}  {trial['outcome']:<13} {trial['condition']}{found}"
        yield fill(words, WIDTH, subsequent_indent=" " * 20)


def _exam(lines):
    return _entry("Exam", *(_line(line) for line in lines)) if len(lines) > 1 else []


def _line(line):
    code = f"{line['order_id']}: {line['code_system']} {line['code']}"
    return _listed(code, line["procedure"], line["laterality"], line["is_representative"] and "speaks for the exam")


def _rating(label):
    if not label["rating"]:
        return []
    rule = f"edition {label['edition']}, variant {label['variant']}"
    return _entry(
        "Rating",
        _listed(f"{label['procedure_label']}: {_in_words(label['rating'])}", _with("score", label["rating_score"])),
        f"{rule}: {label['variant_question']}" if label["variant_question"] else rule,
        label["source_locator"],
        label["is_alias"] and "the exam is matched by the name that the edition has for it",
        label["contrast_assumed"] and "the code does not state the contrast; it is read as with contrast",
        label["purpose_basis"] == "assumed" and "that it was to assess the response is assumed, not stated",
    )


def _editions(verdicts):
    """Where nobody knows which edition was in force, what each of them would have said."""
    said = (_listed(row["edition"], _in_words(row["rating"] or row["reason"])) for row in verdicts)
    return _entry("Editions", *said) if len({row["edition"] for row in verdicts}) > 1 else []


def _aside(label):
    yield from _entry("Other question", _reroute(label))
    yield from _entry("Alternative", label["alternative"])
    yield from _entry("Counterfactual", label["counterfactual"])
    yield from _entry("Exception", label["exception"])
    yield from _entry("Evidence", *(label["evidence"] or "").split("; "))


def _reroute(label):
    if label["reroute_rating"]:
        rating = f"{_in_words(label['reroute_rating'])} in variant {label['reroute_variant']}"
        return f"{rating}: {label['reroute_question']}" if label["reroute_question"] else rating
    return _with("not rated:", label["reroute_reason"])
