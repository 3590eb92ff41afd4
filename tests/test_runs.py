"""The list of runs: what the ledger says, what is still kept, and nothing left out in silence."""

import json

import pytest

from flows import ledger
from flows.answers import diff
from flows.answers.runs import history, rate

HEADLINE = {
    "n_index": 429,
    "rate": 378 / 403,
    "ci_low": 0.91,
    "ci_high": 0.9576,
    "is_withheld": False,
    "rate_band": None,
}
HIDDEN = HEADLINE | {"rate": None, "ci_low": None, "ci_high": None}


def check(code, status, n_unexpected=0):
    facts = {"severity": "warning", "n_unexpected": n_unexpected, "n_total": 50, "why": "because"}
    return {"code": code, "table_name": "stg.order_line", "status": status, **facts}


def publish(out, run_id, *quality, kept=True, current=False, **facts):
    known = {"source": "delivery", "as_of": "2025-06-30", "headline": HEADLINE, "quality": [*quality]}
    release = facts.get("release", run_id)
    ledger.append(out, {"event": "published", "run_id": run_id, **known, **facts})
    if kept:
        (out / "releases" / release).mkdir(parents=True)
        for name in ("manifest.json", "audit.duckdb"):
            (out / "releases" / release / name).touch()
    if current:
        (out / "current").symlink_to(f"releases/{release}")


@pytest.fixture
def out(tmp_path):
    publish(tmp_path, "aaa111", check("ORD-1", "passed"), check("ORD-2", "not_applicable"), kept=False)
    ledger.append(
        tmp_path,
        {"event": "failed", "run_id": "bbb222", "error": "QualityError", "exit_code": 8, "inputs": {},
         "quality": [check("ORD-1", "failed", 7)]},
    )  # fmt: skip
    publish(tmp_path, "ccc333", check("ORD-1", "failed", 9), check("ORD-2", "error"))
    publish(tmp_path, "ddd444", check("ORD-1", "passed"), check("ORD-2", "passed"), current=True)
    return tmp_path


def test_the_runs_stand_in_a_table_newest_last(command, out):
    code, said, talk = command("runs", "--out", out)
    title, *lines = said.splitlines()
    assert (code, talk) == (0, "")
    assert title.split() == ["When", "(UTC)", "Run", "Event", "Source", "As", "of", "Headline", "Checks", "Release"]
    assert [line.split()[2] for line in lines] == ["aaa111", "bbb222", "ccc333", "ddd444"]
    assert "failed: QualityError, exit 8" in lines[1]
    assert "93.8 % (95 % CI 91.0–95.8)" in lines[3]
    assert "2025-06-30" in lines[3]
    assert [line.split("  ")[-2:] for line in lines] == [
        ["1 passed, 0 failed", "pruned"],
        ["", "0 passed, 1 failed"],
        ["0 passed, 2 failed", "kept"],
        ["2 passed, 0 failed", "current"],
    ]


def test_the_same_for_programs(command, out):
    rows = json.loads(command("runs", "--out", out, "--json")[1])
    assert [(row["run_id"], row["event"], row["kept"]) for row in rows] == [
        ("aaa111", "published", "pruned"),
        ("bbb222", "failed", None),
        ("ccc333", "published", "kept"),
        ("ddd444", "published", "current"),
    ]
    assert rows[1]["exit_code"] == 8
    assert rows[2]["quality"] == {"passed": 0, "failed": 1, "error": 1, "not_applicable": 0}
    assert rows[3]["headline"] == HEADLINE


def test_the_history_of_checks_names_the_first_failing_run(command, out):
    rows = json.loads(command("runs", "--quality", "--out", out, "--json")[1])
    told = {row["code"]: (row["first_run_id"], row["held_before"], row["n_failing"], row["n_runs"]) for row in rows}
    assert told == {"ORD-1": ("bbb222", True, 2, 4), "ORD-2": ("ccc333", False, 1, 3)}
    assert {row["status"] for row in rows} == {"passed"}
    _, said, _ = command("runs", "--quality", "--out", out)
    assert "7 of 50" in said
    assert "could not be checked" in said


def test_checks_that_always_held_are_not_listed(command, tmp_path):
    publish(tmp_path, "aaa111", check("ORD-1", "passed"))
    assert command("runs", "--quality", "--out", tmp_path)[1] == "Every check of every run held.\n"
    assert json.loads(command("runs", "--quality", "--json", "--out", tmp_path)[1]) == []


def test_a_torn_line_is_left_out_and_said(command, out):
    with (out / ledger.NAME).open("a") as torn:
        torn.write('{"event": "publ\n[]\n')
    code, said, talk = command("runs", "--out", out)
    assert code == 0
    assert len(said.splitlines()) == 5
    assert "2 line(s) of" in talk


def test_a_release_without_a_line_is_said(command, out):
    (out / "releases" / "eee555").mkdir()
    assert "release eee555 is kept, but the ledger has no line of it" in command("runs", "--out", out)[2]


def test_11_no_ledger(command, tmp_path):
    code, said, talk = command("runs", "--out", tmp_path)
    assert (code, said) == (11, "")
    assert "imaging-audit run begins one" in talk


def test_a_name_that_was_used_again_is_the_last_ones(tmp_path):
    publish(tmp_path, "aaa111", kept=False)
    publish(tmp_path, "aaa111", current=True)
    publish(tmp_path, "aaa111", release="aaa111-2")
    assert [entry["kept"] for entry in history(tmp_path)] == ["pruned", "current", "kept"]


def test_lines_from_before_releases_were_named_count_by_their_run(tmp_path):
    publish(tmp_path, "aaa111", current=True)
    assert history(tmp_path)[0]["release"] == "aaa111"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (HEADLINE, "93.8 % (95 % CI 91.0–95.8)"),
        (HEADLINE | {"ci_low": None}, "93.8 % (95 % CI hidden–95.8)"),
        (HEADLINE | {"rate": 0.94, "ci_low": 0.912, "ci_high": 0.959, "n_index": 430, "is_rounded": True}, "≈ 94 % (95 % CI 91–96), about 430"),
        (HIDDEN | {"rate_band": "90_to_95"}, "90 to 95 %"),
        (HIDDEN, "hidden"),
        (HIDDEN | {"is_withheld": True}, "withheld"),
        (HIDDEN | {"n_index": None}, "too few to show"),
        (HIDDEN | {"n_index": 0}, "no index orders"),
        (None, "no index orders"),
    ],
)
def test_the_headline_says_no_more_than_was_published(row, said):
    assert rate(row) == said


def test_every_shipped_file_has_a_group():
    from flows.workspace import SHIPPED

    assert {pattern.split("/")[0] for pattern in SHIPPED} | {"site"} == set(ledger.OURS)


def test_a_delivery_is_data_and_code_map():
    inputs = {"orders.csv": "1", "orders/code_map.csv": "2", "code_map.csv.gz": "3", "code_map/part-0.parquet": "4"}
    groups = ledger.grouped(inputs, {"rules/value_sets/therapy.csv": "5", "site/edition.csv": "6"})
    assert groups["data"] == {"orders.csv": "1", "orders/code_map.csv": "2"}
    assert set(groups["code_map"]) == {"code_map.csv.gz", "code_map/part-0.parquet"}
    assert groups["rules"] == {"rules/value_sets/therapy.csv": "5"}
    assert groups["site"] == {"site/edition.csv": "6"}
    assert tuple(groups) == ledger.GROUPS


def test_what_was_filed_is_told_from_what_is_shown(command, out):
    publish(out, "eee555", is_shown=False)
    publish(out, "fff666", is_shown=False, kept=False)
    ledger.append(out, {"event": "accepted", "run_id": None, "delivery": "2025-06"})
    assert [line.split("  ")[-1].strip() for line in command("runs", "--out", out)[1].splitlines()[-3:]] == ["current", "filed", "filed, pruned"]
    rows = json.loads(command("runs", "--out", out, "--json")[1])
    assert [(row["run_id"], row["is_shown"]) for row in rows] == [
        ("aaa111", True), ("bbb222", None), ("ccc333", True), ("ddd444", True), ("eee555", False), ("fff666", False),
    ]  # fmt: skip
    assert diff._named([entry for entry in history(out) if entry["event"] == "published"], "current", out)["run_id"] == "ddd444", "what is shown, not what was filed last"
