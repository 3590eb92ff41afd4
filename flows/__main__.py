"""The command imaging-audit: an error that the user can mend is a message and an exit code, never a traceback."""

import sys

from flows.errors import AuditError, unexpected

CLOSED = 141  # what a shell says of a program that ended for a closed pipe: 128 and the number of the signal


def main():
    from flows.cli import app

    stdout = sys.stdout
    try:
        app()
    except SystemExit as left:
        # Typer puts another stdout there where its reader has closed the pipe, and leaves with 1, which is a defect here.
        sys.exit(left.code if sys.stdout is stdout else CLOSED)
    except AuditError as error:
        _leave(error)
    except Exception as error:
        # Its text may quote a patient's value (DuckDB's conversion errors do), so only kind and place are told.
        _leave(unexpected(error))


def _leave(error):
    print(f"imaging-audit: {error}", file=sys.stderr)  # noqa: T201  the one place that talks for errors
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
