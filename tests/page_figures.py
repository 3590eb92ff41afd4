"""Reading the page back: every figure on it names its table, row and column, and must say what stands there."""

from html.parser import HTMLParser

KEYS = {
    "compliance": ("measure", "basis", "period_grain", "period_start", "stratum", "stratum_value"),
    "sensitivity": ("measure", "basis", "reading"),
    "multiverse": ("definition",),
    "change": ("cause",),
    "attrition": ("reason",),
    "case_attrition": ("reason",),
    "unmapped_code": ("code_system", "code"),
    "quality_warning": ("code", "extract"),
    "quality_result": ("code", "table_name"),
    "secondary_measure": ("measure", "part", "period_grain", "period_start"),
    "scenario_compliance": ("scenario", "basis"),
    "edition_change": ("question", "answer_then", "answer_now"),
    "staging_summary": ("workup",),
    "radiation": ("procedure", "radiation_level"),
    "maturity": ("measure", "period_grain", "period_start"),
    "label_basis": ("measure", "aspect", "kind"),
    "validity": ("alarm", "measure"),
}
BESIDE = tuple(KEYS)[-8:]
SHARES = (
    "rate", "ci_low", "ci_high", "bound_low", "bound_high", "rate_without_exception", "rate_step", "share", "settled_share", "value", "threshold", "rate_then", "rate_now", "moves", "moves_step",
)  # fmt: skip
AMOUNTS = ("median_days", "q1_days", "q3_days", "msv_low", "msv_high", "avoidable_msv_low", "avoidable_msv_high")
COUNTS = ("denominator", "n")  # and whatever begins with n_
STATES = {
    "is_alarm": {True: "alarm", False: "no alarm", None: "cannot be told"},
    "is_immature": {True: "immature"},
    "is_all_three": {True: "flagged"},
    "is_computable": {False: "not computable"},
    "is_changed": {True: "changed", False: "as before", None: "cannot be told"},
    "follows_either_or": {True: "yes", False: "no", None: "cannot be told"},
}
EXPLAINS = {1.0: "all of it", 0.0: "none of it", None: "cannot be split"}
BANDS = {"below_80": "below 80 %", "80_to_90": "80 to 90 %", "90_to_95": "90 to 95 %", "95_and_above": "95 % and above"}
NOT_SHOWN = ("masked", "withheld", "–")
VOID = ("meta", "br", "img", "link", "input")


def index(tables):
    """(table, key) → row; a key that stands for two rows would prove nothing."""
    found = {}
    for name, columns in KEYS.items():
        for row in tables[name].to_dicts() if name in tables else ():
            key = "|".join(str("" if row[column] is None else row[column]) for column in columns)
            assert (name, key) not in found, (name, key)
            found[name, key] = row
    return found


def wrong_sums(sums, tables):
    """Sums that are not those of their cells; with a masked cell among them there is none."""
    rows = index(tables)

    def of(one):
        parts = [rows[one["sum"], key][one["column"]] for key in one["keys"].split()]
        return "masked" if None in parts else f"{sum(parts):,}"

    return [one for one in sums if one["text"].strip() != of(one)]


def wrong_limits(limits, charts):
    """Centres and limits that are not those of the chart they stand under."""
    points = {(chart["key"], at): point for chart in charts for at, point in enumerate(chart["table"])}
    kinds = {chart["key"]: chart["kind"] for chart in charts}

    def says(one):
        value = points[one["chart"], int(one["at"])][one["column"]]
        if value is None:
            return "–"
        return f"{value:,.1f}".removesuffix(".0") if kinds[one["chart"]] == "g" else f"{100 * value:.1f} %"

    return [one for one in limits if one["text"].replace("\u00a0", " ").strip() != says(one)]


def disagreements(figures, tables):
    """Figures that do not say what their cell says."""
    rows, is_protected = index(tables), "protected_zone_only" in tables["compliance"].columns

    def says(figure):
        table, column, row = figure["table"], figure["column"], rows[figure["table"], figure["key"]]
        return agrees(figure["text"], column, row, digits(table, column, row, is_protected))

    return [figure for figure in figures if not says(figure)]


def digits(table, column, row, is_protected):
    """What is rounded has no decimals; the measure's own rate has one wherever it stands, a limit none."""
    if row.get("is_rounded") and column in SHARES:
        return 0
    if table == "change" and row.get(column) is not None and column.startswith("rate"):
        return 0 if row[column.replace("rate", "is_rounded")] else 1
    if table == "multiverse" and not is_protected:
        return 0
    if table not in BESIDE or (table, column) == ("validity", "value") and row["alarm"].startswith("rate_"):
        return 1
    return 0 if column == "threshold" or not is_protected else 1


def agrees(text, column, row, digits=1):
    text, value = text.replace("\u00a0", " ").strip(), row.get(column)
    if column in STATES:
        return text == STATES[column].get(value)
    if column == "explains":
        return text == EXPLAINS[value]
    if column == "moves":
        return text == said_of_a_move(value, row["moves_step"])
    if value is None:
        return text in NOT_SHOWN
    if column in ("rate_band", "share_band", "band_then", "band_now"):
        return text == BANDS[value]
    if column in SHARES:
        return text.removesuffix(" %") == f"{100 * value:.{digits}f}"
    if column in AMOUNTS:
        return text == f"{value:,.1f}".removesuffix(".0")
    return text == f"{value:,}"


def said_of_a_move(value, step):
    if step is None:
        return f"{'−' if value < 0 else '+'}{abs(100 * value):.1f} points"
    return f"about {'−' if value < 0 else '+'}{abs(100 * value):.0f} points" if value else "not visibly"


class Page(HTMLParser):
    """Elements, visible words and figures of a page, without a browser."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self._open = [], [], []
        self.figures, self.sums, self.limits = [], [], []  # cells, sums of cells, centres and limits of charts
        self.scripts, self.styles = [], []
        self.feed(html)
        self.close()
        self.text = " ".join(" ".join(self.words).replace("\u00a0", " ").split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in VOID:
            return
        figure, given = None, dict(attributes)
        kinds = (("table", ("key",), self.figures), ("sum", ("keys",), self.sums), ("chart", ("at",), self.limits))
        for kind, names, found in kinds:
            if f"data-{kind}" in given:
                figure = {name: given[f"data-{name}"] for name in (kind, *names, "column")} | {"text": ""}
                found.append(figure)
        self._open.append((tag, figure))

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        inside = self._open[-1][0] if self._open else ""
        {"script": self.scripts, "style": self.styles}.get(inside, self.words).append(data)  # a script may come in pieces
        for _, figure in self._open:
            if figure:
                figure["text"] += data

    def classes(self, name):
        return [attributes for _, attributes in self.tags if name in (attributes.get("class") or "").split()]

    def figure(self, table, key, column):
        return next(one["text"] for one in self.figures if (one["table"], one["key"], one["column"]) == (table, key, column))
