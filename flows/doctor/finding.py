"""What a check found, and the scene that it looks at."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from flows import doors
from flows.errors import AuditError, SettingsError

STATUSES = ("ok", "warning", "error", "not applicable")


class Finding(NamedTuple):
    check: str
    status: str
    found: str
    mend: str | None = None
    exit_code: int | None = None


def ok(found):
    return Finding("", "ok", found)


def warning(found, mend):
    return Finding("", "warning", found, mend)


def error(found, mend, kind=SettingsError):
    return Finding("", "error", found, mend, kind.exit_code)


def not_applicable(found):
    return Finding("", "not applicable", found)


def of_error(raised):
    """An error that a run would end with, as a finding."""
    found = " — ".join(str(part) for part in (raised.message, raised.where) if part)
    return Finding("", "error", found, raised.next_step, raised.exit_code)


@dataclass
class Scene:
    """The settings, where they load, and the rules loaded once for all who ask them."""

    config: Path | None
    given: dict

    @cached_property
    def _loaded(self):
        from pydantic import ValidationError

        from flows.mistakes import in_words
        from flows.settings import load_settings

        try:
            return load_settings(self.config, **self.given), []
        except AuditError as raised:
            several = isinstance(raised.__context__, ValidationError)
            return None, in_words(raised.__context__, self.config, self.given) if several else [raised]

    @property
    def settings(self):
        return self._loaded[0]

    @property
    def mistakes(self):
        return self._loaded[1]

    @cached_property
    def rules(self):
        import duckdb

        from flows.rules import load_rules

        con = duckdb.connect(config=doors.FETCHES_NOTHING | {"threads": 1})
        load_rules(con, self.settings)
        return con
