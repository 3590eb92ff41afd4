"""Every sentence of the SPEC as a patient whose story it decides. The vignettes themselves are in tests/vignettes."""

from functools import lru_cache

import pytest
import vignette

VIGNETTES = vignette.load()
BATCHES = vignette.batches(VIGNETTES)
BATCH_OF = {one.mark: number for number, batch in enumerate(BATCHES) for one in batch}
# The sentences of the SPEC and the DECISIONS that a vignette must hold on to.
RULES = {row["rule"]: row["words"] for row in vignette.read_csv(vignette.FOLDER / "rules.csv")}


@lru_cache(maxsize=8)  # the large batch is asked again and again, the small ones once; each takes some 30 MB
def built(number):
    delivery = vignette.Delivery(BATCHES[number])
    delivery.build()
    return delivery


@pytest.mark.parametrize("told", VIGNETTES, ids=lambda told: f"{told.file}: {told.name}")
def test_vignette(told):
    said = built(BATCH_OF[told.mark]).failures(told)
    assert not said, "\n".join([told.because, *said])


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_rule_has_a_vignette(rule):
    assert any(rule in told.rules for told in VIGNETTES), f"no vignette would notice if this were gone: {RULES[rule]}"


def test_vignettes_name_known_rules_once():
    unknown = {rule for told in VIGNETTES for rule in told.rules} - RULES.keys()
    assert not unknown, f"not in vignettes/rules.csv: {sorted(unknown)}"
    names = [(told.file, told.name) for told in VIGNETTES]
    assert len(names) == len(set(names)), "two vignettes of one file have the same name"


def test_every_vignette_expects_something():
    for told in VIGNETTES:
        assert told.expect, told.name
        assert told.because, told.name
