"""What was ever worth telling, from the ledger alone: since when, whether it is still so, and whether somebody was told."""

import json

from flows import incidents, ledger
from flows.answers.runs import table, when
from flows.errors import NotFoundError
from flows.noticing import covered_on

TITLES = ("Since (UTC)", "Kind", "Still so", "Told", "What, and what to do")
WORDS = {True: "yes", False: "no", None: "–"}


def notices(out, as_json=False):
    """Every incident, newest last."""
    if not (out / ledger.NAME).exists():
        step = "imaging-audit run begins one; name its --out folder"
        raise NotFoundError("there is no ledger of runs", where=out / ledger.NAME, next_step=step)
    untold = {(each["kind"], each["key"]) for each in incidents.untold(out)}
    now = _now(ledger.of(out, "published"))
    rows = [_row(each, untold, now) for each in incidents.recorded(out)]
    if as_json:
        return json.dumps(rows, indent=2, ensure_ascii=False)
    return table(TITLES, map(_line, rows)) if rows else "Nothing was worth telling so far."


def _row(each, untold, now):
    is_there = each["key"].startswith(now[each["kind"]]) if each["kind"] in now else None
    facts = {name: each[name] for name in ("recorded_at", "run_id", "kind", "key", "says")}
    return facts | {"is_there": is_there, "is_told": (each["kind"], each["key"]) not in untold}


def _now(published):
    """How the keys begin of what the latest covered day still shows."""
    last = max(published, key=covered_on, default={})  # of one day the first; a later line of it corrects it
    last = [entry for entry in published if covered_on(entry) == covered_on(last)][-1] if published else {}
    signals = [f"{each['chart']}/{each['kind']}/{each['site'] or ''}" for each in last.get("signals", ())]
    warnings = [f"{each['notice']}/{each['subject']}/" for each in last.get("notices", ())]
    return {"signal": tuple(signals), "warning": tuple(warnings)}


def _line(row):
    return when(row), row["kind"], WORDS[row["is_there"]], WORDS[row["is_told"]], row["says"]
