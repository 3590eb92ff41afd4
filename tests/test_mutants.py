"""Who watches the watchers: each seeded mistake in the SQL must be noticed by a model test or a vignette."""

from functools import cache

import mutate
import pytest
import vignette

MUTANTS = mutate.in_order()
# Rules without a vignette, with the reason.
HELD_BY_MODEL_TESTS = {
    "decision.68": "an alarm needs more episodes than a vignette should have",
    "decision.105": "what is counted and not kept shows in no label",
    "decision.97": "a comparison needs earlier runs, and a vignette has none",
}


@cache
def killers():
    return mutate.Killers()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.id} {mutant.note}")
def test_mutant_is_noticed(mutant):
    assert killers().killer(mutant), f"nothing notices it: {mutant.note} (sql/{mutant.file}, rule {mutant.rule})"


@pytest.mark.parametrize("by", [1, -1], ids=["one more", "one less"])
def test_mutant_parameters_are_noticed(by):
    unnoticed = [one.id for one in mutate.moved_parameters() if one.by == by and not killers().killer(one)]
    assert not unnoticed, f"no vignette stands on this side of the boundary: {unnoticed}"


def test_mutants_name_known_rules_and_are_told_apart():
    known = {row["rule"] for row in vignette.read_csv(vignette.FOLDER / "rules.csv")}
    assert {mutant.rule for mutant in MUTANTS} <= known | HELD_BY_MODEL_TESTS.keys()
    assert len({mutant.id for mutant in MUTANTS}) == len(MUTANTS) >= 60
    assert len({mutant.text() for mutant in MUTANTS}) == len(MUTANTS), "two mutants are the same mistake"
