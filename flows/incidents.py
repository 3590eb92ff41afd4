"""What a team should hear of, once each: signals, warnings, refused deliveries, failed runs.

Lines of the ledger, so that a kill loses none; `kind` and `key` say what is the same incident and is not recorded again.
"""

from flows import ledger

KINDS = ("published", "signal", "warning", "refused", "failed")


def record(out, kind, key, says, run_id=None):
    """Whether it is new. says: one or two sentences that may be sent to anybody, so never a patient's value or small count."""
    return record_all(out, [{"kind": kind, "key": key, "says": says, "run_id": run_id}]) == 1


def record_all(out, found):
    """How many of these are new."""
    known, n_new = {(each["kind"], each["key"]) for each in recorded(out)}, 0
    for each in found:
        name = each["kind"], each["key"]
        if each["kind"] not in KINDS:
            raise ValueError(f"no kind of incident: {each['kind']}")
        if name not in known:
            known.add(name)
            n_new += 1
            ledger.append(out, {"event": "incident"} | {fact: each[fact] for fact in ("kind", "key", "says", "run_id")})
    return n_new


def recorded(out):
    """Every incident so far, oldest first."""
    return ledger.of(out, "incident")


def untold(out):
    """Those that no message has told of yet."""
    told = {tuple(each) for entry in ledger.of(out, "told") for each in entry["incidents"]}
    return [entry for entry in recorded(out) if (entry["kind"], entry["key"]) not in told]


def tell(out, incidents):
    """Remember that a message told of these."""
    ledger.append(out, {"event": "told", "run_id": None, "incidents": [[each["kind"], each["key"]] for each in incidents]})
