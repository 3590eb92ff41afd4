"""The command line: examples everywhere, results apart from talk, an exit code for each kind of failure."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from flows import ROOT, errors
from flows.__main__ import CLOSED
from flows.cli import EXIT_CODES, app
from flows.errors import AuditError
from flows.lock import locked

COMMANDS = sorted(each.name or each.callback.__name__ for each in app.registered_commands)
KINDS = AuditError.__subclasses__()


def test_commands_are_those_of_the_contract():
    assert COMMANDS == [
        "catch-up", "check-rules", "deliveries", "demo", "diff", "doctor", "explain", "health", "notices", "query", "releases",
        "run", "runs", "select", "serve", "tell", "upgrade", "verify", "version",
    ]  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_ends_with_an_example(name, command):
    code, out, _ = command(name, "--help")
    assert code == 0
    assert f"imaging-audit {name} " in out.split("Example")[-1] + " "


def test_help_documents_every_exit_code(command):
    _, out, _ = command("--help")
    documented = {int(code) for code in re.findall(r"^ *(\d+)  ", out, re.MULTILINE)}
    assert documented == {0, 1, 2, CLOSED, *(kind.exit_code for kind in KINDS)}
    in_the_readme = re.findall(r"\| (\d+) \| ", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert {int(code) for code in in_the_readme} == documented
    assert EXIT_CODES.startswith("\b")


def test_every_kind_of_failure_has_a_code_of_its_own():
    codes = [kind.exit_code for kind in KINDS]
    assert len(set(codes)) == len(codes)


def test_an_error_says_what_where_and_what_next():
    error = errors.DeliveryError("no orders", where="delivery", next_step="add orders.csv")
    assert str(error) == "no orders — delivery — add orders.csv"


def test_help_is_fast_because_nothing_heavy_is_imported():
    heavy = "{'duckdb', 'polars', 'prefect', 'great_expectations', 'pandas', 'pydantic'}"
    code = f"import sys; import flows.cli; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_version_names_the_software(command):
    code, out, _ = command("version", "--json")
    assert code == 0
    assert {"imaging-order-audit", "duckdb", "prefect"} <= set(json.loads(out))


def test_the_bundled_rules_hold(command):
    code, out, err = command("check-rules")
    assert code == 0, out + err
    assert "The rules hold" in out


def test_1_an_unforeseen_error_tells_kind_and_place_but_not_its_text(command, monkeypatch, tmp_path):
    def broken(*_, **__):
        raise ValueError("patient 123-45-6789")

    monkeypatch.setattr("flows.settings.load_settings", broken)
    code, out, err = command("run", "--extracts", tmp_path, "--out", tmp_path, "--deid-mode", "limited_data_set")
    assert code == 1
    assert "unexpected ValueError — " in err
    assert "123-45-6789" not in out + err


def test_1_the_same_inside_a_stage(command, monkeypatch, example, tmp_path):
    def broken(*_, **__):
        raise ValueError("patient 123-45-6789")

    monkeypatch.setattr("flows.rules.load_rules", broken)
    code, out, err = command(
        "run", "--extracts", example, "--out", tmp_path / "out", "--config", example / "audit.toml", "--direct"
    )
    assert code == 1
    assert "123-45-6789" not in out + err
    assert "123-45-6789" not in (tmp_path / "out" / "ledger.jsonl").read_text()


def test_2_an_unknown_option(command):
    assert command("run", "--extract", "x")[0] == 2


def test_3_an_unknown_key_names_file_and_nearest(command, tmp_path):
    config = tmp_path / "audit.toml"
    config.write_text("extract = 'x'\n")
    code, out, err = command("run", "--config", config)
    assert (code, out) == (3, "")
    assert "did you mean 'extracts'" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("asks", ["run", "check-rules", "select"])
def test_3_a_folder_of_site_rules_that_is_not_there_is_told_alike_by_all(command, example, tmp_path, asks):
    given = {
        "run": ("--config", example / "audit.toml", "--extracts", example, "--out", tmp_path / "out", "--direct"),
        "select": ("--phase", "on_treatment", "--region", "breast"),
    }
    code, out, err = command(asks, *given.get(asks, ()), "--rules", tmp_path / "nowhere")
    assert (code, out) == (3, "")
    assert err == f"imaging-audit: there is no such folder of site rules — {tmp_path / 'nowhere'} — mend --rules, or site_rules in the settings\n"


def test_4_no_such_delivery(command, tmp_path):
    code, _, err = run(command, tmp_path / "nowhere", tmp_path / "out")
    assert code == 4
    assert "there is no such delivery" in err


def test_4_a_delivery_without_orders(command, example, tmp_path):
    code, _, err = run(command, changed(example, tmp_path, orders=None), tmp_path / "out")
    assert code == 4
    assert "orders" in err


def test_5_deidentification_not_declared(command, example, tmp_path):
    code, _, err = command("run", "--extracts", example, "--out", tmp_path / "out", "--direct")
    assert code == 5
    assert "--deid-mode" in err
    assert not (tmp_path / "out").exists()


def test_5_a_column_that_names_an_identifier(command, example, tmp_path):
    delivery = changed(
        example, tmp_path, patients=lambda lines: [lines[0] + ",ssn", *(line + ",x" for line in lines[1:])]
    )
    code, _, err = run(command, delivery, tmp_path / "out")
    assert code == 5
    assert "patients" in err
    # By its place: a name may itself be somebody's name.
    assert "column 9" in err
    assert "ID-02" in err


def test_6_too_many_unreadable_rows(command, example, tmp_path):
    def unreadable(lines):
        at = lines[0].split(",").index("diagnosed_on")
        return [
            lines[0],
            *(",".join([*(cells := line.split(","))[:at], "whenever", *cells[at + 1 :]]) for line in lines[1:]),
        ]

    code, _, err = run(command, changed(example, tmp_path, diagnoses=unreadable), tmp_path / "out")
    assert code == 6
    assert "diagnoses" in err
    assert "unreadable_date" in err
    assert "whenever" not in err


def test_7_a_broken_rule_of_the_site(command, example, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    shutil.copy(ROOT / "rules" / "parameter.csv", site)
    text = (site / "parameter.csv").read_text()
    (site / "parameter.csv").write_text(re.sub(r"(?m)^(window_days,[^,]*),\d+", r"\1,many", text))
    code, _, err = run(command, example, tmp_path / "out", "--rules", site)
    assert code == 7
    assert "window_days" in err


def test_8_a_critical_check_that_does_not_hold(command, monkeypatch, example, tmp_path):
    from flows import quality

    judge = quality.judge

    def spoiled(con, stage, run_id, *rest):
        con.execute("insert into stg.order_line select * from stg.order_line limit 1")
        return judge(con, stage, run_id, *rest)

    monkeypatch.setattr(quality, "judge", spoiled)
    code, _, err = run(command, example, tmp_path / "out")
    assert code == 8
    assert "nothing was published" in err
    assert not (tmp_path / "out" / "current").exists()


def test_9_an_out_folder_that_is_a_file(command, example, tmp_path):
    (tmp_path / "out").touch()
    code, _, err = run(command, example, tmp_path / "out")
    assert code == 9
    assert "is a file" in err


@pytest.mark.parametrize("asks", [("run", "--direct"), ("run",), ("catch-up", "--direct"), ("serve",)], ids=" ".join)
@pytest.mark.parametrize(
    ("extracts", "out", "says"),
    [
        ("delivery", "delivery/audit", "the out folder lies inside extracts"),
        ("delivery", "delivery", "extracts is the out folder"),
        ("delivery", ".", "extracts lies inside the out folder"),
    ],
)
def test_9_results_and_delivery_within_one_another(command, example, tmp_path, asks, extracts, out, says):
    """As doctor has it; nothing is written, not even a line of the log."""
    shutil.copytree(example, tmp_path / "delivery")
    config = tmp_path / "audit.toml"
    config.write_text(f'extracts = "{extracts}"\nout = "{out}"\ndeid_mode = "limited_data_set"\n')
    before = sorted(tmp_path.rglob("*"))
    code, said, err = command(asks[0], "--config", config, *asks[1:])
    assert (code, said) == (9, "")
    assert says in err
    assert sorted(tmp_path.rglob("*")) == before
    assert says in command("doctor", "--config", config)[1]


def test_10_another_audit_is_running(command, example, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with locked(out):
        code, _, err = run(command, example, out)
    assert code == 10
    assert re.search(r"process \d+ on \S+ since \d{4}-", err)


def test_11_nothing_published_yet(command, tmp_path):
    code, _, err = command("explain", "O1", "--out", tmp_path)
    assert code == 11
    assert "imaging-audit run writes one" in err


def test_11_no_such_order(command, audited):
    assert command("explain", "no-such-order", "--out", audited)[0] == 11


def test_results_go_to_stdout_and_talk_to_stderr(command, example, tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGING_AUDIT_SUPPRESSION", "none")
    out = tmp_path / "out"
    code, said, talk = run(command, example, out)
    assert code == 0
    assert said.startswith("SYNTHETIC DATA")
    assert [line.split()[-1] for line in said.splitlines()[2:]] == [
        str(out / name) for name in ("report.html", "audit.duckdb", "exports", "protected")
    ]
    assert "Rules loaded and checked" in talk


def test_explain_tells_a_story_and_speaks_json(command, audited):
    import duckdb

    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as con:
        order_id = con.execute("select min(order_id) from out.order_label where is_first").fetchall()[0][0]
    code, out, _ = command("explain", order_id, "--out", audited)
    assert code == 0
    assert order_id in out
    assert json.loads(command("explain", order_id, "--out", audited, "--json")[1])


def run(command, extracts, out, *more):
    config = (
        ("--config", extracts / "audit.toml")
        if (extracts / "audit.toml").exists()
        else ("--deid-mode", "limited_data_set")
    )
    return command("run", "--extracts", extracts, "--out", out, *config, "--direct", *more)


def changed(example, tmp_path, **extracts):
    """A copy of the delivery in which an extract is rewritten line by line, or left out."""
    delivery = tmp_path / "delivery"
    shutil.copytree(example, delivery)
    for name, rewrite in extracts.items():
        path = delivery / f"{name}.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.unlink()
        if rewrite:
            path.write_text("\n".join(rewrite(lines)) + "\n", encoding="utf-8")
    return delivery
