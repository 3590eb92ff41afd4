"""The audit as a Prefect flow: the same stages, the same result, and no patient in Prefect's records."""

import asyncio
import json

import pytest

from flows import stages
from flows.errors import AuditError, DeliveryError, LockedError

pytestmark = pytest.mark.flow


@pytest.fixture(scope="module")
def prefect():
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(autouse=True, scope="module")
def _quick():
    """What leaves is another test's business, and protecting small counts takes its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMAGING_AUDIT_SUPPRESSION", "none")
        yield


def given(example, out):
    return {
        "extracts": str(example),
        "out": str(out),
        "config": str(example / "audit.toml"),
        "source": "delivery",
        "as_of": "2024-12-31",
    }


@pytest.fixture(scope="module")
def flowed(prefect, example, tmp_path_factory):
    from flows.audit import audit

    out = tmp_path_factory.mktemp("flowed") / "out"
    audit(**given(example, out))
    return out


def records():
    """Everything Prefect stored, as text and by kind."""
    from prefect import get_client

    async def read():
        async with get_client() as client:
            return {
                "flow_runs": await client.read_flow_runs(),
                "task_runs": await client.read_task_runs(),
                "logs": await client.read_logs(),
                "artifacts": await client.read_artifacts(),
            }

    return asyncio.run(read())


def test_the_flow_publishes_what_the_direct_run_publishes(flowed, example, tmp_path):
    from conftest import audit

    audit(example, tmp_path / "out", as_of="2024-12-31")
    for path in sorted((tmp_path / "out" / "exports").iterdir()):
        assert path.read_bytes() == (flowed / "exports" / path.name).read_bytes(), path.name


def test_prefect_records_a_few_coarse_tasks_and_released_figures_alone(flowed, example):
    found = records()
    (run,) = [run for run in found["flow_runs"] if run.name == "delivery as of 2024-12-31"]
    assert {"as of 2024-12-31", "demo (synthetic)", "suppression none"} <= set(run.tags)
    names = {stage.__name__.replace("_", " ") for stage in stages.STAGES}
    assert {run.name for run in found["task_runs"]} == {f"{name}, 2024-12-31" for name in names}
    shown = {artifact.key: artifact.data for artifact in found["artifacts"]}
    assert set(shown) == {"headline", "summary"}  # and no link: the settings say nothing of where the report is
    assert "SYNTHETIC DATA" in shown["headline"]
    text = json.dumps({kind: [each.model_dump(mode="json") for each in rows] for kind, rows in found.items()})
    patients = [line.split(",")[0] for line in (example / "patients.csv").read_text().splitlines()[1:]]
    assert [patient for patient in patients if f'"{patient}"' in text or f" {patient} " in text] == []


@pytest.mark.parametrize(("released", "shown"), [
    ({}, {"usually appropriate": "86.7%", "95 % interval": "62.1%–96.3%", "orders": 15, "appropriate": 13}),
    ({"is_rounded": True}, {"usually appropriate": "about 87%", "95 % interval": "62%–96%"}),
    ({"rate": None, "ci_low": None, "suppressed": True, "n_appropriate": None, "rate_band": "80_to_90"},
     {"usually appropriate": "80 to 90 %", "95 % interval": "hidden", "appropriate": "hidden"}),
    ({"rate": None, "is_withheld": True, "ci_low": None}, {"usually appropriate": "withheld", "95 % interval": ""}),
])  # fmt: skip
def test_the_summary_says_of_a_row_what_was_released_of_it(released, shown):
    from flows.serve.artifacts import COUNTS, row

    whole = {**dict.fromkeys(COUNTS.values(), 0), "n_index": 15, "n_appropriate": 13, "rate": 13 / 15, "ci_low": 0.621, "ci_high": 0.963,
             "bound_low": None, "bound_high": None, "suppressed": False, "is_rounded": False, "is_withheld": False, "rate_band": None}  # fmt: skip
    told = row("post_completion", whole | released)
    assert {name: told[name] for name in shown} == shown


def test_a_measure_without_a_row_is_said_to_have_none():
    from flows.serve.artifacts import row

    assert row("on_treatment", None)["usually appropriate"] == "no such orders"


def test_a_failure_crosses_prefect_as_itself_and_without_values(prefect, example, tmp_path, monkeypatch):
    from flows.audit import audit

    def broken(*_, **__):
        raise ValueError("patient 123-45-6789")

    monkeypatch.setattr("flows.models.build", broken)
    with pytest.raises(AuditError, match="unexpected ValueError") as error:
        audit(**given(example, tmp_path / "out"))
    assert error.value.exit_code == 1
    text = json.dumps({kind: [each.model_dump(mode="json") for each in rows] for kind, rows in records().items()})
    assert "unexpected ValueError" in text
    assert "123-45-6789" not in text


def test_a_disk_that_comes_back_is_tried_again(prefect, example, tmp_path, monkeypatch):
    from flows import publish
    from flows.audit import audit

    write, tries = publish._write_report, []

    def fails_once(*given):
        tries.append(given)
        if len(tries) == 1:
            raise OSError(5, "Input/output error", "report.html")
        write(*given)

    monkeypatch.setattr(publish, "_write_report", fails_once)
    audit(**given(example, tmp_path / "out"))
    assert len(tries) == 3  # the one that failed, then the protected page and the released one
    assert (tmp_path / "out" / "report.html").exists()


def test_a_rule_that_does_not_hold_is_not_tried_again(prefect, example, tmp_path, monkeypatch):
    from flows.audit import audit

    tries = []

    def refuses(*_):
        tries.append(1)
        raise DeliveryError("no orders")

    monkeypatch.setattr("flows.delivery.ingest.read_delivery", refuses)
    with pytest.raises(DeliveryError):
        audit(**given(example, tmp_path / "out"))
    assert len(tries) == 1


def config_of(example, out):
    text = (example / "audit.toml").read_text().replace("as_of = 2025-09-30", "as_of = 2024-12-31")
    path = out.parent / "audit.toml"
    path.write_text(f'extracts = "{example}"\nout = "{out}"\n{text}')
    return str(path)


def test_a_firing_publishes_once_and_is_skipped_beside_another(prefect, example, tmp_path):
    from flows.audit import audit_due
    from flows.lock import locked

    config = config_of(example, tmp_path / "out")
    states = [audit_due(config, return_state=True) for _ in range(2)]
    with locked(tmp_path / "out"):
        states.append(audit_due(config, return_state=True))
    assert [state.name for state in states] == ["Completed", "Completed", "Skipped"]
    assert [state.message for state in states[:2]] == ["published as of 2024-12-31", "nothing changed"]
    assert len(list((tmp_path / "out" / "releases").iterdir())) == 1


def test_a_firing_that_fails_says_why_once_and_is_failed(prefect, example, tmp_path, monkeypatch, capsys):
    from flows import logs
    from flows.audit import audit_due

    logs.talk_on_stderr()
    monkeypatch.setattr("flows.delivery.ingest.read_delivery", lambda *_: (_ for _ in ()).throw(ValueError("patient 123-45-6789")))
    state = audit_due(config_of(example, tmp_path / "out"), return_state=True)
    assert state.is_failed()
    assert capsys.readouterr().err.count("imaging-audit: unexpected ValueError") == 1
    assert "123-45-6789" not in json.dumps({kind: [each.model_dump(mode="json") for each in rows] for kind, rows in records().items()})


def test_a_flow_that_fires_while_another_runs_is_told_so(flowed, example):
    from flows.audit import audit
    from flows.lock import locked

    with locked(flowed), pytest.raises(LockedError, match="another audit is running: process .* since ") as error:
        audit(**given(example, flowed))
    assert error.value.exit_code == 10
    assert (flowed / "report.html").exists()
