"""The attacker with two releases: he subtracts, and knows of which rows nothing moved (tests/attacker.py).

    recovered_over_time(earlier, later)    each a pair (released, truth); the counts of 1 to 10 that are not safe,
                                           those of what came or went between the two among them
"""

from attacker import BESIDE, COUNTS, OUTCOMES, SUMS, found, opened

KEYS = {
    "compliance": ("measure", "basis", "period_grain", "period_start", "stratum", "stratum_value"),
    "sensitivity": ("measure", "basis", "reading"),
    "attrition": ("reason",), "case_attrition": ("reason",), "unmapped_code": ("code_system", "code", "reason"),
}
BLOCK = ("n_index", *OUTCOMES, *SUMS)


def recovered_over_time(earlier, later):
    books = [opened(*earlier), opened(*later, what_was_shown(*earlier))]
    both = Both(books)
    places = [rows_by_key(released) for released, _ in (earlier, later)]
    for (table, key), number in places[1].items():
        before = places[0].get((table, key))
        for block in blocks_of(table, books[1]):
            both.moved(table, before, number, block)
    for (table, key), number in places[0].items():
        if (table, key) not in places[1]:
            for block in blocks_of(table, books[0]):
                both.moved(table, number, None, block)
    return found(both)


class Both:
    """The cells and relations of two books, and cells for what moved between them."""

    def __init__(self, books):
        self.place, self.shown, self.true, self.relations = {}, [], [], []
        for when, book in enumerate(books):
            shift = len(self.true)
            self.place |= {(when, *cell): at + shift for cell, at in book.place.items()}
            self.shown += book.shown
            self.true += book.true
            self.relations += [({at + shift: factor for at, factor in terms.items()}, low, high) for terms, low, high in book.relations]

    def moved(self, table, before, after, block):
        """A row of which nothing moved is known to be the same; of another it is known what grew and what shrank."""
        cells = [[None if number is None else self.place[when, table, number, column] for column in block] for when, number in enumerate((before, after))]
        true = [[0 if at is None else self.true[at] for at in found] for found in cells]
        for then, now, column, *counts in zip(*cells, block, *true, strict=True):
            by = counts[1] - counts[0]
            terms = {at: sign for at, sign in ((now, 1), (then, -1)) if at is not None}
            if true[0] != true[1]:
                at = len(self.true)
                self.place["moved", table, after if after is not None else f"gone {before}", column] = at
                self.true.append(abs(by))
                self.shown.append(None)
                terms |= {at: 1 if by < 0 else -1}
            self.relations.append((terms, 0, 0))


def blocks_of(table, book):
    """Columns that are hidden together."""
    if table == "compliance":
        return [BLOCK, *((column,) for column in (*BESIDE, "n_exception"))]
    return [BLOCK if table == "sensitivity" else COUNTS[table]]


def rows_by_key(released):
    return {(name, tuple(row[column] for column in KEYS[name])): number for name in COUNTS for number, row in enumerate(released[name].to_dicts())}


def what_was_shown(released, truth):
    """last(table, row, column) for a Book: a count that the earlier release gave to the last unit, outright or by its rate."""
    book, places = opened(released, truth), rows_by_key(released)
    carried = {tuple(row[:3]): row[3] for row in released["differencing"].rows()}

    def last(table, row, column):
        key = tuple(row[name] for name in KEYS[table])
        name = " ".join("-" if part is None else str(part) for part in key)
        number = places.get((table, key))
        if number is None:
            return 0 if table == "compliance" else None
        value = known(book, (table, number, column))
        return carried.get((table, name, {"bad": "n_bad"}.get(column, column))) if value is None else value

    return last


def known(book, cell):
    """The count, where it is shown or one relation with shown counts gives it."""
    at = book.place[cell]
    if book.shown[at] is not None:
        return book.shown[at]
    for terms, low, high in book.relations:
        if terms.get(at) in (1, -1) and low == high and all(book.shown[other] is not None for other in terms if other != at):
            return book.true[at]
    return None
