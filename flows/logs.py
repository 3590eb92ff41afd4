"""Talk goes to stderr: what is being done and how long it took, never a value from the delivery."""

import logging
import sys

log = logging.getLogger("imaging_audit")


def talk_on_stderr():
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
