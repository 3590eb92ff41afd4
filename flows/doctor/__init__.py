"""What can be known before the first run: this machine, this configuration, and how to mend each thing that is wrong.

One check is one small function that gets the scene and returns a finding, or several. Nothing is changed: what is tried is
removed again. The exit code is that of the first error's kind, as a run would leave with it (3: settings and machine).
"""

from textwrap import fill

from flows.doctor import configuration, content, folders, history, orchestration, room, software
from flows.doctor.finding import Finding, Scene, not_applicable, of_error
from flows.errors import AuditError, unexpected

WIDTH, INDENT = 120, " " * 30
# What needs no settings comes first, so that they may be broken.
ALONE = (
    ("Python", software.python),
    ("Pinned packages", software.pins),
    ("Packages", software.packages),
    ("Lock file", software.lock),
    ("Telemetry", orchestration.telemetry),
    ("Prefect server", orchestration.listening),
    ("Settings", configuration.settings),
)
WITH_SETTINGS = (
    ("De-identification", configuration.declared),
    ("Time zone", configuration.time_zone),
    ("Schedule", configuration.cron),
    ("Site's time zone", configuration.site_timezone),
    ("Messages", configuration.notify),
    ("Folders read", folders.inputs),
    ("Folders apart", folders.apart),
    ("Out folder", folders.publishing),
    ("One file system", folders.one_disk),
    ("Network share", folders.share),
    ("Rights", folders.rights),
    ("Synchronised folder", folders.synchronised),
    ("Spill folder", folders.spill),
    ("Prefect home", orchestration.home),
    ("Disk", room.disk),
    ("Memory", room.memory),
    ("Cores", room.threads),
    ("Rules", content.rules),
    ("Delivery", content.delivery),
    ("Format of results", history.format_of_results),
    ("Clock", history.clock),
    ("Lock", history.lock),
    ("Leftovers", history.leftovers),
)


def examine(config=None, **given):
    """Every finding, in the order of the table. given: settings that beat those of the file, as for a run."""
    scene = Scene(config, given)
    findings = [each for name, check in ALONE for each in _asked(name, check, scene)]
    is_known = not any(each.check == "Settings" and each.status == "error" for each in findings)
    for name, check in WITH_SETTINGS:
        findings += _asked(name, check if is_known else _no_settings, scene)
    return findings


def _no_settings(_scene):
    return not_applicable("the settings cannot be read")


def _asked(name, check, scene):
    """A check that cannot be made is a finding too, told as any error would be."""
    try:
        found = check(scene)
    except AuditError as raised:
        found = of_error(raised)
    except Exception as raised:
        found = of_error(unexpected(raised))
    return [each._replace(check=name) for each in ([found] if isinstance(found, Finding) else found)]


def told(findings):
    return "\n".join(line for each in findings for line in _lines(each)) + "\n\n" + _summary(findings)


def _lines(each):
    mark = "n/a" if each.status == "not applicable" else each.status
    yield fill(f"{mark:<9}{each.check:<21}{each.found}", WIDTH, subsequent_indent=INDENT, break_on_hyphens=False)
    if each.mend:
        yield fill(f"→ {each.mend}", WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + "  ", break_on_hyphens=False)


def _summary(findings):
    n_errors, n_warnings = (sum(each.status == status for each in findings) for status in ("error", "warning"))
    return f"{len(findings)} checks: {n_errors} error(s), {n_warnings} warning(s)."


def refuse(findings):
    """Leave with the exit code of the first error, so that a script may ask."""
    errors = [each for each in findings if each.status == "error"]
    if errors:
        kinds = {kind.exit_code: kind for kind in AuditError.__subclasses__()}
        kind = kinds.get(errors[0].exit_code, AuditError)
        raise kind(f"{len(errors)} check(s) found an error, the first: {errors[0].check}", next_step="each line above says how to mend it")
