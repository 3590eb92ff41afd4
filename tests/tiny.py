"""Deliveries drawn as text: what the tests of the gate and of `explain` audit."""

import yaml
from pipeline import audit
from tables import read_table


def audited(path, **settings):
    drawn = yaml.safe_load(path.read_text(encoding="utf-8"))
    return audit({extract: read_table(text) for extract, text in drawn.items()}, **settings)
