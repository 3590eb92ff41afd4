"""The doctor: every check holds on a sound machine and configuration, and finds the one thing that was broken."""

import errno
import fcntl
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows import doctor, formats, ledger, releases, retention
from flows.doctor import configuration, content, folders, history, orchestration, room, software
from flows.doctor.finding import STATUSES, Scene
from flows.errors import DeidentificationError, DeliveryError, PublishError, RulesError, SettingsError
from flows.lock import locked

CHECKS = dict((*doctor.ALONE, *doctor.WITH_SETTINGS))


@pytest.fixture
def site(example, tmp_path):
    """A folder with a delivery, settings and no result yet."""
    shutil.copytree(example, tmp_path / "delivery", ignore=shutil.ignore_patterns("audit.toml"))
    write(tmp_path)
    return tmp_path


def write(site, more=""):
    (site / "audit.toml").write_text('extracts = "delivery"\nout = "audit"\ndeid_mode = "limited_data_set"\n' + more)


def asked(name, site, **given):
    """The finding of one check; several as a list."""
    found = doctor._asked(name, CHECKS[name], Scene(site / "audit.toml", given))
    return found[0] if len(found) == 1 else found


def holds(found):
    assert (found.status, found.mend) == ("ok", None), found


def fails(found, says, mend, kind=SettingsError):
    assert (found.status, found.exit_code) == ("error", kind.exit_code), found
    told(found, says, mend)


def warns(found, says, mend):
    assert (found.status, found.exit_code) == ("warning", None), found
    told(found, says, mend)


def told(found, says, mend):
    assert says in found.found, found
    assert mend in found.mend, found


def applies_not(found, says):
    assert (found.status, found.mend) == ("not applicable", None), found
    assert says in found.found


def state(folder):
    return {path.relative_to(folder).as_posix(): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def published(site, name="aaa111", current=True, **facts):
    """A release as far as the doctor looks at it."""
    out = site / "audit"
    folder = out / "releases" / name
    folder.mkdir(parents=True)
    out.chmod(0o700)
    (folder / "audit.duckdb").write_bytes(b"x" * 1000)
    (folder / "audit.duckdb").chmod(0o600)
    (folder / "manifest.json").write_text(json.dumps({"format": formats.FORMAT, "run_id": name, "published_at": "2026-01-01T00:00:00Z"} | facts))
    if current:
        (out / "current").symlink_to(f"releases/{name}")
    return out


def test_a_sound_site_has_no_error_and_nothing_is_changed(command, site):
    before = state(site)
    code, said, talk = command("doctor", "--config", site / "audit.toml", "--json")
    found = json.loads(said)
    assert code == 0, talk
    assert [each["check"] for each in found] == list(CHECKS)
    assert {each["status"] for each in found} <= {"ok", "warning", "not applicable"}
    # The value sets await a clinician, and a test machine may be busy or have moved packages.
    assert {each["check"] for each in found if each["status"] == "warning"} <= {"Rules", "Lock file", "Memory", "Disk", "Network share"}
    assert state(site) == before


def test_the_same_to_read(command, site):
    code, said, _ = command("doctor", "--config", site / "audit.toml")
    assert code == 0
    for name in CHECKS:
        assert any(line.split()[0] in {"ok", "warning", "n/a"} and line[9:].startswith(name) for line in said.splitlines()), name
    assert said.splitlines()[-1].startswith(f"{len(CHECKS)} checks: 0 error(s)")


def test_an_error_says_how_to_mend_it_and_is_the_exit_code(command, site):
    (site / "delivery" / "orders.csv").unlink()
    code, said, talk = command("doctor", "--config", site / "audit.toml")
    assert code == DeliveryError.exit_code
    assert "the delivery lacks orders" in said
    assert "→ add orders.csv" in said
    assert "1 check(s) found an error, the first: Delivery" in talk


def test_what_is_given_beats_the_file(command, site):
    code, said, _ = command("doctor", "--config", site / "audit.toml", "--extracts", site / "nowhere", "--json")
    assert code == DeliveryError.exit_code
    assert str(site / "nowhere") in said


def test_every_status_is_one_of_four(site):
    assert {each.status for each in doctor.examine(site / "audit.toml")} <= set(STATUSES)


# --- Software -------------------------------------------------------------------------------------


@pytest.fixture
def installed(monkeypatch):
    """Other versions than are there; None: not installed."""

    def pretend(**versions):
        there = software._version
        monkeypatch.setattr(software, "_version", lambda name: versions[name] if name in versions else there(name))

    return pretend


def test_a_day_that_is_set_fits_no_drop_folder(site):
    (site / "drop").mkdir()
    write(site, 'drop = "drop"\nas_of = 2025-06-30\n')
    found = asked("Delivery", site)
    assert (found.status, found.exit_code) == ("error", 3)
    assert "'as_of' is set" in found.found


def test_python(site, monkeypatch):
    holds(asked("Python", site))
    monkeypatch.setattr(software.platform, "python_version", lambda: "3.10.4")
    fails(asked("Python", site), "Python 3.10.4, and >=3.11 is asked for", "make PYTHON=python3.11 setup")


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [
        ("fastapi", "0.165.0", "every run through Prefect dies"),
        ("sqlalchemy", "2.1.9", "schedules silently never fire"),
        ("duckdb", "2.0.0", "its file format"),
        ("prefect", None, "prefect missing"),
    ],
)
def test_pins_that_break_in_silence(site, installed, name, version, says):
    holds(asked("Pinned packages", site))
    installed(**{name: version})
    fails(asked("Pinned packages", site), says, f"python -m pip install '{name}==")


@pytest.mark.parametrize(("version", "says"), [(None, "polars missing"), ("1.9.0", "polars 1.9.0, and ==2.1.*")])
def test_packages(site, installed, version, says):
    holds(asked("Packages", site))
    installed(polars=version)
    fails(asked("Packages", site), says, "python -m pip install 'polars==2.1.")


def test_a_package_that_another_one_needs(site, installed):
    installed(tzdata=None)
    found = asked("Packages", site)
    fails(found, "tzdata missing", "'tzdata==")


def test_lock_file(site, installed, monkeypatch, tmp_path):
    installed(**software._locked())
    holds(asked("Lock file", site))
    installed(rich="0.0.1")
    warns(asked("Lock file", site), "rich 0.0.1 (locked: ", "make setup")
    monkeypatch.setattr(software, "ROOT", tmp_path)
    applies_not(asked("Lock file", site), "not beside the software")
    holds(asked("Python", site))  # from what was installed, where there is no pyproject.toml


# --- Settings -------------------------------------------------------------------------------------


def test_each_mistake_in_the_settings_is_a_finding_and_nothing_else_is_asked(command, site):
    (site / "audit.toml").write_text('extracts = "delivery"\nkeep_releases = 0\nthreads = "many"\n')
    code, said, _ = command("doctor", "--config", site / "audit.toml", "--json")
    found = json.loads(said)
    wrong = [each["found"] for each in found if each["check"] == "Settings"]
    assert len(wrong) == 4
    for name in ("'out' is not set", "de-identification is not declared", "'keep_releases'", "'threads'"):
        assert any(name in text for text in wrong), name
    assert "many" not in said
    assert code in (SettingsError.exit_code, DeidentificationError.exit_code)
    assert {each["status"] for each in found if each["check"] in dict(doctor.WITH_SETTINGS)} == {"not applicable"}


@pytest.mark.parametrize(
    ("content", "says", "mend"),
    [("extract = 'x'", "unknown setting 'extract'", "did you mean 'extracts'?"), ("=", "not TOML", "audit.example.toml")],
)
def test_settings_that_cannot_be_read(site, content, says, mend):
    holds(asked("Settings", site))
    (site / "audit.toml").write_text(content)
    fails(asked("Settings", site), says, mend)


def test_deidentification(site):
    holds(asked("De-identification", site))
    (site / "audit.toml").write_text('extracts = "delivery"\nout = "audit"\n')
    fails(asked("Settings", site), "is not declared", "set deid_mode in ", DeidentificationError)
    write(site, 'source = "synthea"\n')
    (site / "audit.toml").write_text((site / "audit.toml").read_text().replace("limited_data_set", "relative_days"))
    fails(asked("De-identification", site), "relative_days cannot be true", "limited_data_set")


def test_time_zone(site, monkeypatch):
    write(site, '[schedule]\ntimezone = "Europe/Berlin"\n')
    holds(asked("Time zone", site))
    write(site, '[schedule]\ntimezone = "Europe/Berlni"\n')
    fails(asked("Time zone", site), "schedule.timezone is no time zone", "Europe/Berlin")
    monkeypatch.setattr(configuration, "available_timezones", set)
    fails(asked("Time zone", site), "knows no time zones", "tzdata")


def test_schedule_and_its_next_firings(site):
    write(site, '[schedule]\ncron = "30 5 1 1 *"\ntimezone = "America/New_York"\n')
    found = asked("Schedule", site)
    holds(found)
    year = datetime.now().year + 1
    assert [f"{each}-01-01 05:30" in found.found for each in range(year, year + 3)] == [True] * 3
    assert "(America/New_York)" in found.found
    write(site, '[schedule]\ncron = "61 5 * * *"\n')
    fails(asked("Schedule", site), "schedule.cron cannot be read", "five fields")
    write(site, '[schedule]\ncron = "0 5 31 2 *"\n')
    fails(asked("Schedule", site), "schedule.cron", "")
    for text in ("@daily", "0 0 6 1 * *"):
        write(site, f'[schedule]\ncron = "{text}"\n')
        fails(asked("Schedule", site), "has not five fields", "write five fields")


def test_the_sites_time_zone(site):
    holds(asked("Site's time zone", site))
    fails(asked("Site's time zone", site, parameters={"site_timezone": "America/New_Yrok"}), "site_timezone", "America/New_York")
    (site / "ours").mkdir()
    (site / "ours" / "parameter.csv").write_text("name,effective_from,value,unit,reference\nsite_timezone,,Nowhere/At_All,time_zone,x\n")
    fails(asked("Site's time zone", site, site_rules=site / "ours"), "no time zone that DuckDB knows", "")


def test_messages_and_no_address_is_repeated(site):
    applies_not(asked("Messages", site), "nobody is told")
    secret = "jsons://me:Very-Secret-1@example.org/hook"
    given = {"urls": [secret]}
    holds(asked("Messages", site, notify=given))
    wrong = [asked(name, site, notify={"urls": [secret, "teems://Very-Secret-2"]}) for name in ("Settings", "Messages")]
    found = next(each for each in wrong if each.status == "error")  # the settings may refuse it before it comes to this
    fails(found, "2", "")
    write(site, f'[notify]\nurls = ["{secret}"]\n')
    (site / "audit.toml").chmod(0o644)
    exposed = asked("Messages", site)
    warns(exposed, "others may read the file", "chmod 600")
    (site / "audit.toml").chmod(0o600)
    holds(asked("Messages", site))
    assert "Very-Secret" not in str([wrong, exposed])


# --- Folders --------------------------------------------------------------------------------------


def test_folders_read(site, monkeypatch):
    holds(asked("Folders read", site))
    fails(asked("Folders read", site, extracts=site / "none"), "extracts is not there", "make the folder", DeliveryError)
    fails(asked("Folders read", site, drop=site / "none"), "drop is not there", "name another as drop", DeliveryError)
    (site / "drop").mkdir()
    holds(asked("Folders read", site, drop=site / "drop", extracts=site / "none"))  # made by the first accepted delivery
    monkeypatch.setattr(folders.os, "access", lambda path, mode: path != site / "delivery")
    fails(asked("Folders read", site), "extracts cannot be read", "chmod u+rx", DeliveryError)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"extracts": "audit/delivery"}, "extracts lies inside the out folder"),
        ({"drop": "audit/drop"}, "drop lies inside the out folder"),
        ({"out": "delivery/audit"}, "the out folder lies inside extracts"),
    ],
)
def test_folders_apart(site, given, says):
    holds(asked("Folders apart", site))
    fails(asked("Folders apart", site, **{name: site / path for name, path in given.items()}), says, "", PublishError)


def test_drop_and_extracts_are_two_folders(site):
    holds(asked("Folders apart", site, drop=site / "drop"))
    fails(asked("Folders apart", site, drop=site / "delivery"), "drop and extracts lie in one another", "a folder of its own")


def test_out_folder_is_tried_and_left_as_it_was(site):
    before = state(site)
    found = asked("Out folder", site)
    holds(found)
    assert "can be made" in found.found
    assert state(site) == before
    (site / "audit").mkdir()
    holds(asked("Out folder", site))
    assert list((site / "audit").iterdir()) == []
    (site / "file").touch()
    fails(asked("Out folder", site, out=site / "file"), "the out folder is a file", "--out", PublishError)


def refuse(*_, **__):
    raise OSError(errno.EOPNOTSUPP, "Operation not supported")


@pytest.mark.parametrize(
    ("place", "what", "says"),
    [
        (folders.tempfile, "mkdtemp", "make a folder"),
        (folders.os, "fsync", "write and replace a file"),
        (folders.os, "rename", "rename a folder"),
        (Path, "symlink_to", "replace a symbolic link"),
        (folders.fcntl, "flock", "lock a file"),
    ],
)
def test_what_a_share_may_refuse(site, monkeypatch, place, what, says):
    (site / "audit").mkdir()
    monkeypatch.setattr(place, what, refuse)
    fails(asked("Out folder", site), f"not possible to {says} (Operation not supported)", "local disk", PublishError)
    monkeypatch.undo()
    assert list((site / "audit").iterdir()) == []


def test_locks_that_lock_nothing_and_rights_that_are_not_kept(site, monkeypatch):
    (site / "audit").mkdir()
    monkeypatch.setattr(folders.fcntl, "flock", lambda file, how: None)
    fails(asked("Out folder", site), "lock a file (two got it at once)", "local disk", PublishError)
    monkeypatch.undo()
    monkeypatch.setattr(folders.os, "umask", lambda mask: 0)
    os.umask(0)
    try:
        fails(asked("Out folder", site), "keep a file to its owner (others may read it)", "local disk", PublishError)
    finally:
        monkeypatch.undo()
        os.umask(0o022)


def test_one_file_system(site, monkeypatch):
    applies_not(asked("One file system", site), "nothing is published yet")
    out = published(site)
    holds(asked("One file system", site))
    shm = Path("/dev/shm")
    if shm.is_dir() and shm.stat().st_dev != out.stat().st_dev:
        elsewhere = shm / f"doctor-{os.getpid()}"
        shutil.rmtree(out / "releases")
        elsewhere.mkdir()
        try:
            (out / "releases").symlink_to(elsewhere)
            fails(asked("One file system", site), "another file system", "whole on one disk", PublishError)
        finally:
            elsewhere.rmdir()


def test_network_share(site, monkeypatch, tmp_path):
    device = os.stat(site).st_dev
    line = f"36 35 {os.major(device)}:{os.minor(device)} / /x rw - {{}} server:/x rw\n"
    monkeypatch.setattr(folders, "MOUNTS", tmp_path / "mountinfo")
    applies_not(asked("Network share", site), "cannot be told")
    folders.MOUNTS.write_text(line.format("ext4"))
    holds(asked("Network share", site))
    folders.MOUNTS.write_text(line.format("nfs4"))
    warns(asked("Network share", site), "network share (nfs4)", "one machine alone")


def test_rights(site):
    holds(asked("Rights", site))
    out = published(site)
    holds(asked("Rights", site))
    out.chmod(0o750)
    warns(asked("Rights", site), "group may look into", "chmod -R go=")
    (out / "current" / "audit.duckdb").chmod(0o644)
    fails(asked("Rights", site), "everybody on this machine may read", "chmod -R go=", PublishError)


@pytest.mark.parametrize("name", ["OneDrive - Hospital", "Dropbox", "Nextcloud"])
def test_synchronised_folder(site, name):
    holds(asked("Synchronised folder", site))
    fails(asked("Synchronised folder", site, out=site / name / "audit"), "synchronised folder", "protected zone", PublishError)


def test_synchronised_by_its_mark(site):
    (site / ".stfolder").mkdir()
    fails(asked("Synchronised folder", site), "synchronised folder", "protected zone", PublishError)


def test_spill_folder(site, monkeypatch):
    applies_not(asked("Spill folder", site), "inside the out folder")
    holds(asked("Spill folder", site, temp_directory=site / "spill"))
    (site / "spill").mkdir(mode=0o755)
    warns(asked("Spill folder", site, temp_directory=site / "spill"), "others may list", "chmod go=")
    fails(asked("Spill folder", site, temp_directory=site / "delivery" / "x"), "inside the delivery", "name another")
    monkeypatch.setattr(folders.tempfile, "mkdtemp", refuse)
    fails(asked("Spill folder", site, temp_directory=site / "spill"), "temp_directory: in", "local disk")


# --- Room, Prefect --------------------------------------------------------------------------------


class Free:
    def __init__(self, free):
        self.free = free


def test_disk(site, monkeypatch):
    delivered = retention.size(site / "delivery")
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: Free(1 << 50))
    holds(asked("Disk", site))
    releases_ = 4 * room.LEAST_RELEASE
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: Free(releases_ + 10 * delivered - 1))
    warns(asked("Disk", site), "in the worst case, 10 times the delivery", "temp_directory")
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: Free(releases_ - 1))
    fails(asked("Disk", site), "the next release does not fit", "keep_releases", PublishError)


def test_disk_knows_what_is_kept(site, monkeypatch):
    for name in ("aaa111", "bbb222", "ccc333", "ddd444"):
        published(site, name, current=name == "ddd444")
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: Free(10 * retention.size(site / "delivery") + 5000))
    holds(asked("Disk", site))  # one more of a thousand bytes, before the oldest goes


def test_memory(site, monkeypatch):
    monkeypatch.setattr(room.machine, "memory_limit", lambda: "6144MiB")  # of ten
    holds(asked("Memory", site))
    holds(asked("Memory", site, memory_limit="8GB"))
    warns(asked("Memory", site, memory_limit="64GB"), "memory_limit is 64GB", "6144MiB would be chosen")
    monkeypatch.setattr(room.machine, "memory_limit", lambda: "512MiB")
    warns(asked("Memory", site), "little memory", "more")


def test_cores(site, monkeypatch):
    monkeypatch.setattr(room.machine, "threads", lambda: 2)
    holds(asked("Cores", site, threads=2))
    warns(asked("Cores", site, threads=64), "threads is 64", "set 2")


def test_prefect_home(site, monkeypatch):
    monkeypatch.delenv("PREFECT_HOME")
    holds(asked("Prefect home", site))
    monkeypatch.setenv("PREFECT_HOME", str(site / "home"))
    holds(asked("Prefect home", site))
    assert not (site / "home").exists()
    monkeypatch.setattr(folders.tempfile, "mkdtemp", refuse)
    fails(asked("Prefect home", site), "PREFECT_HOME: in", "unset PREFECT_HOME", PublishError)


@pytest.mark.parametrize(
    ("check", "name", "value"),
    [
        ("Telemetry", "DO_NOT_TRACK", "0"),
        ("Telemetry", "PREFECT_SERVER_ANALYTICS_ENABLED", "true"),
        ("Prefect server", "PREFECT_API_URL", "http://user:Very-Secret-3@host/api"),
    ],
)
def test_what_the_environment_says_to_prefect(site, monkeypatch, check, name, value):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    holds(asked(check, site))
    monkeypatch.setenv(name, value)
    found = asked(check, site)
    warns(found, name, f"unset {name}")
    assert "Very-Secret" not in str(found)


# --- Rules, delivery ------------------------------------------------------------------------------


def test_rules(site, monkeypatch):
    warns(asked("Rules", site), "the rules hold, with", "imaging-audit check-rules")
    (site / "ours").mkdir()
    (site / "ours" / "edition.csv").write_text("edition,effective_from,title,citation,n_ratings,source_locator\n2017,2023-01-01,x,x,37,x\n")
    fails(asked("Rules", site, site_rules=site / "ours"), "RUL-09", "imaging-audit check-rules", RulesError)
    fails(asked("Rules", site, parameters={"window_days": "soon"}), "parameter window_days", "whole number", RulesError)
    monkeypatch.setattr("flows.check_rules.check_rules", lambda con: [])
    holds(asked("Rules", site))


def test_an_overdue_review_is_a_warning(site, monkeypatch):
    import flows.check_rules

    there = flows.check_rules.check_rules

    def only_overdue(con):
        con.execute("update rule.value_set set next_review_on = date '2020-01-01'")
        return [each for each in there(con) if each.code == "RUL-03"]

    monkeypatch.setattr("flows.check_rules.check_rules", only_overdue)
    warns(asked("Rules", site), "RUL-03", "check-rules")


def test_delivery_by_names_and_columns(site):
    holds(asked("Delivery", site))
    orders = site / "delivery" / "orders.csv"
    text = orders.read_text()
    orders.write_text(text.replace("order_id", "order_idd", 1))
    fails(asked("Delivery", site), "column 'order_idd' of orders", "did you mean order_id, which is missing?", DeliveryError)
    orders.write_text(text.replace("order_id", "patient_name", 1))
    fails(asked("Delivery", site), "may not", "", DeidentificationError)
    orders.write_text(text)
    orders.rename(site / "delivery" / "order_2024.csv")
    fails(asked("Delivery", site), "is not the name of an extract", "orders.csv", DeliveryError)


def test_no_value_of_a_delivery_is_looked_at(site):
    orders = site / "delivery" / "orders.csv"
    lines = orders.read_text().splitlines()
    orders.write_text("\n".join([lines[0], "123-45-6789" + "," * lines[0].count(",")]) + "\n")
    found = asked("Delivery", site)
    holds(found)
    assert "123-45-6789" not in str(found)


def test_a_series_is_looked_at_as_a_whole(site):
    (site / "series").mkdir()
    for name in ("2025-05", "2025-06-30_corrected", "2025-06"):
        shutil.copytree(site / "delivery", site / "series" / name)
    (site / "series" / "2025-06-30_corrected" / "orders.csv").unlink()  # a correction may be of some extracts alone
    found = asked("Delivery", site, extracts=site / "series")
    holds(found)
    assert "3 deliveries" in found.found
    for name in ("2025-05", "2025-06"):
        (site / "series" / name / "orders.csv").unlink()
    fails(asked("Delivery", site, extracts=site / "series"), "lacks orders", "add orders.csv", DeliveryError)


def test_before_the_first_delivery_arrived(site):
    (site / "drop").mkdir()
    applies_not(asked("Delivery", site, extracts=site / "accepted", drop=site / "drop"), "none was accepted yet")
    (site / "accepted").mkdir()
    applies_not(asked("Delivery", site, extracts=site / "accepted", drop=site / "drop"), "none was accepted yet")
    applies_not(asked("Delivery", site, extracts=site / "none"), "there is none")


def test_synthea_is_looked_at_as_such(site):
    found = asked("Delivery", site, source="synthea")
    fails(found, "the synthea export lacks conditions", "add conditions.csv", DeliveryError)


# --- What earlier runs left -----------------------------------------------------------------------


def test_format_of_results(site):
    applies_not(asked("Format of results", site), "nothing is published yet")
    out = published(site)
    holds(asked("Format of results", site))
    published(site, "bbb222", current=False, format=1)
    fails(asked("Format of results", site), "written by older software", f"imaging-audit upgrade --out {out}", PublishError)


def test_clock(site):
    holds(asked("Clock", site))
    out = published(site)
    holds(asked("Clock", site))
    later = datetime.now(UTC) + timedelta(days=2)
    ledger.append(out, {"event": "failed", "run_id": "x", "recorded_at": later.isoformat()})
    fails(asked("Clock", site), "before the last run", "timedatectl", PublishError)


def test_lock(site):
    holds(asked("Lock", site))
    out = published(site)
    with locked(out):
        warns(asked("Lock", site), f"an audit is running: process {os.getpid()}", "exit code 10")
    holds(asked("Lock", site))
    (out / ".lock").write_text('{"pid": 1}')  # what a killed run leaves: nobody holds it
    holds(asked("Lock", site))
    with (out / ".lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        (f"{releases.WORK}abc", "the next run clears it away"),
        (releases.JOURNAL, "the next run clears it away"),
        (".upgrade-abc", "imaging-audit upgrade"),
        (f"{folders.TRIAL}abc", "rm -r"),
    ],
)
def test_leftovers(site, name, mend):
    out = published(site)
    holds(asked("Leftovers", site))
    (out / name).mkdir()
    warns(asked("Leftovers", site), name, mend)
    with locked(out):
        found = asked("Leftovers", site)
    holds(found)
    assert "that is running" in found.found


def test_a_check_that_cannot_be_made_is_a_finding_without_a_value(site, monkeypatch):
    def broken(scene):
        raise ValueError("patient 123-45-6789")

    monkeypatch.setattr(doctor, "ALONE", (("Python", broken),))
    found = doctor.examine(site / "audit.toml")[0]
    assert (found.check, found.status, found.exit_code) == ("Python", "error", 1)
    assert "unexpected ValueError" in found.found
    assert "123-45" not in str(found)


def test_every_check_is_broken_by_a_test():
    """A check that no test sees fail is no check."""
    text = Path(__file__).read_text(encoding="utf-8")
    for name in CHECKS:
        assert text.count(f'"{name}"') >= 1, name


def test_checks_are_of_these_rooms():
    rooms = {each.__name__ for each in (configuration, content, folders, history, orchestration, room, software)}
    assert {check.__module__ for check in CHECKS.values()} == rooms
