"""What the plain-language summary may say: rows of released tables, and in which order."""


def next_steps(run, headline, cases, exams, unmapped, alarms, doubts):
    """What somebody should do first: faults before gaps, gaps before care. The words stand in reports/summary.html.

    doubts: checks that do not hold, and what was noticed beside earlier runs and is more than a note.
    """
    steps = [{"kind": "alarm", "row": row} for row in one_of_each(alarms)]
    if headline["n_index"] == 0:
        steps.append({"kind": "nothing"})
    elif run["deid_mode"] != "limited_data_set" and not run["all_orders_after_first_edition"]:
        steps.append({"kind": "edition"})
    if doubts:
        steps.append({"kind": "doubts", "n": len(doubts)})
    unread = [row["code_system"] == "LOCAL" for row in unmapped if row["reason"] == "unmapped_code" and row["n_index"] != 0]
    if unread:  # a code map takes codes of the site's own catalogue alone
        steps.append({"kind": "unmapped" if any(unread) else "unread", "n": unread.count(any(unread))})
    steps += worst(exams)
    without = cases["operated_without_response_order"]
    if without["n_cases"] != 0:
        steps.append({"kind": "without", "row": without})
    return steps[:4]


def one_of_each(alarms):
    """An alarm of both measures calls for one step."""
    return list({row["next_step"]: row for row in alarms}.values())


def worst(exams):
    """The commonest exam that was not appropriate; where its number cannot be shown, such orders as a whole."""
    shown = [row for row in exams if row["verdict"] == "not_appropriate"]
    if shown:
        return [{"kind": "exam", "row": shown[0]}]
    return [{"kind": "orders"}] if any(row["verdict"] in ("masked", "several") for row in exams) else []


def since(rows):
    """What changed since the last run, by cause, and the headline then and now; None without a run to compare with."""
    if not rows:
        return None
    rows = sorted(rows, key=lambda row: row["position"])
    first = rows[0]
    shown = [name for when in ("then", "now") for name in (f"rate_{when}", f"band_{when}") if first[name] is not None]
    changed = [row for row in rows if row["is_changed"]]
    split = [row for row in rows if row["moves"] is not None]
    most = max(split, key=lambda row: abs(row["moves"]), default=None)
    return {
        "rows": rows, "changed": changed, "headline": first if len(shown) == 2 else None, "shown": shown,
        "split": split, "most": most if most and most["moves"] else None, "step": max((row["moves_step"] or 0 for row in split), default=0),
    }  # fmt: skip
