"""The command imaging-audit: an error that the user can mend is a message and an exit code, never a traceback."""

import sys

from flows.errors import AuditError, unexpected


def main():
    from flows.cli import app

    try:
        app()
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
