"""Incidents are recorded once and told once, whatever is written around them."""

import pytest

from flows import incidents, ledger


def test_an_incident_is_recorded_once_and_another_key_is_another(tmp_path):
    assert incidents.record(tmp_path, "signal", "overall/shift/2024-04-01", "The rate fell.", run_id="a")
    assert not incidents.record(tmp_path, "signal", "overall/shift/2024-04-01", "The rate fell again.", run_id="b")
    assert incidents.record(tmp_path, "warning", "overall/shift/2024-04-01", "Another kind.")
    assert [entry["says"] for entry in incidents.recorded(tmp_path)] == ["The rate fell.", "Another kind."]


def test_what_was_told_is_not_told_again(tmp_path):
    incidents.record(tmp_path, "refused", "2024-04", "The delivery is not whole.")
    first = incidents.untold(tmp_path)
    incidents.record(tmp_path, "failed", "a/QualityError", "The run failed.")
    incidents.tell(tmp_path, first)
    assert [entry["kind"] for entry in incidents.untold(tmp_path)] == ["failed"]


def test_a_torn_line_hides_no_incident(tmp_path):
    incidents.record(tmp_path, "refused", "2024-04", "The delivery is not whole.")
    with (tmp_path / ledger.NAME).open("a") as lines:
        lines.write('{"event": "incident", "kind": "fai')
    assert incidents.record(tmp_path, "failed", "a/QualityError", "The run failed.")
    assert [entry["kind"] for entry in incidents.untold(tmp_path)] == ["refused", "failed"]


def test_a_kind_that_nobody_knows_is_a_defect(tmp_path):
    with pytest.raises(ValueError, match="no kind"):
        incidents.record(tmp_path, "rumour", "a", "b")
    assert not (tmp_path / ledger.NAME).exists()
