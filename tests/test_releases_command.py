"""What is kept and how much room it takes; taking one out."""

import json
import os

import pytest

from flows import ledger, retention
from flows import releases as folder
from flows.lock import locked


def publish(out, name, size, day, current=False, **facts):
    release = out / "releases" / name
    release.mkdir(parents=True)
    (release / "audit.duckdb").write_bytes(b"x" * size)
    manifest = {"format": 2, "run_id": name, "published_at": f"2026-01-{day:02}T06:00:00Z", "as_of": "2025-12-31", "suppression": "cms"}
    text = json.dumps(manifest | {"versions": {"duckdb": "1.5.6"}} | facts)
    (release / "manifest.json").write_text(text)
    ledger.append(out, {"event": "published", "run_id": name, "release": name})
    if current:
        (out / "current").symlink_to(f"releases/{name}")
    return size + len(text)


@pytest.fixture
def out(tmp_path):
    for name, size, day in (("aaa111", 3000, 1), ("aab222", 2000, 2), ("ccc333", 1000, 3)):
        publish(tmp_path, name, size, day, current=name == "ccc333")
    return tmp_path


def test_sizes_are_those_on_disk(command, out):
    code, said, _ = command("releases", "--out", out, "--json")
    found = json.loads(said)
    assert code == 0
    assert [(each["release"], each["is_current"]) for each in found["releases"]] == [("aaa111", False), ("aab222", False), ("ccc333", True)]
    for each, size in zip(found["releases"], (3000, 2000, 1000), strict=True):
        assert each["bytes"] == size + (out / "releases" / each["release"] / "manifest.json").stat().st_size
        assert each["versions"]["duckdb"] == "1.5.6"
    whole = sum(path.lstat().st_size for path in out.rglob("*") if path.is_file() and not path.is_symlink() and "current" not in path.parts)
    links = (out / "current").lstat().st_size
    assert found["total_bytes"] in (whole, whole + links)
    assert found["others_bytes"] == found["total_bytes"] - sum(each["bytes"] for each in found["releases"])
    assert found["free_bytes"] > 0


def test_the_same_to_read(command, out):
    _, said, _ = command("releases", "--out", out)
    lines = said.splitlines()
    assert lines[0].split() == ["Release", "Published", "(UTC)", "As", "of", "Format", "DuckDB", "Size"]
    assert lines[3].split() == ["ccc333", "2026-01-03", "06:00", "2025-12-31", "2", "1.5.6", "0.0", "MB", "current"]
    assert "free on this disk" in lines[-1]


def test_one_is_taken_out_and_remembered(command, out):
    code, said, talk = command("releases", "--out", out, "--remove", "aaa")
    assert code == 0
    assert "Removed aaa111" in talk
    assert "aaa111" not in said
    assert sorted(path.name for path in (out / "releases").iterdir()) == ["aab222", "ccc333"]
    last = ledger.read(out)[-1]
    assert (last["event"], last["run_id"], last["release"]) == ("removed", "aaa111", "aaa111")
    assert "pruned" in command("runs", "--out", out)[1]
    assert "removed" not in command("runs", "--out", out)[1]


@pytest.mark.parametrize(
    ("word", "code", "says"),
    [
        ("ccc333", 2, "this is the current result"),
        ("aa", 2, "begins 2 names: aaa111, aab222"),
        ("zzz", 11, "no kept release has that name"),
    ],
)
def test_what_is_not_taken_out(command, out, word, code, says):
    left, said, talk = command("releases", "--out", out, "--remove", word)
    assert (left, said) == (code, "")
    assert says in " ".join(talk.replace("│", " ").split())
    assert len(list((out / "releases").iterdir())) == 3
    assert [entry["event"] for entry in ledger.read(out)] == ["published"] * 3


def test_the_last_result_that_left_stays_for_disclosure_control(command, tmp_path):
    publish(tmp_path, "aaa111", 1, 1)
    publish(tmp_path, "bbb222", 1, 2)
    publish(tmp_path, "ccc333", 1, 3, current=True, suppression="none")
    code, _, talk = command("releases", "--out", tmp_path, "--remove", "bbb222")
    assert code == 2
    assert "the last result that left the protected zone" in " ".join(talk.replace("│", " ").split())
    assert command("releases", "--out", tmp_path, "--remove", "aaa111")[0] == 0


@pytest.mark.parametrize("step", ["rename", "clear"])
def test_a_kill_in_its_midst_is_ended_by_the_next(out, monkeypatch, step):
    def killed(*_, **__):
        raise KeyboardInterrupt

    if step == "rename":
        monkeypatch.setattr(folder.os, "rename", killed)
    else:
        monkeypatch.setattr(folder.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        retention.remove(out, "aaa111")
    monkeypatch.undo()
    if step == "rename":
        assert (out / "releases" / "aaa111" / "audit.duckdb").stat().st_size == 3000
        retention.remove(out, "aaa111")
    else:
        folder.settle(out)
    assert not list(out.glob(f"{folder.WORK}*"))
    assert sorted(os.listdir(out / "releases")) == ["aab222", "ccc333"]
    assert [entry["event"] for entry in ledger.read(out)].count("removed") == 1


def test_10_not_while_an_audit_runs(command, out):
    with locked(out):
        assert command("releases", "--out", out, "--remove", "aaa111")[0] == 10
        assert command("releases", "--out", out)[0] == 0


def test_an_empty_folder_keeps_nothing(command, tmp_path):
    code, said, _ = command("releases", "--out", tmp_path)
    assert code == 0
    assert "No release is kept." in said
    assert json.loads(command("releases", "--out", tmp_path, "--json")[1])["releases"] == []


@pytest.mark.parametrize("more", [(), ("--remove", "a")])
def test_11_no_folder(command, tmp_path, more):
    assert command("releases", "--out", tmp_path / "none", *more)[0] == 11
