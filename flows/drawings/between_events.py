"""Stretches between events that should be rare, in their order, against where chance ends."""

from flows.drawings.canvas import PHONE, Canvas, apart, counts
from flows.drawings.colors import AMBER, BLUE, INK, RED, SOFT


def gaps(points, limits, key, title, words, width=720):
    """Orders between not-appropriate ones, in their order; the last count is open and still grows."""
    most = max([point["value"] for point in points] + [limits.high or 0, limits.sigma_high or 0]) or 1
    is_phone = width <= PHONE
    canvas = Canvas(
        key,
        title,
        words,
        (0.5, len(points) + 0.5),
        (0, 1.08 * most),
        width=width,
        height=280 if is_phone else 340,
        pad=(40, 14, 34, 50) if is_phone else (44, 112, 34, 50),
        x_axis=_numbers(len(points), 6 if is_phone else 12),
        y_axis=counts(most),
    ).named(x="not-appropriate orders, first to last", y="rated orders before it")
    ends = [
        (limits.high, "limit", AMBER, [6, 3]),
        (limits.sigma_high, "sigma line", AMBER, [2, 3]),
        (limits.center, "mean", INK, [1, 0]),
        (limits.median, "median", SOFT, [2, 3]),
    ]
    names = []
    for place, name, color, dash in ends:
        if place is not None:
            row = {"x": 0.5, "x2": len(points) + 0.5, "y": place, "label": f"{name} {place:.1f}"}
            canvas.add("rule", [row], color=color, strokeWidth=1.5, strokeDash=dash)
            names.append({"x": len(points) + 0.5, "y": place, "text": f"{name} {place:.1f}"})
    canvas.add(
        "line",
        [{"x": at, "y": point["value"]} for at, point in enumerate(points, 1)],
        color=BLUE,
        strokeWidth=1.5,
        aria=False,
    )
    for kind, style in (
        ("plain", {"shape": "circle", "fill": BLUE, "stroke": "#ffffff", "size": 80}),
        ("open", {"shape": "triangle-up", "fill": "#ffffff", "stroke": BLUE, "size": 110}),
        ("signal", {"shape": "diamond", "fill": RED, "stroke": "#ffffff", "size": 190}),
    ):
        rows = [
            {"x": at, "y": point["value"], "label": point["said"]}
            for at, point in enumerate(points, 1)
            if _gap_kind(point) == kind
        ]
        canvas.add("point", rows, opacity=1, strokeWidth=1.5, **style)
    if not is_phone:
        _spread(canvas, names)
    return canvas.svg()


def _spread(canvas, names):
    low, high = canvas.domains["y"]
    scale = canvas.inner[1] / (high - low)
    places = apart([-scale * name["y"] for name in names], 15)
    canvas.text([name | {"y": -place / scale} for name, place in zip(names, places, strict=True)], dx=6, fontSize=12)


def _gap_kind(point):
    return "signal" if point["is_signal"] else "open" if point["is_open"] else "plain"


def _numbers(count, room):
    step = -(-count // room)
    return {at: str(at) for at in range(1, count + 1, step)}
