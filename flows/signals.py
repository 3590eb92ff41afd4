"""What a published result gives reason to tell: signals of its charts and warnings of its comparison, each recorded once.

Everything is told from the ledger's `published` lines, which outlive a kill: whoever comes next records what is missing.
A signal is the same while its chart, its rule and its periods meet, so that a shift that grows is not news; a site's
while it is not gone for a year. A warning is the same while the run before or after it, by covered day, has it too.
"""

from datetime import date

from flows import incidents, ledger
from flows.noticing import covered_on

GONE_AFTER_DAYS = 365  # a year of runs without it: should a site stand out again, that is news
WHOLE_PROFILE = "The release is not under disclosure control, so that its figures stand in the protected zone alone."


def found(charts, suppression):
    """The signals of a release as the ledger keeps them. charts: of released tables (flows/control/charts.py)."""
    return [_signal(chart, each, suppression) for chart in charts for each in chart["signals"]]


def record(out):
    """Record what no incident tells of yet; how many that were. May be asked again at any time."""
    return incidents.record_all(out, _due(ledger.of(out, "published")))


def _due(published):
    """Every incident that these lines give reason for, in the order in which they were published."""
    signals, noticed, told = [], {}, []
    for entry in published:
        of, on = (entry.get("source"), entry.get("deid_mode")), covered_on(entry)
        told += [_incident("signal", each, entry) for each in _new_signals(entry, of, on, signals)]
        told += [_incident("warning", each, entry) for each in _new_warnings(entry, on, noticed.setdefault(of, {}))]
    return told


def _signal(chart, each, suppression):
    first = each.get("period_start")
    says = f"{chart['title']}. {each['sentence']}" if suppression != "none" else f"{chart['title']}: a signal. {WHOLE_PROFILE}"
    days = {"first": first and first.isoformat(), "last": first and each["period_end"].isoformat()}
    return {"chart": chart["key"], "kind": each["kind"], "site": each.get("site"), **days, "says": says}


def _new_signals(entry, of, on, known):
    """Those that were not known yet; what is known grows with each that goes on."""
    new = []
    for each in entry.get("signals", ()):
        same = next((one for one in known if _is_same(one, each, of, on)), None)
        if same is None:
            known.append(each | {"of": of, "seen": on})
            name = f"{each['site']}/{on}" if each["site"] else each["first"]
            new.append({"key": f"{each['chart']}/{each['kind']}/{name}", "says": each["says"]})
        else:
            same["seen"] = max(same["seen"], on)
            if each["first"]:
                same["first"], same["last"] = min(same["first"], each["first"]), max(same["last"], each["last"])
    return new


def _is_same(one, each, of, on):
    if (one["of"], one["chart"], one["kind"], one["site"]) != (of, each["chart"], each["kind"], each["site"]):
        return False
    if each["site"]:
        return abs((date.fromisoformat(on) - date.fromisoformat(one["seen"])).days) <= GONE_AFTER_DAYS
    return each["first"] <= one["last"] and one["first"] <= each["last"]


def _new_warnings(entry, on, days):
    if "notices" not in entry:
        return []
    rows = {(row["notice"], row["subject"]): row for row in entry["notices"] if row["severity"] == "warning"}
    before, after = max((day for day in days if day < on), default=on), min((day for day in days if day > on), default=on)
    near = {each for day in (before, on, after) for each in days.get(day, ())}
    days[on] = set(rows)
    return [
        {"key": f"{notice}/{subject}/{on}", "says": f"{row['says']} {row['means']} {row['next_step']}"}
        for (notice, subject), row in rows.items()
        if (notice, subject) not in near
    ]


def _incident(kind, each, entry):
    return {"kind": kind, "run_id": entry["run_id"], **each}
