"""The rules and the delivery: of the delivery its files' names and columns, never a value."""

import re
from calendar import monthrange

from flows.doctor.finding import error, not_applicable, of_error, ok, warning
from flows.errors import AuditError, RulesError

COVERED = re.compile(r"(\d{4})-(0[1-9]|1[0-2])(?:-(\d{2}))?(?:_.*)?")


def rules(scene):
    """Every invariant, with this site's rows and settings; a review that is overdue is a warning there."""
    from flows.check_rules import check_rules

    found = check_rules(scene.rules)
    errors = [each for each in found if each.severity == "error"]
    if errors:
        return error(f"{len(errors)} broken invariant(s), the first: {errors[0]}", "imaging-audit check-rules lists them all", RulesError)
    if found:
        mend = "imaging-audit check-rules lists them all, each with what mends it"
        return warning(f"the rules hold, with {len(found)} warning(s), the first: {found[0].code} {found[0].file}: {found[0].message}", mend)
    return ok("the rules hold")


def delivery(scene):
    from flows.delivery import deidentify

    settings = scene.settings
    if not settings.extracts.is_dir():
        return not_applicable("none was accepted yet: deliveries arrive in drop" if settings.drop else "there is none")
    folder = newest(settings.extracts)
    try:
        deidentify.check_file_names(folder)
        files = _opened(folder, scene)
    except AuditError as raised:
        if settings.drop and not any(settings.extracts.iterdir()):
            return not_applicable("none was accepted yet: deliveries arrive in drop")
        return of_error(raised)
    empty = sorted(name for name, parts in files.items() if not parts)
    told = f"{folder.name}: " + ", ".join(f"{name} ({len(parts)})" if len(parts) > 1 else name for name, parts in files.items() if parts)
    if set(empty) - {"code_map"}:
        return ok(f"{told}; not delivered: {', '.join(empty)}")
    return ok(told)


def newest(folder):
    """The delivery itself, or of a series of them the one that covers up to the latest day."""
    found = [path for path in folder.iterdir() if path.is_dir() and COVERED.fullmatch(path.name)] if folder.is_dir() else []
    return max(found, key=lambda path: (_last_day(path.name), path.name), default=folder)


def _last_day(name):
    year, month, day = COVERED.fullmatch(name).groups()
    return (year, month, day or str(monthrange(int(year), int(month))[1]))


def _opened(folder, scene):
    from flows.delivery import ingest, sources

    if scene.settings.source == "delivery":
        return ingest.open_parts(folder, ingest.read_contract(scene.rules))
    return sources.open_files(folder, scene.settings.source)
