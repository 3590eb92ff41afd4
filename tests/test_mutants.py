"""Who watches the watchers: each seeded mistake in the SQL must be noticed by a model test or a vignette."""

from functools import cache

import model_cases
import mutate
import pytest
import vignette

MUTANTS = mutate.in_order()
# Parameters that no boundary of a label rests on, with the reason.
NOT_IN_LABELS = {
    "small_cell_max": "disclosure control reads it, after the models",
    "rate_alarm_full_n": "a vignette of 111 episodes would cost more than its model test (tests/models/out.yaml)",
}
# An event covers its first day whatever is supplied: a default of no day covers as much as one of a day.
SAME_ANYWAY = {"default_supply_days-1"}


@cache
def killers():
    return mutate.Killers()


def whole_parameters():
    columns = model_cases.empty_audit("{}").execute("describe stg.parameter").fetchall()
    return sorted(name for name, kind, *_ in columns if kind == "INTEGER" and name not in NOT_IN_LABELS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.id} {mutant.note}")
def test_mutant_is_noticed(mutant):
    assert killers().killer(mutant), f"nothing notices it: {mutant.note} (sql/{mutant.file}, rule {mutant.rule})"


@pytest.mark.parametrize("by", [1, -1], ids=["one more", "one less"])
def test_mutant_parameters_are_noticed(by):
    moved = [mutate.MovedParameter(name, by) for name in whole_parameters()]
    unnoticed = [one.id for one in moved if one.id not in SAME_ANYWAY and not killers().killer(one)]
    assert not unnoticed, f"no vignette stands on this side of the boundary: {unnoticed}"


def test_mutants_name_known_rules_and_are_told_apart():
    known = {row["rule"] for row in vignette.read_csv(vignette.FOLDER / "rules.csv")}
    assert {mutant.rule for mutant in MUTANTS} <= known
    assert len({mutant.id for mutant in MUTANTS}) == len(MUTANTS) >= 60
    assert len({mutant.text() for mutant in MUTANTS}) == len(MUTANTS), "two mutants are the same mistake"
