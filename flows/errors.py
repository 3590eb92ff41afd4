"""Errors are instructions: what happened, where, what to do next. Never a patient value."""

import traceback
from contextlib import contextmanager
from pathlib import Path


class AuditError(Exception):
    """Something the user can mend. The command line prints it and leaves with its exit code."""

    exit_code = 1
    is_transient = False  # whether trying again may help

    def __init__(self, message, *, where=None, next_step=None):
        super().__init__(message, where, next_step)
        self.message = message
        self.where = where
        self.next_step = next_step

    def __str__(self):
        return " — ".join(str(part) for part in (self.message, self.where, self.next_step) if part)

    def __reduce__(self):
        # Keyword-only arguments do not survive the default pickling, and Prefect pickles exceptions.
        return _rebuild, (type(self), self.message, self.where, self.next_step)


def _rebuild(kind, message, where, next_step):
    return kind(message, where=where, next_step=next_step)


class SettingsError(AuditError):
    exit_code = 3


class DeliveryError(AuditError):
    exit_code = 4


class DeidentificationError(AuditError):
    exit_code = 5


class QuarantineError(AuditError):
    exit_code = 6


class RulesError(AuditError):
    exit_code = 7


class QualityError(AuditError):
    exit_code = 8


class PublishError(AuditError):
    exit_code = 9


class LockedError(AuditError):
    exit_code = 10


class NotFoundError(AuditError):
    exit_code = 11


class UnhealthyError(AuditError):
    exit_code = 12


REFUSED = (
    "the disk refused what DuckDB had to write or read",
    "free space or rights in the out folder and in temp_directory, then run again",
)
THE_MACHINES = {
    "IOException": REFUSED,
    "FatalException": REFUSED,  # a checkpoint that could not be written
    "TransactionException": REFUSED,  # a commit that could not be written: nobody else writes here, so none conflicts
    "OutOfMemoryException": (
        "DuckDB ran out of memory",
        "raise memory_limit, lower threads, or give temp_directory more room",
    ),
}


@contextmanager
def safely(*, debug=False):
    """Let no error out that may quote a patient's value: Prefect and terminals keep what they are shown."""
    try:
        yield
    except AuditError:
        raise
    except Exception as error:
        if debug:
            raise
        raise _told(error) from None


def _told(error):
    if isinstance(error, OSError):
        told = PublishError(
            f"the disk refused: {error.strerror}",
            where=error.filename,
            next_step="free space or rights, then run again",
        )
        told.is_transient = True
        return told
    if is_the_machines(error):
        message, next_step = THE_MACHINES[type(error).__name__]
        return PublishError(message, next_step=next_step)
    return unexpected(error)


def is_the_machines(error):
    """DuckDB's errors that no model and no row is to blame for."""
    return type(error).__name__ in THE_MACHINES


def unexpected(error):
    """An error nobody foresaw, told by its kind and place alone: its own text may quote a value."""
    return AuditError(
        f"unexpected {type(error).__name__}",
        where=_place(error),
        next_step="report it with this line; the last published result stands",
    )


def _place(error):
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(__file__).parent in Path(frame.filename).parents]
    last = (ours or frames)[-1:]
    return "".join(f"{Path(frame.filename).name}:{frame.lineno} ({frame.name})" for frame in last) or None
