"""What the exit code of `stockctl` says."""

from __future__ import annotations

from enum import IntEnum

from stockjobs.errors import Busy, Conflict, InvalidInput, NotFound, SchemaMismatch, StockjobsError, Unreachable


class ExitCode(IntEnum):
    """How a command ended. Scripts may rely on these numbers."""

    OK = 0
    ERROR = 1
    """Something else went wrong; for `diff`: there are differences."""
    USAGE = 2
    """The command line, a manifest or a setting cannot be used; nothing was changed."""
    NOT_FOUND = 3
    AUTH = 4
    CONFLICT = 5
    """The present state does not allow it: disabled, still running, ended already, in somebody else's hand just now."""
    UNREACHABLE = 6
    """The database or Redis is away."""
    JOB_FAILED = 7
    """The occurrence that was waited for failed, timed out, was cancelled or skipped, and nothing of it was collected."""
    PARTIAL = 8
    """Some of what was asked for was done, and some was not."""
    TIMEOUT = 124
    """The wait was given up; the occurrence goes on."""
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    """Whoever read the output stopped reading, as `head` does."""


_CODES: tuple[tuple[type[StockjobsError], ExitCode], ...] = (
    (InvalidInput, ExitCode.USAGE),
    (SchemaMismatch, ExitCode.USAGE),
    (NotFound, ExitCode.NOT_FOUND),
    (Conflict, ExitCode.CONFLICT),
    (Busy, ExitCode.CONFLICT),
    (Unreachable, ExitCode.UNREACHABLE),
)


def code_of(error: StockjobsError) -> ExitCode:
    """The exit code for an error that ended a command."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.ERROR)
