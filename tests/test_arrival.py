"""Deliveries that arrive: late, repeated, out of order, corrected, corrupt, half written, killed, withdrawn."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from datetime import date
from types import SimpleNamespace

import arrivals
import crash
import pytest
import tally
from arrivals import config, dropped, mark
from test_crash import KEEP, a_release, dies_at, settled
from test_publish import state

from flows import ROOT, incidents, ledger, publish, releases, telling
from flows.arrival import drop, due, is_waiting, listing, run_due
from flows.arrival.accept import accept, free_name
from flows.delivery import series
from flows.errors import LockedError, NotFoundError, QuarantineError, RulesError, SettingsError
from flows.formats import FORMAT
from flows.lock import locked
from flows.settings import load_settings
from flows.stages import run_direct
from flows.workspace import held, named
from tests.deliveries import ORDERS, put, write


@pytest.fixture
def site(tmp_path):
    """The settings of a site without any delivery yet, and what it will deliver."""
    for number, name in enumerate(("2024-04", "2024-05", "2024-06"), 4):
        write(tmp_path / "made" / name, orders=ORDERS.replace("o1", f"o{number}"))
    return load_settings(config(tmp_path))


def made(site, name="2024-04"):
    return site.drop.parent / "made" / name


def audited(settings):
    """An audit as far as the folder of results is concerned: its release says what it was of, and nothing else."""
    with held(settings):
        run_id = named(settings)["run_id"]
        release = settings.out / f"{releases.WORK}{run_id}"
        release.mkdir()
        (release / "manifest.json").write_text(json.dumps({"format": FORMAT, "run_id": run_id, "files": {}, "settings": settings.content()}))
        bring_in = releases.file if series.is_past(settings) else releases.swap
        bring_in(settings.out, release, run_id, {"event": "published", "run_id": run_id, "as_of": settings.as_of})
        releases.prune(settings.out, settings.keep_releases)


def days(settings):
    """The days that were audited just now."""
    found = []
    run_due(settings, lambda one: (audited(one), found.append(one.as_of.isoformat()[:7])))
    return found


def entries(settings, *events):
    return [entry for entry in ledger.read(settings.out) if entry["event"] in events]


def kept(settings):
    return sorted(path.name for path in settings.extracts.iterdir() if not path.name.startswith("."))


def refused(settings):
    return [entry["says"] for entry in incidents.recorded(settings.out) if entry["kind"] == "refused"]


def why(settings):
    """What the ledger says of refused deliveries; in no message."""
    return [entry["says"] for entry in entries(settings, "refused")]


# In time


@pytest.mark.parametrize("marker", ["SHA256SUMS", "DONE"])
def test_a_complete_delivery_is_taken_in_and_audited(site, marker):
    dropped(made(site), site.drop, marker=marker)
    before = state(site.drop)
    assert is_waiting(site)
    assert days(site) == ["2024-04"]
    assert state(site.drop) == before, "the drop folder is left as it is"
    assert kept(site) == ["2024-04"]
    assert sorted(path.name for path in (site.extracts / "2024-04").iterdir()) == ["diagnoses.csv", "orders.csv"]
    assert [(entry["delivery"], entry["covers_to"], entry["rows"]) for entry in entries(site, "accepted")] == [
        ("2024-04", "2024-04-30", {"diagnoses": 1, "orders": 1})
    ]
    assert not is_waiting(site)
    assert days(site) == []


def test_what_is_kept_is_its_owners_alone(site):
    dropped(made(site), site.drop)
    days(site)
    paths = [site.extracts, *site.extracts.rglob("*"), *site.out.rglob("*")]
    assert [path for path in paths[1:] if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_each_month_is_shown_when_it_comes_and_filed_when_it_is_past(site):
    for name in ("2024-04", "2024-05"):
        dropped(made(site, name), site.drop)
        assert days(site) == [name]
    assert [entry["is_shown"] for entry in entries(site, "published")] == [True, True]
    write(site.extracts / "2024-05_2", orders=ORDERS.replace("o1", "o9"))
    write(site.extracts / "2024-04_2", orders=ORDERS.replace("o1", "o8"))
    assert days(site) == ["2024-04", "2024-05"]
    assert [entry["is_shown"] for entry in entries(site, "published")] == [True, True, False, True]


def test_a_plain_delivery_is_due_as_it_is(tmp_path):
    settings = load_settings(None, extracts=write(tmp_path / "plain"), out=tmp_path / "out", deid_mode="limited_data_set", as_of="2024-06-30")
    assert list(due(settings)) == [settings]
    assert not is_waiting(settings)


# Half written


def test_nothing_is_read_before_it_is_complete(site, caplog):
    folder = dropped(made(site), site.drop, marker=None)
    assert not is_waiting(site)
    assert days(site) == []
    mark(folder)
    text = (folder / "orders.csv").read_text()
    (folder / "orders.csv").unlink()
    assert not is_waiting(site), "a file that SHA256SUMS names is not there"
    put(folder / "orders.csv", text)
    put(folder / "therapies.csv", "therapy_id\n")
    assert not is_waiting(site), "a data file that SHA256SUMS does not name"
    (folder / "therapies.csv").unlink()
    sums = (folder / "SHA256SUMS").read_text()
    for cut in range(len(sums)):
        put(folder / "SHA256SUMS", sums[:cut])
        assert not is_waiting(site), f"SHA256SUMS as far as byte {cut}"
    assert days(site) == []
    assert kept(site) == refused(site) == []
    put(folder / "SHA256SUMS", sums)
    assert is_waiting(site)
    assert days(site) == ["2024-04"]


def test_a_done_that_is_not_empty_is_no_marker(site):
    put(dropped(made(site), site.drop, marker=None) / "DONE", "soon")
    assert not is_waiting(site)
    assert listing.rows(site)[0]["why"] == "DONE is not an empty file"


def test_a_file_that_moves_while_it_is_read_is_waited_for(site, monkeypatch):
    folder, hashes = dropped(made(site), site.drop), drop.Arrived.hashes

    def and_grows(each):
        found = hashes(each)
        with (folder / "orders.csv").open("a") as growing:
            growing.write("o9,p1,2024-03-01,CPT,76641\n")
        return found

    monkeypatch.setattr(drop.Arrived, "hashes", and_grows)
    assert days(site) == []
    assert kept(site) == refused(site) == []
    assert is_waiting(site)


# Wrong


def broken(site, name="2024-04", **told):
    """A delivery in the drop folder that is not as it should be, by what was done to it."""
    folder = dropped(made(site, name), site.drop, name=told.get("as_name"))
    if "text" in told:
        put(folder / told.get("file", "orders.csv"), told["text"])
    if told.get("sums", True) and "text" in told and not told.get("corrupt"):
        (folder / "SHA256SUMS").unlink()
        mark(folder)
    return folder


WRONG = {
    "corrupt": ({"text": ORDERS[:-9], "corrupt": True}, "1 file.s. are not as SHA256SUMS says"),
    "sums that cannot be read": ({"file": "SHA256SUMS", "text": "\\abc  orders.csv\n", "corrupt": True}, "SHA256SUMS cannot be read"),
    "a path out of it": ({"file": "SHA256SUMS", "text": f"{'0' * 64}  ../../out/.lock\n", "corrupt": True}, None),
    "a name without a day": ({"as_name": "april"}, "does not say which day"),
    "a column too many": ({"text": ORDERS.replace("code\n", "code,surgeon_name\n").replace("76641", "76641,x")}, "de-identified delivery may not"),
    "an identifier": ({"text": ORDERS.replace("o1", "212-555-0100")}, "de-identified delivery may not"),
    "no table of the contract": ({"file": "order.csv", "text": ORDERS}, "is not the name of an extract"),
    "a workbook": ({"file": "orders.xlsx", "text": "x"}, "is not the name of an extract"),
    "a folder in a folder": ({"file": "findings/more/a.csv", "text": "finding_id\n"}, "not a part that can be read"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_refused_once_and_the_next_goes_on(site, kind):
    told, said = WRONG[kind]
    folder = broken(site, **told)
    dropped(made(site, "2024-05"), site.drop)
    assert days(site) == ["2024-05"]
    assert kept(site) == ["2024-05"]
    if said is None:  # a file that is nowhere is waited for: it is looked for in the delivery alone
        assert refused(site) == []
        return
    (one,), (told_to_anybody,) = why(site), refused(site)
    assert re.search(said, one), one
    assert "212-555" not in one
    assert re.fullmatch(r"Delivery \S+ was refused: [a-z ,-]+\. To do: [a-z ,-]+; imaging-audit deliveries says what is wrong with it\.", told_to_anybody)
    assert not is_waiting(site)
    assert days(site) == []
    os.utime(folder / "diagnoses.csv")  # the same content, touched
    assert is_waiting(site)
    assert days(site) == []
    assert len(refused(site)) == 1
    assert not is_waiting(site)


def test_a_message_about_a_refused_delivery_holds_no_count_no_path_and_no_word_of_the_error(site, monkeypatch):
    given = ORDERS + "".join(f"x{number}@example.org,p1,2024-03-01,CPT,76641\n" for number in range(3))
    broken(site, text=given)
    broken(site, "2024-05", file="orders_212x.csv", text="x\n")
    assert days(site) == []
    assert "3 rows look like" in why(site)[0]
    monkeypatch.setenv("IMAGING_AUDIT_NOTIFY__URLS", '["json://127.0.0.1:9/"]')
    told = load_settings(extracts=site.extracts, out=site.out, drop=site.drop, deid_mode="limited_data_set")
    subject, text = telling.message(told, telling._news(told))
    assert "2 deliveries refused" in subject
    assert not re.search(r"\b3\b|ID-|column|orders|212|/", text), text


def test_a_corrupt_delivery_that_is_copied_again_is_accepted(site):
    folder = broken(site, **WRONG["corrupt"][0])
    assert days(site) == []
    shutil.copy(made(site) / "orders.csv", folder)
    assert is_waiting(site)
    assert days(site) == ["2024-04"]
    assert len(refused(site)) == 1
    assert [row["state"] for row in listing.rows(site)] == ["accepted"]


def test_links_are_refused_wherever_they_stand(site, tmp_path):
    folder = dropped(made(site), site.drop)
    (folder / "orders.csv").rename(tmp_path / "orders.csv")
    (folder / "orders.csv").symlink_to(tmp_path / "orders.csv")
    (site.drop / "2024-05").symlink_to(made(site, "2024-05"))
    shutil.copytree(made(site, "2024-06"), site.drop / "2024-06")
    (site.drop / "2024-06" / "findings").symlink_to(tmp_path)
    mark(site.drop / "2024-06", "DONE")
    assert days(site) == []
    assert len(refused(site)) == 3
    assert all("is or holds a link" in one for one in why(site))
    assert kept(site) == []


@pytest.mark.parametrize("name", ["SHA256SUMS", "DONE", "orders.csv", "findings/part.csv"])
def test_what_never_ends_when_it_is_read_is_refused_unread(site, name):
    """A pipe waits for a writer for ever, whoever opens it."""
    folder = dropped(made(site), site.drop, marker=None if name in ("SHA256SUMS", "DONE") else "DONE")
    (folder / name).unlink(missing_ok=True)
    (folder / name).parent.mkdir(exist_ok=True)
    os.mkfifo(folder / name)
    dropped(made(site, "2024-05"), site.drop)
    child = os.fork()
    if not child:
        try:
            os._exit(0 if is_waiting(site) and days(site) == ["2024-05"] and "no file" in why(site)[0] else 1)
        finally:
            os._exit(2)
    assert ended(child)


def test_folders_a_thousand_deep_hold_up_nobody(site):
    folder = dropped(made(site), site.drop, marker="DONE")
    deep = os.open(folder, os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("a", dir_fd=deep)
        below = os.open("a", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    dropped(made(site, "2024-05"), site.drop)
    try:
        assert days(site) == ["2024-05"]
        assert is_waiting(site)
        assert len(refused(site)) == 1
        assert {row["delivery"]: row["state"] for row in listing.rows(site)} == {"2024-04": "waiting", "2024-05": "accepted"}
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)  # Python's own way gives up at a thousand folders


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "a screen's commands", "a gigabyte"])
def test_the_reason_of_a_withdrawal_is_one_short_line_of_that_file(site, tmp_path, kind):
    dropped(made(site), site.drop)
    days(site)
    mark_of_it, elsewhere = site.extracts / "2024-04" / series.WITHDRAWN, tmp_path / "elsewhere"
    elsewhere.write_text("zqxcanary")
    {
        "link": lambda: mark_of_it.symlink_to(elsewhere), "pipe": lambda: os.mkfifo(mark_of_it), "folder": mark_of_it.mkdir,
        "a screen's commands": lambda: mark_of_it.write_text("wrong\x1b]0;zqx\x07\u202e\n\x00\nhere"),
        "a gigabyte": lambda: (mark_of_it.touch(), os.truncate(mark_of_it, 1 << 30)),
    }[kind]()  # fmt: skip
    child = os.fork()
    if not child:
        try:
            days(site)
            (row,) = [row for row in listing.rows(site) if row["delivery"] == "2024-04"]
            said = [entry["says"] for entry in entries(site, "withdrawn")]
            os._exit(0 if row["state"] == "withdrawn" and said == [row["why"]] and said[0].isprintable() and len(said[0]) < 600 and "canary" not in said[0] else 1)
        finally:
            os._exit(2)
    assert ended(child)


def ended(child, seconds=30):
    """Whether a child came to its end, and a good one."""
    for _ in range(seconds * 20):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def test_a_name_that_may_be_a_value_is_not_repeated(site):
    dropped(made(site), site.drop, name="Mrs Example 1950-01-01")
    days(site)
    assert "Example" not in (site.out / ledger.NAME).read_text() + str(listing.rows(site))


@pytest.mark.parametrize("hidden", ["orders.csv", "SHA256SUMS", "findings"])
def test_what_may_not_be_read_is_told_once_and_tried_again(site, hidden):
    """A folder that is closed to us is not a delivery without that extract."""
    put(made(site) / "findings" / "part.csv", "finding_id,patient_id,reported_on,finding\nf1,p1,2024-03-01,response_partial\n")
    folder = dropped(made(site), site.drop, marker="SHA256SUMS" if hidden == "SHA256SUMS" else "DONE")
    (folder / hidden).chmod(0)
    child = os.fork()
    if not child:
        crash.bind_by_rights()
        os._exit(0 if days(site) == days(site) == [] and is_waiting(site) and len(refused(site)) == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    (folder / hidden).chmod(0o700)
    assert days(site) == ["2024-04"]
    assert entries(site, "accepted")[0]["rows"] == {"diagnoses": 1, "findings": 1, "orders": 1}


# Repeated, corrected, late


def test_a_repeated_delivery_is_noted_and_accepted_once(site):
    folder = dropped(made(site), site.drop)
    days(site)
    shutil.rmtree(folder)
    dropped(made(site), site.drop, marker="DONE")
    dropped(made(site), site.drop, name="2024-05")
    assert is_waiting(site)
    assert days(site) == []
    assert not is_waiting(site)
    assert kept(site) == ["2024-04"]
    assert len(entries(site, "accepted")) == 1
    assert [(entry["name"], entry["delivery"]) for entry in entries(site, "repeated")] == [("2024-04", "2024-04"), ("2024-05", "2024-04")]
    assert refused(site) == []


def test_other_content_under_the_same_name_is_a_correction_that_supersedes(site):
    folder = dropped(made(site), site.drop)
    days(site)
    shutil.rmtree(folder)
    put(made(site) / "orders.csv", ORDERS.replace("o1", "o4").replace("76641", "77048"))
    dropped(made(site), site.drop)
    assert days(site) == ["2024-04"]
    assert kept(site) == ["2024-04", "2024-04_2"]
    assert [entry["delivery"] for entry in entries(site, "accepted")] == ["2024-04", "2024-04_2"]


def test_what_arrives_later_comes_last_of_its_day(tmp_path):
    for there, name, given in (
        ((), "2024-06", "2024-06"),
        (("2024-05", "2024-07"), "2024-06", "2024-06"),
        (("2024-06",), "2024-06_corrected", "2024-06_corrected"),
        (("2024-06",), "2024-06", "2024-06_2"),
        (("2024-06", "2024-06_2"), "2024-06", "2024-06_3"),
        (("2024-06", "2024-06_9"), "2024-06", "2024-06_10"),
        (("2024-06", "2024-06_corrected"), "2024-06", "2024-06_corrected_2"),
        (("2024-06_2",), "2024-06-30", "2024-06-30_3"),
        (("2024-06_2",), "2024-06_2", "2024-06_2_2"),
    ):
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        for each in there:
            (folder / each).mkdir(parents=True)
        folder.mkdir(exist_ok=True)
        assert free_name(name, folder) == given
        (folder / given).mkdir()
        same_day = [each for each in series.deliveries(folder) if each.covers_to == series.covered(name)]
        assert same_day[-1].name == given


def test_a_late_delivery_is_audited_with_every_later_day(site):
    for name in ("2024-04", "2024-06"):
        dropped(made(site, name), site.drop)
    assert days(site) == ["2024-04", "2024-06"]
    before = {entry["run_id"] for entry in entries(site, "published")}
    dropped(made(site, "2024-05"), site.drop)
    assert days(site) == ["2024-05", "2024-06"], "April reads what it read"
    shown = [(entry["as_of"][:7], entry["is_shown"]) for entry in entries(site, "published")]
    assert shown == [("2024-04", False), ("2024-06", True), ("2024-05", False), ("2024-06", True)]
    assert publish.read_manifest(site.out)["run_id"] not in before


def test_several_at_once_are_taken_in_in_their_order(site):
    for name in ("2024-06", "2024-04", "2024-05"):
        dropped(made(site, name), site.drop)
    assert days(site) == ["2024-04", "2024-05", "2024-06"]
    assert [entry["delivery"] for entry in entries(site, "accepted")] == ["2024-04", "2024-05", "2024-06"]
    assert [entry["is_shown"] for entry in entries(site, "published")] == [False, False, True]


def test_a_backfill_names_the_runs_that_ran_in_time(site, tmp_path):
    for name in ("2024-04", "2024-05", "2024-06"):
        dropped(made(site, name), site.drop)
        days(site)
    anew = load_settings(tmp_path / "audit.toml", out=tmp_path / "anew")
    assert days(anew) == ["2024-04", "2024-05", "2024-06"]
    in_time, later = ([entry["run_id"] for entry in entries(each, "published")] for each in (site, anew))
    assert in_time == later
    assert kept(site) == ["2024-04", "2024-05", "2024-06"], "what is in the series is not taken in again"
    assert [entry["delivery"] for entry in entries(anew, "accepted")] == kept(site)


def test_a_day_that_is_shown_anew_is_held_against_what_is_shown_of_it(site):
    """Whoever has both can subtract them: a late delivery moves the newest figure by few. Anything else follows the last one."""
    found = []

    def held_against(one):
        before = publish._last(SimpleNamespace(settings=one)).name
        found.append({entry["release"]: entry["as_of"][:7] for entry in entries(site, "published")}.get(before))
        audited(one)

    for names in (["2024-04"], ["2024-06"], ["2024-05"], ["2024-06_2"]):
        for name in names:
            dropped(made(site, name) if made(site, name).exists() else write(made(site, name), orders=ORDERS), site.drop)
        run_due(site, held_against)
    assert found == [None, "2024-04", "2024-06", "2024-06", "2024-06"], "of May's and June's audits the second is shown"
    put(site.extracts / "2024-04" / series.WITHDRAWN, "wrong")
    (site.out / "current").unlink()
    found.clear()
    run_due(site, held_against)
    assert found == ["2024-06", "2024-05"], "a backfill follows the last one that was filed"


# An audit that fails


def test_a_delivery_that_stops_its_audit_holds_up_no_later_day(site):
    for name in ("2024-04", "2024-05", "2024-06"):
        dropped(made(site, name), site.drop)
    ran = []

    def but_may(one):
        ran.append(one.as_of.month)
        if one.as_of.month == 5:
            raise QuarantineError("too many rows", next_step="mend it")
        audited(one)

    with pytest.raises(QuarantineError):
        run_due(site, but_may)
    assert ran == [4, 5, 6]
    with pytest.raises(QuarantineError):
        run_due(site, but_may)
    assert ran == [4, 5, 6, 5], "it is tried again, and only it"


def test_what_would_stop_every_audit_stops_at_once(site):
    for name in ("2024-04", "2024-05"):
        dropped(made(site, name), site.drop)
    ran = []

    def wrong_rules(one):
        ran.append(one)
        raise RulesError("broken")

    with pytest.raises(RulesError):
        run_due(site, wrong_rules)
    assert len(ran) == 1


def test_what_is_withdrawn_is_read_no_more_and_every_later_day_is_audited_again(site, command, tmp_path):
    for name in ("2024-04", "2024-05", "2024-06"):
        dropped(made(site, name), site.drop)
    days(site)
    assert command("deliveries", "--config", tmp_path / "audit.toml", "--withdraw", "2024-05")[0] == 2
    arguments = ("deliveries", "--config", tmp_path / "audit.toml", "--withdraw", "2024-05", "--reason", "from the\ntest system", "--json")
    code, said, _ = command(*arguments)
    assert code == 0
    assert [(row["delivery"], row["state"], row["why"]) for row in json.loads(said)] == [
        ("2024-04", "accepted", None), ("2024-05", "withdrawn", "from the test system"), ("2024-06", "accepted", None),
    ]  # fmt: skip
    assert command(*arguments)[0] == 0
    assert [(entry["delivery"], entry["says"]) for entry in entries(site, "withdrawn")] == [("2024-05", "from the test system")]
    assert days(site) == ["2024-06"]
    assert not is_waiting(site), "it still lies in the drop folder, and is known"
    assert days(site) == []
    with pytest.raises(NotFoundError):
        listing.withdraw(site, "2024-09", "no such")


def test_the_newest_day_withdrawn_shows_the_one_before(site):
    for name in ("2024-04", "2024-05"):
        dropped(made(site, name), site.drop)
    days(site)
    put(site.extracts / "2024-05" / series.WITHDRAWN, "by hand\n")
    assert days(site) == ["2024-04"]
    assert [entry["as_of"][:7] for entry in entries(site, "published") if entry["is_shown"]] == ["2024-05", "2024-04"]
    assert [entry["says"] for entry in entries(site, "withdrawn")] == ["by hand"]
    (site.extracts / "2024-05" / series.WITHDRAWN).unlink()
    assert days(site) == ["2024-05"]


# Settings


def test_settings_that_cannot_be_meant_are_refused(site, tmp_path):
    dropped(made(site), site.drop)
    with pytest.raises(SettingsError, match="'as_of' is set"):
        days(site.model_copy(update={"as_of": date(2024, 4, 30)}))
    with pytest.raises(SettingsError, match="in the shape of the contract"):
        days(site.model_copy(update={"source": "synthea"}))
    with pytest.raises(SettingsError, match="lie in one another"):
        days(site.model_copy(update={"extracts": site.drop / "series"}))
    for look in (days, is_waiting):
        with pytest.raises(SettingsError, match="no such drop folder"):
            look(site.model_copy(update={"drop": tmp_path / "nowhere"}))
    with pytest.raises(SettingsError, match="there is something else"):
        days(site.model_copy(update={"extracts": write(tmp_path / "plain")}))
    assert not site.extracts.exists()
    assert [path.name for path in site.drop.iterdir()] == ["2024-04"]


def test_10_the_out_folder_is_held_while_deliveries_are_taken_in(site):
    dropped(made(site), site.drop)
    site.out.mkdir()
    with locked(site.out), pytest.raises(LockedError):
        days(site)


def test_the_list_says_what_lies_where(site, command, tmp_path):
    assert command("deliveries", "--config", tmp_path / "audit.toml")[1] == "There is no delivery.\n"
    dropped(made(site), site.drop)
    dropped(made(site), site.drop, name="2024-04_again")
    days(site)
    broken(site, "2024-05", **WRONG["corrupt"][0])
    days(site)
    dropped(made(site, "2024-06"), site.drop, marker=None)
    code, said, _ = command("deliveries", "--config", tmp_path / "audit.toml")
    lines = [line.split(maxsplit=2) for line in said.splitlines()[1:]]
    assert code == 0
    assert [line[:2] for line in lines] == [["2024-04", "2024-04-30"], ["2024-04_again", "2024-04-30"], ["2024-05", "2024-05-31"], ["2024-06", "2024-06-30"]]
    for line, state_of in zip(lines, ("accepted", "repeated: it holds what 2024-04 held", "refused: ", "waiting: neither"), strict=True):
        assert state_of in line[2]


def test_where_nothing_is_due_it_is_said_why(site, command, tmp_path):
    def caught_up():
        code, said, _ = command("catch-up", "--config", tmp_path / "audit.toml", "--direct")
        return code, said.removeprefix("Nothing is due: ").strip()

    assert caught_up() == (0, "there is no delivery.")
    dropped(made(site, "2024-06"), site.drop, marker=None)
    assert caught_up() == (0, "no delivery was accepted yet; imaging-audit deliveries says what is waited for.")
    broken(site, "2024-04", **WRONG["corrupt"][0])
    assert caught_up() == (0, "no delivery was accepted, 1 was refused; imaging-audit deliveries says why.")
    broken(site, "2024-05", **WRONG["corrupt"][0])
    assert caught_up() == (0, "no delivery was accepted, 2 were refused; imaging-audit deliveries says why.")
    assert "nothing published yet" in command("health", "--out", site.out)[1]
    mark(site.drop / "2024-06")
    assert days(site) == ["2024-06"]
    said = "every day that was accepted is audited; of what was delivered, 2 were refused; imaging-audit deliveries says why."
    assert listing.nothing_due(site) == f"Nothing is due: {said}"


def test_what_is_waited_for_is_named_where_its_name_may_be(site):
    folder = dropped(made(site), site.drop)
    sums = (folder / "SHA256SUMS").read_text()
    put(folder / "SHA256SUMS", sums + f"{'0' * 64}  therapies.csv\n{'0' * 64}  findings/123-45-6789.csv\n")
    assert listing.rows(site)[0]["why"] == "2 file(s) named in SHA256SUMS are not there yet: therapies.csv, that in line 4"
    put(folder / "SHA256SUMS", sums)
    for path in ("findings/123-45-6789.csv", "patients.csv"):
        put(folder / path, "finding_id\n")
    assert listing.rows(site)[0]["why"] == "2 data file(s) are not named in SHA256SUMS: that in place 3 by name, patients.csv"
    put(folder / "SHA256SUMS", "".join(f"{'0' * 64}  parts/{number}.csv\n" for number in range(5)))
    assert listing.rows(site)[0]["why"].endswith("are not there yet: that in line 1, that in line 2, that in line 3 and 2 more")


def test_sums_may_begin_with_the_mark_that_some_editors_write(site):
    sums = dropped(made(site), site.drop) / "SHA256SUMS"
    put(sums, "\N{ZERO WIDTH NO-BREAK SPACE}" + sums.read_text().replace("\n", "\r\n"))
    assert days(site) == ["2024-04"]


def test_sums_that_cannot_be_read_are_written_anew_as_the_page_has_it(site, tmp_path):
    """And what that writes is complete: not a list that names itself, as * would make one."""
    folder = dropped(made(site), site.drop, marker=None)
    put(folder / "SHA256SUMS", "abc orders.csv\n")
    (row,) = listing.rows(site)
    remedy = row["why"].split("and itself not: ")[1]
    assert remedy.replace("…", "therapies.csv") in (ROOT / "docs" / "deliveries.md").read_text(encoding="utf-8")
    subprocess.run(["sh", "-c", remedy.replace(" …", "")], cwd=folder, check=True)
    assert days(site) == ["2024-04"]


def test_a_folder_whose_name_may_not_be_repeated_can_be_found(site, command, tmp_path):
    dropped(made(site), site.drop)
    folder = dropped(made(site, "2024-05"), site.drop, name="Jane Canary", marker=None)
    dropped(made(site, "2024-06"), site.drop, name="2024-06_12345")
    os.utime(folder, (1_700_000_000, 1_700_000_000))
    before = {row["delivery"]: row for row in listing.rows(site)}
    jane, canary = drop.Arrived(folder).name, drop.Arrived(site.drop / "2024-06_12345").name
    assert before[jane]["why"].startswith("neither SHA256SUMS nor DONE is there yet; then it will be refused: its name does not say")
    assert before[canary]["why"].startswith("the next audit will refuse it: its name does not say which day it covers to — name it like 2025-06")
    assert "(folder 3 of 3 in the drop folder by name, last changed 2023-11-14 22:13 UTC, 2 file(s), " in before[jane]["why"]
    mark(folder)
    os.utime(folder, (1_700_000_000, 1_700_000_000))
    assert days(site) == ["2024-04"]
    said = command("deliveries", "--config", tmp_path / "audit.toml")[1]
    for name, place in ((jane, 3), (canary, 2)):
        (line,) = [line for line in said.splitlines() if line.startswith(name)]
        assert "refused: its name does not say which day it covers to" in line
        assert f"(folder {place} of 3 in the drop folder by name, last changed " in line
    assert "Jane" not in said
    assert "12345" not in said
    assert "`unnamed-" in (ROOT / "docs" / "deliveries.md").read_text(encoding="utf-8")


def test_a_link_is_said_to_be_refused_before_it_is(site):
    (site.drop).mkdir(exist_ok=True)
    (site.drop / "2024-05").symlink_to(made(site, "2024-05"))
    assert "the next audit will refuse it: it is or holds a link" in listing.rows(site)[0]["why"]


# SIGKILL between any two steps


def test_a_kill_at_any_step_of_taking_in_leaves_the_delivery_whole_or_not_there(site, tmp_path):
    folder, step, again = dropped(made(site), site.drop), 1, True
    whole = state(made(site))
    while again:
        for each in (site.extracts, site.out):
            shutil.rmtree(each, ignore_errors=True)
        one = site.model_copy(update={"out": site.out})

        def taken(one=one):
            with held(one):
                accept(one)

        with tally.counted("SIGKILL at every step of taking a delivery in"):
            site.out.mkdir()
            again = dies_at(step, tmp_path, taken)
            assert kept(site) in ([], ["2024-04"]) if site.extracts.exists() else True
            if site.extracts.exists() and kept(site):
                assert {name: facts[0] for name, facts in state(site.extracts / "2024-04").items()} == {name: facts[0] for name, facts in whole.items()}
            taken()
            assert kept(site) == ["2024-04"]
            assert len(entries(site, "accepted")) == 1
            assert refused(site) == []
            assert {path.name for path in site.extracts.iterdir()} == {".lock", "2024-04"}
            assert {path.name for path in site.out.iterdir()} <= {".lock", ledger.NAME}
        step += 1
    assert step > 10
    assert folder.exists()


def test_a_kill_at_any_step_of_refusing_tells_of_it_once(site, tmp_path):
    broken(site, **WRONG["corrupt"][0])
    step, again = 1, True
    while again:
        shutil.rmtree(site.out, ignore_errors=True)
        site.out.mkdir()

        def taken():
            with held(site):
                accept(site)

        with tally.counted("SIGKILL at every step of refusing a delivery"):
            again = dies_at(step, tmp_path, taken)
            taken()
            assert len(refused(site)) == 1
            assert not is_waiting(site)
        step += 1
    assert step > 4


def test_a_kill_at_any_step_of_withdrawing_leaves_it_read_or_withdrawn(site, tmp_path):
    """The next audit succeeds either way and remembers it once; the same command again ends what was begun."""
    for name in ("2024-04", "2024-05"):
        dropped(made(site, name), site.drop)
    days(site)
    before = {each: shutil.copytree(each, tmp_path / f"before-{each.name}", symlinks=True) for each in (site.extracts, site.out)}
    step, again, ends = 1, True, set()
    while again:
        for folder, copy in before.items():
            shutil.rmtree(folder)
            shutil.copytree(copy, folder, symlinks=True)
        with tally.counted("SIGKILL at every step of withdrawing a delivery"):
            again = dies_at(step, tmp_path, lambda: listing.withdraw(site, "2024-04", "from the test system"))
            row = listing.rows(site)[0]
            ends.add(row["state"])
            assert (row["state"], row["why"]) in (("accepted", None), ("withdrawn", "from the test system"))
            assert again or row["state"] == "withdrawn"
            is_out = row["state"] == "withdrawn"
            assert days(site) == (["2024-05"] if is_out else [])
            assert len(entries(site, "withdrawn")) == is_out
            listing.withdraw(site, "2024-04", "from the test system")
            assert days(site) == ([] if is_out else ["2024-05"])
            assert [entry["says"] for entry in entries(site, "withdrawn")] == ["from the test system"]
            assert {path.name for path in (site.extracts / "2024-04").iterdir()} == {"orders.csv", "diagnoses.csv", series.WITHDRAWN}
        step += 1
    assert ends == {"accepted", "withdrawn"}
    assert step > 5


def test_a_kill_at_any_step_of_filing_leaves_what_is_shown_and_one_line(tmp_path):
    """And a second kill at any step of the tidying leaves as much."""
    step, again = 1, True
    while again:
        for second in range(1 + step % 3, 40, 3):
            out = tmp_path / f"out-{step}-{second}"
            out.mkdir()
            releases.swap(out, a_release(out / ".work-1", "1"), "1", {"event": "published", "run_id": "1"})
            work = a_release(out / ".work-2", "2")
            with tally.counted("SIGKILL at every step of filing, then of the tidying"):
                again = dies_at(step, out, lambda out=out, work=work: releases.file(out, work, "2", {"event": "published", "run_id": "2"}))
                more = dies_at(second, out, lambda out=out: settled(out))
                settled(out)
                assert (out / "manifest.json").read_text() == "1"
                lines = [(entry["run_id"], entry["is_shown"]) for entry in ledger.read(out)]
                assert lines in ([("1", True)], [("1", True), ("2", False)])
                assert {path.name for path in (out / "releases").iterdir()} == {run_id for run_id, _ in lines}
                assert not list(out.glob(".work*"))
                assert again or len(lines) == 2
            shutil.rmtree(out)
            if not more:
                break
        step += 1
    assert step > 5


@pytest.mark.parametrize("keep", [1, 2, KEEP])
def test_what_is_shown_and_what_was_published_last_are_never_pruned(tmp_path, keep):
    releases.swap(tmp_path, a_release(tmp_path / ".work-1", "1"), "1", {"event": "published", "run_id": "1"})
    for number in "2345":
        releases.file(tmp_path, a_release(tmp_path / f".work-{number}", number), number, {"event": "published", "run_id": number})
        releases.prune(tmp_path, keep)
        assert releases.latest(tmp_path).name == number
    there = sorted(path.name for path in (tmp_path / "releases").iterdir())
    assert there == (["1", "5"] if keep < 3 else ["1", "4", "5"])


# The numbers


@pytest.fixture(scope="module")
def in_time(example, tmp_path_factory):
    """Two months of the example, each audited when it came."""
    folder = tmp_path_factory.mktemp("in-time")
    config(folder, data_from=date(2022, 10, 1))
    settings = load_settings(folder / "audit.toml")
    arrivals.monthly(example, folder / "made", {"2024-09": "2024-09-30", "2025-06": "2025-06-30"})
    for name in ("2024-09", "2025-06"):
        dropped(folder / "made" / name, settings.drop)
        assert run_due(settings, run_direct) == 1
    return settings


def test_a_backfill_gives_the_bytes_of_running_in_time(in_time, command):
    config_file, anew = in_time.drop.parent / "audit.toml", in_time.drop.parent / "anew"
    code, said, told = command("catch-up", "--config", config_file, "--out", anew, "--direct")
    assert code == 0, told
    assert "Report:" in said
    assert "Nothing is due" in command("catch-up", "--config", config_file, "--out", anew, "--direct")[1]
    one, other = (entries(each, "published") for each in (in_time, in_time.model_copy(update={"out": anew})))
    assert [entry["run_id"] for entry in one] == [entry["run_id"] for entry in other]
    assert [entry["is_shown"] for entry in one] == [True, True]
    assert [entry["is_shown"] for entry in other] == [False, True]
    n_files = 0
    for entry in one:
        for part in ("exports", "protected"):
            files = [path for path in (in_time.out / "releases" / entry["release"] / part).iterdir() if path.suffix in (".csv", ".parquet", ".json", ".xlsx", ".pdf")]
            for path in files:
                assert path.read_bytes() == (anew / "releases" / entry["release"] / part / path.name).read_bytes(), path.name
            n_files += len(files)
    assert n_files > 100
    listed = command("runs", "--out", anew)[1].splitlines()
    assert [line.split()[-1] for line in listed[1:]] == ["filed", "current"]


def test_what_was_superseded_is_counted_and_the_funnel_adds_up(in_time, command):
    rows = {row["delivery"]: row for row in json.loads(command("deliveries", "--config", in_time.drop.parent / "audit.toml", "--json")[1])}
    assert rows["2024-09"]["n_superseded"] > 100, "the persons came again"
    assert rows["2024-09"]["n_rows"] == rows["2024-09"]["n_standing"] + rows["2024-09"]["n_superseded"]
    assert rows["2025-06"]["n_superseded"] == 0
    query = "select sum(n_orders) filter (where kind = 'input'), sum(n_orders) filter (where kind <> 'input') from out.attrition"
    given = command("query", query, "--out", in_time.out, "--format", "csv")[1].splitlines()[1].split(",")
    assert given[0] == given[1] != "0"


def test_a_past_day_asked_for_by_hand_is_answered_by_what_was_filed(in_time, command, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(in_time.out, out, symlinks=True)
    before = state(out, without={ledger.NAME})
    code, _, told = command("run", "--config", in_time.drop.parent / "audit.toml", "--out", out, "--as-of", "2025-01-15", "--direct")
    assert code == 0
    assert "Nothing changed" in told
    assert state(out, without={ledger.NAME}) == before
