"""Editions and ratings (SPEC sections 2 and 7). Part of the oracle."""

from datetime import timedelta

from oracle_rows import TRUE_CALENDAR

VARIANT = "2"


# ---- 2 and Decision 12: which editions could have been in force --------------------------

def edition_on(day, world):
    """The edition in force, or None before the first one."""
    known = [name for name, start in world["editions"] if start <= day]
    return known[-1] if known else None


def possible_editions(day, world):
    if world["edition_override"]:
        return [world["edition_override"]]
    if world["deid_mode"] == TRUE_CALENDAR:
        return [edition_on(day, world)]
    if world["deid_mode"] == "relative_days":
        found = [None, *(name for name, _ in world["editions"])]
    else:
        found = [edition_on(day, world)]
        for _, start in world["editions"]:
            if abs((day - start).days) <= world["max_shift_days"]:
                found += [edition_on(start - timedelta(1), world), edition_on(start, world)]
    if world["all_orders_after_first_edition"]:
        found = [name for name in found if name] or [None]
    return list(dict.fromkeys(found))


def current_edition(world):
    """Decision 48: the one with the latest effective_from, whatever was in force."""
    return world["editions"][-1][0]


def only(values):
    """The value that all agree on, else None."""
    return values[0] if all(value == values[0] for value in values) else None


# ---- 7 Rating ----------------------------------------------------------------------------

def named(procedure, edition, world, axilla=False):
    """The name by which an edition rates a procedure."""
    scopes = ["any", "axilla"] if axilla else ["any"]
    for scope in scopes:
        procedure = world["alias"].get((edition, procedure, scope), procedure)
    return procedure


def rating_row(edition, variant, procedure, world, axilla=False):
    return world["rating"].get((edition, variant, named(procedure, edition, world, axilla)))


def verdict(line, edition, world):
    """Decision 13: the checks at row 15, in order → (status, reason, rating row)."""
    if line.state == "unmapped":
        return "unrated", "unmapped_code", None
    if edition is None:
        return "unrated", "no_edition_in_force", None
    rule = world["procedure"][line.procedure]
    if rule["modality"] == "mr" and rule["contrast"] == "unspecified":
        return "indeterminate", "contrast_unspecified", None
    row = rating_row(edition, VARIANT, line.procedure, world)
    return ("rated", None, row) if row else ("unrated", "not_rated_in_variant", None)


def rate(line, world):
    """The verdict under every edition that could have been in force."""
    editions = possible_editions(line.ordered_on, world)
    verdicts = [verdict(line, edition, world) for edition in editions]
    plain = [(status, reason, row and row["rating"]) for status, reason, row in verdicts]
    if not only(plain):
        return {"status": "unrated", "reason": "edition_unknown"}
    status, reason, rating = plain[0]
    rows = [row for _, _, row in verdicts if row]
    is_looked_up = status == "rated" or reason in ("not_rated_in_variant", "contrast_unspecified")
    return {
        "status": status,
        "reason": reason,
        "edition": editions[0] if len(editions) == 1 else "any",
        "variant": VARIANT if is_looked_up else None,
        "rating": rating,
        **scores(rows),
        **(alternatives(editions, world) if rating == "usually_not_appropriate" else {}),
    }


def rate_now(line, world):
    """The same order, had the current edition been in force."""
    status, reason, row = verdict(line, current_edition(world), world)
    rating = row and row["rating"]
    return {"rating_current_edition": rating, "_status_now": status, "_answer_now": rating or reason}


def scores(rows):
    if not rows:
        return {}
    return {
        "rating_score": only([int(row["rating_score"]) for row in rows]),
        "radiation_level": only([level(row) for row in rows]),
    }


def level(row):
    return int(row["radiation_level"]) if row["radiation_level"] else None


def alternatives(editions, world):
    """The usually appropriate procedures of the variant with the lowest radiation level."""
    found = []
    for edition in editions:
        rows = [
            row for (each, variant, _), row in world["rating"].items()
            if (each, variant) == (edition, VARIANT) and row["rating"] == "usually_appropriate"
        ]
        lowest = min(level(row) for row in rows)
        names = sorted(row["procedure"] for row in rows if level(row) == lowest)
        found.append(("; ".join(names), lowest))
    names, lowest = only(found) or (None, None)
    return {"alternative": names, "alternative_radiation_level": lowest}
