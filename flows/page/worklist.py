"""The worklist to read: rows about patients, so the page is written into protected/ and nowhere else.

Grouped by site, finding and reason. Whoever wrote an order is a column of its row: nothing is sorted, grouped or counted by it.
"""

from itertools import groupby

from flows.exports.facts import is_synthetic
from flows.page.report import template

GROUP = ("site_id", "finding", "reason")
ORDER = ("case_id", "measure", "index_on", "order_id")


def render(worklist, source, deid_mode):
    """One HTML page, as text."""
    given = {"is_synthetic": is_synthetic(source), "deid_mode": deid_mode}
    return template("worklist.html").render(sites=sites(worklist.to_dicts()), **given)


def sites(rows):
    """[{site_id, groups: [{finding, reason, resolution, rows}]}]; what resolves a row follows from its finding and reason."""
    rows = sorted(rows, key=_by(*GROUP, *ORDER))
    return [{"site_id": site_id, "groups": _groups(there)} for site_id, there in groupby(rows, lambda row: row["site_id"])]


def _groups(rows):
    found = [list(members) for _, members in groupby(rows, _by(*GROUP))]
    return [{name: members[0][name] for name in ("finding", "reason", "resolution")} | {"rows": members} for members in found]


def _by(*names):
    """Unknown sorts last, and never against a value of another type."""
    return lambda row: [(row[name] is None, "" if row[name] is None else row[name]) for name in names]
