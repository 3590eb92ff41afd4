"""What the release before this one allows: whoever keeps both can subtract, and a difference is a count too.

Three rules, for every count that is published to the last unit. A count that moved by 1 to 10 since it was last published
so is not published so again until it has moved by more. A count that was hidden and has not moved stays hidden, or it would
give back the hidden one beside it. A count that was published and has not moved hides nothing, so it is no company for others.
What stands in tens and steps needs none of this: a ten or a step holds more units than could be told apart.

The memory is the release itself: its exact counts, and for cells that it had to hide the figure that was last published.
"""

import polars as pl

from flows import formats, releases
from flows.disclosure.groups import SHOWN

KEYS = {
    "compliance": ("measure", "basis", "period_grain", "period_start", "stratum", "stratum_value"),
    "sensitivity": ("measure", "basis", "reading"),
    "attrition": ("reason",),
    "case_attrition": ("reason",),
    "unmapped_code": ("code_system", "code", "reason"),
}
PARTS = ("n_mixed", "n_may_be", "n_not_appropriate"), ("n_unrated", "n_indeterminate")
SUMS = ("n_index", "n_appropriate", "n_bad", "n_undecided")
ABSENT_IS_ZERO = ("compliance", "unmapped_code")  # a row that is not there counts nothing
COUNTS = (*SUMS, *PARTS[0], *PARTS[1])
REMEMBERED = {
    "compliance": (*COUNTS, "n_end_unknown", "n_rerouted", "n_excluded", "n_exception"),
    "sensitivity": COUNTS,
    "attrition": ("n_orders", "n_cases", "n_patients"),
    "case_attrition": ("n_cases", "n_patients"),
    "unmapped_code": ("n_orders", "n_cases", "n_index"),
}
APART = ("n_end_unknown", "n_rerouted", "n_excluded")  # what a row in tens may still say to the last unit
SCHEMA = {
    "table_name": pl.String, "row": pl.String, "column_name": pl.String, "last_shown": pl.Int64, "given": pl.String,
    "suppressed": pl.Boolean,
}


class Past:
    """The release before: what it showed, and, where its database is still there, what was true."""

    def __init__(self, released=None, truth=None, unit=1):
        self.unit, self.is_there = unit, bool(released)
        self.shown = {name: by_key(name, released[name]) for name in KEYS if released and name in released}
        self.true = {name: by_key(name, truth[name]) for name in KEYS if truth and name in truth}
        memory = released.get("differencing") if released else None
        self.memory = {} if memory is None else {tuple(row[:3]): row[3] for row in memory.rows()}

    def last(self, table, key, column):
        """The count as it was last published to the last unit; None: never."""
        rows = self.shown.get(table)
        if rows is None:
            return None
        if key not in rows:
            carried = self.memory.get((table, name_of(key), column))
            return 0 if carried is None and table in ABSENT_IS_ZERO else carried
        value = exact(rows[key]).get(column)
        return self.memory.get((table, name_of(key), column)) if value is None else value

    def moved(self, table, key, column, now):
        """By how much, as far as anybody could tell; None where the earlier count is not known even to us."""
        then = self.last(table, key, column)
        return gap(self.before(table, key, column), now) if then is None else self.given(now) - then

    def before(self, table, key, column):
        rows = self.true.get(table)
        if rows is None:
            return None
        if key not in rows:
            return 0 if table in ABSENT_IS_ZERO else None
        return summed(rows[key]).get(column)

    def few(self, table, key, counts, small):
        """Whether a difference of 1 to 10 would show."""
        lasts = ((self.last(table, key, column), now) for column, now in counts.items())
        return any(then is not None and 0 < abs(self.given(now) - then) <= small for then, now in lasts)

    def stays_hidden(self, table, key, counts):
        """Hidden then, and the same now, or nobody can say."""
        row = self.shown.get(table, {}).get(key)
        if row is None:
            return False
        told = exact(row)
        return any(told.get(column) is None and self.before(table, key, column) in (None, now) for column, now in counts.items())

    def is_known(self, table, key, counts):
        """Shown then, and the same now."""
        return self.is_there and all(self.last(table, key, column) == self.given(now) for column, now in counts.items())

    def was_hidden(self, table, key, columns):
        """In the release before this one; what an older one showed tells of nothing that moved since."""
        row = self.shown.get(table, {}).get(key)
        return row is not None and any(exact(row).get(column) is None for column in columns)

    def had(self, table, key):
        return key in self.shown.get(table, {})

    def was_rounded(self, table, key, counts=None):
        """In the release before; with counts: and these are the same, or nobody can say."""
        row = self.shown.get(table, {}).get(key, {})
        return bool(row.get("is_rounded")) and all(self.before(table, key, column) in (None, now) for column, now in (counts or {}).items())

    def given(self, count):
        """As the profile gives a count."""
        return round(count / self.unit) * self.unit

    def lone(self, table, groups, closed, counts_of, small, price, seen=()):
        """Rows to close as well, so that what moved in a row cannot be worked out of what moved in the others of its group.

        Unseen is what moved in a row that is hidden in either release. Of a total seen in both, never one row alone may have
        moved unseen; of one that moved unseen itself, at least one row. seen: totals that show enough of what moved.
        """
        found = set()
        for group in groups if self.is_there else ():
            total = None if group.total in (SHOWN, *seen) else group.total
            for unseen_then, moves in self.views(table, group, total, counts_of):
                apart = [row for row in group.rows if any(each is None or each for each in moves[row])]
                unseen = [row for row in apart if row in closed or unseen_then[row]]
                if total is not None and (total in closed or unseen_then[total]):
                    is_apart = any(each is None or each for each in moves[total])
                    found |= {min(apart, key=price)} if is_apart and apart and not unseen else set()
                elif len(unseen) == 1 and tells(moves[unseen[0]], (unseen[0] in closed) != unseen_then[unseen[0]], small):
                    spare = [row for row in apart if row not in unseen]
                    found |= {unseen[0] if unseen[0] not in closed else min(spare, key=price) if spare else group.total} - {SHOWN}
        return found - closed

    def views(self, table, group, total, counts_of):
        """What moved since the release before; and since the counts were last published, if that was of one day for them all."""
        rows = [*group.rows, *([] if total is None else [total])]
        counts = {row: counts_of(row) for row in rows}
        if self.true.get(table) is not None:
            hidden = {row: self.was_hidden(table, place(row), counts[row]) for row in rows}
            yield hidden, {row: [gap(self.before(table, place(row), column), now) for column, now in counts[row].items()] for row in rows}
        moves = {row: [self.moved(table, place(row), *pair) for pair in counts[row].items()] for row in rows}
        sums = list(zip(*(moves[row] for row in group.rows), strict=True))
        if total is not None and None not in [by for found in moves.values() for by in found] and [sum(each) for each in sums] == moves[total]:
            yield {row: any(self.last(table, place(row), column) is None for column in counts[row]) for row in rows}, moves


def gap(then, now):
    return None if then is None else now - then


def tells(moves, is_seen_once, small):
    """Whether a row that alone moved unseen gives something away: what moved, or with it the count that one release hides."""
    return is_seen_once or any(by is not None and 0 < abs(by) <= small for by in moves)


def last_release(out, first=None):
    """What the newest kept release shows that left, and what was true then; None before the first. For `release(before=…)`.

    first: a release that goes before newer ones.
    """
    formats.refuse_unreadable(out)  # it may be the one that left
    folder = releases.last_that_left(out, first)
    if folder is None:
        return None
    names = (*KEYS, "differencing")
    shown = {name: pl.read_parquet(path) for name in names if (path := folder / "exports" / f"{name}.parquet").exists()}
    return shown, truth_of(folder / "audit.duckdb")


def truth_of(database):
    """The same tables before disclosure control; those that this database has."""
    import duckdb

    from flows import doors

    with duckdb.connect(str(database), read_only=True, config=doors.ONE_DATABASE) as con:
        there = {name for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'out'").fetchall()}
        return {name: con.sql(f"select * from out.{name}").pl() for name in KEYS if name in there}


def findings(past, released):
    """One row per count that was once published to the last unit and is not any more: that figure, and what stands for it."""
    rows = []
    for table in KEYS if past.is_there else ():
        for key, row in by_key(table, released[table]).items():
            told = exact(row)
            for column in REMEMBERED[table]:
                last = past.last(table, key, column)
                if told.get(column) is None and last is not None and past.had(table, key):
                    given = "tens" if row.get("is_rounded") and row.get(column) is not None else "nothing"
                    rows.append((table, name_of(key), column, last, given, False))
    return pl.DataFrame(sorted(rows), schema=SCHEMA, orient="row")


def place(row):
    return row if isinstance(row, tuple) else (row,)


def key_of(table, row):
    return tuple(row[name] for name in KEYS[table])


def name_of(key):
    return " ".join("-" if part is None else str(part) for part in key)


def by_key(table, frame):
    return {key_of(table, row): row for row in frame.to_dicts()}


def summed(row):
    """With the two sums that a rate and its bounds give away."""
    if not {*PARTS[0], *PARTS[1]} <= row.keys():
        return row
    return row | {name: None if None in (found := [row[part] for part in parts]) else sum(found) for name, parts in zip(SUMS[2:], PARTS, strict=True)}


def exact(row):
    """What a released row says to the last unit."""
    if row.get("is_rounded"):
        return {column: row[column] for column in APART if column in row}
    told = summed(row)
    if "n_bad" not in told:
        return told
    good, n_index, rate = told["n_appropriate"], told["n_index"], told.get("rate")
    if told["n_bad"] is None and good and rate:
        told["n_bad"] = round(good / rate) - good
    elif told["n_bad"] is None and n_index and told.get("bound_high") is not None:
        told["n_bad"] = n_index - round(told["bound_high"] * n_index)  # a rate that is withheld still has its bounds
    if told["n_undecided"] is None and None not in (n_index, good, told["n_bad"]):
        told["n_undecided"] = n_index - good - told["n_bad"]
    return told

