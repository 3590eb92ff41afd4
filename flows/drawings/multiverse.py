"""The specification curve: the headline under every declared definition, sorted, above the choices of each."""

from statistics import median

from flows.drawings.canvas import PHONE, Canvas, as_given, percent
from flows.drawings.colors import BLUE, INK, PALE, WASH

CHOICES = {
    "window_days": "window {} days",
    "completion_lead_days": "lead {} days",
    "min_response_days": "from day {}",
    "clock": "clock {}",
    "assumed_pet": "PET {}",
    "tiers": "tiers {}",
    "therapy_classes": "therapy {}",
}
STRIPES, ROW, CURVE = 200, 15, 190  # samples of the interval; heights in pixels


def specification_curve(rows, key="multiverse", title="The headline under every declared definition", width=720):
    """The SVG; None where no definition has a figure. Definitions without one are counted in its words."""
    shown = sorted((row | {"value": _value(row)} for row in rows if _value(row) is not None), key=_by_value)
    if not shown:
        return None
    options = [(name, option) for name in CHOICES for option in sorted({row[name] for row in shown}, key=_by_number)]
    low, high = _ends(shown)
    digits = _digits(shown)
    height = CURVE + 26 + ROW * len(options)
    is_phone = width <= PHONE
    canvas = Canvas(
        key,
        title,
        _words(shown, len(rows), digits),
        (0, len(shown)),
        (0, height),
        width=width,
        height=height + 24,
        pad=(152, 8, 12, 12) if is_phone else (176, 18, 12, 12),
        y_axis=_ticks(options, low, high, height),
        size=11 if is_phone else 12,
    )

    def y(share):
        return height - CURVE * (high - share) / (high - low)

    _intervals(canvas, shown, y, low, high)
    _curve(canvas, shown, y, digits)
    _dashboard(canvas, shown, options, digits)
    _declared(canvas, shown, y)
    return canvas.svg()


def _value(row):
    return row["rate"] if row.get("rate") is not None else row.get("rate_step")


def _by_number(option):
    return (0, float(option), "") if str(option).isdigit() else (1, 0.0, str(option))


def _by_value(row):
    """Definitions of one rate stand together by their choices: fewer and longer strokes below."""
    return round(row["value"], 3), *(_by_number(row[name]) for name in CHOICES)


def _ends(shown):
    """A scale in steps of 5 points around what is drawn, intervals included."""
    values = [row["value"] for row in shown]
    values += [
        row[name]
        for row in shown
        for name in ("ci_low", "ci_high")
        if row.get("rate") is not None and row.get(name) is not None
    ]
    low, high = int(20 * min(values) + 1e-9) / 20, -(-int(2000 * max(values) - 1e-9) // 100) / 20
    return max(0.0, min(low, high - 0.1)), min(1.0, max(high, low + 0.1))


def _digits(shown):
    """Rates in steps are not told to the tenth."""
    others = [row["value"] for row in shown if not row["is_declared"]]
    return 0 if all(abs(value - round(value, 2)) < 1e-9 for value in others) else 1


def _words(shown, n_all, digits):
    words = f"{len(shown)} definitions, {_range([row['value'] for row in shown], digits)}."
    missing = n_all - len(shown)
    declared = [row for row in shown if row["is_declared"]]
    words += f" As declared {as_given(declared[0]['value'])}." if declared else ""
    return words + (f" {missing} more show no rate." if missing else "")


def _ticks(options, low, high, height):
    steps = round(20 * (high - low))
    shares = [low + part / 20 for part in range(0, steps + 1, max(1, -(-steps // 5)))]
    ticks = {round(height - CURVE * (high - share) / (high - low), 2): percent(share, 0) for share in shares}
    return ticks | {_row(number, len(options)): _option(*option) for number, option in enumerate(options)}


def _option(name, option):
    """In few words: of nested tiers the last one says which are in."""
    *before, last = str(option).split("+")
    return CHOICES[name].format(("up to " if before else "") + last.replace("_", " "))


def _row(number, count):
    return ROW * (count - number - 0.5)


def _runs(shown, belongs):
    """(first, end) of neighbours that belong together."""
    found = []
    for at, row in enumerate(shown):
        if belongs(row):
            if found and found[-1][1] == at:
                found[-1][1] = at + 1
            else:
                found.append([at, at + 1])
    return found


def _intervals(canvas, shown, y, low, high):
    """A shade behind the curve, thinned: it is there to be seen, the table has the figures."""
    step = -(-len(shown) // STRIPES)
    has = [
        row.get("rate") is not None and row.get("ci_low") is not None and row.get("ci_high") is not None
        for row in shown
    ]
    if all(has):
        places = [*range(0, len(shown), step), len(shown) - 1]
        rows = [
            {"x": at + 0.5, "y": y(max(shown[at]["ci_low"], low)), "y2": y(min(shown[at]["ci_high"], high))}
            for at in places
        ]
        canvas.add("area", rows, color=WASH, opacity=1, aria=False)


def _range(values, digits):
    return f"{100 * values[0]:.{digits}f} to {percent(values[-1], digits)}, median {percent(median(values), digits)}"


def _curve(canvas, shown, y, digits):
    """One stroke for each rate there is, to a tenth of a point: hundreds of marks would say the same."""
    rows = []
    for value in dict.fromkeys(round(row["value"], 3) for row in shown):
        ((first, end),) = _runs(shown, lambda row, value=value: round(row["value"], 3) == value)
        words = f"{percent(value, digits)}: {end - first} of {len(shown)} definitions"
        rows.append({"x": first, "x2": end, "y": y(value), "label": words})
    canvas.add("rule", rows, color=BLUE, strokeWidth=4)


def _dashboard(canvas, shown, options, digits):
    """A row for each option: a stroke wherever the definitions of the curve above it choose it."""
    for number, (name, option) in enumerate(options):
        values = [row["value"] for row in shown if row[name] == option]
        words = f"{_option(name, option)}: {len(values)} definitions, {_range(values, digits)}"
        rows = []
        for first, end in _runs(shown, lambda row, name=name, option=option: row[name] == option):
            place = _row(number, len(options))
            rows += [{"x": first, "y": place}, {"x": end, "y": place}, {"x": end, "y": None}]
        rows = [row | {"part": 0, "step": at, "label": words} for at, row in enumerate(rows)]
        canvas.add("line", rows, color=PALE, strokeWidth=ROW - 6, strokeCap="butt", invalid="break-paths-show-domains")


def _declared(canvas, shown, y):
    """Told by its shape and by a line through its choices, not by colour."""
    for at, row in enumerate(shown):
        if row["is_declared"]:
            words = f"as declared: {as_given(row['value'])}"
            line = {"x": at + 0.5, "x2": at + 0.5, "y": 0, "y2": y(row["value"])}
            canvas.add("rule", [line], color=INK, strokeWidth=1, strokeDash=[2, 2], aria=False)
            mark = {"x": at + 0.5, "y": y(row["value"]), "label": words}
            canvas.add(
                "point", [mark], shape="diamond", fill=INK, stroke="#ffffff", strokeWidth=1.5, size=190, opacity=1
            )
            is_left = at > len(shown) / 2
            canvas.text(
                [{"x": at + 0.5, "y": y(row["value"]), "text": words}],
                dx=-10 if is_left else 10,
                dy=16,
                align="right" if is_left else "left",
                color=INK,
                fontWeight="bold",
            )
            return
