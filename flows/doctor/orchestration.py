"""Prefect for a closed site: a home of its own, nothing sent out, nothing that has to listen."""

import os
from pathlib import Path

from flows.doctor.finding import error, ok, warning
from flows.doctor.folders import nearest_that_is, tried
from flows.errors import PublishError

YES, NO = ("1", "true", "yes", "on", "t", "y"), ("0", "false", "no", "off", "f", "n")


def home(scene):
    given = os.environ.get("PREFECT_HOME")
    if not given:
        return ok("in the out folder")
    base = nearest_that_is(Path(given).expanduser())
    refused = tried(base)
    if refused:
        return error(f"PREFECT_HOME: in {base} it is not possible to {refused}", "unset PREFECT_HOME: the out folder then holds it", PublishError)
    return ok(f"PREFECT_HOME: {given}")


def telemetry(_scene):
    """A run switches it off unless the environment says otherwise."""
    asks = [name for name, words in (("DO_NOT_TRACK", NO), ("PREFECT_SERVER_ANALYTICS_ENABLED", YES)) if os.environ.get(name, "").lower() in words]
    if asks:
        return warning(f"the environment switches Prefect's reports to its makers on: {', '.join(asks)}", f"unset {' '.join(asks)}")
    return ok("off")


def listening(_scene):
    """Without a server of the site's own, Prefect's is embedded and needs no port that others reach."""
    if os.environ.get("PREFECT_API_URL"):
        return warning("PREFECT_API_URL names a server, which must run and be reachable", "unset PREFECT_API_URL, unless the site keeps a Prefect server")
    return ok("nothing has to listen: the server is embedded")
