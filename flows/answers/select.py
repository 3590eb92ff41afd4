"""What the rules say about a scenario: SELECTs over the rule tables find the answer, Python lays it out."""

import json

import typer

from flows import ROOT
from flows.answers.prose import entry, in_words, listed, msv
from flows.check_rules import check_rules
from flows.errors import RulesError
from flows.rule_files import nearest

FEW = 12
EARLIER = {"any": "", "true": "with an earlier axillary exam", "false": "without an earlier axillary exam"}
NOTE = "A rating is about a scenario, not a patient. This is no clinical decision support."


def select(con, asked, as_json=False):
    """The answer as text for a person or as JSON for a program."""
    _check_rules(con)
    _check(con, asked)
    answer = tell(con, asked)
    if as_json:
        return json.dumps(answer, default=str, indent=2, ensure_ascii=False)
    return "\n".join(_page(answer))


def _check_rules(con):
    broken = sum(finding.severity == "error" for finding in check_rules(con))
    if broken:
        step = "imaging-audit check-rules names them and what mends them"
        raise RulesError(f"{broken} broken invariant(s): such rules answer nothing", next_step=step)


def _check(con, asked):
    """The options must fit each other, and their words must be words of the rules."""
    if asked["edition"] and asked["on"]:
        raise typer.BadParameter("--edition and --on both name an edition: leave one out")
    place = [name for name in ("phase", "region", "context", "nodes", "axilla_imaged") if asked[name] is not None]
    if asked["variant"] and place:
        options = ", ".join("--" + name.replace("_", "-") for name in place)
        raise typer.BadParameter(f"--variant asks for one variant, whatever the scenario: leave out {options}")
    words = _rows(con, "word")
    for option in ("phase", "region", "nodes", "context", "edition", "procedure"):
        _check_word(option, asked[option], [row["word"] for row in words if row["option"] == option])
    edition = _edition(con, asked)["edition"]
    if asked["variant"] and edition:
        known = [row["word"] for row in words if row["option"] == "variant" and row["edition"] == edition]
        _check_word("variant", asked["variant"], known, f" of edition {edition}")
    if not asked["variant"] and not (asked["phase"] and (asked["region"] or asked["context"])):
        raise typer.BadParameter(
            "a scenario is a --phase with a --region or a --context; or name a --variant. "
            "imaging-audit select --help lists their words"
        )


def _check_word(option, word, known, of=""):
    if word is not None and word not in known:
        hint = f"known: {', '.join(known)}" if len(known) <= FEW else nearest(word, known)
        kind = "state of the nodes" if option == "nodes" else option
        raise typer.BadParameter(f"'{word}' is no {kind}{of}; {hint}", param_hint=f"'--{option}'")


def tell(con, asked):
    """The question, the edition, what the router makes of it, and each answer with its ratings."""
    asked = asked | {"nodes": asked["nodes"] or (None if asked["variant"] else "unknown")}
    edition = _edition(con, asked)
    place = {name: asked[name] for name in ("phase", "region", "context")}
    scenario = None if asked["variant"] else _rows(con, "scenario", **place)[0]
    answers = [_completed(con, each, asked, edition, scenario) for each in _answers(con, asked, edition, scenario)]
    return {"asked": asked, "edition": edition, "scenario": scenario, "answers": answers, "note": NOTE}


def _rows(con, name, **given):
    query = (ROOT / "sql" / "select" / f"{name}.sql").read_text(encoding="utf-8")
    found = con.cursor().execute(query, given)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _edition(con, asked):
    return _rows(con, "edition", edition=asked["edition"], on_day=asked["on"])[0]


def _answers(con, asked, edition, scenario):
    """A phase that leads to no question answers first, then a day before the first edition, then the edition."""
    told = scenario if scenario and not scenario["is_asked"] else {"status": "unrated", "reason": edition["reason"]}
    if told["reason"]:
        any_exam = {"nodes": "any", "has_earlier_axillary_exam": "any"}
        return [any_exam | {"variant": None, "also_variant": None, "status": told["status"], "reason": told["reason"]}]
    earlier = {True: "true", False: "false", None: None}[asked["axilla_imaged"]]
    named = {"edition": edition["edition"], "scenario": scenario and scenario["scenario"], "earlier": earlier}
    return _rows(con, "answer", **named, **{name: asked[name] for name in ("phase", "nodes", "variant")})


def _completed(con, answer, asked, edition, scenario):
    """The answer with its variants in words, their ratings, and what would be needed for a rating."""
    numbers, edition = {name: answer[name] for name in ("variant", "also_variant")}, edition["edition"]
    for name, number in numbers.items():
        answer[name] = number and _rows(con, "variant", edition=edition, variant=number)[0]
    is_open = scenario and (answer["also_variant"] or not answer["variant"])
    answer["needed"] = _rows(con, "needed", edition=edition, scenario=scenario["scenario"]) if is_open else []
    return answer | (_rated(con, edition, numbers, asked["procedure"]) if answer["variant"] else {"ratings": []})


def _rated(con, edition, numbers, procedure):
    if procedure is None:
        return {"ratings": _rows(con, "rating", edition=edition, **numbers, procedure=None)}
    (named,) = _rows(con, "procedure", edition=edition, variant=numbers["variant"], procedure=procedure)
    ratings = _rows(con, "rating", edition=edition, **numbers, procedure=named["rated_as"])
    outcome = {name: ratings[0][name] for name in ("status", "reason")} if ratings else {}
    return {"procedure": named | outcome, "ratings": ratings}


def _page(answer):
    yield from _asked(answer["asked"])
    yield from _in_force(answer["edition"])
    if answer["scenario"]:
        yield from _scenario(answer["scenario"])
    for each in answer["answers"]:
        yield ""
        yield from _answer(each) if each["variant"] else _no_variant(each, answer)
    yield from ["", answer["note"]]


def _asked(asked):
    imaged = {True: "the axilla was imaged before", False: "the axilla was not imaged before", None: ""}
    said = {name: value for name, value in asked.items() if value is not None and name != "axilla_imaged"}
    return entry(
        "Asked", listed(*(f"{name} {value}" for name, value in said.items()), imaged[asked["axilla_imaged"]])
    )


def _in_force(edition):
    if not edition["edition"]:
        return entry("Edition", f"none: the first is in force from {edition['next_from']}")
    until = f"until {edition['next_from']}" if edition["next_from"] else ""
    span = listed(f"in force from {edition['effective_from']}", until, edition["is_current"] and "the current one")
    return entry(
        "Edition", f"{edition['edition']}, {span}", edition["title"], edition["citation"], edition["source_locator"]
    )


def _scenario(scenario):
    yield from entry(
        "Scenario",
        f"{scenario['label']} ({scenario['scenario']})",
        f"phase {scenario['phase']}: {scenario['phase_condition']}",
    )
    measure = f"measure {scenario['measure']}" if scenario["measure"] else ""
    outcome = listed(scenario["status"], scenario["reason"], measure)
    yield from entry(
        "In the audit", f"{outcome} (row {scenario['router_row']} of the router, if no earlier one holds)"
    )


def _no_variant(each, answer):
    edition, scenario = answer["edition"], answer["scenario"]
    sentences = [EARLIER[each["has_earlier_axillary_exam"]], f"{each['status']}, {each['reason']}"]
    if scenario and not scenario["is_asked"]:
        sentences.append(f"what decides it: {scenario['evidence']}")
    if not edition["edition"]:
        sentences.append(f"needed: an edition; the first is in force from {edition['next_from']}")
    elif each["needed"]:
        sentences += _needed(each)
    else:
        sentences.append(f"nothing is missing: edition {edition['edition']} has no variant for this question")
    return entry("Answer", *sentences)


def _needed(each):
    yield "needed for a rating, one of:"
    for row in each["needed"]:
        phase = "any phase that leads to a question" if row["phase"] == "any" else row["phase"]
        nodes = "" if row["nodes"] == "any" else f"nodes {row['nodes']}"
        yield f"- {listed(phase, nodes, EARLIER[row['has_earlier_axillary_exam']])}: variant {row['variant']}"


def _answer(each):
    yield from entry("Answer", EARLIER[each["has_earlier_axillary_exam"]])
    for variant in filter(None, (each["variant"], each["also_variant"])):
        facts = (
            variant["body_region"],
            variant["timing"],
            f"{variant['imaging_step']} imaging",
            variant["source_locator"],
        )
        yield from entry("Variant", f"{variant['variant']}: {variant['question']}", listed(*facts))
    if "procedure" in each:
        yield from _procedure(each["procedure"])
    if not each["also_variant"]:
        yield from _table(each["ratings"])
        return
    # Two variants could apply: what both say stands, and where they differ nobody knows.
    both = f"variants {each['variant']['variant']} / {each['also_variant']['variant']}"
    same, other = ([row for row in each["ratings"] if row["stands"] is stands] for stands in (True, False))
    if same:
        yield from ["", *entry("They agree", f"{both}: the rating stands whichever applies"), *_table(same)]
    if other:
        told = f"{both}: {other[0]['status']}, {other[0]['reason']}"
        yield from ["", *entry("They differ", told, *_needed(each)), *_table(other)]


def _procedure(named):
    alias = f"rated as {named['rated_as']}: {named['note']}" if named["note"] else ""
    return entry("Procedure", named["label"], alias, listed(named["status"], named["reason"]))


def _table(ratings):
    if not ratings:
        return []
    lines = [("Procedure", "Rating", "Score", "Radiation level", "Source"), *map(_line, ratings)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (map(str.ljust, line, widths) for line in lines)
    return ["", *("  ".join(cells).rstrip() for cells in padded)]


def _line(row):
    rating = _both(row, "rating", in_words)
    return row["label"], rating, _both(row, "rating_score", str), _radiation(row), _both(row, "source_locator", str)


def _both(row, name, said):
    """One cell: what the variant says, and what the other one says where that differs."""
    own, other = (said(value) if value is not None else "no row" for value in (row[name], row["also_" + name]))
    is_alone = row["stands"] and row["also_rating"] is None
    return own if is_alone or own == other else f"{own} / {other}"


def _radiation(row):
    if row["msv_low"] is None:
        return row["radiation_msv"] or "not stated"
    return f"{row['radiation_level']} ({msv(row['msv_low'], row['msv_high'])})"
