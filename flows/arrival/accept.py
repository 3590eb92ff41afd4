"""Taking complete deliveries out of the drop folder into the series: copied aside, checked as a copy, renamed in one step.

What the ledger has of a delivery is written last, so that a kill before costs another look and nothing else: a delivery that
is in the series already is not taken in again, and one that is half copied is copied anew.
"""

import hashlib
import os
import shutil

from flows import ROOT, incidents, ledger, releases
from flows.arrival.drop import SUMS, Arrived, arrived, looked_at, refuse_absent
from flows.delivery import deidentify, ingest, series
from flows.delivery.parts import find_parts, format_of
from flows.errors import DeidentificationError, DeliveryError, SettingsError
from flows.lock import locked
from flows.logs import log
from flows.workspace import connect, digest, hash_one

CONTRACT = ROOT / "rules" / "contract.csv"
ARRIVING = ".arriving-"
CHUNK = 1 << 20
# What may be sent to anybody. The error's own words name files and count rows: they stay in the ledger and the log.
SAYS = "Delivery {name} was refused: {why}. To do: {next_step}; imaging-audit deliveries says what is wrong with it."
REFUSED_FOR = {
    DeliveryError: ("it is not whole, or not in the shape of the contract", "have it delivered again"),
    DeidentificationError: ("it is not de-identified as declared", "have it de-identified and delivered again, and remove this one"),
}


class StillMoving(Exception):
    """A file changed between two looks: somebody still writes it."""


def accept(settings):
    """Take in what is complete and new, in its order. The out folder is held; the series is, too, while this lasts."""
    refuse_absent(settings.drop)
    _refuse_others(settings.extracts)
    settings.extracts.mkdir(parents=True, exist_ok=True)
    with locked(settings.extracts):
        for left in settings.extracts.glob(f"{ARRIVING}*"):
            shutil.rmtree(left)
        known = looked_at(settings.out)
        new = [each for each in arrived(settings.drop) if each.seen not in known]
        unlisted = _unlisted(settings) if new else {}
        for each in new:
            _look_at(each, unlisted, settings)


def _refuse_others(extracts):
    """What stands there besides deliveries would be audited under their name, or never."""
    if not extracts.exists():
        return
    series.deliveries(extracts)  # refuses what may not stand in a series
    others = (each for each in extracts.iterdir() if not each.name.startswith((".", "_")))
    if not series.is_series(extracts) and any(each.is_dir() or format_of(each.name) for each in others):
        raise SettingsError(
            "with a drop folder, 'extracts' is where its deliveries are kept, and there is something else",
            where=extracts,
            next_step="name a new folder as 'extracts', and deliver what is there as a folder of the drop folder",
        )


def _unlisted(settings):
    """{digest: name} of what the series holds and the ledger does not know: brought in by hand, or just before a kill."""
    known = {entry["delivery"] for entry in ledger.of(settings.out, "accepted")}
    found = [each for each in series.deliveries(settings.extracts, withdrawn=True) if each.name and each.name not in known]
    hashed = [(each, hash_one(each)) for each in found]
    return {_digest({path.removeprefix(each.prefix): one for path, one in hashes.items()}): each.name for each, hashes in hashed}


def _look_at(each, unlisted, settings):
    try:
        lacking = _read(each.lacks)
        if lacking:
            log.info("Delivery %s is waited for: %s", each.name, lacking)
        else:
            _take(each, unlisted, settings)
    except StillMoving:
        log.info("Delivery %s is waited for: it is still being written", each.name)
    except (DeliveryError, DeidentificationError) as error:
        _refuse(each, error, settings.out)


def _take(each, unlisted, settings):
    each.refuse_unfit()
    hashes = _read(each.hashes)
    if Arrived(each.folder).seen != each.seen:
        raise StillMoving
    content = _digest({path: hashes[path] for path in each.delivered})
    if each.sums is not None and (wrong := [path for path in each.sums if hashes[path] != each.sums[path]]):
        raise DeliveryError(f"{len(wrong)} file(s) are not as {SUMS} says: {each.told(wrong)}", next_step="copy it again, its sums last")
    facts = {"run_id": None, "name": each.name, "digest": content, "seen": each.seen}
    accepted = {entry["digest"]: entry for entry in ledger.of(settings.out, "accepted")}
    if content in accepted:
        log.info("Delivery %s holds what %s held and is not taken in again", each.name, accepted[content]["delivery"])
        ledger.append(settings.out, {"event": "repeated", "delivery": accepted[content]["delivery"], **facts})
        return
    rows, delivery = (None, unlisted[content]) if content in unlisted else _bring_in(each, hashes, settings)
    log.info("Delivery %s is accepted as %s", each.name, delivery)
    covers_to = series.covered(delivery)
    ledger.append(settings.out, {"event": "accepted", "delivery": delivery, "covers_to": covers_to, "rows": rows, **facts})


def _read(look):
    """What one may not read is told of as any other fault of a delivery; what is gone again is on the move."""
    try:
        return look()
    except FileNotFoundError:
        raise StillMoving from None
    except OSError as error:
        step = "let this account read it; it is tried again"
        raise DeliveryError(f"it cannot be read: {error.strerror}", next_step=step) from error


def _digest(hashes):
    return digest(sorted(hashes.items()))[:16]


def _bring_in(each, hashes, settings):
    """Copy, check the copy, rename."""
    deidentify.check_file_names(each.folder)
    find_parts(each.folder, series.EXTRACTS)  # refuses what looks like an extract and is none
    copy = settings.extracts / f"{ARRIVING}{each.name}"
    copy.mkdir()
    try:
        _copy(each, hashes, copy)
        rows = _gate(series.Delivery(copy, each.name, series.covered(each.name)), settings)
        releases.flush(copy)
        name = free_name(each.name, settings.extracts)
        os.rename(copy, settings.extracts / name)
        releases.flush(settings.extracts, below=False)
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return rows, name


def _copy(each, hashes, copy):
    for path in each.delivered:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        if _copy_file(each.folder / path, copy / path) != hashes[path]:
            raise StillMoving


def _copy_file(source, target):
    """Gives the hash of what was copied. A link that was put there meanwhile is not followed."""
    found = hashlib.sha256()
    with open(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb") as content, target.open("xb") as copied:
        while chunk := content.read(CHUNK):
            found.update(chunk)
            copied.write(chunk)
    return found.hexdigest()


def _gate(delivery, settings):
    """What a run would refuse for its names, columns or values does not come so far."""
    work = settings.out / f"{releases.WORK}arrival"
    work.mkdir()
    try:
        con = connect(work, settings)
        try:
            deidentify.require_mode(settings.deid_mode)
            con.execute("create schema rule")
            con.read_csv(str(CONTRACT)).create("rule.contract")  # no site's to change, so ours is all of it
            return ingest.check_one(con, delivery, settings)
        finally:
            con.close()
    finally:
        releases.clear(work)


def free_name(name, folder):
    """Its own, unless it would come before another delivery of its day: what arrives later supersedes."""
    same_day = [each.name for each in series.deliveries(folder, withdrawn=True) if each.name and each.covers_to == series.covered(name)]
    if not same_day or series.order(name) > series.order(same_day[-1]):
        return name
    names = (f"{base}_{number}" for base in (name, same_day[-1]) for number in range(2, 1000))
    return next(one for one in names if series.covered(one) and series.order(one) > series.order(same_day[-1]))


def _refuse(each, error, out):
    """Told once for the same content; what cannot be read is looked at again, the rest when it changes."""
    try:
        hashes = each.hashes()
        content = _digest({path: hashes[path] for path in each.delivered})
    except (OSError, DeliveryError):
        content = each.seen
    why, next_step = REFUSED_FOR[type(error)]
    is_new = incidents.record(out, "refused", f"{each.name} {content}", SAYS.format(name=each.name, why=why, next_step=next_step))
    if is_new:
        log.error("Delivery %s was refused: %s", each.name, error)
    seen = None if isinstance(error.__cause__, OSError) else each.seen
    if is_new or seen:
        ledger.append(out, {"event": "refused", "run_id": None, "name": each.name, "digest": content, "seen": seen, "says": str(error)})
