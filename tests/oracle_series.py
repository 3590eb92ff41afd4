"""A series of deliveries (docs/deliveries.md) in boring Python: which rows stand. A row says with `delivery` how it came.

Part of the oracle: nothing here may be shared with the SQL.
"""

from calendar import monthrange

KEYS = {
    "orders": "order_id", "diagnoses": "diagnosis_id", "therapies": "therapy_id", "procedures": "procedure_id",
    "patients": "patient_id", "findings": "finding_id",
}  # fmt: skip


def standing(delivery):
    """The rows of each extract that no later delivery supersedes, and how many rows of orders went."""
    found = {extract: list(rows) for extract, rows in delivery.items()}
    for extract, key in KEYS.items():
        rows, latest = found.get(extract, []), {}
        for row in rows:
            name = key_of(row, key)
            if name is not None:
                latest[name] = max(latest.get(name, place(row)), place(row))
        found[extract] = [row for row in rows if key_of(row, key) is None or place(row) == latest[key_of(row, key)]]
    maps = found.get("code_map", [])
    newest = max(map(place, maps), default=None)
    found["code_map"] = [row for row in maps if place(row) == newest]
    n_superseded = len(delivery.get("orders", [])) - len(found["orders"])
    return {extract: [without(row) for row in rows] for extract, rows in found.items()}, n_superseded


def key_of(row, key):
    return str(row.get(key) or "").strip() or None


def place(row):
    """The day that its delivery covers to, then what follows in the name; a row of no series stands before all."""
    name = row.get("delivery")
    if not name:
        return ()
    dated, _, suffix = name.partition("_")
    year, month, *day = (int(number) for number in dated.split("-"))
    return year, month, day[0] if day else monthrange(year, month)[1], int(suffix or 0)


def without(row):
    return {column: cell for column, cell in row.items() if column != "delivery"}
