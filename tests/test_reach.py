"""How far an audit can reach: its own folders, loopback, and nothing that a delivery or a setting could name."""

import json
import os
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import duckdb
import pytest
import tally
from deliveries import settings_for, write
from receivers import webhook

from flows import ROOT, doors, incidents, stages, upgrade
from flows.answers import diff, explain, rejudged
from flows.arrival import listing
from flows.disclosure import differencing
from flows.errors import AuditError
from flows.settings import load_settings
from flows.workspace import opened

# Written into the process, and every process it starts, before anything else runs there.
WATCH = """
import json, os, sys
def note(event, args):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        what = args[0] if event == "socket.getaddrinfo" else args[1]
        with open(os.environ["WATCHED"], "a") as file:
            file.write(json.dumps([event, what if isinstance(what, (str, list, tuple)) else str(what)], default=str) + chr(10))
    if event == "import" and args[0] == "apprise":
        with open(os.environ["WATCHED"], "a") as file:
            file.write(json.dumps([event, "apprise"]) + chr(10))
sys.addaudithook(note)
"""
OUTSIDE = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('{outside}')",
    "select * from glob('/*')",
    "copy (select 1) to '{outside}.new'",
    "attach '{outside}.db' as other",
    "export database '{outside}.folder'",
    "install httpfs",
    "load httpfs",
    "select * from read_parquet('https://example.org/a.parquet')",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "set lock_configuration = false",
]


@pytest.fixture
def run(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    with opened(settings_for(write(tmp_path / "delivery"))) as run:
        stages.load_rules(run)
        stages.read_delivery(run)
        yield run


@pytest.mark.parametrize("statement", OUTSIDE)
def test_once_read_sql_reaches_no_file_no_network_and_no_setting(run, tmp_path, statement):
    with pytest.raises(duckdb.Error):
        run.con.execute(statement.format(outside=tmp_path / "secret.txt"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["delivery", "delivery-out", "secret.txt"]


def is_closed(con, tmp_path):
    """Every statement that reaches out is refused, and leaves nothing."""
    (tmp_path / "outside").mkdir(exist_ok=True)
    for statement in OUTSIDE:
        with pytest.raises(duckdb.Error):
            con.execute(statement.format(outside=tmp_path / "outside" / "x"))
    assert list((tmp_path / "outside").iterdir()) == []
    settings = dict(con.execute("select name, value from duckdb_settings()").fetchall())
    assert [settings[name] for name in (*doors.FETCHES_NOTHING, "enable_external_access", "lock_configuration")] == [*["false"] * 4, "true"]


def test_explain_deliveries_and_diff_see_their_databases_alone(audited, tmp_path, monkeypatch, command):
    database, seen = audited / "audit.duckdb", []
    monkeypatch.setattr(explain, "explain", lambda con, *_, **__: seen.append(is_closed(con, tmp_path)) or "")
    assert command("explain", "any", "--out", audited)[0] == 0
    monkeypatch.setattr(diff, "_built", lambda con: seen.append(is_closed(con, tmp_path)) or set(diff.TOLD))
    diff._compared([{"run_id": name, "database": database} for name in "ab"])
    (tmp_path / "work").mkdir()
    later = shutil.copy(database, tmp_path / "work" / "later.duckdb")
    with rejudged._attached(database, Path(later), {}) as con:
        is_closed(con, tmp_path)
        con.execute("create table core.x as from later.core.imaging_line")
    assert len(seen) == 2
    connect = duckdb.connect

    def checked(*given, **named):
        with connect(*given, **named) as con:
            seen.append(is_closed(con, tmp_path))
        return connect(*given, **named)

    monkeypatch.setattr(duckdb, "connect", checked)
    assert listing._counts(audited)
    assert differencing.truth_of(database)
    assert len(seen) == 4


def test_an_upgrade_sees_the_old_database_and_the_new_one(audited, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(upgrade, "_check", lambda con: seen.append(is_closed(con, tmp_path)))
    (tmp_path / "work").mkdir()
    upgrade._build(audited / "audit.duckdb", tmp_path / "work" / "new.duckdb", ())
    assert len(seen) == 1
    with duckdb.connect(str(tmp_path / "work" / "new.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) > 0 from out.order_label").fetchall() == [(True,)]


def test_no_database_is_opened_that_may_fetch():
    """Whatever a statement or a Parquet file asks for: DuckDB fetches its extensions unless it is told not to."""
    calls = [
        (path.name, call) for path in ROOT.glob("flows/**/*.py")
        for call in re.findall(r"duckdb\.(?:connect|execute|sql|read_\w+|query)\([^\n]*", path.read_text(encoding="utf-8"))
    ]  # fmt: skip
    assert len(calls) > 10
    assert [(name, call) for name, call in calls if not re.match(r"duckdb\.connect\(.*config=(config|.*(doors|machine)\.)", call)] == []


def watched(tmp_path, *arguments, **given):
    """The command in a process of its own: what its sockets were asked to reach, and whether it prepared to tell anybody."""
    env = watching(tmp_path) | given
    subprocess.run([sys.executable, "-m", "flows", *map(str, arguments)], check=True, capture_output=True, env=env, timeout=300)
    return seen(tmp_path)


def watching(tmp_path):
    """The environment in which every Python process notes what its sockets are asked."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    log = tmp_path / "watched.jsonl"
    log.touch()
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return env | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "watch"), str(ROOT)]), "WATCHED": str(log)}


def seen(tmp_path):
    return [json.loads(line) for line in (tmp_path / "watched.jsonl").read_text().splitlines()]


def is_own(address):
    """Loopback, or a file of this machine."""
    host = address[0] if isinstance(address, list) else address
    return host in ("localhost", "", None) or str(host).startswith(("/", "\x00")) or is_loopback(str(host))


def is_loopback(host):
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def test_the_watch_would_see_a_call(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    log = tmp_path / "log"
    call = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 9))"
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "WATCHED": str(log)}
    subprocess.run([sys.executable, "-c", call], check=False, env=env)
    ((event, address),) = [json.loads(line) for line in log.read_text().splitlines()]
    assert event == "socket.connect"
    assert not is_own(address)


@pytest.mark.deep
def test_an_audit_without_prefect_calls_nobody(example, tmp_path):
    """Libraries may try whether the machine knows IPv6 by binding to it; nothing is asked, sent or connected."""
    arguments = ("--extracts", example, "--out", tmp_path / "out", "--config", example / "audit.toml", "--direct")
    calls = watched(tmp_path, "run", *arguments)
    assert [call for call in calls if call[0] != "socket.bind" or not is_own(call[1])] == []


def test_with_an_address_only_that_address_is_called(tmp_path):
    """Telling has no telemetry of its own: one connection, to the receiver that the settings name."""
    settings = tmp_path / "audit.toml"
    settings.write_text('extracts = "delivery"\nout = "out"\ndeid_mode = "limited_data_set"\n')
    (tmp_path / "out").mkdir()
    incidents.record(tmp_path / "out", "signal", "a", "A point lies outside the limits.")
    with webhook() as server:
        urls = json.dumps([f"json://127.0.0.1:{server.port}/"])
        calls = watched(tmp_path, "tell", "--config", settings, IMAGING_AUDIT_NOTIFY__URLS=urls)
    assert len(server.received) == 1
    assert ["import", "apprise"] in calls
    assert [call for call in calls if call[0] not in ("import", "socket.bind")] == [
        ["socket.getaddrinfo", "127.0.0.1"], ["socket.connect", ["127.0.0.1", server.port]]
    ]  # fmt: skip


# A network of its own in which nothing but loopback leads anywhere: the kernel counts whoever tries, native libraries included.
APART = """
import ctypes, fcntl, json, os, socket, struct, subprocess, sys
def n_tried():
    first, second = [line.split() for line in open("/proc/net/snmp") if line.startswith("Ip:")]
    sixth = [int(line.split()[1]) for line in open("/proc/net/snmp6") if line.startswith("Ip6OutNoRoutes")]
    return int(second[first.index("OutNoRoutes")]) + sum(sixth)
new_network, new_user = 0x40000000, 0x10000000
if ctypes.CDLL(None).unshare(new_network | (new_user if os.geteuid() else 0)):
    sys.exit(77)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # loopback is up
os.umask(0o022)
told = []
for command in json.loads(sys.argv[1]):
    before, done = n_tried(), subprocess.run([sys.executable, *command], capture_output=True, text=True)
    told.append([done.returncode, n_tried() - before, done.stderr])
print(json.dumps(told))
"""
CALLS = (
    "socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(('192.0.2.1', 443))",
    "socket.socket(socket.AF_INET6, socket.SOCK_STREAM).connect(('2001:db8::1', 443))",
    "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "import duckdb; duckdb.execute('install httpfs')",  # which no watch over Python's sockets sees
)


def apart(tmp_path, *commands):
    """Each command's exit code, the calls it tried beyond loopback, what it said; None where no such network may be made."""
    homes = {name: str(tmp_path / name.lower()) for name in ("HOME", "TMPDIR")}
    for folder in homes.values():
        os.mkdir(folder)
    given = json.dumps([[str(word) for word in command] for command in commands])
    env = watching(tmp_path) | homes
    done = subprocess.run([sys.executable, "-c", APART, given], cwd=ROOT, capture_output=True, text=True, env=env, timeout=600)
    if done.returncode == 77:
        tally.NOTES.append("NOT COUNTED: calls of native libraries, in a network of its own; this account may not make one")
        return None
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_kernel_would_count_a_call(tmp_path):
    told = apart(tmp_path, *(["-c", f"import socket; {call}"] for call in CALLS))
    assert told is None or [n_tried > 0 for _, n_tried, _ in told] == [True] * len(CALLS)


@pytest.mark.flow
def test_a_month_of_commands_calls_nobody_and_leaves_no_file_to_others(example, tmp_path):
    """With Prefect, as the kernel counts and the watch sees it; afterwards every file is its owner's, and in the folders named."""
    out, config, arrived = tmp_path / "out", tmp_path / "audit.toml", tmp_path / "drop" / "2024-12"
    config.write_text(f'deid_mode = "limited_data_set"\nextracts = "series"\ndrop = "drop"\nout = "{out}"\n')
    arrived.mkdir(parents=True)
    for name in ("orders.csv", "diagnoses.csv", "SYNTHETIC.txt"):
        (arrived / name).write_bytes((example / name).read_bytes())
    (arrived / "DONE").touch()
    order_id = (example / "orders.csv").read_text().splitlines()[1].split(",")[0]
    given = [
        ("run", "--extracts", example, "--config", example / "audit.toml", "--out", out),
        ("catch-up", "--config", config), ("deliveries", "--config", config), ("doctor", "--config", config),
        *((*words, "--out", out) for words in (
            ("explain", order_id), ("query", "select count(*) from out.order_label"), ("diff", "previous", "current"),
            ("runs", "--quality"), ("notices",), ("releases",), ("upgrade",), ("health",),
        )),
    ]  # fmt: skip
    told = apart(tmp_path, *(["-m", "flows", *words] for words in given))
    if told is None:
        (tmp_path / "alone").mkdir()
        calls = watched(tmp_path / "alone", *given[0])
    else:
        names = [words[0] for words in given]
        assert {name: said for name, (code, _, said) in zip(names, told, strict=True) if code} == {}
        assert {name: n_tried for name, (_, n_tried, _) in zip(names, told, strict=True) if n_tried} == {}
        assert (tmp_path / "series" / "2024-12" / "orders.csv").exists()
        ours = [out, *out.rglob("*"), *(tmp_path / "series").rglob("*")]
        assert [path for path in ours if not path.is_symlink() and path.stat().st_mode & 0o077] == []
        assert [*(tmp_path / "home").iterdir(), *(tmp_path / "tmpdir").iterdir()] == []
        calls = seen(tmp_path)
    assert any(call[0] == "socket.connect" for call in calls), "the embedded server speaks over loopback, and the watch must see it"
    assert [call for call in calls if call[0] != "import" and not is_own(call[1])] == []


INJECTED = "x'); drop table rule.run; --"


@pytest.mark.parametrize("given", [
    {"parameters": {"window_days": f"84 {INJECTED}"}},
    {"parameters": {"site_timezone": INJECTED}},
    {"parameters": {INJECTED: "1"}},
    {"edition_override": INJECTED},
    {"conditional_surgery": [f"SNOMED:{INJECTED}"]},
    {"memory_limit": f"1GB{INJECTED}"},
    {"as_of": INJECTED},
    {"deid_mode": INJECTED},
    {"source": INJECTED},
])  # fmt: skip
def test_a_setting_is_a_value_and_never_sql(tmp_path, given):
    given = {"extracts": write(tmp_path / "delivery"), "out": tmp_path / "out", "deid_mode": "limited_data_set"} | given
    with pytest.raises(AuditError) as refused:
        load_and_run(given)
    assert refused.value.exit_code in (3, 5, 7)


@pytest.mark.parametrize("text", ["a = " + "[" * 3_000, "a = " + "{a = " * 3_000, "[" + "a." * 3_000 + "a]\n", "\x00", "parameters = 7"])
def test_settings_that_no_person_wrote_are_refused(tmp_path, text):
    config = tmp_path / "audit.toml"
    config.write_text(text)
    with pytest.raises(AuditError) as refused:
        load_settings(config, extracts=tmp_path, out=tmp_path, deid_mode="limited_data_set")
    assert refused.value.exit_code == 3


def test_errors_are_shown_whole_of_made_up_rows_alone(tmp_path):
    given = {"extracts": write(tmp_path / "delivery"), "out": tmp_path / "out", "deid_mode": "limited_data_set", "debug": True}
    with pytest.raises(AuditError, match="not marked as made up") as refused:
        load_settings(**given)
    assert refused.value.exit_code == 3
    (tmp_path / "delivery" / "SYNTHETIC.txt").touch()
    assert load_settings(**given).debug


def load_and_run(given):
    with opened(load_settings(**given)) as run:
        stages.load_rules(run)


def test_folders_may_have_any_name(tmp_path):
    folder = write(tmp_path / "it's; drop -- \"x\"")
    settings = settings_for(folder, temp_directory=tmp_path / "a'b")
    stages.run_direct(settings)
    assert (settings.out / "report.html").exists()


@pytest.mark.parametrize("procedure", [INJECTED, "../../etc/passwd", "us_breast' or '1'='1"])
def test_a_code_map_holds_words_and_never_sql(tmp_path, procedure):
    orders = "order_id,patient_id,ordered_on,code_system,code\no1,p1,2024-03-01,LOCAL,A1\n"
    code_map = f'code_system,code,procedure\nLOCAL,A1,"{procedure}"\n'
    settings = settings_for(write(tmp_path / "delivery", orders=orders, code_map=code_map))
    try:
        stages.run_direct(settings)
    except AuditError as refused:
        assert refused.exit_code in (4, 5, 6, 7)  # noqa: PT017
        assert procedure not in str(refused)  # noqa: PT017
    else:
        with duckdb.connect(str(settings.out / "audit.duckdb"), read_only=True) as con:
            assert con.execute("select count(*) from rule.run").fetchall() == [(1,)]
            assert con.execute("select count(*) from core.imaging_line where kind = 'mapped'").fetchall() == [(0,)]


@pytest.mark.parametrize("cell", ["read_csv('/etc/passwd')", INJECTED, "(select max(patient_id) from raw.orders)"])
def test_a_sites_row_is_a_value_and_never_sql(tmp_path, cell):
    site = tmp_path / "site"
    site.mkdir()
    (site / "parameter.csv").write_text(f'name,effective_from,value,unit,reference\nwindow_days,,"{cell}",days,site\n')
    settings = settings_for(write(tmp_path / "delivery"), site_rules=site)
    with pytest.raises(AuditError) as refused:
        stages.run_direct(settings)
    assert refused.value.exit_code == 7


@pytest.mark.parametrize("kind", ["link", "device", "pipe", "folder"])
@pytest.mark.parametrize("words", [("run", "--direct", "--extracts", "delivery", "--out", "out", "--deid-mode", "limited_data_set"), ("check-rules",), ("doctor", "--config", "site.toml")])
def test_a_sites_folder_reads_nothing_outside_itself(tmp_path, words, kind):
    """In a process of its own, for a device or a pipe would be read for ever."""
    write(tmp_path / "delivery")
    (tmp_path / "site").mkdir()
    (tmp_path / "elsewhere.csv").write_text("name,effective_from,value,unit,reference\nwindow_days,,1,days,x\n")
    path = tmp_path / "site" / "parameter.csv"
    {
        "link": lambda: path.symlink_to(tmp_path / "elsewhere.csv"), "device": lambda: path.symlink_to("/dev/zero"),
        "pipe": lambda: os.mkfifo(path), "folder": path.mkdir,
    }[kind]()  # fmt: skip
    (tmp_path / "site.toml").write_text('extracts = "delivery"\nout = "out"\ndeid_mode = "limited_data_set"\nsite_rules = "site"\n')
    command = [sys.executable, "-m", "flows", *words, *(["--rules", "site"] if "--config" not in words else [])]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 7, done.stderr
    assert "parameter.csv" in "".join((done.stdout + done.stderr).split()), "wherever a long path is broken"
