"""The headline under every definition of the declared grid: each row as the oracle counts it, the grid as declared."""

import random
from functools import cache
from itertools import product

import differential
import out_tables
import pipeline
import pytest
import stories
from oracle_rows import load_rules
from test_differential import CALENDAR, FORMS, SETTINGS

from flows import ROOT, models

ON_GRID = {"window_days": "180", "completion_lead_days": "21", "min_response_days": "14", "clock": "ordered"}
OFF_GRID = {"window_days": "70", "completion_lead_days": "3", "min_response_days": "40"}
NAMED = {
    "as delivered": CALENDAR,
    "as_of given": SETTINGS["as_of given"],
    "clock ordered": SETTINGS["clock ordered"],
    "elsewhere on the grid": CALENDAR | {"parameters": ON_GRID},
    "off the grid": CALENDAR | {"parameters": OFF_GRID | {"clock": "ordered"}},
    "shifted dates after 2017": SETTINGS["shifted dates after 2017"],
}
FIGURES = [
    "n_index", "n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated", "n_indeterminate",
    "rate", "ci_low", "ci_high", "bound_low", "bound_high", "is_withheld",
]


def delivery(seed, settings, n_patients=200):
    told = stories.random_delivery(random.Random(seed), n_patients, settings)
    return FORMS.get(settings["deid_mode"], lambda same: same)(told)


@cache
def told():
    return delivery("multiverse", CALENDAR, 500)


def audited(given=None, **parameters):
    settings = CALENDAR | {"parameters": parameters}
    con = pipeline.audit(told() if given is None else given, **differential.for_sql(settings))
    rows = pipeline.rows(con, "out.multiverse")
    headline = con.execute(
        "select * from out.compliance where measure = 'post_completion' and basis = 'episode' "
        "and period_grain = 'all' and stratum = 'all'"
    ).fetch_arrow_table().to_pylist()
    con.close()
    return rows, headline


@cache
def as_declared():
    return audited()


def without_mark(rows):
    return sorted(tuple((name, value) for name, value in row.items() if name != "is_declared") for row in rows)


@pytest.mark.parametrize("name", NAMED)
def test_every_definition_is_counted_as_the_oracle_counts_it(name):
    settings = NAMED[name]
    assert differential.multiverse_differences(delivery(f"multiverse {name}", settings), settings) == []


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", SETTINGS)
def test_every_definition_is_counted_as_the_oracle_counts_it_on_many(name, seed):
    settings = SETTINGS[name]
    assert differential.multiverse_differences(delivery(f"multiverse {name} {seed}", settings, 250), settings) == []


@pytest.mark.parametrize("parameters", [{}, ON_GRID, OFF_GRID], ids=["default", "on the grid", "off the grid"])
def test_declared_row_is_the_headline(parameters):
    rows, headline = audited(**parameters) if parameters else as_declared()
    (declared,) = [row for row in rows if row["is_declared"]]
    (published,) = headline
    assert published["n_index"] > 50
    assert {name: declared[name] for name in FIGURES} == {name: published[name] for name in FIGURES}


def test_grid_is_the_one_that_the_spec_declares():
    """SPEC 9, with the headline's own tiers: otherwise the declared definition would not stand in its own grid."""
    choices = {}
    for row in load_rules(ROOT / "rules")["multiverse"]:
        choices.setdefault(row["axis"], []).append(row["value"])
    assert choices == {
        "window_days": ["56", "84", "180"],
        "completion_lead_days": ["0", "7", "21"],
        "min_response_days": ["14", "21", "28"],
        "clock": ["performed", "ordered"],
        "assumed_pet": ["rated", "indeterminate"],
        "tiers": ["explicit", "explicit+inferred", "explicit+inferred+presumptive", "all"],
        "therapy_classes": ["chemotherapy", "all"],
    }
    wanted = {tuple(each) for each in product(*choices.values())}
    rows, _ = as_declared()
    assert len(rows) == len({row["definition"] for row in rows}) == 864
    assert {tuple(str(row[axis]) for axis in choices) for row in rows} == wanted


def test_grid_does_not_hang_on_what_the_site_declares():
    """The clock built again, and the timings that place only some lines, must say what the site's own would say."""
    elsewhere, _ = audited(**ON_GRID)
    assert without_mark(elsewhere) == without_mark(as_declared()[0])


def test_definition_off_the_grid_stands_beside_it():
    rows, _ = audited(**OFF_GRID)
    assert len(rows) == 865
    (beside,) = [row for row in rows if row["is_declared"]]
    assert beside["definition"] == "70-3-40-performed-rated-explicit+inferred+presumptive-all"
    assert without_mark(row for row in rows if not row["is_declared"]) == without_mark(as_declared()[0])


def test_nobody_gives_empty_rows_not_none():
    rows, _ = audited({})
    assert len(rows) == 864
    assert {row["n_index"] for row in rows} == {0}
    said = {(row["rate"], row["ci_low"], row["bound_high"], row["is_withheld"]) for row in rows}
    assert said == {(None, None, None, False)}


@pytest.mark.parametrize("axis", differential.CHOICES)
def test_which_choices_can_move_the_figures(axis):
    """So that the comparisons above are about something. min_response_days only tells early_treatment from
    on_treatment, both before completion (SPEC 4): the headline cannot hang on it, and no delivery may make it."""
    others = [name for name in differential.CHOICES if name != axis]
    by_rest = {}
    for row in as_declared()[0]:
        by_rest.setdefault(tuple(row[name] for name in others), {})[row[axis]] = tuple(row[name] for name in FIGURES)
    n_values = len({row[axis] for row in as_declared()[0]})
    n_different = max(len(set(figures.values())) for figures in by_rest.values())
    assert n_different == (1 if axis == "min_response_days" else n_values)


def test_made_up_rows_have_the_shape_of_real_ones():
    orders = [order for order in out_tables.people(300, seed=7) if order["intent_tier"] != "unresolved"]
    made_up = out_tables.multiverse(orders).to_dicts()
    (declared,) = [row for row in made_up if row["is_declared"]]
    headline = out_tables.compliance(orders).row(0, named=True)
    assert {name: declared[name] for name in FIGURES} == {name: headline[name] for name in FIGURES}
    assert list(made_up[0]) == list(as_declared()[0][0])
    assert {row["definition"] for row in made_up} == {row["definition"] for row in as_declared()[0]}


def test_models_are_built_again_word_for_word():
    steps = list(models.steps())
    sound = {(schema, path): text for schema, path, text in steps if schema == "core"}
    again = [(path, text) for schema, path, text in steps if schema == "other_clock" and path.parent.name == "core"]
    names = {path.stem[3:] for path, _ in again}
    assert names >= {"clocked_line", "exam", "every_phase", "router_trial", "rated", "index_unit"}
    for path, text in again:
        back = text.replace("other_clock.parameter", "stg.parameter").replace("other_clock.", "core.")
        assert back == sound["core", path]
    assert steps.index(next(step for step in steps if step[1].stem == "77_multiverse_tally")) > max(
        number for number, (schema, *_) in enumerate(steps) if schema == "other_clock"
    )


def test_what_was_built_again_does_not_stay():
    con = pipeline.audit({})
    found = con.execute("select schema_name from duckdb_schemas() where not internal").fetchall()
    con.close()
    schemas = {name for (name,) in found}
    assert schemas - {"main"} == {"rule", "delivered", "raw", "stg", "core", "out"}
