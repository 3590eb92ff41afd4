"""A canvas: layers of marks on two shared scales, and from them one SVG that is the same whenever it is drawn.

Its size is fixed rather than fitted to the text, so that the fonts of a machine move nothing. Every mark that carries
a figure says it in aria-label; what only guides the eye is hidden from screen readers.
"""

import functools
import json
import re
from html import escape

from flows.drawings.colors import LINE, SOFT

FONT = "system-ui, Arial, sans-serif"
SIZE = 13
WIDTH, PHONE = 720, 360
HARD_SPACE = "\u00a0"
VEGA_LITE = "6.4"
CHANNELS = ("x2", "y2", "text", "part", "step", "label")
GEOMETRY = re.compile(r'(?<= )(d|transform|x|y|x1|x2|y1|y2|width|height)="([^"]*)"')
LONG = re.compile(r"-?\d+\.\d{3,}(?:e-\d+)?")
LITTER = re.compile(
    r'<path class="(?:background|foreground)"[^>]*/>| aria-roledescription="[^"]*"| pointer-events="none"'
)


class Canvas:
    """Layers in the order in which they are drawn; x and y are in the units of the two domains."""

    def __init__(
        self,
        key,
        title,
        words,
        x,
        y,
        *,
        width=WIDTH,
        height=300,
        pad=(56, 18, 16, 46),
        x_axis=None,
        y_axis=None,
        size=SIZE,
    ):
        self.key, self.title, self.words = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-"), title, words
        self.left, self.right, self.top, self.bottom = pad
        self.width, self.height, self.size = width, height, size
        self.domains, self.axes, self.layers = {"x": x, "y": y}, {"x": x_axis, "y": y_axis}, []

    @property
    def inner(self):
        return self.width - self.left - self.right, self.height - self.top - self.bottom

    def x_of(self, value):
        """Where a value lies, in pixels from the left of the plot: for labels that must not meet."""
        low, high = self.domains["x"]
        return (value - low) / (high - low) * self.inner[0]

    def y_of(self, value):
        low, high = self.domains["y"]
        return (high - value) / (high - low) * self.inner[1]

    def add(self, mark, rows, **style):
        """Marks of one kind, a row each; `label` is what a mark says, `part` which rows one line joins."""
        if rows:
            self.layers.append((mark, rows, style))
        return self

    def named(self, x=None, y=None):
        """What the axes count: below the right end, above the left one."""
        (left, right), (low, high) = self.domains["x"], self.domains["y"]
        self.text([{"x": right, "y": low, "text": x}] if x else [], align="right", dy=self.bottom - 9, fontSize=12)
        return self.text(
            [{"x": left, "y": high, "text": y}] if y else [], dx=8 - self.left, dy=10 - self.top, fontSize=12
        )

    def text(self, rows, **style):
        style = {"fontSize": SIZE, "color": SOFT, "align": "left", "baseline": "middle"} | style
        return self.add("text", rows, **style)

    def svg(self):
        """The SVG as text. The figures join the finished specification: validated row by row they would take seconds."""
        import altair as alt
        from altair.utils.schemapi import debug_mode

        width, height = self.inner
        with debug_mode(False):
            chart = alt.LayerChart(
                layer=[self._layer(alt, number) for number in range(len(self.layers))],
                width=width,
                height=height,
                padding={"left": self.left, "right": self.right, "top": self.top, "bottom": self.bottom},
                autosize={"type": "none"},
                config={"background": "transparent", "font": FONT, "view": {"stroke": None}},
            )
            specification = chart.to_dict(validate=False)
        specification["datasets"] = {str(number): rows for number, (_, rows, _) in enumerate(self.layers)}
        drawn = _drawn(json.dumps(specification))
        return finished(drawn, self.key, self.title, self.words, self.width, self.height)

    def _layer(self, alt, number):
        mark, rows, style = self.layers[number]
        there = {name for name in CHANNELS if name in rows[0]}
        channels = [self._placed(alt, name) for name in ("x", "y")]
        channels += [getattr(alt, name.upper())(name) for name in ("x2", "y2") if name in there]
        if "text" in there:
            channels.append(alt.Text("text", type="nominal"))
        if "part" in there:
            channels += [
                alt.Detail("part", type="nominal"),
                alt.Order("step" if "step" in there else "x", type="quantitative"),
            ]
        if "label" in there:
            channels.append(alt.Description("label", type="nominal"))
        else:
            style = style | {"aria": False}
        return alt.Chart(alt.NamedData(name=str(number)), mark=alt.MarkDef(type=mark, **style)).encode(*channels)

    def _placed(self, alt, name):
        scale = alt.Scale(domain=list(self.domains[name]), nice=False, zero=False)
        kind = {"x": alt.X, "y": alt.Y}[name]
        return kind(name, type="quantitative", scale=scale, axis=self._axis(alt, name))

    def _axis(self, alt, name):
        """Ticks with their words; an axis is a dict of place and word, where a word may be several lines."""
        ticks = self.axes[name]
        if not ticks:
            return None
        places, words = list(ticks), [word.split("\n") if isinstance(word, str) else word for word in ticks.values()]
        return alt.Axis(
            values=places,
            labelExpr=f"{words}[indexof({places}, datum.value)]",
            title=None,
            aria=False,
            grid=name == "y",
            gridColor=LINE,
            domain=name == "x",
            domainColor=SOFT,
            ticks=name == "x",
            tickColor=SOFT,
            labelColor=SOFT,
            labelFontSize=self.size,
            labelOverlap=False,
            labelPadding=6,
            labelFlush=False,
            labelLimit=0,
            labelBound=False,
        )


@functools.lru_cache(maxsize=64)
def _drawn(specification):
    """The page, the workbook and the paper of a run show the same charts."""
    import vl_convert

    return vl_convert.vegalite_to_svg(specification, vl_version=VEGA_LITE, allowed_base_urls=[])


def finished(drawn, key, title, words, width, height):
    """What vl-convert drew, with a name, without a fixed size, and with ids that only this chart has."""
    body = LITTER.sub("", drawn[drawn.index(">") + 1 :])
    body = GEOMETRY.sub(lambda found: f'{found[1]}="{LONG.sub(_short, found[2])}"', body)
    for number, name in enumerate(dict.fromkeys(re.findall(r' id="([^"]+)"', body))):
        body = body.replace(f'id="{name}"', f'id="{key}-{number}"').replace(f"url(#{name})", f"url(#{key}-{number})")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}" role="graphics-document" '
        f'aria-labelledby="{key}-title {key}-words">'
    )
    return f'{head}<title id="{key}-title">{escape(title)}</title><desc id="{key}-words">{escape(words)}</desc>{body}'


def _short(found):
    return (
        f"{float(found[0]):.2f}".rstrip("0").rstrip(".").replace("-0", "0")
        if abs(float(found[0])) < 0.005
        else _rounded(found[0])
    )


def _rounded(number):
    return f"{float(number):.2f}".rstrip("0").rstrip(".")


def as_given(share):
    """A rate that was given in steps is not told to the tenth."""
    return percent(share, 0 if abs(share - round(share, 2)) < 1e-9 else 1)


def percent(share, digits=1):
    """A share as it is said and written: 92.1 %; no more digits than it has."""
    return f"{100 * share:.{digits}f}{HARD_SPACE}%"


def shares(floor, count=4):
    """Ticks of a scale of shares from its floor to 100 %."""
    steps = [floor + part * (1 - floor) / count for part in range(count + 1)]
    return {round(share, 6): f"{100 * share:.0f}{HARD_SPACE}%" for share in steps}


def counts(most):
    """Ticks of a scale of counts that begins at 0."""
    step = next(step for step in (5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 10**4, 10**5, 10**9) if most / step <= 6)
    return {at: f"{at:,}" for at in range(0, int(1.12 * most) + 1, step)}


def floor_of(values):
    """A scale of shares never starts so high that it flatters."""
    return min(0.6, int(10 * min(values, default=0.6) + 1e-9) / 10)


def apart(places, least):
    """Labels on one line pushed apart, so that none covers another; in the order given."""
    order = sorted(range(len(places)), key=lambda at: (places[at], at))
    moved = list(places)
    for before, at in zip(order, order[1:], strict=False):
        moved[at] = max(moved[at], moved[before] + least)
    return moved
