"""The drawings of the page: which there are, and where each of them stands. They show what its tables hold."""

from flows import drawings
from flows.control.charts import charts
from flows.drawings.canvas import PHONE

OVER_TIME = ("run", "p", "p_prime")
NARROW, NARROW_PHONE = 440, 340  # what a card is wide, on a desk and on a phone


def drawn(rows, headline, parameters, baselines=()):
    """Charts by the part of the page they stand in. rows: the released tables as rows by name."""
    known = {_key(row): row for row in rows["compliance"]}
    found = [_on_page(chart, known) for chart in charts(rows, parameters, baselines)]
    over_time = [chart for chart in found if chart["kind"] in OVER_TIME]
    return {
        "strip": strip(headline),
        "time_charts": over_time,
        "site_charts": [chart for chart in found if chart["kind"] == "funnel"],
        "gap_charts": [chart for chart in found if chart["kind"] == "g"],
        "curve": curve(rows.get("multiverse", [])),
        "over_time": over_time[0],
    }


def strip(headline):
    on_phone = drawings.strip(headline, key="strip-phone", width=NARROW_PHONE)
    return {"svg": drawings.strip(headline, width=NARROW), "svg_phone": on_phone}


def curve(rows):
    if not rows:
        return None
    on_phone = drawings.specification_curve(rows, key="multiverse-phone", width=PHONE)
    return {"svg": drawings.specification_curve(rows), "svg_phone": on_phone}


def _on_page(chart, known):
    """Without a single figure there is nothing to draw; limits stand in a table with the cells that they judge."""
    if not any(point.get("value") is not None or point.get("band") for point in chart["table"]):
        chart |= {"svg": None, "svg_phone": None}
    numbered = (point | {"at": at} for at, point in enumerate(chart["table"]))
    limits = [point for point in numbered if None not in (point["value"], point["center"])]
    for point in limits:
        point["row"] = known.get(_key_of(chart, point))
    return chart | {"limits": limits}


def _key(row):
    return tuple(row[name] for name in ("measure", "basis", "period_grain", "period_start", "stratum", "stratum_value"))


def _key_of(chart, point):
    """The row of out.compliance that a point shows."""
    if chart["kind"] in OVER_TIME:
        grain = "year" if point["label"] == str(point["period_start"].year) else "quarter"
        return (chart["measure"], "episode", grain, point["period_start"], "all", "all")
    return (chart["measure"], "episode", "all", None, "site", point["label"])
