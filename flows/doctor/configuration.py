"""What the settings say, before anything is read: the schedule, the time zones, whom to tell."""

import csv
import difflib
from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from flows import ROOT
from flows.doctor.finding import error, not_applicable, of_error, ok, warning
from flows.serve.schedule import has_five_fields, zone

FIRINGS = 3
FIELDS = 'write five fields: minute, hour, day of the month, month, day of the week, as in "0 6 1 * *"'


def settings(scene):
    """Every mistake is a finding of its own."""
    if scene.mistakes:
        return [of_error(each) for each in scene.mistakes]
    return ok(f"{scene.config or 'the environment'} can be read")


def declared(scene):
    given = scene.settings
    if given.source == "synthea" and given.deid_mode == "relative_days":
        return error("synthea writes calendar dates, so relative_days cannot be true", "declare limited_data_set or shifted_dates")
    return ok(f"the delivery is declared {given.deid_mode}")


def time_zone(scene):
    name = scene.settings.schedule.timezone
    if found := zone(name):
        return ok(f"{name}, where it is {datetime.now(found):%Y-%m-%d %H:%M} now")
    if not available_timezones():
        return error("this machine knows no time zones", "python -m pip install tzdata, or apt-get install tzdata")
    return error("schedule.timezone is no time zone that this machine knows", _nearest(name))


def cron(scene):
    """The library that reads it comes with Prefect."""
    from cronsim import CronSim, CronSimError

    schedule = scene.settings.schedule
    if not has_five_fields(schedule.cron):
        return error("schedule.cron has not five fields", FIELDS)
    try:
        firings = CronSim(schedule.cron, datetime.now(zone(schedule.timezone) or ZoneInfo("UTC")))
        told = [f"{next(firings):%a %Y-%m-%d %H:%M}" for _ in range(FIRINGS)]
    except CronSimError as wrong:
        return error(f"schedule.cron cannot be read: {wrong}", FIELDS)
    except StopIteration:
        return error("schedule.cron never fires", "name a day that there is")
    return ok(f"fires next on {', '.join(told)} ({schedule.timezone})")


def site_timezone(scene):
    """The parameter of the measure, which DuckDB must know; another thing than the schedule's."""
    import duckdb

    from flows import doors

    value = scene.settings.parameters.get("site_timezone") or _parameter("site_timezone", scene.settings.site_rules)
    known = [name for (name,) in duckdb.connect(config=doors.FETCHES_NOTHING).execute("select name from pg_timezone_names()").fetchall()]
    if value in known:
        return ok(value)
    return error("the parameter site_timezone is no time zone that DuckDB knows", _nearest(value or "", known))


def notify(scene):
    """An address holds secrets: none is repeated. Those that cannot be understood are a mistake of the settings already."""
    urls = scene.settings.notify.urls
    if not urls:
        return not_applicable("nobody is told: notify.urls is empty")
    if scene.config and _are_in_file(scene.config) and scene.config.stat().st_mode & 0o077:
        return warning("notify.urls are secrets, and others may read the file that holds them", f"chmod 600 {scene.config}, or set IMAGING_AUDIT_NOTIFY__URLS")
    return ok(f"{len(urls)} address(es) can be understood; nothing was sent")


def _are_in_file(config):
    import tomllib

    return bool(tomllib.loads(config.read_text(encoding="utf-8")).get("notify", {}).get("urls"))


def _nearest(name, known=None):
    close = difflib.get_close_matches(name, sorted(known or available_timezones()), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "write a name such as UTC or Europe/Berlin"


def _parameter(name, site_rules):
    """The site's row stands before ours."""
    for folder in filter(None, (site_rules, ROOT / "rules")):
        path = folder / "parameter.csv"
        if path.is_file():  # a pipe would be read for ever; the check of the rules names it
            with path.open(encoding="utf-8", newline="") as lines:
                values = [row["value"] for row in csv.DictReader(lines) if row["name"] == name]
            if values:
                return values[0]
    return None
