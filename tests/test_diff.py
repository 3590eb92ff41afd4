"""What moved between two runs: counted by hand on small drawn deliveries, then once on real runs."""

import json
import re
import shutil

import duckdb
import pipeline
import pytest
import yaml
from conftest import audit
from tables import read_table

from flows import ROOT, ledger, models
from flows.answers.diff import compare, why
from flows.formats import FORMAT
from flows.workspace import digest

FILES = {"rules/rating.csv": "1", "sql/out/13_compliance.sql": "1", "flows/cli.py": "1", "expectations/out/x.yaml": "1"}
SETTINGS = {"suppression": "cms", "as_of": None, "parameters": {}}
MASKED = dict.fromkeys(("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated", "n_indeterminate"))
HEADLINE = {"n_index": 30, "rate": None, "is_withheld": False, "rate_band": "80_to_90", **MASKED}


def drawn():
    text = (ROOT / "tests" / "gate" / "delivery.yaml").read_text(encoding="utf-8")
    return {extract: read_table(table) for extract, table in yaml.safe_load(text).items()}


def corrected():
    """p1 loses an order, p2 gets one, p6's exam is another; p5 loses the therapy, p7 gets one."""
    delivery = drawn()
    kept = [row for row in delivery["orders"] if row["order_id"] != "o13"]
    delivery["orders"] = [row | {"code": "76642"} if row["order_id"] == "o61" else row for row in kept]
    like = next(row for row in kept if row["order_id"] == "o21")
    delivery["orders"].append(like | {"order_id": "o99", "ordered_on": "2024-05-20", "performed_on": "2024-05-21"})
    therapies = [row for row in delivery["therapies"] if row["patient_id"] != "p5"]
    of_p1 = [row for row in therapies if row["patient_id"] == "p1"]
    of_p7 = [row | {"patient_id": "p7", "therapy_id": f"t7{at}"} for at, row in enumerate(of_p1)]
    delivery["therapies"] = therapies + of_p7
    return delivery


def publish(out, con, run_id, inputs="1", files=FILES, more=None, **settings):
    """A release as publishing leaves it, as far as diff reads it, and its line."""
    release = out / "releases" / run_id
    release.mkdir(parents=True)
    con.execute(f"attach '{release / 'audit.duckdb'}' as snapshot")
    con.execute("copy from database memory to snapshot")
    con.execute("detach snapshot")
    inputs, settings = {"orders.csv": inputs, "code_map.csv": "1", **(more or {})}, SETTINGS | settings
    known = {"inputs": inputs, "settings": settings, "versions": {"duckdb": "1.5.6"}}
    (release / "manifest.json").write_text(json.dumps({"format": FORMAT, "rules_and_code": files, **known}))
    digests = {group: digest(paths) for group, paths in ledger.grouped(inputs, files).items()}
    said = {"source": "delivery", "as_of": "2024-12-31", "release": run_id, "digests": digests, "headline": HEADLINE}
    ledger.append(out, {"event": "published", "run_id": run_id, **said, **known})


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """base0; data1 with other data; rule2 and rule3 with the data of base0 and another rating."""
    out = tmp_path_factory.mktemp("ledger")
    con = pipeline.audit(drawn())
    publish(out, con, "base0")
    other = pipeline.audit(corrected())
    publish(out, other, "data1", inputs="2")
    other.close()
    ledger.append(out, {"event": "failed", "run_id": "fail9", "error": "QualityError", "exit_code": 8, "inputs": {}})
    where = "edition = '2022' and variant = '2' and procedure = 'us_breast'"
    con.execute(f"update rule.rating set rating = 'usually_not_appropriate' where {where}")
    models.build(con, schemas=("core", "out"))
    publish(out, con, "rule2", files=FILES | {"rules/rating.csv": "2"})
    publish(out, con, "rule3", files=FILES | {"rules/rating.csv": "2"}, suppression="none")
    con.close()
    (out / "current").symlink_to("releases/rule3")
    return out


@pytest.fixture
def copied(out, tmp_path):
    """A copy that a test may change."""
    shutil.copytree(out, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


@pytest.fixture(scope="module")
def data(out):
    return compare(out, "base0", "data1")


@pytest.fixture(scope="module")
def rules(out):
    return compare(out, "base0", "rule2")


def by(rows, *keys):
    """The counts of each row behind what it counts."""
    return {
        tuple(row[key] for key in keys): (row.get("n_orders", row.get("n_cases")), row["n_touched"]) for row in rows
    }


def test_data_new_gone_and_corrected_rows_of_each_extract(data):
    changes = {
        row["extract"]: (row["n_earlier"], row["n_later"], row["n_new"], row["n_gone"], row["n_corrected"])
        for row in data["data_change"]
    }
    n_orders, n_therapies = len(drawn()["orders"]), len(drawn()["therapies"])
    assert changes["orders"] == (n_orders, n_orders, 1, 1, 1)
    assert changes["therapies"] == (n_therapies, n_therapies, 2, 2, 0)
    assert {changes[extract][2:] for extract in ("diagnoses", "procedures", "patients", "findings")} == {(0, 0, 0)}


def test_data_labels_changed_gained_and_lost(data):
    assert by(data["label_change"], "change") == {("rating usually_not_appropriate → usually_appropriate",): (1, 1)}
    assert by(data["label_gain"], "change", "other_fate") == {
        ("gained", "not_delivered"): (1, 1),
        ("gained", "no_therapy_in_time"): (1, 1),
        ("lost", "not_delivered"): (1, 1),
        ("lost", "no_therapy_in_time"): (2, 2),
    }


def test_data_cases_gained_and_lost_by_reason(data):
    assert by(data["case_change"], "change", "other_reason") == {
        ("gained", "no_therapy_in_time"): (1, 1),
        ("lost", "no_therapy_in_time"): (1, 1),
    }
    assert (data["count"][0]["n_cases_earlier"], data["count"][0]["n_cases_later"]) == (6, 6)


def test_data_alone_are_the_cause(data):
    assert data["causes"] == ["data"]
    assert data["why"] == "data: of all that can move a label, nothing else differs"
    assert data["files"]["data"]["changed"] == ["orders.csv"]
    assert not data["files"]["code_map"]["is_changed"]


def test_a_code_map_that_comes_again_is_a_cause_only_where_a_code_reaches_something_else(copied):
    con = pipeline.audit(corrected())
    publish(copied, con, "same", inputs="2", more={"2024-05/code_map.csv": "1"})
    con.execute("insert into stg.code_map values ('MAM1', 'mammography_diagnostic', false)")
    publish(copied, con, "other", inputs="2", more={"2024-05/code_map.csv": "2"})
    con.close()
    found = compare(copied, "base0", "same")
    assert found["files"]["code_map"]["added"] == ["2024-05/code_map.csv"]
    assert (found["code_map_change"], found["causes"]) == ([], ["data"])
    assert found["why"] == "data: of all that can move a label, nothing else differs"
    assert compare(copied, "base0", "other")["causes"] == ["data", "code map"]
    shutil.rmtree(copied / "releases" / "same")
    assert compare(copied, "base0", "same")["causes"] == ["data", "code map"], "the ledger alone does not know the codes"


def test_rules_alone_are_the_cause(rules):
    assert rules["causes"] == ["rules"]
    assert rules["files"]["rules"]["changed"] == ["rules/rating.csv"]
    assert [(row["procedure"], row["earlier"], row["later"]) for row in rules["rating_change"]] == [
        ("us_breast", "usually_appropriate", "usually_not_appropriate")
    ]
    assert not any(row["n_new"] or row["n_gone"] or row["n_corrected"] for row in rules["data_change"])


def test_rules_move_labels_of_persons_whose_rows_are_the_same(rules):
    with_us = {"o11", "o14", "o31", "o51"}
    assert by(rules["part_change"], "aspect", "earlier", "later") == {
        ("rating", "usually_appropriate", "usually_not_appropriate"): (len(with_us), 0)
    }
    assert rules["count"][0]["n_changed"] == len(with_us)
    assert (rules["label_gain"], rules["case_change"]) == ([], [])


@pytest.mark.parametrize(("earlier", "later"), [("base0", "data1"), ("base0", "rule2"), ("data1", "rule2")])
def test_what_is_counted_adds_up(out, earlier, later):
    found = compare(out, earlier, later)
    count = found["count"][0]
    assert sum(row["n_orders"] for row in found["label_change"]) == count["n_changed"]
    ways = {
        word: sum(row["n_orders"] for row in found["label_gain"] if row["change"] == word)
        for word in ("gained", "lost")
    }
    assert count["n_labels_both"] + ways["gained"] == count["n_labels_later"]
    assert count["n_labels_both"] + ways["lost"] == count["n_labels_earlier"]
    cases = {word: sum(row["n_cases"] for row in found["case_change"] if row["change"] == word) for word in ways}
    assert count["n_cases_earlier"] + cases["gained"] - cases["lost"] == count["n_cases_later"]


def test_the_headline_is_exact_and_has_both_measures(rules):
    rates = {(row["measure"], row["run"]): row["rate"] for row in rules["headline_change"]}
    assert rates.keys() == {(m, r) for m in ("post_completion", "on_treatment") for r in ("earlier", "later")}
    assert rates["post_completion", "later"] < rates["post_completion", "earlier"]


def test_where_both_changed_the_split_is_not_made_up(command, out):
    _, said, _ = command("diff", "data1", "rule2", "--out", out)
    assert (
        "data and rules: both changed, the split is not computed; run the earlier rules on the later data to separate them"
        in " ".join(said.split())
    )


def test_what_only_shows_moves_no_label(out):
    found = compare(out, "rule2", "rule3")
    assert found["settings"] == [{"name": "suppression", "earlier": "cms", "later": "none"}]
    assert (found["causes"], found["why"]) == ([], "nothing that can move a label differs")


@pytest.mark.parametrize(
    ("causes", "unknown", "said"),
    [
        (["rules", "definition"], [], "rules and definition: both changed, the data did not; the split"),
        (
            ["data", "rules", "software"],
            [],
            "all changed, the split is not computed; run the earlier rules and software on",
        ),
        (
            ["data"],
            ["rules", "definition"],
            "not known: whether rules and definition changed is no longer in the ledger",
        ),
    ],
)
def test_why(causes, unknown, said):
    assert said in why(causes, unknown)


def test_text_and_json_say_the_same(command, out, data):
    code, text, talk = command("diff", "base0", "data1", "--out", out)
    assert code == 0
    assert "stays in the protected zone" in talk
    told = json.loads(command("diff", "base0", "data1", "--out", out, "--json")[1])
    assert told == json.loads(json.dumps(data, default=str))
    words = " ".join(text.split())
    assert "21 → 21 rows; 1 new, 1 corrected, 1 gone" in words
    assert "1 × rating usually not appropriate → usually appropriate" in words
    assert "3 lost, 3 of persons whose rows differ; now: no therapy in time 2, not delivered 1" in words


def test_nobody_is_named(command, out):
    for form in ([], ["--json"]):
        assert not re.search(
            r"\b(p\d(#\d)?|[odtsf]\d+[ab]?)\b", command("diff", "base0", "data1", "--out", out, *form)[1]
        )


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (("previous", "current"), ("rule2", "rule3")),
        (("b", "d"), ("base0", "data1")),
        (("current", "base0"), ("rule3", "base0")),
    ],
)
def test_a_run_goes_by_a_word_or_a_beginning(out, words, runs):
    found = compare(out, *words)
    assert (found["earlier"]["run_id"], found["later"]["run_id"]) == runs


def test_the_way_back_is_called_so(command, out):
    assert "the way back" in command("diff", "rule2", "base0", "--out", out)[2]


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("base0", "zzz"), 11, "imaging-audit runs lists them"),
        (("base0", "fail9"), 11, "a failed run published nothing"),
        (("base0", "rule"), 2, "rule2, rule3"),
        (("base0", "base"), 2, "both words name the same run"),
    ],
)
def test_a_word_that_names_no_run_or_several(command, out, words, code, hint):
    left, said, talk = command("diff", *words, "--out", out)
    assert (left, said) == (code, "")
    assert hint in " ".join(talk.split())


def test_11_nothing_before_the_first_run(command, tmp_path):
    assert command("diff", "previous", "current", "--out", tmp_path)[0] == 11
    ledger.append(tmp_path, {"event": "published", "run_id": "base0"})
    code, _, talk = command("diff", "previous", "current", "--out", tmp_path)
    assert code == 11
    assert "there is no previous run" in talk


def test_of_a_pruned_run_the_ledger_tells_what_it_knows(command, copied):
    shutil.rmtree(copied / "releases" / "base0")
    code, said, talk = command("diff", "base0", "rule2", "--out", copied)
    words = " ".join(said.split())
    assert (code, talk) == (0, "")  # nothing exact is shown
    assert "Data unchanged" in words
    assert "Rules changed; which files, the ledger alone does not say" in words
    assert "Definition SQL unchanged" in words
    assert "80 to 90 % → 80 to 90 %" in words
    assert "rules: of all that can move a label, nothing else differs" in words
    assert "A larger keep_releases keeps more" in words
    assert "Labels" not in words
    told = json.loads(command("diff", "base0", "rule2", "--out", copied, "--json")[1])
    assert told["files"]["rules"] == {"is_changed": True}
    assert len(told["not_known"]) == 1


def test_an_old_line_without_digests_is_not_guessed_at(command, copied):
    shutil.rmtree(copied / "releases" / "base0")
    lines = [json.loads(line) for line in (copied / ledger.NAME).read_text().splitlines()]
    for name in ("digests", "settings"):
        del lines[0][name]
    (copied / ledger.NAME).write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = compare(copied, "base0", "data1")
    assert found["files"]["data"]["changed"] == ["orders.csv"]
    assert found["files"]["rules"] == {"is_changed": None}
    assert found["settings"] is None
    assert found["why"].startswith("not known: whether rules, definition and settings changed")
    assert "Settings not known" in " ".join(command("diff", "base0", "data1", "--out", copied)[1].split())


def test_labels_that_moved_without_a_cause_are_a_defect(copied):
    with duckdb.connect(str(copied / "releases" / "rule3" / "audit.duckdb")) as con:
        con.execute("update out.order_label set rating = 'usually_appropriate' where order_id = 'o61'")
    assert "and yet labels do" in compare(copied, "rule2", "rule3")["why"]


def test_tables_that_an_older_database_lacks_are_named(command, copied):
    with duckdb.connect(str(copied / "releases" / "base0" / "audit.duckdb")) as con:
        con.execute("alter table out.order_label drop column reroute_rating")
    code, said, _ = command("diff", "base0", "data1", "--out", copied)
    assert code == 0
    assert "label_change: the two databases were made by software whose tables differ there" in " ".join(said.split())
    assert "orders: 21 → 21 rows" in said
    assert "neoadjuvant cases" not in said


def test_a_column_that_a_contract_gained_is_no_correction(copied):
    with duckdb.connect(str(copied / "releases" / "data1" / "audit.duckdb")) as con:
        con.execute("alter table raw.orders add column newly_delivered varchar")
    (orders,) = (row for row in compare(copied, "base0", "data1")["data_change"] if row["extract"] == "orders")
    assert orders["n_corrected"] == 1


def test_real_runs(command, example, audited, tmp_path):
    out, delivery = tmp_path / "out", tmp_path / "delivery"
    shutil.copytree(audited, out, symlinks=True)
    shutil.copytree(example, delivery)
    lines = (delivery / "orders.csv").read_text(encoding="utf-8").splitlines()
    (delivery / "orders.csv").write_text("\n".join(lines[:10] + lines[13:]) + "\n", encoding="utf-8")
    codes = (delivery / "code_map.csv").read_text(encoding="utf-8").splitlines()
    (delivery / "code_map.csv").write_text("\n".join(codes[:-1]) + "\n", encoding="utf-8")
    audit(delivery, out, parameters={"window_days": "56"})
    told = json.loads(command("diff", "previous", "current", "--out", out, "--json")[1])
    assert {row["extract"]: row["n_gone"] for row in told["data_change"]}["orders"] == 3
    assert [row["later"] for row in told["code_map_change"]] == [None]
    assert [(row["name"], row["earlier"], row["later"]) for row in told["parameter_change"]] == [
        ("window_days", "84", "56")
    ]
    assert {"data", "code map", "settings"} <= set(told["causes"])
    assert told["not_known"] == []
    last = ledger.read(out)[-1]
    assert last["release"] == (out / "current").resolve().name
    assert set(last["digests"]) == set(ledger.GROUPS)
    assert last["settings"]["parameters"] == {"window_days": "56"}
    kept = [row["kept"] for row in json.loads(command("runs", "--out", out, "--json")[1])]
    assert kept == ["kept", "current"]
