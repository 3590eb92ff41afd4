"""What the rules say of an order: its rating, other editions, other questions, what would have been appropriate."""

from flows.answers.prose import entry, headed, in_words, listed, msv


def told_rating(label, verdicts):
    """The paragraphs from the rating to the evidence; `label` and `verdicts` as sql/explain finds them."""
    yield from _rating(label)
    yield from _editions(verdicts)
    yield from _current(label, verdicts)
    yield from entry("Other question", *_reroute(label))
    yield from entry("Radiation", _radiation(label))
    yield from entry("Alternative", *_alternative(label))
    yield from entry("Counterfactual", *(label["counterfactual"] or "").split(" | "))
    yield from entry("Exception", label["exception"])
    yield from entry("Evidence", *(label["evidence"] or "").split("; "))


def _rating(label):
    if not label["rating"]:
        return []
    rule = f"edition {label['edition']}, variant {label['variant']}"
    return entry(
        "Rating",
        listed(f"{label['procedure_label']}: {in_words(label['rating'])}", headed("score", label["rating_score"])),
        f"{rule}: {label['variant_question']}" if label["variant_question"] else rule,
        label["source_locator"],
        label["is_alias"] and "the exam is matched by the name that the edition has for it",
        label["contrast_assumed"] and "the code does not state the contrast; it is read as with contrast",
        label["purpose_basis"] == "assumed" and "that it was to assess the response is assumed, not stated",
    )


def _editions(verdicts):
    """Where nobody knows which edition was in force, what each of them would have said."""
    possible = [row for row in verdicts if row["could_be_in_force"]]
    said = (listed(row["edition"], _answer(row)) for row in possible)
    return entry("Editions", *said) if len({row["edition"] for row in possible}) > 1 else []


def _current(label, verdicts):
    """The second reading of history, where it differs from the first."""
    then = {"reroute": label["reroute_rating"] or label["reroute_reason"]}
    if label["measure"]:
        then["breast_response"] = label["rating"] or label["reason"]
    for row in verdicts:
        said = then.get(row["question"])
        if row["is_current"] and said and _answer(row) != in_words(said):
            yield from entry("Today", f"the current edition, {row['edition']}, would say: {_answer(row)}")


def _answer(row):
    return in_words(row["rating"] or row["reason"])


def _reroute(label):
    if label["reroute_rating"]:
        rating = f"{in_words(label['reroute_rating'])} in variant {label['reroute_variant']}"
        yield f"{rating}: {label['reroute_question']}" if label["reroute_question"] else rating
    elif label["reroute_reason"]:
        word = "indeterminate" if label["reroute_status"] == "indeterminate" else "not rated"
        yield f"{word}: {label['reroute_reason']}"
    if label["reroute_is_first"]:
        yield f"one of the first orders of the case with this question (number {label['reroute_index_rank']})"


def _radiation(label):
    if label["radiation_level"] is None:
        return None
    band = msv(label["radiation_msv_low"], label["radiation_msv_high"])
    return f"level {label['radiation_level']}, {band} for a standard adult"


def _alternative(label):
    if not label["alternative"]:
        return
    yield label["alternative_label"]
    band = msv(label["alternative_msv_low"], label["alternative_msv_high"])
    difference = label["radiation_level_difference"]
    yield f"level {label['alternative_radiation_level']}, {band}" + (f": {difference} level(s) less" if difference else "")
