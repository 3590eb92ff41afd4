"""Which control charts the page shows, and what each of them says: a signal, none, or that it cannot tell.

Rows are those of released tables, so that a chart knows no more than the page. A hidden rate is a gap; an immature
period is shown, and neither sets a limit nor breaks one. A frozen baseline (rules/baseline.csv) sets centre and limits
where a person declared one. No chart is about a person who orders.
"""

from flows.control import spc
from flows.control.baseline import frozen, frozen_words, is_within
from flows.control.gaps import gap_chart
from flows.control.sites import site_chart
from flows.drawings import over_time
from flows.drawings.canvas import PHONE, WIDTH, percent
from flows.drawings.slots import finest, last_day, slots
from flows.drawings.slots import words as in_words
from flows.headline import MEASURE_WORDS

MEASURES = {name: words.capitalize() for name, words in MEASURE_WORDS.items()}
LOOK = "Look at what changed then, in the data first and in care second."
GOES_ON = "A point that moves inside what chance does needs no explanation; keep on counting."


def charts(rows, parameters, baselines=()):
    """One dict per chart: the rate over time and the sites of each measure, then the stretches between events.

    key, measure, title, kind (run, p, p_prime, g, funnel), svg and svg_phone (text, or None), says, cannot_tell,
    smallest_change (percentage points, or None) and smallest_says, limits_say, signals (kind, period_start and period_end
    or site, sentence), table (label, n, value, band, center, low, high, is_signal), is_frozen.
    """
    given = {
        name: float(value) for name, value in parameters.items() if name.startswith(("spc_", "funnel_", "change_"))
    }
    given["wilson_z"] = float(parameters["wilson_z"])
    found = []
    for measure, words in MEASURES.items():
        found.append(time_chart(rows, measure, words, given, frozen(baselines, measure, "episode")))
        found.append(site_chart(rows["compliance"], measure, words, given))
    for measure, words in MEASURES.items():
        if "not_appropriate_gap" in rows:
            gaps = [row for row in rows["not_appropriate_gap"] if row["measure"] == measure]
            found.append(gap_chart(gaps, measure, words, given, frozen(baselines, measure, "order")))
    return found


def periods(rows, measure):
    """The periods that are drawn, with the word whether they are immature."""
    immature = {
        (row["period_grain"], row["period_start"])
        for row in rows["maturity"]
        if row["measure"] == measure and row["is_immature"]
    }
    found = {
        grain: [
            row | {"is_immature": (grain, row["period_start"]) in immature}
            for row in rows["compliance"]
            if (row["measure"], row["basis"], row["period_grain"]) == (measure, "episode", grain)
        ]
        for grain in ("quarter", "year")
    }
    return finest(found["quarter"], found["year"])


def time_chart(rows, measure, words, given, baseline):
    """The rate over time: a run chart of few points, a p-chart of more, p' where they stray more than chance."""
    points = slots(periods(rows, measure))
    title = f"{words}: the rate over time"
    chart = {"key": f"time-{measure}", "measure": measure, "title": title, "kind": "run"}
    chart |= {"signals": [], "limits_say": ""}
    counted = [(round(point["value"] * point["n"]), point["n"]) if _counts(point) else None for point in points]
    base = [at for at, point in enumerate(points) if counted[at] and is_within(point["period_start"], baseline)]
    chart |= {"is_frozen": baseline is not None, "cannot_tell": False} | smallest(counted, points, given)
    deid_mode = rows["audit_run"][0]["deid_mode"] if rows.get("audit_run") else None
    why = _why_not(points, counted, base, baseline, given, deid_mode)
    center = None if why else _limits(chart, points, counted, base, given)
    if not why and center is None:
        why = "too few rates differ from their centre to tell a change from chance"
    if why:
        chart |= {"cannot_tell": True, "says": f"Cannot tell: {why}.", "limits_say": ""}
    else:
        chart |= {"says": _says(chart, points), "limits_say": chart["limits_say"] + frozen_words(baseline)}
    said = f"{chart['says']} {in_words(points)}" if points else ""
    drawn = {"key": chart["key"], "title": title, "center": center, "is_frozen": baseline is not None, "told": said}
    chart["svg"] = over_time.draw(points, **drawn, width=WIDTH)
    chart["svg_phone"] = over_time.draw(points, **drawn | {"key": chart["key"] + "-phone"}, width=PHONE)
    names = ("label", "n", "value", "band", "low", "high", "is_signal", "is_immature", "period_start")
    return chart | {"table": [{name: point[name] for name in names} | {"center": center} for point in points]}


def _counts(point):
    """Shown, settled, and with a known number: what limits may rest on."""
    return point["value"] is not None and bool(point["n"]) and not point["is_immature"]


def _why_not(points, counted, base, baseline, given, deid_mode):
    least, n_shown = int(given["spc_least_points"]), sum(point is not None for point in counted)
    if deid_mode in ("shifted_dates", "relative_days"):
        return "each person has a calendar of their own in this delivery, so that a period holds no common time"
    if not points:
        return "no period holds an episode"
    unit = "years" if points[0]["period_grain"] == "year" else "quarters"
    if n_shown < least:
        return (
            f"{n_shown} of {len(points)} {unit} show a settled rate, and fewer than {least} tell no change from chance"
        )
    if baseline and len(base) < least:
        return f"the frozen baseline holds {len(base)} shown {unit}, and fewer than {least} set no limits"
    return None


def _limits(chart, points, counted, base, given):
    """Centre and limits into the points, signals into the chart; the centre, or None where there is none."""
    rates = [one and one[0] / one[1] for one in counted]
    if sum(one is not None for one in counted) < given["spc_min_points"]:
        center = spc.middle([rates[at] for at in base])
        chart["limits_say"] = f"Run chart about the median of {len(base)} rates: too few for limits."
    else:
        found = spc.p_chart(counted, base, given["spc_sigma"], given["spc_overdispersion"])
        center = found.center if 0 < found.center < 1 else None
        for point, low, high in zip(points, found.low, found.high, strict=True):
            point["low"], point["high"] = low, high
        chart["kind"] = "p_prime" if found.is_prime else "p"
        chart["limits_say"] = _limit_words(found, given)
        _beyond(chart, points)
    seen = spc.runs(rates, center)
    if seen.n_useful < given["spc_least_points"] and chart["kind"] == "run":
        return None
    _run_signals(chart, points, seen)
    return center


def _limit_words(found, given):
    sigma = f"{given['spc_sigma']:g} sigma about {percent(found.center)}, by the size of each period"
    if found.is_prime:
        return (
            f"Laney's p' chart: {sigma}, widened {found.sigma_z:.1f} times because neighbours differ more than chance."
        )
    return f"p-chart: {sigma}."


def _beyond(chart, points):
    for point in points:
        side = None if point["low"] is None else _side(point)
        if side:
            point["is_signal"] = True
            limit = percent(point["low"] if side == "below" else point["high"])
            words = f"{point['label']}: {percent(point['value'])} lies {side} its limit of {limit}."
            chart["signals"].append({"kind": f"{side}_limit", **_span(point, point), "sentence": words})


def _side(point):
    if point["value"] < point["low"] - 1e-9:
        return "below"
    return "above" if point["value"] > point["high"] + 1e-9 else None


def _run_signals(chart, points, seen):
    for places in seen.in_long_run:
        first, last = points[places[0]], points[places[-1]]
        for at in places:
            points[at]["is_signal"] = True
        words = f"{len(places)} rates in a row on one side of the centre ({first['label']} to {last['label']})"
        words += f"; chance makes {seen.longest_max} at most."
        chart["signals"].append({"kind": "long_run", **_span(first, last), "sentence": words})
    if seen.is_rarely_crossing:
        words = f"The line crosses its centre {_times(seen.crossings)}"
        words += f"; chance would make it {_times(seen.crossings_min)} or more."
        chart["signals"].append({"kind": "few_crossings", **_span(points[0], points[-1]), "sentence": words})


def _span(first, last):
    return {"period_start": first["period_start"], "period_end": last_day(last)}


def _times(count):
    return "once" if count == 1 else f"{count} times"


def _says(chart, points):
    if chart["signals"]:
        first, n = chart["signals"][0]["sentence"], len(chart["signals"])
        return f"Signal: {first[:-1]}{f' ({n} signals in all)' if n > 1 else ''}. {LOOK}"
    unit = "year" if points[0]["period_grain"] == "year" else "quarter"
    return f"No signal: the rate moves from {unit} to {unit} as chance would move it. {GOES_ON}"


def smallest(counted, points, given):
    """The smallest change between two periods of the usual size that would probably show."""
    sizes, share = sorted(n for _, n in filter(None, counted)), spc.pooled(counted)
    if not sizes:
        words = "No period shows a settled rate here, so a change of any size would stay unseen."
        return {"smallest_change": None, "smallest_says": words}
    usual = sizes[len(sizes) // 2]
    change = spc.detectable_change(share, usual, given["change_power"], given["wilson_z"])
    unit = "years" if points[0]["period_grain"] == "year" else "quarters"
    words = f"Between two {unit} of the usual size ({usual} rated episodes)"
    words += f" only a change of {change:.0f} percentage points or more would probably show."
    need = spc.least_n_for_upper(share, given["spc_sigma"])
    if need and need > sizes[-1]:
        words += f" No single one could stand out as better: that takes {need} rated episodes."
    return {"smallest_change": change, "smallest_says": words}
