"""The grid of definitions as it is released: 864 coarse shares together fix no small count, whoever knows the exact headline."""

import itertools
import math
import random

import polars as pl
import pytest
from attacker_coarse import share_says
from attacker_search import pinned
from out_tables import with_rates
from test_disclosure import MADE, delivery

from flows.disclosure import release

TIERS = {"explicit": 1, "explicit_inferred": 2, "declared": 3, "all": 4}  # how many of the tiers, in their order
CLASSES = {"chemotherapy": 1, "all": 2}
OUTCOMES = ("good", "bad", "undecided")
BLANK = dict.fromkeys(("n_mixed", "n_may_be", "n_unrated"), 0)
DECLARED = (84, "rated", "declared", "all")
WINDOWS = (56, 70, 84, 100, 140, 180)


def cells(truth, seed):
    """Of each window, reading of FDG-PET, tier and class how many of each outcome; those of the headline's window add up to it."""
    dice = random.Random(f"grid {seed}")
    (row,) = truth["compliance"].filter(measure="post_completion", basis="episode", period_grain="all", stratum="all").to_dicts()
    bad, undecided = row["n_mixed"] + row["n_not_appropriate"], row["n_unrated"] + row["n_indeterminate"]
    rest, found = {"good": row["n_appropriate"], "bad": bad, "undecided": undecided}, {}
    shares = [dice.choice((0.02, 0.1, 0.5, 2)) for _ in range(6)]
    for outcome, number in rest.items():
        drawn = dice.choices(list(itertools.product(range(3), range(2))), shares, k=number)
        found |= {(tier, kind, outcome): drawn.count((tier, kind)) for tier, kind in itertools.product(range(3), range(2))}
    found |= {(3, kind, outcome): dice.choice((0, 1, 4)) for kind in range(2) for outcome in OUTCOMES}
    grid = {}
    for window in WINDOWS:
        by = dice.choice((0, 1, 3, 9)) if window > 84 else -dice.choice((0, 1, 3, 9)) if window < 84 else 0
        at = {key: max(0, count + (dice.randrange(min(by, 0), max(by, 0) + 1) if by else 0)) for key, count in found.items()}
        for pet in ("rated", "indeterminate"):
            grid |= {(window, pet, *key): count for key, count in at.items()}
        for tier, kind in itertools.product(range(4), range(2)):
            moved = min(at[tier, kind, "bad"], dice.choice((0, 0, 1, 3)))
            grid[window, "indeterminate", tier, kind, "bad"] -= moved
            grid[window, "indeterminate", tier, kind, "undecided"] += moved
    return grid


def inside(grid, window, pet, tiers, classes, outcome):
    return [key for key in grid if key[:2] == (window, pet) and key[2] < TIERS[tiers] and key[3] < CLASSES[classes] and key[4] == outcome]


def multiverse(grid):
    rows = []
    for window, pet, tiers, classes in itertools.product(WINDOWS, ("rated", "indeterminate"), TIERS, CLASSES):
        count = {outcome: sum(grid[key] for key in inside(grid, window, pet, tiers, classes, outcome)) for outcome in OUTCOMES}
        rows.append({
            "definition": f"{window} {pet} {tiers} {classes}", "window_days": window, "assumed_pet": pet, "tiers": tiers, "therapy_classes": classes,
            "is_declared": (window, pet, tiers, classes) == DECLARED,
        } | with_rates(BLANK | {"n_index": sum(count.values()), "n_appropriate": count["good"], "n_not_appropriate": count["bad"], "n_indeterminate": count["undecided"]}))
    return pl.DataFrame(rows, infer_schema_length=None)


class Book:
    """The attacker's: cells of the grid, and what the released shares and the exact headline say of their sums."""

    def __init__(self, grid, released, headline):
        self.place = {key: at for at, key in enumerate(grid)}
        self.true, self.shown, self.relations = list(grid.values()), [None] * len(grid), []
        for window, pet, tiers, classes in itertools.product(WINDOWS, ("rated", "indeterminate"), TIERS, CLASSES):
            row = released[f"{window} {pet} {tiers} {classes}"]
            parts = {outcome: inside(grid, window, pet, tiers, classes, outcome) for outcome in OUTCOMES}
            if row["is_declared"]:
                self.declared(parts, headline)
            elif row["rate"] is not None:
                part, whole = (self.sum((*row["definition"].split(), name), [key for outcome in of for key in parts[outcome]]) for name, of in (("part", OUTCOMES[:1]), ("whole", OUTCOMES[:2])))
                self.sum((*row["definition"].split(), "rest"), parts["bad"])
                share_says(self, part, whole, row["rate"], round(1 / row["rate_step"]))
        for window, tier, kind in itertools.product(WINDOWS, range(4), range(2)):
            rated, open_ = ([(window, pet, tier, kind, outcome) for outcome in OUTCOMES] for pet in ("rated", "indeterminate"))
            self.equal(rated[:1], open_[:1])
            self.equal(rated[1:], open_[1:])
            self.at_most(open_[1:2], rated[1:2])

    def declared(self, parts, headline):
        if headline["rate"] is not None:
            self.equal(parts["good"], number=headline["n_appropriate"])
            self.equal(parts["bad"], number=round(headline["n_appropriate"] / headline["rate"]) - headline["n_appropriate"])
        if headline["n_index"] is not None:
            self.equal([key for keys in parts.values() for key in keys], number=headline["n_index"])

    def sum(self, name, keys):
        self.place[name] = len(self.true)
        self.true.append(sum(self.true[self.place[key]] for key in keys))
        self.shown.append(None)
        self.equal([name], keys)
        return name

    def equal(self, left, right=(), number=0):
        self.relate(left, right, number, number)

    def at_most(self, left, right=(), number=0):
        self.relate(left, right, -math.inf, number)

    def relate(self, left, right, low, high):
        terms = {}
        for sign, found in ((1, left), (-1, right)):
            for cell in found:
                factor, cell = cell if len(cell) == 2 else (1, cell)
                terms[self.place[cell]] = terms.get(self.place[cell], 0) + sign * factor
        self.relations.append((terms, low, high))


def released_grid(kind, n, seed, profile="cms"):
    truth = delivery(kind, n, seed)
    grid = cells(truth, seed)
    released = release(truth | {"multiverse": multiverse(grid)}, profile)
    (headline,) = released["compliance"].filter(measure="post_completion", basis="episode", period_grain="all", stratum="all").to_dicts()
    return grid, released["multiverse"], headline


@pytest.mark.parametrize("place", [("few_strata", 900, 7), ("few_strata", 300, 5), ("many_failures", 500, 2), ("as_usual", 150, 1), ("few_strata", 1400, 31)], ids=str)
def test_no_small_count_can_be_worked_out_of_all_definitions_together(place):
    grid, table, headline = released_grid(*place)
    book = Book(grid, {row["definition"]: row for row in table.to_dicts()}, headline)
    names = list(book.place)
    assert [names[at] for at in pinned(book)] == []


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(30))
def test_no_small_count_can_be_worked_out_of_many_grids(seed):
    dice = random.Random(f"grids {seed}")
    grid, table, headline = released_grid(dice.choice(list(MADE)), int(60 * 25 ** dice.random()), seed)
    book = Book(grid, {row["definition"]: row for row in table.to_dicts()}, headline)
    names = list(book.place)
    assert [names[at] for at in pinned(book)] == []


def test_a_definition_shows_its_share_and_nothing_else():
    _, table, headline = released_grid("many_failures", 500, 2)
    assert set(table.columns) == {"definition", "window_days", "assumed_pet", "tiers", "therapy_classes", "is_declared", "rate", "rate_step", "rate_band", "suppressed"}
    (declared,) = table.filter("is_declared").to_dicts()
    assert {name: declared[name] for name in ("rate", "rate_step", "rate_band", "suppressed")} == {name: headline[name] for name in ("rate", "rate_step", "rate_band", "suppressed")}
    others = table.filter(pl.col("is_declared").not_() & pl.col("rate").is_not_null())
    assert others.height > 20
    assert set(others["rate_step"]) <= {0.01, 0.02, 0.05, 0.1}
    for row in others.to_dicts():
        assert round(row["rate"] / row["rate_step"], 6) == round(row["rate"] / row["rate_step"])
    closed = table.filter(pl.col("is_declared").not_() & pl.col("suppressed"))
    assert closed["rate"].is_null().all()


def test_the_exact_shares_would_tell():
    """The attacker is not toothless: with the counts of two neighbouring definitions he has what lies between."""
    truth = delivery("few_strata", 900, 7)
    grid = cells(truth, 7)
    released = {row["definition"]: row for row in release(truth | {"multiverse": multiverse(grid)})["multiverse"].to_dicts()}
    (headline,) = truth["compliance"].filter(measure="post_completion", basis="episode", period_grain="all", stratum="all").to_dicts()
    book = Book(grid, released, headline)
    for tiers in TIERS:
        for outcome in OUTCOMES:
            keys = inside(grid, 84, "rated", tiers, "all", outcome)
            book.equal(keys, number=sum(grid[key] for key in keys))
    (tier, outcome) = next((tier, outcome) for tier in range(4) for outcome in OUTCOMES if 1 <= sum(grid[84, "rated", tier, kind, outcome] for kind in range(2)) <= 10)
    name = book.sum((84, "rated", tier, outcome), [(84, "rated", tier, kind, outcome) for kind in range(2)])
    assert book.place[name] in pinned(book)


@pytest.mark.parametrize("profile", ["cms", "nhs", "none"])
def test_every_profile_has_a_grid(profile):
    _, table, _ = released_grid("few_strata", 300, 5, profile)
    assert table.height == len(WINDOWS) * 2 * 4 * 2
    assert ("protected_zone_only" in table.columns) == (profile == "none")
    assert ("n_index" in table.columns) == (profile == "none")
