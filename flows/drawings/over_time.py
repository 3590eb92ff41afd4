"""Rates over time: points, gaps that say why, bands where only a band is known, and limits where there are any."""

from flows.drawings.canvas import PHONE, Canvas, apart, floor_of, percent, shares
from flows.drawings.colors import AMBER, BLUE, INK, PALE, RED, SOFT, WASH
from flows.drawings.slots import BAND_ENDS, said, slots, words


def trend(periods, key="trend", title="Rate over time", width=720):
    """Rates with their intervals, no limits; None where no period holds an episode."""
    return draw(slots(periods), key, title, width=width)


def draw(points, key, title, *, center=None, is_frozen=False, told="", width=720):
    """The SVG; with a centre, the limits of the points instead of their intervals."""
    if not points:
        return None
    floor = floor_of([value for point in points for value in _reach(point, center)])
    is_phone = width <= PHONE
    pad = (48, 14, 14, 48) if is_phone else (56, 92 if center is not None else 18, 14, 48)
    canvas = Canvas(
        key,
        title,
        told or words(points),
        (0, len(points)),
        (floor, 1),
        width=width,
        height=240 if is_phone else 300,
        pad=pad,
        x_axis=_ticks(points, is_phone),
        y_axis=shares(floor),
    )
    _bands(canvas, points)
    if center is None:
        _intervals(canvas, points)
    else:
        _limits(canvas, points, center, is_frozen, is_phone)
    _line(canvas, points)
    _points(canvas, points, floor)
    return canvas.svg()


def _reach(point, center):
    shown = [
        point[name]
        for name in (("value", "low") if center is not None else ("value", "ci_low"))
        if point[name] is not None
    ]
    return shown + ([BAND_ENDS[point["band"]][0]] if point["band"] else []) + ([center] if center is not None else [])


def _ticks(points, is_phone):
    """A word under every point while there is room, on a phone the years; the year where it begins."""
    step = len(points) + 1 if is_phone and len(points) > 6 else -(-len(points) // 14)
    found = {}
    for number, point in enumerate(points):
        quarter = "" if point["period_grain"] == "year" else point["label"].split()[0]
        begins = number == 0 or point["period_start"].year != points[number - 1]["period_start"].year
        has_room = number % step == 0 and (number == 0 or step <= len(points))
        year = str(point["period_start"].year) if begins or not quarter else ""
        if has_room or (begins and quarter):
            found[number + 0.5] = [quarter if has_room else "", year] if quarter else [year]
    return found


def _bands(canvas, points):
    found = []
    for number, point in enumerate(points):
        if point["band"]:
            low, high = BAND_ENDS[point["band"]]
            found.append(
                {
                    "x": number + 0.15,
                    "x2": number + 0.85,
                    "y": max(low, canvas.domains["y"][0]),
                    "y2": high,
                    "label": said(point),
                }
            )
    canvas.add("rect", found, fill=WASH, stroke=PALE, strokeDash=[4, 3], opacity=1)


def _intervals(canvas, points):
    shown = [(at, one) for at, one in enumerate(points) if one["value"] is not None and one["ci_low"] is not None]
    canvas.add(
        "rule",
        [{"x": at + 0.5, "y": one["ci_low"], "y2": one["ci_high"]} for at, one in shown],
        color=PALE,
        strokeWidth=3,
    )


def _limits(canvas, points, center, is_frozen, is_phone):
    name = "frozen centre" if is_frozen else "centre"
    for side in ("low", "high"):
        rows = []
        for number, point in enumerate(points):
            if point[side] is not None:
                words = f"{'lower' if side == 'low' else 'upper'} limit"
                rows += [
                    {"x": number + part, "y": point[side], "part": _stretch(points, number, side), "label": words}
                    for part in (0, 1)
                ]
        canvas.add("line", rows, color=AMBER, strokeWidth=1.5, strokeDash=[6, 3])
    middle = [{"x": 0, "x2": len(points), "y": center, "label": f"{name} {percent(center)}"}]
    canvas.add("rule", middle, color=INK, strokeWidth=1.5, strokeDash=[12, 3] if is_frozen else [1, 0])
    if is_phone:
        return
    last = next((point for point in reversed(points) if point["low"] is not None), None)
    ends = [(center, f"{name.split()[0]} {percent(center)}")]
    if last:
        ends += [(last["low"], f"lower {percent(last['low'])}"), (last["high"], f"upper {percent(last['high'])}")]
    low, high = canvas.domains["y"]
    scale = canvas.inner[1] / (high - low)
    places = apart([-scale * place for place, _ in ends], 16)
    rows = [
        {"x": len(points), "y": -place / scale, "text": text} for place, (_, text) in zip(places, ends, strict=True)
    ]
    canvas.text(rows, dx=6, fontSize=12)


def _stretch(points, number, name):
    """The first of the neighbours without a gap: a line joins these and no others."""
    while number and points[number - 1][name] is not None:
        number -= 1
    return number


def _line(canvas, points):
    rows = [
        {"x": number + 0.5, "y": point["value"], "part": _stretch(points, number, "value")}
        for number, point in enumerate(points)
        if point["value"] is not None
    ]
    canvas.add("line", rows, color=BLUE, strokeWidth=2)


def _points(canvas, points, floor):
    """Full: shown; hollow: may still change; diamond: a signal; a cross at the foot: hidden; a dash: no episode."""
    kinds = {
        "plain": {"shape": "circle", "fill": BLUE, "stroke": "#ffffff", "size": 90},
        "immature": {"shape": "circle", "fill": "#ffffff", "stroke": BLUE, "size": 80},
        "signal": {"shape": "diamond", "fill": RED, "stroke": "#ffffff", "size": 190},
        "hidden": {"shape": "M-1,-1L1,1M-1,1L1,-1", "stroke": SOFT, "size": 60},
        "empty": {"shape": "M-1,0L1,0", "stroke": SOFT, "size": 60},
    }
    foot = floor + 0.03 * (1 - floor)
    found = {kind: [] for kind in kinds}
    for number, point in enumerate(points):
        kind = _kind(point)
        if kind:
            height = foot if point["value"] is None else max(point["value"], floor)
            found[kind].append({"x": number + 0.5, "y": height, "label": said(point)})
    for kind, style in kinds.items():
        canvas.add("point", found[kind], opacity=1, strokeWidth=1.5, **style)


def _kind(point):
    if point["value"] is None:
        return None if point["band"] else "empty" if point["n_index"] == 0 else "hidden"
    return "immature" if point["is_immature"] else "signal" if point["is_signal"] else "plain"
