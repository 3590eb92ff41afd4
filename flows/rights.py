"""Whose files are: what an audit writes holds patients' rows, and is its owner's alone."""

import os
from contextlib import contextmanager


@contextmanager
def owner_only():
    """Nobody else may read what is made meanwhile, whatever the account's own umask."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
