"""Telling a team, once: one message about everything that happened since the last one.

What goes out was made to go out: the headline and its row come from the released tables, incidents are written as
sentences without values or small counts, failures are told by their kind. An incident counts as told once one service
has accepted the message, and is then remembered in the ledger; a kill between the two may repeat that one message, for
no service can take a message and our ledger a line in one step. What cannot be remembered (a full disk) is not told
either, or it would be told for ever: the health file is there for that.
"""

from flows import incidents, ledger, telling_services
from flows.answers.runs import rate
from flows.headline import headline
from flows.lock import alone
from flows.logs import FOLDER, log

NAME = "imaging-order-audit"
LIST_AT_MOST = 20
# Kind of incident, its heading in the body, one and several of it in the subject.
PARTS = (
    ("signal", "New signals on the charts", "new signal", "new signals"),
    ("warning", "Warnings", "warning", "warnings"),
    ("refused", "Deliveries that were not accepted", "delivery refused", "deliveries refused"),
    ("failed", "Audits that failed", "audit failed", "audits failed"),
)
UNMASKED = "A result is published without disclosure control (suppression = none), so its figures are not sent."
SYNTHETIC = "SYNTHETIC DATA (made up; no real patient)."
TEST = "A test message: whoever reads this will be told of audits. There is nothing to do."


def tell(settings):
    """Whether a message was accepted. Without addresses, or without news, nothing is sent and nothing imported for it."""
    if not settings.notify.urls:
        return False
    # Two that end at once would tell the same; the second waits for what the first remembers.
    with alone(settings.out / FOLDER / ".telling", seconds=telling_services.SECONDS + 5) as is_ours:
        news = _news(settings) if is_ours else []
        if not news or not _send(settings, *message(settings, news)):
            return False
        incidents.tell(settings.out, news)
        log.info("Told of %d incident(s)", len(news), extra={"event": "told"})
        return True


def test(settings):
    """[(kind of service, whether it accepted a test message)]"""
    label = "" if not settings.is_synthetic else f"{SYNTHETIC}\n\n"
    return telling_services.send(settings.notify.urls, f"{NAME}: test message", f"{label}{TEST}\n")


def record_published(out):
    """A result that is shown is news once. Of several that nobody was told of only the newest counts, for that one is shown."""
    entry = _shown(out)
    if entry:
        says = f"Run {entry['run_id']} is published, as of {entry['as_of']}."
        incidents.record(out, "published", entry["run_id"], says, run_id=entry["run_id"])


def shown(out):
    """Which result is shown, for the health file."""
    entry = _shown(out) or {}
    return {name: entry.get(name) for name in ("run_id", "as_of")}


def count_untold(settings):
    """None where nobody is to be told."""
    return len(_news(settings)) if settings.notify.urls else None


def message(settings, news):
    """Subject and text, to be read in a mail as in a chat: paragraphs and lists, no table, no markup."""
    entry = _shown(settings.out)
    by_kind = {kind: [each for each in news if each["kind"] == kind] for kind in incidents.KINDS}
    is_synthetic = settings.is_synthetic if entry is None else entry["source"] != "delivery"
    is_masked = entry is not None and (is_synthetic or entry["settings"]["suppression"] != "none")
    subject = _subject(entry if is_masked else None, by_kind)
    parts = [
        SYNTHETIC if is_synthetic and not entry else None,  # the headline says so itself
        *_result(settings.out, entry, is_masked, bool(by_kind["published"])),
        *(_list(title, by_kind[kind]) for kind, title, *_ in PARTS),
        _checks(entry) if by_kind["published"] else None,
        _where(settings, entry),
        "Counts are masked as in every export. Whom this is sent to, and of what: [notify] in the settings.",
    ]
    return ("SYNTHETIC: " if is_synthetic else "") + subject, "\n\n".join(part for part in parts if part) + "\n"


def _news(settings):
    about = {*settings.notify.about, *(["refused"] if "warning" in settings.notify.about else [])}
    return [each for each in incidents.untold(settings.out) if each["kind"] in about]


def _shown(out):
    """The ledger's line of the result that is shown; a result of a past day that was only filed is none."""
    entries = [entry for entry in ledger.of(out, "published") if entry.get("is_shown", True)]
    return entries[-1] if entries else None


def _send(settings, subject, body):
    answers = telling_services.send(settings.notify.urls, subject, body)
    refused = [kind for kind, accepted in answers if not accepted]
    if refused:
        then = "the others did" if len(refused) < len(answers) else "the next audit tries again"
        log.warning("The message was not accepted by %s; %s", ", ".join(refused), then, extra={"event": "not_told"})
    return len(refused) < len(answers)


def _subject(entry, by_kind):
    said = [rate(entry["headline"])] if by_kind["published"] and entry else []
    said += ["a new result"] if by_kind["published"] and not entry else []
    for kind, _, one, several in PARTS:
        if n := len(by_kind[kind]):
            said.append(f"{n} {one if n == 1 else several}")
    return f"{NAME}: {'; '.join(said)}"


def _result(out, entry, is_masked, is_new):
    if entry is None:
        return ["No result is published yet."]
    title = "New result" if is_new else "The result published last, which stands"
    return [f"{title}:", _headline(out) if is_masked else UNMASKED]


def _headline(out):
    try:
        return headline(out)
    except Exception as error:  # what is published was taken away or spoilt: the rest is to be told all the same
        return f"Its tables cannot be read ({type(error).__name__})."


def _list(title, found):
    if not found:
        return None
    lines = [f"- {each['recorded_at'][:10]}: {each['says']}" for each in found[-LIST_AT_MOST:]]
    more = len(found) - len(lines)
    return "\n".join([f"{title}:", "", *lines, *([f"- and {more} earlier; ledger.jsonl in the out folder lists them"] if more else [])])


def _checks(entry):
    """Those that did not hold, by name and reason; how many rows each found stays in the ledger."""
    broken = {(each["code"], each["why"]) for each in entry["quality"] if each["status"] in ("failed", "error")}
    lines = [f"- {code}: {why}" for code, why in sorted(broken)]
    return "\n".join(["Quality checks that did not hold, none of them critical:", "", *lines]) if lines else None


def _where(settings, entry):
    lines = [
        f"- Report: {settings.notify.report or f'report.html in the folder {settings.out.resolve().name}'}",
        f"- Period: {_period(entry)}" if entry else None,
        f"- Run: {entry['run_id']}" if entry else None,
    ]
    return "\n".join(line for line in lines if line)


def _period(entry):
    since = entry["settings"].get("data_from")
    return f"{since} to {entry['as_of']}" if since else f"up to {entry['as_of']}"
