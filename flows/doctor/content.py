"""The rules and the delivery: of the delivery its files' names and columns, never a value."""

from flows.doctor.finding import error, not_applicable, of_error, ok, warning
from flows.errors import AuditError, RulesError


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
    from flows import arrival
    from flows.delivery import deidentify, series

    settings = scene.settings
    if settings.drop:
        arrival.refuse_unfit(settings)
    if not settings.extracts.is_dir():
        return not_applicable("none was accepted yet: deliveries arrive in drop" if settings.drop else "there is none")
    try:
        read = series.needed(settings.extracts, settings.as_of)
        for each in read:
            deidentify.check_file_names(each.folder)
        files = _opened(scene)
    except AuditError as raised:
        if settings.drop and not any(settings.extracts.iterdir()):
            return not_applicable("none was accepted yet: deliveries arrive in drop")
        return of_error(raised)
    empty = sorted(name for name, parts in files.items() if not parts)
    name = settings.extracts.name + (f", {len(read)} deliveries" if series.is_series(settings.extracts) else "")
    told = f"{name}: " + ", ".join(f"{name} ({len(parts)})" if len(parts) > 1 else name for name, parts in files.items() if parts)
    if set(empty) - {"code_map"}:
        return ok(f"{told}; not delivered: {', '.join(empty)}")
    return ok(told)


def _opened(scene):
    from flows.delivery import ingest, sources

    settings = scene.settings
    if settings.source == "delivery":
        return ingest.open_parts(settings.extracts, ingest.read_contract(scene.rules), settings.as_of)
    return sources.open_files(settings.extracts, settings.source)
