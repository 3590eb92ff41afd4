"""From one format of results to the next: a release that an earlier format's software left is read, compared and built upon."""

import json
import os
import shlex
import shutil
import subprocess

import crash
import duckdb
import old_release
import polars as pl
import pytest
from conftest import audit
from old_release import RUN, rows_of
from test_diff import corrected

from flows import ROOT, formats, ledger, models, upgrade
from flows.lock import locked
from flows.publish import is_current
from flows.software import versions

ASKS = "imaging-audit upgrade --out"


@pytest.fixture(scope="module")
def today(tmp_path_factory):
    """The delivery, the folder that software of format 1 left, and what today's software makes of the same delivery."""
    home = tmp_path_factory.mktemp("upgrade")
    extracts = old_release.deliver(old_release.gate(), home / "delivery")
    con = old_release.publish(home / "old", 1, extracts)
    os.utime(home / "old" / "releases" / RUN, (1767247200, 1767247200))
    yield home, con
    con.close()


@pytest.fixture
def old(today, tmp_path):
    shutil.copytree(today[0] / "old", tmp_path / "out", symlinks=True)
    return tmp_path / "out"


@pytest.fixture(scope="module")
def brought(today):
    """The folder after its upgrade; not to be changed."""
    out = today[0] / "brought"
    shutil.copytree(today[0] / "old", out, symlinks=True)
    assert upgrade.upgrade(out) == [RUN]
    return out


@pytest.fixture(scope="module")
def continued(today, brought):
    """A run of today on top of it, with a delivery in which rows came, went and were corrected."""
    out = today[0] / "continued"
    shutil.copytree(brought, out, symlinks=True)
    audit(old_release.deliver(corrected(), today[0] / "later"), out, **old_release.GIVEN)
    return out


def state(out):
    """Everything but what an attempt is told in: its log, its health, its incidents."""
    told = {".lock", "health.json", "logs"}
    paths = [path for path in sorted(out.rglob("*")) if path.is_file() and not told & {*path.relative_to(out).parts}]
    found = {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}
    lines = found[ledger.NAME].splitlines()
    return found | {ledger.NAME: [line for line in lines if json.loads(line)["event"] != "incident"]}


def test_what_is_kept_is_truly_of_another_shape(old):
    columns = {name for (name,) in rows_of(old / "audit.duckdb", "select column_name from (describe core.verdict)")}
    assert "is_of_measure" not in columns
    with duckdb.connect(str(old / "audit.duckdb"), read_only=True) as con, pytest.raises(duckdb.BinderException):
        con.execute((models.SQL / "explain" / "verdict.sql").read_text(), {"order_id": "o11"})


@pytest.mark.parametrize(
    "words",
    [("explain", "o11"), ("query", "select 1"), ("run", "--deid-mode", "limited_data_set", "--direct", "--extracts"), ("diff", "0ld", "now")],
    ids=lambda words: words[0],
)
def test_9_whatever_meets_it_asks_for_the_upgrade(command, today, old, words):
    words = (*words, today[0] / "delivery") if words[0] == "run" else words
    if words[0] == "diff":
        shutil.copytree(old / "releases" / RUN, old / "releases" / "now")
        ledger.append(old, {"event": "published", "run_id": "now", "release": "now"})
    before = state(old)
    code, said, talk = command(*words, "--out", old)
    assert (code, said) == (9, "")
    assert f"{ASKS} {old}" in talk
    assert "Exception" not in talk
    assert state(old) == before


def test_upgrade_says_what_it_brought_and_does_it_once(command, old):
    code, said, talk = command("upgrade", "--out", old)
    assert (code, said) == (0, f"Format {formats.FORMAT}: {RUN}\n")
    assert f"Release {RUN}: format 1, now {formats.FORMAT}" in talk
    before = state(old)
    assert command("upgrade", "--out", old)[:2] == (0, f"Every kept release has format {formats.FORMAT} already.\n")
    assert state(old) == before
    (event,) = [entry for entry in ledger.read(old) if entry["event"] == "upgraded"]
    assert (event["release"], event["from"], event["to"]) == (RUN, 1, formats.FORMAT)


def test_what_left_is_not_touched_and_the_release_is_whole(old, brought):
    before, after = state(old), state(brought)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    home = f"releases/{RUN}"
    assert {name for name in changed if name.startswith(home)} == {f"{home}/audit.duckdb", f"{home}/manifest.json"}
    manifest = json.loads(after[f"{home}/manifest.json"])
    assert manifest["format"] == formats.FORMAT
    assert [(step["from"], step["to"]) for step in manifest["upgraded"]] == [(1, formats.FORMAT)]
    assert manifest["versions"] == json.loads(before[f"{home}/manifest.json"])["versions"]
    assert is_current(brought, RUN)  # every hash of the manifest holds
    assert not list(brought.glob(".upgrade-*"))
    assert (brought / home / "audit.duckdb").stat().st_mode & 0o077 == 0


def test_the_verdicts_are_those_that_today_gives_for_the_measure(today, brought):
    asked = "select order_id, question, edition, variant, status, reason, rating, could_be_in_force, is_current from core.verdict where is_of_measure and could_be_in_force order by all"
    there = rows_of(brought / "audit.duckdb", asked)
    assert there == today[1].execute(asked).fetchall()
    assert len(there) > 9
    assert {row[-1] for row in there} == {True}  # every order of 2024 fell under the edition that is still the current one


def test_what_was_not_said_then_stays_unknown(brought):
    unknown = "radiation_msv_low, rating_current_edition, reroute_status"
    assert set(rows_of(brought / "audit.duckdb", f"select {unknown} from out.order_label")) == {(None, None, None)}
    assert rows_of(brought / "audit.duckdb", "select comment from duckdb_tables() where table_name = 'order_label'")[0][0].startswith("One row per")


def test_every_order_can_be_explained(command, today, brought):
    orders = [order for (order,) in today[1].execute("select distinct order_id from stg.order_line order by all").fetchall()]
    assert len(orders) > 10
    for order in orders:
        code, said, talk = command("explain", order, "--out", brought)
        assert (code, talk) == (0, ""), order
        assert said.startswith("Order"), order
    rated = command("explain", "o11", "--out", brought)[1]
    assert "usually appropriate, score" in rated
    assert "level 0, unknown for a standard adult" in rated


def test_it_answers_queries(command, brought):
    code, said, _ = command("query", "select count(*) as n from out.order_label where is_first", "--out", brought, "--format", "json")
    assert code == 0
    assert json.loads(said)[0]["n"] > 5


def test_diff_across_formats_counts_what_today_would_count(continued):
    from flows.answers.diff import compare

    found = compare(continued, "previous", "current")
    changes = {row["extract"]: (row["n_new"], row["n_gone"], row["n_corrected"]) for row in found["data_change"]}
    assert changes["orders"] == (1, 1, 1)
    assert changes["therapies"] == (2, 2, 0)
    assert found["label_change"] == [{"change": "rating usually_not_appropriate → usually_appropriate", "n_orders": 1, "n_touched": 1}]
    assert found["not_known"] == []


def test_a_run_on_top_publishes_what_changed(continued):
    change = pl.read_parquet(continued / "exports" / "change.parquet")
    changed = dict(change.select("cause", "is_changed").rows())
    assert [cause for cause, is_changed in changed.items() if is_changed] == ["new_data", "corrected_data", "gone_data", "definition"]
    assert not change["n_changed"].is_between(1, 19).any()
    manifest = json.loads((continued / "manifest.json").read_text())
    assert (manifest["format"], manifest["versions"]["duckdb"]) == (formats.FORMAT, versions()["duckdb"])
    assert {entry["format"] for entry in ledger.read(continued) if entry["event"] == "published" and entry["run_id"] != RUN} == {formats.FORMAT}


def test_disclosure_control_remembers_what_was_shown_before_the_upgrade(brought):
    from flows.disclosure import differencing

    shown, true = differencing.last_release(brought)
    assert true.keys() == differencing.KEYS.keys()
    assert shown["compliance"].height == true["compliance"].height


def test_a_kill_at_any_moment_loses_nothing(old, tmp_path):
    steps, log = tmp_path / "steps", tmp_path / "log"
    whole = tmp_path / "whole"
    shutil.copytree(old, whole, symlinks=True)
    run(["upgrade", "--out", str(whole)], log, steps=str(steps))
    told = steps.read_text().splitlines()
    moves = [at for at, step in enumerate(told, 1) if step.startswith("os.rename")]
    assert len(moves) == 2
    for at in (moves[0] - 3, *moves, moves[1] + 1):
        out = tmp_path / f"killed-{at}"
        shutil.copytree(old, out, symlinks=True)
        run(["upgrade", "--out", str(out)], log, kill_at=at)
        (known,) = formats.manifests(out).values()
        # Either of the old format or of the new, and its database can be read as what the manifest says.
        tables = rows_of(out / "audit.duckdb", "select count(*) from core.verdict")
        assert tables == rows_of(whole / "audit.duckdb", "select count(*) from core.verdict")
        assert formats.of(known) in (1, formats.FORMAT)
        upgrade.upgrade(out)
        assert is_current(out, RUN), told[at - 1]
        assert not list(out.glob(".upgrade-*"))
        assert rows_of(out / "audit.duckdb", "select * from core.verdict order by all") == rows_of(whole / "audit.duckdb", "select * from core.verdict order by all")


def run(arguments, log, **how):
    process = crash.PREPARED.Process(target=crash.command, args=(arguments, str(log)), kwargs=how)
    process.start()
    process.join(60)
    assert process.exitcode in ((0,) if "steps" in how else (-9,)), log.read_text()


def test_a_step_that_loses_rows_is_refused(old, monkeypatch):
    monkeypatch.setattr(upgrade, "steps", lambda since: [("core.verdict", "-- One row per nothing\nselect * from core.verdict where false")])
    before = state(old)
    with pytest.raises(upgrade.PublishError, match="lacks rows"):
        upgrade.upgrade(old)
    assert state(old) == before


def test_a_step_that_fails_names_the_release_and_shows_no_value(command, old, monkeypatch):
    monkeypatch.setattr(upgrade, "steps", lambda since: [("core.verdict", "select cast(order_id as integer) as n from core.verdict")])
    before = state(old)
    code, _, talk = command("upgrade", "--out", old)
    assert code == 9
    assert "(ConversionException), and stays as it was" in talk
    assert RUN in talk
    assert "o11" not in talk
    assert state(old) == before


@pytest.mark.parametrize("of_what", ["manifest", "ledger", "engine"])
def test_9_results_of_newer_software_are_left_alone(command, today, brought, tmp_path, of_what):
    out = tmp_path / "out"
    shutil.copytree(brought, out, symlinks=True)
    path = out / "releases" / RUN / "manifest.json"
    if of_what == "ledger":
        ledger.append(out, {"event": "published", "run_id": "later", "format": formats.FORMAT + 1})
    elif of_what == "manifest":
        path.write_text(json.dumps(json.loads(path.read_text()) | {"format": formats.FORMAT + 1}))
    else:
        step = {"from": 1, "to": 2, "versions": {"duckdb": "99.0.0"}}
        path.write_text(json.dumps(json.loads(path.read_text()) | {"upgraded": [step]}))
    before = state(out)
    for words in (("upgrade",), ("run", "--deid-mode", "limited_data_set", "--direct", "--extracts", today[0] / "delivery")):
        code, said, talk = command(*words, "--out", out)
        assert (code, said) == (9, "")
        assert "use the software that wrote them" in talk or "use that software here" in talk
    assert state(out) == before


def test_a_backup_as_the_docs_take_it_stands_anywhere(command, today, continued, tmp_path):
    (line,) = [line for line in (ROOT / "docs" / "operations.md").read_text().splitlines() if line.startswith("flock")]
    (continued / ".work-killed").mkdir()
    call = line.replace("RESULTS", str(continued)).replace("backup.tar", str(tmp_path / "backup.tar"))
    with locked(continued):
        assert subprocess.run(shlex.split(call), check=False).returncode != 0
    subprocess.run(shlex.split(call), check=True)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    subprocess.run(["tar", "--extract", "--file", tmp_path / "backup.tar", "--directory", tmp_path / "elsewhere"], check=True)
    shutil.copytree(today[0] / "later", tmp_path / "delivery")
    before = state(tmp_path / "elsewhere")
    assert not [name for name in os.listdir(tmp_path / "elsewhere") if name.startswith(".work-")]
    config = tmp_path / "audit.toml"
    config.write_text('extracts = "delivery"\nout = "elsewhere"\ndeid_mode = "limited_data_set"\nas_of = 2024-12-31\n[parameters]\nquarantine_max_share = "0.5"\n')
    code, _, talk = command("run", "--config", config, "--direct")
    assert (code, "Nothing changed" in talk) == (0, True)
    assert state(tmp_path / "elsewhere") == before


def test_an_upgrade_waits_for_no_run(command, old):
    with locked(old):
        assert command("upgrade", "--out", old)[0] == 10


def test_11_no_folder(command, tmp_path):
    assert command("upgrade", "--out", tmp_path / "none")[0] == 11


def test_every_step_is_named_by_its_format_and_table():
    found = [upgrade.STEP.fullmatch(path.name) for path in models.model_files("upgrade")]
    assert all(found)
    # A format may rise without a step: where only the file of the database changes, every release is copied anew.
    assert {int(step["format"]) for step in found} <= set(range(formats.FIRST + 1, formats.FORMAT + 1))
    tables = {f"{schema}.{models.table_name(path)}" for schema, path, _ in models.steps(models.FROM_DELIVERED)}
    assert {f"{step['schema']}.{step['table']}" for step in found} <= tables


def test_an_upgraded_table_has_every_column_of_today(today, brought):
    for table, _ in upgrade.steps(formats.FIRST):
        there = {name for (name,) in rows_of(brought / "audit.duckdb", f"select column_name from (describe {table})")}
        asked = {row[0] for row in today[1].execute(f"select column_name from (describe {table})").fetchall()}
        assert there >= asked, table
