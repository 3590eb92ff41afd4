"""Prefect for a closed site: nothing to set up, nothing sent out. To be called before prefect is imported."""

import os


def prepare(out):
    """What the site has set itself is left as it is: a server of its own, a worker's log level."""
    home = out.resolve() / ".prefect"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, value in {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # a fresh home takes 20 of them
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",  # the stages tell their own progress
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    }.items():
        os.environ.setdefault(name, value)
