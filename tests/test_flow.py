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


def test_prefect_records_a_few_coarse_tasks_and_the_headline_alone(flowed, example):
    found = records()
    names = [run.name for run in found["flow_runs"]]
    assert "delivery as of 2024-12-31" in names
    assert {run.name.rsplit("-", 1)[0] for run in found["task_runs"]} == {stage.__name__ for stage in stages.STAGES}
    assert [artifact.key for artifact in found["artifacts"]] == ["headline"]
    assert "SYNTHETIC DATA" in found["artifacts"][0].data
    text = json.dumps({kind: [each.model_dump(mode="json") for each in rows] for kind, rows in found.items()})
    patients = [line.split(",")[0] for line in (example / "patients.csv").read_text().splitlines()[1:]]
    assert [patient for patient in patients if f'"{patient}"' in text or f" {patient} " in text] == []


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


def test_a_flow_that_fires_while_another_runs_is_told_so(flowed, example):
    from flows.audit import audit
    from flows.lock import locked

    with locked(flowed), pytest.raises(LockedError, match="another audit is running: process .* since ") as error:
        audit(**given(example, flowed))
    assert error.value.exit_code == 10
    assert (flowed / "report.html").exists()
