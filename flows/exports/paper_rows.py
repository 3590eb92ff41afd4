"""The rows of the board paper: cells of released tables as text, in the order in which they stand."""

from flows.exports import cells
from flows.page import report

# The counts of a measure that a board asks for, and their words.
COUNTS = {
    "n_index": "counted",
    "n_appropriate": "appropriate",
    "n_mixed": "mixed",
    "n_not_appropriate": "not appropriate",
    "n_unrated": "unrated",
    "n_indeterminate": "indeterminate",
}
NOT_COUNTED = (("persons", "n_cases"), ("no_invasive_cancer", "n_cases"))  # before there is a cancer to count
SHOWN_EXACTLY = ("rate_low", "rate_full")  # alarms on the measure itself; the others watch rounded figures
CHANGED = {True: "changed", False: "as before", None: "cannot be told"}
STATES = {True: "alarm", False: "no alarm", None: "cannot be told"}


def summary(page, charts):
    row, cases = page["headline"], page["cases"]
    return {
        "state": _state(row),
        "rate": cells.share(row, "rate"),
        "is_band": row["rate"] is None and bool(row["rate_band"]),
        "interval": cells.span(row, "ci_low", "ci_high"),
        "bounds": None if None in (row["bound_low"], row["bound_high"]) else cells.span(row, "bound_low", "bound_high"),
        "n_index": cells.count(row, "n_index"),
        "n_during": cells.count(page["overall"]["episode"]["on_treatment"], "n_index"),
        "is_without_calendar": page["run"]["deid_mode"] != "limited_data_set",
        "operated_with": cells.count(cases["operated_with_response_order"], "n_cases"),
        "operated_without": cells.count(cases["operated_without_response_order"], "n_cases"),
        "n_alarms": len(page["alarms"]),
        "over_time": next((one["says"] for one in charts if one.get("key") == "time-post_completion"), None),
        "spread": spread(page["spread"]),
    }


def _state(row):
    if row["n_index"] == 0:
        return "empty"
    if row["rate"] is not None:
        return "rate"
    return "withheld" if row["is_withheld"] else "hidden"


def measures(overall):
    """Both measures and both bases side by side: a row per figure."""
    columns = [overall[basis][measure] for basis in ("episode", "order") for measure in report.MEASURES]
    figures = {
        "rate": lambda row: cells.share(row, "rate"),
        "95 % interval": lambda row: cells.span(row, "ci_low", "ci_high"),
        "bounds": lambda row: cells.span(row, "bound_low", "bound_high"),
        "without exceptions": lambda row: cells.share(row, "rate_without_exception"),
    }
    lines = [[name, *(tell(row) for row in columns)] for name, tell in figures.items()]
    return lines + [[name, *(cells.count(row, column) for row in columns)] for column, name in COUNTS.items()]


def readings(rows):
    """By episode, the headline first."""

    def order(row):
        return report.MEASURES.index(row["measure"]), row["reading"] != "as_defined", row["label"]

    rows = sorted((row for row in rows if row["basis"] == "episode"), key=order)
    return [rated(f"{row['label']}, {report.SPOKEN[row['measure']]}", row) for row in rows]


def exam(row):
    return [report.words(row["stratum_value"]), row["verdict"].replace("_", " "), cells.count(row, "n_index")]


def stratum(name, rows):
    return {"name": report.words(name), "rows": [rated(report.words(row["stratum_value"]), row) for row in rows]}


def alarm(row):
    return f"{row['label']} ({report.SPOKEN[row['measure']]}). Next: {row['next_step']}."


def chart(drawn):
    """Its words: what it tells, on which limits, and the smallest change that it could have told.

    Charts that were drawn for a phone as well stand side by side, in legible type.
    """
    says = " ".join(drawn[name] for name in ("says", "limits_say", "smallest_says") if drawn.get(name))
    narrow = drawn.get("svg_phone")
    return {"title": drawn["title"], "svg": narrow or drawn["svg"], "is_narrow": bool(narrow), "says": says}


def rated(name, row):
    spans = [cells.span(row, *ends) for ends in (("ci_low", "ci_high"), ("bound_low", "bound_high"))]
    return [name, cells.share(row, "rate"), *spans, cells.count(row, "n_index")]


def step(row, column):
    sign = "− " if row["kind"] == "removed" else ""
    number = cells.count(row, column) if (row["reason"], column) not in NOT_COUNTED else ""
    return [sign + row["label"], number, cells.count(row, "n_patients")]


def secondary(row, digits):
    if not row["is_computable"]:
        return [f"{row['measure']} {row['label']}", cells.NOTHING, "not computable", cells.NOTHING]
    figures = [
        cells.count(row, "denominator"),
        cells.share(row, "rate", digits),
        cells.span(row, "ci_low", "ci_high", digits),
    ]
    return [f"{row['measure']} {row['label']}{_more(row)}", *figures]


def _more(row):
    """What S7 and S8 count besides a share."""
    if row["measure"] == "S8" and row["denominator"] != 0:
        return f": median {cells.amount(row, 'median_days')} days, quartiles {cells.reach(row, 'q1_days', 'q3_days')}"
    if row["measure"] == "S7" and row["denominator"] != 0:
        told = cells.reach(row, "msv_low", "msv_high")
        widened = "" if row.get("protected_zone_only") else ", a range made wider on purpose"
        return f": {told} mSv in all{widened}" if row["msv_low"] is not None else f": radiation {told}"
    return ""


def watched(row, digits):
    value = cells.share(row, "value", 1 if row["alarm"] in SHOWN_EXACTLY else digits)
    return [
        f"{row['label']}, {report.SPOKEN[row['measure']]}",
        value,
        cells.share(row, "threshold", 0),
        cells.count(row, "n"),
        STATES[row["is_alarm"]],
    ]


def since(told):
    """What changed since the last run, and the headline of both as it was shown; nothing at the first."""
    if told is None:
        return None
    first, most = told["rows"][0], told["most"]
    return {
        "rows": [_cause(row) for row in told["rows"]],
        "changed": [report.words(row["cause"]) for row in told["rows"] if row["is_changed"]],
        "then": cells.share(first, "rate_then"),
        "now": cells.share(first, "rate_now"),
        "most": most and f"{report.words(most['cause'])}: {cells.moved(most)}",
    }


def _cause(row):
    name = f"{report.words(row['cause'])}: {row['names'] or row['counts']}"
    return [name, CHANGED[row["is_changed"]], cells.count(row, "n_changed"), cells.moved(row)]


def next_step(step):
    """What the page advises to do first: its kind, and the words and figure that go into its sentence."""
    row = step.get("row", {})
    figure = {
        "doubts": lambda: str(step["n"]),
        "unmapped": lambda: str(step["n"]),
        "unread": lambda: str(step["n"]),
        "exam": lambda: cells.count(row, "n_index"),
        "without": lambda: "" if row["n_cases"] is None else f" {cells.count(row, 'n_cases')}",
    }
    words = row.get("next_step") or report.words(row.get("stratum_value"))
    return {"kind": step["kind"], "words": words, "figure": figure[step["kind"]]() if step["kind"] in figure else ""}


def spread(told):
    """What the other definitions show of the headline; nothing where none was counted."""
    if told is None:
        return None
    ends = {name: told[name] and cells.share(told[name], "rate", cells.digits(told[name]["rate"])) for name in ("lowest", "middle", "highest", "declared")}
    axes = [
        [axis["label"], cells.NOTHING if axis["moves"] is None else f"{100 * axis['moves']:.0f}"]
        for axis in told["axes"]
    ]
    return ends | {
        "n_others": f"{told['n_others']:,}",
        "shown": list(_shown(told)),
        "is_wide": told["is_wide"],
        "step": f"{100 * told['step']:.0f}" if told["step"] else None,
        "by": told["by"] and told["by"]["label"],
        "axes": axes,
    }


def _shown(told):
    """How many of the other definitions show a rate, a band, or nothing; not a word where it is nothing of any."""
    n_others, n_rates, n_bands = told["n_others"], told["n_rates"], told["n_bands"]
    if n_rates:
        yield {"kind": "rate", "n": "all" if n_rates == n_others else f"{n_rates:,}"}
    if n_bands:
        is_one = len(told["bands"]) == 1
        bands = [("" if is_one else f"{one['n']:,}: ") + cells.band(one["row"]["rate_band"]) for one in told["bands"]]
        yield {"kind": "band", "n": f"{n_bands:,}", "bands": bands, "is_first": not n_rates}
    if n_others > n_rates + n_bands > 0:
        yield {"kind": "nothing", "n": f"{n_others - n_rates - n_bands:,}"}


def curve(tables):
    """The specification curve, where the multiverse was counted."""
    if "multiverse" not in tables:
        return
    from flows import drawings

    svg = drawings.specification_curve(tables["multiverse"].to_dicts())
    says = (
        "Each definition is a place from left to right, by its rate; the strokes below it say which choices it makes."
    )
    yield {
        "title": "The headline under other definitions",
        "svg": svg,
        "says": says if svg else "No other definition shows a rate.",
    }
