"""The difference between two runs as a page for the terminal."""

from flows.answers.prose import entry, headed, in_words, listed
from flows.answers.runs import rate, when

FEW = 10
MORE = "more (--json has them all)"
MEASURES = {"post_completion": "Headline", "on_treatment": "On treatment"}
OUTCOMES = ("appropriate", "mixed", "may_be", "not_appropriate", "unrated", "indeterminate")
RUNS = {"earlier": "before", "later": "after"}


def page(found):
    """What went in, part by part, then what came of it."""
    files = found["files"]
    yield from _run("Earlier run", found["earlier"])
    yield from _run("Later run", found["later"])
    yield ""
    yield from entry("Data", *_files(files["data"]), *_extracts(found))
    yield from entry("Code map", *_files(files["code_map"]), *_each(found, "code_map_change", "{code}"))
    yield from entry("Rules", *_files(files["rules"]), *_rules(found))
    yield from entry("Site's rules", *_files(files["site"]))
    yield from entry("Definition", *_named("SQL", files["sql"]), *_named("code", files["flows"]))
    yield from entry("Checks, page", *_named("checks", files["expectations"]), *_named("page", files["reports"]))
    yield from entry("Settings", *_values(found["settings"]))
    yield from entry("Parameters", *_parameters(found))
    yield from entry("Software", *_values(found["versions"]))
    yield ""
    yield from _headlines(found)
    if "count" in found:
        yield from entry("Cases", *_cases(found))
        yield from entry("Labels", *_labels(found))
    yield from entry("Why", found["why"])
    yield from entry("Not known", *found["not_known"])


def _run(title, run):
    told = listed(run["release"], f"published {when(run)} UTC", run["source"], headed("as of", run["as_of"]))
    return entry(title, told, run["kept"] == "pruned" and "its release is no longer kept")


def _files(moved):
    if not moved["is_changed"]:
        return ["not known" if moved["is_changed"] is None else "unchanged"]
    if "changed" not in moved:
        return ["changed; which files, the ledger alone does not say"]
    return [f"{word}: {_few(moved[word])}" for word in ("changed", "added", "removed") if moved[word]]


def _named(name, moved):
    return [f"{name} {line}" for line in _files(moved)]


def _few(names):
    return listed(*names[:FEW], len(names) > FEW and f"{len(names) - FEW} {MORE}")


def _extracts(found):
    rows = found.get("data_change", [])
    lines = [line for row in rows for line in _extract(row)]
    return lines or (["no row differs"] if rows and found["files"]["data"]["is_changed"] else [])


def _extract(row):
    changes = [f"{row['n_' + word]:,} {word}" for word in ("new", "corrected", "gone") if row["n_" + word]]
    if changes or row["n_earlier"] != row["n_later"]:
        said = listed(*changes) or "only copies differ"
        yield f"{row['extract']}: {row['n_earlier']:,} → {row['n_later']:,} rows; {said}"
    if row["n_rejected_earlier"] != row["n_rejected_later"]:
        yield f"{row['extract']}: {row['n_rejected_earlier']:,} → {row['n_rejected_later']:,} lines that cannot be split"


def _each(found, table, name):
    """The first rows of a table in words, and how many more there are."""
    rows = found.get(table, [])
    yield from (f"{name.format(**row)}: {_arrow(row)}" for row in rows[:FEW])
    if len(rows) > FEW:
        yield f"{len(rows) - FEW:,} {MORE}"


def _rules(found):
    yield from _each(found, "edition_date", "edition {edition} in force from")
    yield from _each(found, "rating_change", "edition {edition}, variant {variant}, {procedure}")


def _values(rows):
    if rows is None:
        return ["not known"]
    return [f"{row['name']}: {_arrow(row)}" for row in rows] or ["unchanged"]


def _parameters(found):
    """As the runs used them, from whichever of rules, site and settings they came."""
    return list(_each(found, "parameter_change", "{name}")) or (["unchanged"] if "parameter_change" in found else [])


def _arrow(row):
    return " → ".join("none" if row[run] is None else in_words(str(row[run])) for run in RUNS)


def _headlines(found):
    """Exact from the databases, else as the ledger keeps it: under disclosure control."""
    rows = found.get("headline_change")
    if rows is None:
        told = _pair({run: found[run]["headline"] for run in RUNS})
        return entry("Headline", *told, "as published, under disclosure control")
    of_measure = {measure: {row["run"]: row for row in rows if row["measure"] == measure} for measure in MEASURES}
    return [line for measure, title in MEASURES.items() for line in entry(title, *_pair(of_measure[measure]))]


def _pair(by_run):
    yield " → ".join(rate(by_run.get(run)) for run in RUNS)
    yield from (f"{word}: {_counts(by_run[run])}" for run, word in RUNS.items() if by_run.get(run))


def _counts(row):
    if row["n_index"] is None:
        return "counts hidden"
    told = (f"{row['n_' + name]:,} {in_words(name)}" for name in OUTCOMES if row["n_" + name])
    hidden = any(row["n_" + name] is None for name in OUTCOMES) and "others hidden"
    return f"{row['n_index']:,} episodes: {listed(*told, hidden)}" if row["n_index"] else "no episodes"


def _cases(found):
    count = found["count"][0]
    yield f"{count['n_cases_earlier']:,} → {count['n_cases_later']:,} neoadjuvant cases"
    yield from _ways(found.get("case_change", []), "other_reason", "n_cases")


def _labels(found):
    count = found["count"][0]
    yield f"{count['n_labels_earlier']:,} → {count['n_labels_later']:,} labelled orders"
    touched = count["n_changed"] and f"{count['n_changed_touched']:,} of them of persons whose rows differ"
    yield listed(f"{count['n_changed']:,} of {count['n_labels_both']:,} that both runs label differ", touched)
    kinds = sorted(found.get("label_change", []), key=lambda row: -row["n_orders"])
    yield from (f"{row['n_orders']:,} × {in_words(row['change'])}" for row in kinds[:FEW])
    if len(kinds) > FEW:
        yield f"{len(kinds) - FEW} kinds {MORE}"
    yield from _ways(found.get("label_gain", []), "other_fate", "n_orders")


def _ways(rows, reason, n):
    """Gained and lost, each with where the same stood in the other run."""
    for change, other in (("gained", "before"), ("lost", "now")):
        ways = sorted((row for row in rows if row["change"] == change), key=lambda row: -row[n])
        if ways:
            touched = f"{sum(row['n_touched'] for row in ways):,} of persons whose rows differ"
            told = listed(*(f"{in_words(row[reason])} {row[n]:,}" for row in ways))
            yield f"{sum(row[n] for row in ways):,} {change}, {touched}; {other}: {told}"
