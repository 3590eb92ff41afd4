"""What was delivered and what became of it; and how a person takes a delivery out again."""

import os

import typer

from flows import doors, ledger, releases
from flows.answers.runs import table, when
from flows.arrival.days import remember_withdrawn
from flows.arrival.drop import arrived
from flows.delivery import series
from flows.errors import DeliveryError, NotFoundError, safely
from flows.workspace import held

TITLES = ("Delivery", "Covers to", "Arrived (UTC)", "Rows", "Stand", "Superseded", "State")
COUNTS = ("n_rows", "n_standing", "n_superseded")


def rows(settings):
    """Every delivery of the series, then every one of the drop folder that is not in it, as far as the newest result tells."""
    known = [*_of_the_series(settings), *(_of_the_drop(settings) if settings.drop and settings.drop.is_dir() else ())]
    return sorted(known, key=lambda row: (row["covers_to"] is None, row["covers_to"] or ""))


def as_table(rows):
    if not rows:
        return "There is no delivery."
    return table(TITLES, map(_line, rows))


def nothing_due(settings):
    """Why no audit was due: a folder whose every delivery was refused is not one whose every day is audited."""
    states = [row["state"] for row in rows(settings)]
    n_refused = states.count("refused")
    refused = f"{n_refused} {'was' if n_refused == 1 else 'were'} refused; imaging-audit deliveries says why"
    if not states:
        return "Nothing is due: there is no delivery."
    if not {"accepted", "withdrawn"} & set(states):
        if n_refused:
            return f"Nothing is due: no delivery was accepted, {refused}."
        return "Nothing is due: no delivery was accepted yet; imaging-audit deliveries says what is waited for."
    if n_refused:
        return f"Nothing is due: every day that was accepted is audited; of what was delivered, {refused}."
    return "Nothing is due: every day that was delivered is audited."


def withdraw(settings, name, reason):
    """A mark in the delivery's folder, in one step; removing the file takes it back."""
    if not (reason or "").strip():
        raise typer.BadParameter("say with --reason why it is withdrawn")
    found = series.deliveries(settings.extracts, withdrawn=True) if series.is_series(settings.extracts) else []
    delivery = next((each for each in found if each.name == name), None)
    if delivery is None:
        step = "imaging-audit deliveries lists those that there are"
        raise NotFoundError("no delivery of that name is in the series", where=settings.extracts, next_step=step)
    with held(settings), safely(debug=settings.debug):
        if series.reason(delivery) is None:
            aside = delivery.folder / f".{series.WITHDRAWN}.new"
            aside.write_text(" ".join(reason.split()) + "\n", encoding="utf-8")
            os.replace(aside, delivery.folder / series.WITHDRAWN)
            releases.flush(delivery.folder)
            remember_withdrawn(settings.out, delivery)


def _of_the_series(settings):
    accepted = {entry["delivery"]: entry for entry in ledger.of(settings.out, "accepted")}
    counts = _counts(settings.out)
    found = series.deliveries(settings.extracts, withdrawn=True) if series.is_series(settings.extracts) else []
    for each in found:
        entry, why = accepted.get(each.name), series.reason(each)
        audited = counts.get(each.name) if why is None else None
        came = sum(entry["rows"].values()) if entry and entry["rows"] else None
        yield {
            "delivery": each.name,
            "covers_to": each.covers_to.isoformat(),
            "arrived": when(entry) if entry else None,
            **(audited or dict.fromkeys(COUNTS) | {"n_rows": came}),
            "state": "accepted" if why is None else "withdrawn",
            "why": why,
        }


def _counts(out):
    """{delivery: counts} as the result that is shown has them."""
    import duckdb

    if not (out / "audit.duckdb").exists():
        return {}
    summed = ", ".join(f"cast(sum({name}) as bigint)" for name in COUNTS)
    with duckdb.connect(str(out / "audit.duckdb"), read_only=True, config=doors.ONE_DATABASE) as con:
        try:
            found = con.execute(f"select delivery, {summed} from stg.delivery_extract group by delivery").fetchall()
        except duckdb.CatalogException:  # a result from before there were series
            return {}
    return {row[0]: dict(zip(COUNTS, row[1:], strict=True)) for row in found}


def _of_the_drop(settings):
    entries = {entry["seen"]: entry for entry in ledger.read(settings.out) if entry.get("seen")}
    for each in arrived(settings.drop):
        entry = entries.get(each.seen)
        if entry and entry["event"] == "accepted":
            continue
        covers_to = series.covered(each.folder.name)
        yield {
            "delivery": each.name,
            "covers_to": covers_to and covers_to.isoformat(),
            "arrived": when(entry) if entry else None,
            **dict.fromkeys(COUNTS),
            **_state(each, entry),
        }


def _state(each, entry):
    state, why = _known(entry) if entry else _expected(each)
    is_named = series.covered(each.folder.name)
    return {"state": state, "why": why if is_named else f"{why} ({each.place})"}


def _known(entry):
    if entry["event"] == "repeated":
        return "repeated", f"it holds what {entry['delivery']} held"
    return "refused", entry["says"]


def _expected(each):
    """What the next audit makes of it, as far as its files' names tell."""
    lacks = None
    try:
        lacks = each.lacks()
        each.refuse_unfit()
    except DeliveryError as error:
        return "waiting", f"{lacks}; then it will be refused: {error}" if lacks else f"the next audit will refuse it: {error}"
    except OSError as error:  # its own words would name the folder
        return "waiting", f"it cannot be read: {error.strerror}"
    return "waiting", lacks or "complete: the next audit takes it in"


def _line(row):
    counts = (f"{row[name]:,}" if row[name] is not None else "" for name in COUNTS)
    state = f"{row['state']}: {row['why']}" if row["why"] else row["state"]
    return row["delivery"], row["covers_to"] or "", row["arrived"] or "", *counts, state
