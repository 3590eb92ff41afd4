"""The g-chart of rare events: rated orders between two that were not appropriate. For the protected report only."""

from flows.control import spc
from flows.control.baseline import frozen_words, is_within
from flows.drawings import between_events
from flows.drawings.canvas import PHONE, WIDTH
from flows.drawings.slots import period_words

BETTER = "Something may have changed for the better: find out what, and keep it."
WORSE = "Look at the orders of that time in the worklist first."


def gap_chart(rows, measure, words, given, baseline):
    """Long stretches break the limit; that they grow shorter is told by runs, for no lower limit is above 0."""
    points = [_point(row) for row in sorted(rows, key=lambda row: row["position"])]
    closed = [point for point in points if not point["is_open"]]
    title = f"{words}: orders between not-appropriate ones"
    base = [at for at, point in enumerate(closed) if is_within(point["period_start"], baseline)]
    why = _why_not(points, closed, base, baseline, int(given["spc_least_points"]))
    limits = spc.g_chart([] if why else [point["value"] for point in closed], base, given["spc_sigma"])
    if not why and limits.high is None:
        why = "no rated order lies between the not-appropriate ones"
    signals = [] if why else _signals(points, closed, limits)
    for point in points:
        point |= {"center": limits.center, "high": limits.high, "said": _said(point)}
    chart = {"key": f"gaps-{measure}", "measure": measure, "title": title, "kind": "g", "signals": signals}
    chart |= {"says": f"Cannot tell: {why}." if why else _says(signals), "cannot_tell": bool(why)}
    chart |= {"limits_say": _limits_say(limits, baseline), "is_frozen": baseline is not None}
    chart |= {"smallest_change": None, "smallest_says": "" if why else _smallest_says(limits)}
    chart |= {"svg": None, "svg_phone": None}
    if points:
        for name, key, width in (("svg", chart["key"], WIDTH), ("svg_phone", chart["key"] + "-phone", PHONE)):
            chart[name] = between_events.gaps(points, limits, key, title, chart["says"], width)
    names = ("label", "value", "center", "high", "is_signal", "is_open")
    table = [{name: point[name] for name in names} | {"n": None, "low": None, "band": None} for point in points]
    return chart | {"table": table}


def _point(row):
    point = {
        "value": row["n_orders_between"],
        "is_open": row["is_open"],
        "period_start": row["period_start"],
        "is_signal": False,
    }
    if row["is_open"]:
        return point | {"label": "since the last one"}
    return point | {"label": f"no. {row['position']}, {period_words('quarter', row['period_start'])}"}


def _said(point):
    signal = ", a signal" if point["is_signal"] else ""
    if point["is_open"]:
        return f"{point['value']} rated orders since the last not-appropriate one, and counting{signal}"
    return f"{point['label']}: {point['value']} rated orders before it{signal}"


def _why_not(points, closed, base, baseline, least):
    if not points:
        return "no rated order with a true calendar"
    if len(closed) < least:
        return f"{len(closed)} orders were not appropriate, and fewer than {least} tell no change from chance"
    if baseline and len(base) < least:
        return f"the frozen baseline holds {len(base)} not-appropriate orders, and fewer than {least} set no limits"
    return None


def _signals(points, closed, limits):
    found = []
    for point in points:
        if point["value"] > limits.high:
            words = (
                f"{point['value']} rated orders {_where(point)}, more than chance leaves ({limits.high:.0f} at most)."
            )
            found.append(
                {"kind": "above_limit", "period_start": point["period_start"], "sentence": f"{words} {BETTER}"}
            )
            point["is_signal"] = True
    seen = spc.runs([point["value"] for point in closed], limits.median)
    for places in seen.in_long_run:
        first, last = closed[places[0]], closed[places[-1]]
        side, advice = ("shorter", WORSE) if first["value"] < limits.median else ("longer", BETTER)
        words = f"{len(places)} stretches in a row are {side} than their median ({first['label']} to {last['label']})"
        words += f"; chance makes {seen.longest_max} at most. {advice}"
        found.append({"kind": "long_run", "period_start": first["period_start"], "sentence": words})
        for at in places:
            closed[at]["is_signal"] = True
    if seen.is_rarely_crossing:
        words = f"The stretches cross their median {seen.crossings} times"
        words += f"; chance would make it {seen.crossings_min} or more."
        found.append(
            {"kind": "few_crossings", "period_start": closed[0]["period_start"], "sentence": f"{words} {WORSE}"}
        )
    return found


def _where(point):
    return "since the last not-appropriate one" if point["is_open"] else f"before {point['label']}"


def _says(signals):
    if not signals:
        return "No signal: not-appropriate orders come as irregularly as by chance. None of them alone is a change."
    return f"Signal{f' ({len(signals)} in all)' if len(signals) > 1 else ''}: {signals[0]['sentence']}"


def _smallest_says(limits):
    words = f"Only a stretch of more than {limits.high:.0f} rated orders would be a signal by itself"
    return f"{words}, or a long run of short ones."


def _limits_say(limits, baseline):
    if limits.high is None:
        return ""
    sigma, limit = (spc.passed_once_in(limits.center, end) for end in (limits.sigma_high, limits.high))
    words = f"g-chart of geometric counts about their mean of {limits.center:.1f}."
    words += f" Chance passes the dotted sigma line once in {sigma:.0f} stretches and the limit once in {limit:.0f}; runs are counted about the median."
    return words + frozen_words(baseline)
