"""The schedule as the settings write it: what `serve` fires by and `doctor` looks at."""

from zoneinfo import ZoneInfo

from flows.errors import SettingsError


def zone(name):
    """None where this machine knows no such time zone."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a name that could not be one, that is a folder, that is unknown
        return None


def has_five_fields(cron):
    """A sixth would be seconds to one library, nonsense to another, and fire on other days than was meant."""
    return len(cron.split()) == 5


def read(settings, config):
    """As Prefect takes it."""
    from prefect.schedules import Cron

    given = settings.schedule
    try:
        if has_five_fields(given.cron) and zone(given.timezone):
            return Cron(given.cron, timezone=given.timezone)
    except ValueError:
        pass
    raise SettingsError(
        "'schedule': not a cron of five fields, or not the name of a time zone",
        where=config,
        next_step='write for example cron = "0 6 1 * *" and timezone = "Europe/Berlin"',
    )
