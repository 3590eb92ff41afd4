"""Folders that must not lie within one another, for whoever asks: a run before it makes anything, and doctor."""

import os
from pathlib import Path

from flows.errors import PublishError, SettingsError

READ = ("extracts", "drop", "site_rules")


def refuse_within(settings):
    """A delivery inside the results would be pruned with them; results inside a delivery would be read as one."""
    for name in READ:
        path = getattr(settings, name)
        if path and is_in(path, settings.out):
            raise PublishError(f"{name} {_lies(path, settings.out)} the out folder", where=path, next_step=f"move {name} beside it, or name another --out")
        if path and is_in(settings.out, path):
            raise PublishError(f"the out folder lies inside {name}", where=settings.out, next_step="name another --out")
    if settings.drop and (is_in(settings.drop, settings.extracts) or is_in(settings.extracts, settings.drop)):
        raise SettingsError("drop and extracts lie in one another", where=settings.extracts, next_step="give each a folder of its own")


def is_in(path, folder):
    # realpath: a link that leads to itself is no error here
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _lies(path, folder):
    return "is" if is_in(folder, path) else "lies inside"
