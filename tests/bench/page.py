"""docs/performance.md between its markers, and the chart beside it, from the results alone."""

import json

from tests.bench import arithmetic

BEGIN, END = "<!-- measured: written by make bench -->", "<!-- end of what was measured -->"
WORDS = {
    "floor": "the floor: DuckDB reads every needed column",
    "labels": "labels alone: the audit's SQL up to `out.order_label`",
    "polars": "the Polars script",
    "pandas": "the pandas script",
    "direct": "the whole audit, `run --direct`",
    "imports": "what such a run imports, and nothing else",
    "unchanged": "the same again, nothing changed",
    "prefect": "the whole audit through Prefect",
}
SHOWN_MODELS = 12
MIB = 1 << 20


def table(result):
    """One result as Markdown: what each variant took, the targets, and where the audit's time went."""
    lines = [f"### {result['n_lines']:,} order lines", "", _circumstances(result), ""]
    for form, variants in result["runs"].items():
        lines += [f"From {form.upper() if form == 'csv' else 'Parquet'}:", ""]
        lines += _table(("", "seconds (median)", "times the floor (least, median, most)", "processor seconds", "times the floor", "peak memory, MiB"),
                        [_variant(name, runs, variants["floor"]) for name, runs in variants.items()])
    lines += _targets(arithmetic.targets(result))
    if result.get("within"):
        lines += ["The whole audit, once within each limit:", ""]
        lines += _table(("from", "cores", "memory_limit", "seconds", "processor seconds", "peak memory, MiB"), [_limited(row) for row in result["within"]])
    for form, spent in result["profile"].items():
        for kind in ("stages", "models"):
            lines += [f"Processor seconds of the {kind}, from {form}" + (f", the {SHOWN_MODELS} dearest:" if kind == "models" else ":"), ""]
            dearest = sorted(spent[kind], key=lambda row: -row["processor_seconds"])[:SHOWN_MODELS]
            lines += _table((kind[:-1], "processor seconds", "seconds"), [(f"`{row['name']}`", f"{row['processor_seconds']:.2f}", f"{row['seconds']:.2f}") for row in dearest])
    return "\n".join(lines)


def growth(results):
    """How the whole audit grows with the delivery: of no use before there are two sizes."""
    rows = arithmetic.grown(results)
    if not rows:
        return []
    cells = [(row["format"], f"{row['n_lines']:,}", f"{row['of']:,}", f"{row['lines']:g}", f"{row['seconds']:g}") for row in rows]
    lines = ["### How it grows", "", "The whole audit, each size beside the next smaller one:", ""]
    lines += _table(("from", "order lines", "beside", "times the lines", "times the seconds"), cells)
    target = arithmetic.longest_growth(results)
    return [*lines, *(_targets([target]) if target else [])]


def _targets(rows):
    said = {True: "met", False: "**missed**", None: "not measured"}
    return _table(("target", "measured", ""), [(row["target"], "-" if row["measured"] is None else f"{row['measured']:g}", said[row["is_met"]]) for row in rows])


def _circumstances(result):
    machine, rows = result["machine"], ", ".join(f"{n:,} {extract}" for extract, n in result["n_rows"].items() if extract != "orders")
    return (
        f"Measured on {result['measured_on']}: {machine['processor'] or machine['system']}, {machine['cores']} cores, DuckDB allowed {machine['memory_limit']}, "
        f"load {machine['load']} at the end. With {rows}; made in {result['generated_in']:g} s."
    )


def _variant(name, runs, floor):
    cells = [WORDS[name]]
    for cost in arithmetic.COSTS:
        took = arithmetic.spread([run[cost] for run in runs if cost in run])
        times = arithmetic.ratios(runs, floor, cost)
        cells += [f"{took['median']:.1f}" if took else f"failed ({runs[-1]['failed']})" if runs else "-", "{min:.1f}, {median:.1f}, {max:.1f}".format(**times) if times else "-"]
    held = arithmetic.peak(runs)
    return (*cells, f"{held // MIB:,}" if held else "-")


def _limited(row):
    within = (row["format"], str(row.get("threads", "all")), row.get("memory_limit", "what can be spared"))
    if "failed" in row:
        return (*within, f"failed ({row['failed']})", "-", "-")
    return (*within, f"{row['seconds']:.1f}", f"{row['processor_seconds']:.1f}", f"{row['peak_bytes'] // MIB:,}")


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def write(results, folder):
    """The prose around the markers is written by hand and stays."""
    path = folder / "performance.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    measured = "\n".join([*growth(results), *(table(result) for result in reversed(results))])
    path.write_text(f"{before}{BEGIN}\n\n{measured}\n{END}{after}", encoding="utf-8")
    (folder / "performance.svg").write_text(chart(results), encoding="utf-8")


def chart(results):
    """Cost against order lines, a line for each variant and format, in powers of ten; then against cores and memory limits."""
    import altair as alt
    import vl_convert

    power, variant = alt.Scale(type="log"), alt.Color("variant:N", title=None, sort=list(WORDS))
    even, size = alt.Scale(zero=True), alt.Color("size:N", title="the whole audit")
    kinds = [
        ("lines", alt.X("lines:Q", scale=power, title="order lines"), variant, "processor_seconds", power),
        ("threads", alt.X("threads:O", title="cores", axis=alt.Axis(labelAngle=0)), size, "seconds", even),
        ("memory_limit", alt.X("memory_limit:O", sort=None, axis=alt.Axis(labelAngle=0)), size, "seconds", even),
    ]
    points = [row for result in results for row in (*_points(result), *_within(result))]
    charts = []
    for against, x, color, took, scale in kinds:
        rows = [row for row in points if against in row]
        base = alt.Chart(alt.Data(values=rows)).mark_line(point=True).encode(x=x, color=color, strokeDash=alt.StrokeDash("format:N", title=None))
        panels = [base.encode(y=alt.Y(f"{field}:Q", scale=scale, title=title)).properties(width=330, height=240)
                  for field, title in ((took, took.replace("_", " ")), ("mebibytes", "peak memory, MiB"))]
        charts += [alt.hconcat(*panels)] if rows else []
    specification = alt.vconcat(*charts).resolve_scale(color="independent", strokeDash="independent").configure(background="white").to_dict()
    return vl_convert.vegalite_to_svg(json.dumps(specification), allowed_base_urls=[])


def _within(result):
    for row in result.get("within", []):
        if "failed" not in row:
            yield {**row, "size": f"{result['n_lines']:,} lines", "mebibytes": row["peak_bytes"] // MIB}


def _points(result):
    for form, variants in result["runs"].items():
        for name, runs in variants.items():
            took, held = arithmetic.spread([run["processor_seconds"] for run in runs if "processor_seconds" in run]), arithmetic.peak(runs)
            if took and name not in ("imports", "unchanged"):
                yield {"lines": result["n_lines"], "variant": name, "format": form, "processor_seconds": took["median"], "mebibytes": held // MIB}
