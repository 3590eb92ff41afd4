"""Figures beside each other: sites in a funnel, and one rate with its interval and bounds."""

from flows.drawings.canvas import PHONE, Canvas, as_given, counts, floor_of, percent, shares
from flows.drawings.colors import AMBER, BLUE, INK, PALE, RED, WASH
from flows.drawings.slots import BAND_ENDS
from flows.headline import BANDS, in_a_sentence

PLACES = ((10, 0), (-10, 0), (10, 13), (-10, 13), (10, -13), (-10, -13))  # where a name may stand beside its mark


def funnel(sites, curves, center, key, title, words, width=720):
    """Sites by how many they rated, between limits that narrow. `curves` are dicts of name, dash and (n, low, high)."""
    reach = [value for site in sites for value in (site["value"], site["band"] and BAND_ENDS[site["band"]][0]) if value]
    floor = floor_of([*reach, center])
    most = max([site["n"] or site["n_index"] or 0 for site in sites], default=0) or 1
    is_phone = width <= PHONE
    canvas = Canvas(
        key,
        title,
        words,
        (0, 1.12 * most),
        (floor, 1),
        width=width,
        height=280 if is_phone else 360,
        pad=(48, 14, 14, 50) if is_phone else (56, 96, 14, 50),
        x_axis=counts(most),
        y_axis=shares(floor),
    ).named(x="rated episodes of the site")
    _bands(canvas, sites)
    for curve in curves:
        for side in (1, 2):
            rows = [
                {
                    "x": one[0],
                    "y": one[side],
                    "part": 0,
                    "label": f"{'lower' if side == 1 else 'upper'} {curve['name']}",
                }
                for one in curve["ends"]
                if one[side] is not None and one[side] >= floor
            ]
            canvas.add("line", rows, color=AMBER, strokeWidth=1.5, strokeDash=curve["dash"])
    canvas.add(
        "rule",
        [{"x": 0, "x2": 1.12 * most, "y": center, "label": f"centre {as_given(center)}"}],
        color=INK,
        strokeWidth=1.5,
    )
    _sites(canvas, sites)
    if not is_phone:
        _ends(canvas, curves, center, most)
        _names(canvas, [site for site in sites if site["value"] is not None], (center, 1))
    return canvas.svg()


def site_said(site):
    """What a site's mark says."""
    if site["value"] is not None:
        word = ", outside the limits" if site["is_signal"] else ""
        return f"{site['label']}: {percent(site['value'])} of {site['n']} rated episodes{word}"
    if site["band"]:
        words = f"{site['label']}: {BANDS[site['band']]}, {site['n_index']} episodes"
        return f"{words}; the exact rate is hidden under disclosure control"
    return f"{site['label']}: hidden under disclosure control"


def _bands(canvas, sites):
    width = 0.018 * canvas.domains["x"][1]
    bands = [
        {
            "x": site["n_index"] - width,
            "x2": site["n_index"] + width,
            "y": max(BAND_ENDS[site["band"]][0], canvas.domains["y"][0]),
            "y2": BAND_ENDS[site["band"]][1],
            "label": site_said(site),
        }
        for site in sites
        if site["band"] and site["n_index"]
    ]
    canvas.add("rect", bands, fill=WASH, stroke=PALE, strokeDash=[4, 3], opacity=1)


def _sites(canvas, sites):
    for is_signal, style in (
        (False, {"shape": "circle", "fill": BLUE, "size": 110}),
        (True, {"shape": "diamond", "fill": RED, "size": 210}),
    ):
        rows = [
            {"x": site["n"], "y": site["value"], "label": site_said(site)}
            for site in sites
            if site["value"] is not None and site["is_signal"] is is_signal
        ]
        canvas.add("point", rows, opacity=1, stroke="#ffffff", strokeWidth=1.5, **style)


def _ends(canvas, curves, center, most):
    """The lines are named where they end, each where there is room for its name."""
    names = [(center, "centre")]
    for curve in curves:
        _, low, high = curve["ends"][-1]
        names += [(end, curve["short"]) for end in (low, high) if end is not None]
    taken, rows = [], []
    for place, text in sorted(names, key=lambda name: abs(name[0] - center)):
        y = canvas.y_of(place)
        if all(abs(y - other) >= 15 for other in taken) and place >= canvas.domains["y"][0]:
            taken.append(y)
            rows.append({"x": 1.12 * most, "y": place, "text": text})
    canvas.text(rows, dx=6, fontSize=12)


def _names(canvas, sites, lines):
    """Signals first; a name that would cover a mark, a line or another name stays away: mark and table have it."""
    taken = [(canvas.x_of(site["n"]) - 8, canvas.x_of(site["n"]) + 8, canvas.y_of(site["value"])) for site in sites]
    found = {place: [] for place in PLACES}
    for own, site in sorted(enumerate(sites), key=lambda pair: (not pair[1]["is_signal"], pair[1]["label"])):
        text = site["label"] if len(site["label"]) <= 24 else site["label"][:23] + "…"
        for dx, dy in PLACES:
            left = canvas.x_of(site["n"]) + (dx if dx > 0 else dx - 7 * len(text))
            box = left, left + 7 * len(text), canvas.y_of(site["value"]) + dy
            others = [other for at, other in enumerate(taken) if at != own]
            if _is_free(canvas, box, others, lines):
                taken.append(box)
                found[dx, dy].append({"x": site["n"], "y": site["value"], "text": text})
                break
    for (dx, dy), rows in found.items():
        canvas.text(rows, dx=dx, dy=dy, align="left" if dx > 0 else "right", color=INK, fontSize=12)


def _is_free(canvas, box, others, lines):
    left, right, y = box
    is_inside = left >= 0 and right <= canvas.inner[0] and 0 <= y <= canvas.inner[1]
    meets_line = any(abs(y - canvas.y_of(line)) < 8 for line in lines)
    return (
        is_inside and not meets_line and all(right < low or high < left or abs(y - at) > 13 for low, high, at in others)
    )


def strip(row, key="strip", title="The rate, chance and ignorance", width=640):
    """One rate as a dot, its interval as a thick line, its bounds as a dashed box; None without a rate."""
    if row["rate"] is None:
        return None
    names = ("rate", "ci_low", "ci_high", "bound_low", "bound_high")
    floor = floor_of([row[name] for name in names if row[name] is not None])
    about, digits = in_a_sentence(row)
    rate = about + percent(row["rate"], digits)
    words = f"Rate {rate}"
    canvas = Canvas(
        key,
        title,
        "",
        (floor, 1),
        (0, 1),
        width=width,
        height=92,
        pad=(24, 24, 12, 28),
        x_axis=shares(floor),
    )
    if row["bound_low"] is not None and row["bound_high"] is not None:
        said = "if every unread one were not appropriate, or every one were: "
        said += f"{100 * row['bound_low']:.1f} to {percent(row['bound_high'])}"
        words += f"; {said}"
        box = [
            {
                "x": row["bound_low"],
                "x2": max(row["bound_high"], row["bound_low"] + 0.003),
                "y": 0.2,
                "y2": 0.8,
                "label": said,
            }
        ]
        canvas.add("rect", box, fill=WASH, stroke=PALE, strokeDash=[4, 3], opacity=1)
    if row["ci_low"] is not None and row["ci_high"] is not None:
        said = f"95 % interval {about}{100 * row['ci_low']:.{digits}f} to {percent(row['ci_high'], digits)}: what chance alone could do"
        words += f"; {said}"
        canvas.add(
            "rule", [{"x": row["ci_low"], "x2": row["ci_high"], "y": 0.5, "label": said}], color=BLUE, strokeWidth=7
        )
    dot = [{"x": row["rate"], "y": 0.5, "label": f"rate {rate}"}]
    canvas.add("point", dot, shape="circle", fill=INK, stroke="#ffffff", strokeWidth=2, size=170, opacity=1)
    canvas.words = words
    return canvas.svg()
