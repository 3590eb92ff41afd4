"""Prefect for a closed site: nothing to set up, nothing sent out. To be called before prefect is imported."""

import os
import secrets
from contextlib import suppress
from datetime import timedelta

KEPT = timedelta(days=400)  # of runs in Prefect's records: a year of monthly audits and some


def prepare(out):
    """What the site has set itself is left as it is: a server of its own, a worker's log level."""
    home = out.resolve() / ".prefect"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    given = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # a fresh home takes 20 of them
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",  # the stages tell their own progress
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    }
    if not has_own_server():
        given |= _embedded(home)
    for name, value in given.items():
        os.environ.setdefault(name, value)
    return home


def has_own_server():
    """The site runs Prefect itself, and said where."""
    return bool(os.environ.get("PREFECT_API_URL"))


def _embedded(home):
    """Loopback is open to everybody who has an account on the machine, and who may write to the server may run code as us."""
    password = f"audit:{_password(home / 'password')}"
    return {
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_API_AUTH_STRING": password,
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"),  # beside its code, where it would be copied, nothing may be written
        # The database must not grow for ever: runs with their logs and artifacts go after KEPT, events after a week.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(int(KEPT.total_seconds())),
    }


def _password(path):
    """The same from start to start, so that a browser may remember it; its owner alone can read it."""
    with suppress(FileExistsError):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
    return path.read_text(encoding="utf-8").strip()
