"""The charts as SVG: whole, the same bytes every time, every mark with its words, nothing from elsewhere, and readable."""

import re
from datetime import date
from functools import cache
from itertools import product
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from flows import drawings
from flows.control import spc, spc_sites
from flows.drawings import colors, over_time
from flows.drawings.canvas import apart, finished, floor_of
from flows.drawings.slots import slots

NAMESPACE = "{http://www.w3.org/2000/svg}"
NASTY = '<script>alert("1")</script>&\' "'
RATES = [0.95, 0.9, None, 0.88, None, 1.0, 0.72, None]


def period(at, rate, **more):
    row = {"period_start": date(2023 + at // 4, 3 * (at % 4) + 1, 1), "period_grain": "quarter", "n_index": 44, "rate": rate}
    row |= {"n_appropriate": rate and round(40 * rate), "rate_band": None, "is_withheld": False, "is_immature": False}
    return row | {"ci_low": rate and rate - 0.1, "ci_high": rate and min(1, rate + 0.04)} | more


def periods():
    special = {2: {"rate_band": "90_to_95"}, 4: {"is_withheld": True}, 6: {"is_immature": True}, 7: {"n_index": None}}
    return [period(at, rate, **special.get(at, {})) for at, rate in enumerate(RATES)]


def with_limits():
    points = slots(periods())
    for point in points:
        if point["n"]:
            point["low"], point["high"] = 0.8, 0.99
    points[5]["is_signal"] = True
    return points


def sites():
    found = [("east", 60, 0.95), (NASTY, 44, 0.7), ("north", 80, 0.91), ("hidden", None, None), ("south", None, None)]
    return [
        {"label": label, "n": n, "n_index": n and n + 3 or 40, "value": value, "is_signal": value == 0.7,
         "band": "80_to_90" if label == "south" else None}
        for label, n, value in found
    ]


def curves():
    places = range(2, 90, 4)
    return [{"name": f"limit of {cover:g}", "short": f"{cover:g}", "dash": [6, 3],
             "ends": [(n, *spc_sites.funnel_limits(0.92, n, cover)) for n in places]} for cover in (0.95, 0.998)]


def gaps():
    values = [3, 20, 8, 140, 11, 30]
    return [{"value": value, "is_open": at == 5, "is_signal": value == 140, "said": f"{value} orders"} for at, value in enumerate(values)]


def definitions(is_exact=True):
    grid = product((56, 84, 180), (0, 7, 21), (14, 21, 28), ("performed", "ordered"), ("rated", "indeterminate"),
                   ("explicit", "explicit+inferred", "explicit+inferred+presumptive", "all"), ("chemotherapy", "all"))
    names = ("window_days", "completion_lead_days", "min_response_days", "clock", "assumed_pet", "tiers", "therapy_classes")
    rows = []
    for at, choices in enumerate(grid):
        rate = 0.9 + 0.06 * ((at * 7927) % 864) / 864
        exact = {"rate": rate, "ci_low": rate - 0.03, "ci_high": rate + 0.02}
        coarse = {"rate": None, "ci_low": None, "ci_high": None, "rate_step": None if at % 9 == 0 else round(20 * rate) / 20}
        is_declared = choices == (84, 7, 28, "performed", "rated", "explicit+inferred+presumptive", "all")
        rows.append(dict(zip(names, choices, strict=True)) | {"is_declared": is_declared} | (exact if is_exact else coarse))
    return rows


STRIP = {"rate": 0.937, "ci_low": 0.909, "ci_high": 0.957, "bound_low": 0.871, "bound_high": 0.941}
CHARTS = {
    "trend": lambda width: drawings.trend(periods(), "trend", f"Trend {NASTY}", width),
    "control": lambda width: over_time.draw(with_limits(), "control", "Control", center=0.93, width=width),
    "frozen": lambda width: over_time.draw(with_limits(), "frozen", "Frozen", center=0.93, is_frozen=True, width=width),
    "funnel": lambda width: drawings.funnel(sites(), curves(), 0.92, "funnel", "Sites", NASTY, width),
    "gaps": lambda width: drawings.gaps(gaps(), spc.g_chart([3, 20, 8, 140, 11]), "gaps", "Gaps", "words", width),
    "strip": lambda width: drawings.strip(STRIP, width=width),
    "curve": lambda width: drawings.specification_curve(definitions(), width=width),
    "coarse": lambda width: drawings.specification_curve(definitions(is_exact=False), "coarse", width=width),
}
EACH = pytest.mark.parametrize(("name", "width"), [(name, width) for name in CHARTS for width in (720, 360)])


@cache
def drawn(name, width=720):
    text = CHARTS[name](width)
    return SimpleNamespace(text=text, root=ElementTree.fromstring(text))


def marks(root):
    """Every mark that a screen reader is told of."""
    found, hidden = [], {one for parent in root.iter() if parent.get("aria-hidden") == "true" for one in parent.iter()}
    for group in root.iter(f"{NAMESPACE}g"):
        if "role-mark" in (group.get("class") or "") and group not in hidden:
            found += [one for one in group.iter() if one.tag != f"{NAMESPACE}g" and one not in hidden]
    return found


def labels(name, width=720):
    return [mark.get("aria-label").replace("\u00a0", " ") for mark in marks(drawn(name, width).root)]


@EACH
def test_it_is_whole_and_scales(name, width):
    root = drawn(name, width).root
    assert root.tag == f"{NAMESPACE}svg"
    assert root.get("viewBox").startswith(f"0 0 {width} ")
    assert root.get("width") is root.get("height") is None
    title, words = root.find(f"{NAMESPACE}title"), root.find(f"{NAMESPACE}desc")
    assert title.text
    assert words.text
    assert root.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"


@EACH
def test_the_same_figures_give_the_same_bytes(name, width):
    assert CHARTS[name](width) == drawn(name, width).text


@EACH
def test_nothing_comes_from_elsewhere(name, width):
    text = drawn(name, width).text
    assert re.findall(r"https?:[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<(script|style|image|use|foreignObject|a)\b|\bon\w+=|@import|data:|//(?!www\.w3\.org/2000/svg)", text)


@EACH
def test_every_mark_says_what_it_is(name, width):
    found = marks(drawn(name, width).root)
    assert found
    assert [mark.attrib for mark in found if not mark.get("aria-label")] == []


def test_ids_are_those_of_one_chart():
    ids = [each.get("id") for name in CHARTS for each in drawn(name).root.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    used = [re.findall(r"url\(#([^)]+)\)", drawn(name).text) for name in CHARTS]
    assert {one for each in used for one in each} <= set(ids)


def test_clip_paths_of_two_charts_do_not_meet():
    drawing_of_vega = '<svg x="1"><g clip-path="url(#clip7)"/><defs><clipPath id="clip7"/><clipPath id="clip71"/></defs></svg>'
    text = finished(drawing_of_vega, "east", "title", "words", 10, 10)
    assert re.findall(r' id="([^"]+)"|#([^)]+)', text)[2:] == [("", "east-0"), ("east-0", ""), ("east-1", "")]


def test_an_exact_rate_needs_no_band():
    assert slots([period(0, 0.9, rate_band="80_to_90")])[0]["band"] is None


def test_what_is_dangerous_stands_as_text():
    assert drawn("trend").root.find(f"{NAMESPACE}title").text == f"Trend {NASTY}"
    assert any(label.startswith(f"{NASTY}: 70.0 % of 44 rated episodes, outside the limits") for label in labels("funnel"))


def test_a_period_says_all_it_knows():
    said = labels("trend")
    assert "Q1 2023: 95.0 %, 95 % interval 85 to 99 %, 40 rated episodes" in said
    assert "Q3 2023: 90 to 95 %, 44 episodes; the exact rate is hidden under disclosure control" in said
    assert "Q1 2024: withheld, too many unread" in said
    assert "Q4 2024: hidden under disclosure control" in said
    assert any(one.startswith("Q3 2024: 72.5 %") and one.endswith("immature, may still change") for one in said) is False
    assert any(one.startswith("Q3 2024: 72.0 %") and one.endswith("immature, may still change") for one in said)
    assert any(one.startswith("Q2 2024: 100.0 %") and one.endswith("limits 80.0 to 99.0 %, a signal") for one in labels("control"))


def test_a_gap_is_never_bridged():
    """Neighbours with a rate are joined, and nothing else: five stretches of RATES, of which two hold two points."""
    lines = [mark for mark in drawn("trend").root.iter(f"{NAMESPACE}path") if mark.get("stroke") == colors.BLUE and not mark.get("fill")]
    joined = [line.get("d") for line in lines if line.get("stroke-width") == "2" and "L" in line.get("d")]
    assert [path.count("L") for path in joined] == [1, 1]


def test_periods_without_episodes_stand_between_the_others_and_not_around_them():
    rows = [period(0, None, n_index=0), period(1, 0.9), period(4, 0.95), period(7, None, n_index=0)]
    assert [(point["label"], point["n_index"]) for point in slots(rows)] == [("Q2 2023", 44), ("Q3 2023", 0), ("Q4 2023", 0), ("Q1 2024", 44)]
    assert drawings.trend([period(0, None, n_index=0)]) is None
    assert drawings.trend([]) is None


def places(name, shape):
    """(x, y) of the marks whose outline has that beginning."""
    found = [mark for mark in marks(drawn(name).root) if mark.tag == f"{NAMESPACE}path" and re.match(shape, mark.get("d"))]
    return [tuple(map(float, re.findall(r"-?[\d.]+", mark.get("transform")))) for mark in found]


def test_points_stand_where_their_rates_say():
    """The scale of the control chart runs from 60 to 100 % over 238 pixels; a slot is an eighth of its width."""
    points = sorted(places("control", r"M[\d.]+,0A"))
    assert [round(1 - 0.4 * y / 238, 3) for _, y in points] == [0.95, 0.9, 0.88, 0.72]
    assert [round(x / (572 / 8) - 0.5, 2) for x, _ in points] == [0, 1, 3, 6]


def test_colour_is_never_the_only_carrier():
    """A signal is a diamond, what may still change is hollow, what is hidden is a cross: the same without colours."""
    assert len(places("control", r"M-[\d.]+,0L0,-[\d.]+L")) == 1  # the diamond
    assert len(places("control", r"M-[\d.]+,-[\d.]+L[\d.]+,[\d.]+M")) == 2  # the crosses
    hollow = [mark for mark in marks(drawn("control").root) if mark.get("fill") == "#ffffff" and mark.get("stroke") == colors.BLUE]
    assert [mark.get("aria-label")[:7] for mark in hollow] == ["Q3 2024"]


@pytest.mark.parametrize("color", colors.MARKS)
def test_marks_stand_out_from_white(color):
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    assert 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05) >= 3


def test_the_strip_says_chance_and_ignorance():
    assert labels("strip") == [
        "if every unread one were not appropriate, or every one were: 87.1 to 94.1 %",
        "95 % interval 90.9 to 95.7 %: what chance alone could do", "rate 93.7 %",
    ]
    assert drawings.strip(STRIP | {"rate": None}) is None
    assert "unread" not in drawings.strip(STRIP | {"bound_low": None})


def test_the_specification_curve_is_small_and_says_each_choice():
    assert len(drawn("curve").text.encode()) < 150_000
    said = labels("curve")
    options = [one for one in said if one.startswith(("window", "lead", "from day", "clock", "PET", "tiers", "therapy"))]
    assert len(options) == 19
    values = sorted(row["rate"] for row in definitions() if row["window_days"] == 56)
    assert f"window 56 days: 288 definitions, {100 * values[0]:.1f} to {100 * values[-1]:.1f} %" in options[0]
    (declared,) = [row["rate"] for row in definitions() if row["is_declared"]]
    assert f"as declared: {100 * declared:.1f} %" in said


def test_the_coarse_curve_counts_what_it_may_not_show():
    assert "96 more show no rate." in drawn("coarse").root.find(f"{NAMESPACE}desc").text
    strokes = [label for label in labels("coarse") if "definitions" in label and label[0].isdigit()]
    steps = [row["rate_step"] for row in definitions(is_exact=False) if row["rate_step"] is not None]
    assert strokes == [f"{100 * step:.0f} %: {steps.count(step)} of {len(steps)} definitions" for step in sorted(set(steps))]
    assert drawings.specification_curve([row | {"rate_step": None} for row in definitions(is_exact=False)]) is None


def test_the_choices_below_the_curve_cover_it_once():
    """Of each choice one option holds for every definition: their strokes add up to the whole width."""
    width = {}
    for mark in marks(drawn("curve").root):
        found = re.match(r"(window|lead|from day|clock|PET|tiers|therapy)", mark.get("aria-label"))
        if found:
            ends = [float(x) for x in re.findall(r"[ML](-?[\d.]+),", mark.get("d"))]
            width[found[1]] = width.get(found[1], 0) + sum(end - start for start, end in zip(ends[::2], ends[1::2], strict=True))
    assert width.keys() == {"window", "lead", "from day", "clock", "PET", "tiers", "therapy"}
    assert all(total == pytest.approx(720 - 176 - 18, abs=3) for total in width.values())


def test_labels_keep_apart():
    assert apart([10, 12, 50, 11], 16) == [10, 42, 58, 26]


def test_a_scale_never_starts_above_60_percent():
    assert (floor_of([0.97]), floor_of([0.97, 0.43]), floor_of([]), floor_of([0.4])) == (0.6, 0.4, 0.6, 0.4)
