"""The book of cells: which counts there are, and how a relation between them is written down.

A relation is a list of (cell, coefficient) pairs whose sum is zero, a limit one whose sum is at most a number. Cells that
no table has (complements, differences) are ghosts: never published, but published figures would give them away.
"""

from collections import namedtuple

Book = namedtuple("Book", "cells equations limits")
PARTS = ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate", "n_unrated", "n_indeterminate")
AROUND = ("n_end_unknown", "n_rerouted", "n_excluded")
COUNTS = {
    "compliance": ("n_index", *PARTS, *AROUND, "n_exception"),
    "sensitivity": ("n_index", *PARTS),
    "attrition": ("n_orders", "n_cases", "n_patients"),
    "case_attrition": ("n_cases", "n_patients"),
    "unmapped_code": ("n_orders", "n_cases", "n_index"),
}
OUTSIDE_HEADLINE = ("intent_tier", "unresolved")


def cell(book, *key):
    return book.cells.setdefault(key, len(book.cells))


def equate(book, whole, parts):
    balance(book, [whole], parts)


def balance(book, left, right):
    book.equations.append([(cell(book, *part), 1) for part in left] + [(cell(book, *part), -1) for part in right])


def at_most(book, parts, *wholes):
    book.limits.append(
        ([*((cell(book, *part), 1) for part in parts), *((cell(book, *whole), -1) for whole in wholes)], 0)
    )
