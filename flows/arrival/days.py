"""Which days are to be audited now, and in which order: every day that the series covers, under the rules of now."""

from flows import ledger
from flows.arrival.accept import accept
from flows.delivery import series
from flows.errors import DeidentificationError, DeliveryError, QualityError, QuarantineError, SettingsError, safely
from flows.logs import log
from flows.publish import is_current
from flows.workspace import hash_one, held, named

# What a delivery is to blame for; anything else would stop the audits of other days as well.
OF_THE_DELIVERY = (DeliveryError, DeidentificationError, QuarantineError, QualityError)


def due(settings):
    """The settings of each audit to be done now, the newest day last, once complete deliveries were taken in.

    Those of a past day are filed by whoever runs them, as their day says. An audit changes what is due after it only by
    failing, so each is yielded once; a delivery that arrives meanwhile is for the next call.
    """
    if not is_by_day(settings):
        yield settings
        return
    refuse_unfit(settings)
    with held(settings), safely(debug=settings.debug):
        if settings.drop:
            accept(settings)
        _remember_withdrawn(settings)
        days = _days(settings)
    yield from days


def is_by_day(settings):
    """Whether deliveries come one after another, each covering up to a day."""
    return settings.drop is not None or series.is_series(settings.extracts)


def refuse_unfit(settings):
    """What settings of such a site cannot mean."""
    if settings.as_of:
        raise SettingsError(
            "'as_of' is set, and each day of a series has its own",
            next_step="take it out of the settings; imaging-audit run --as-of audits one day",
        )
    series.refuse_foreign(settings)


def run_due(settings, run_one):
    """run_one(settings) for each audit that is due; gives how many there were.

    An audit that its delivery stops holds up no later day, so that one bad month is not the last one; the error of the
    newest day that failed is raised at the end.
    """
    failure, n_run = None, 0
    for one in due(settings):
        n_run += 1
        try:
            run_one(one)
        except OF_THE_DELIVERY as error:
            log.error("The audit of %s failed: %s", one.as_of or "the delivery", error)
            failure = error
    if failure:
        raise failure
    return n_run


def _days(settings):
    found = series.deliveries(settings.extracts) if series.is_series(settings.extracts) else []
    hashed = {each.name: hash_one(each) for each in found}
    published = {entry["run_id"] for entry in ledger.of(settings.out, "published")}
    days, inputs = [], {}
    for each in found:
        inputs |= hashed[each.name]
        if each is not found[-1] and found[each.position].covers_to == each.covers_to:
            continue  # another delivery of the same day follows
        one = series.on_its_day(settings.model_copy(update={"as_of": each.covers_to}))
        run_id = named(one, inputs)["run_id"]
        is_newest = each is found[-1]
        if not (is_current(settings.out, run_id, settings.proof) if is_newest else run_id in published):
            days.append(one)
    return days


def _remember_withdrawn(settings):
    """The ledger gets its line of a delivery that was withdrawn by hand, or just before a kill."""
    known = {entry["delivery"] for entry in ledger.of(settings.out, "withdrawn")}
    if series.is_series(settings.extracts):
        for each in series.deliveries(settings.extracts, withdrawn=True):
            if series.reason(each) is not None and each.name not in known:
                remember_withdrawn(settings.out, each)


def remember_withdrawn(out, delivery):
    ledger.append(out, {"event": "withdrawn", "run_id": None, "delivery": delivery.name, "says": series.reason(delivery)})
