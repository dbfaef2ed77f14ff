"""Every error that stockjobs raises, ordered by what the caller does about it.

=====================  =========================================================
class                  what the caller does
=====================  =========================================================
`InvalidInput`         mends the input and asks again
`NotFound`             asks for something that exists
`Conflict`             looks at the present state and decides anew
`Unreachable`          waits for a server to come back; nothing was decided
`Busy`                 takes the step again; somebody else held what it needed
`SchemaMismatch`       migrates the database, or updates the program
`ProviderTransient`    waits and tries the same request again
`ProviderPermanent`    gives this request up; another try would end alike
=====================  =========================================================

A message names the key, what was expected, what came, and what to do. It never holds a password or a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


class StockjobsError(Exception):
    """The root of all errors of stockjobs."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input: where it stands, what is wrong, and how to mend it."""

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head} ({self.hint})" if self.hint else head


class InvalidInput(StockjobsError):
    """The input cannot be used; `problems` says all that is wrong with it, and nothing was written."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))

    @classmethod
    def because(cls, where: str, message: str, hint: str = "") -> InvalidInput:
        """One problem, as an error."""
        return cls(Problem(where, message, hint))


class NotFound(StockjobsError):
    """What was asked for does not exist."""


class Conflict(StockjobsError):
    """The present state does not allow it: already running, disabled, changed by somebody else."""


class Unavailable(StockjobsError):
    """Nothing was decided, and the same step may succeed in a moment."""


class Unreachable(Unavailable):
    """A server (database, broker) cannot be reached just now."""


class BrokerAway(Unreachable):
    """Redis cannot be reached just now; the ledger can."""


class Busy(Unavailable):
    """Somebody else held what a transaction needed: a deadlock, or a lock waited for too long. Nothing of it was written."""


class SchemaMismatch(StockjobsError):
    """The database's schema is older or newer than this program."""


class ProviderError(StockjobsError):
    """A provider did not give what was asked for.

    `kind` is a stable word for storage and statistics; `status` is the HTTP status where there was one.
    """

    kind = "provider"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ProviderTransient(ProviderError):
    """The same request may succeed later."""


class RateLimited(ProviderTransient):
    """The provider asks us to slow down; this is not a failed attempt.

    `retry_after` is the time that the provider asked for, None if it gave none.
    """

    kind = "limited"

    def __init__(self, message: str, *, status: int | None = 429, retry_after: timedelta | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class HeldBack(RateLimited):
    """We did not ask the provider: its budget is used up, it is closed to the whole fleet, or Redis, which knows, is away.

    Like a limit it is no failed attempt; `retry_after` is when there may be room.
    """

    kind = "held-back"

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message, status=None, retry_after=retry_after)


class ProviderDown(ProviderTransient):
    """The provider cannot be reached, answers 5xx, or is too slow.

    `retry_after` is set where the whole fleet leaves it alone for so long: then this is no failed attempt.
    """

    kind = "down"
    retry_after: timedelta | None = None


class MalformedReply(ProviderTransient):
    """The provider's answer cannot be read: HTML, cut JSON, missing fields."""

    kind = "malformed"


class Unauthorized(ProviderTransient):
    """The provider refuses our session (401, 403, a stale crumb); a new session may help."""

    kind = "unauthorized"


class IdentityMismatch(ProviderTransient):
    """The answer is about another symbol, interval or currency than was asked for; none of it is used.

    Transient, because answers that were mixed up on the way are right the next time.
    """

    kind = "identity"


class OurFault(ProviderTransient):
    """An error of our own while an attempt was made: a bug, or an answer that nobody foresaw."""

    kind = "ours"


class Overtaken(ProviderTransient):
    """An answer is older than what was learnt of its instrument since, a split for one; the next will know."""

    kind = "overtaken"


class Interrupted(ProviderTransient):
    """We stopped the download ourselves: its deadline passed, or it was cancelled."""

    kind = "interrupted"


class ProviderPermanent(ProviderError):
    """Another try of the same request would end alike."""


class SymbolUnknown(ProviderPermanent):
    """The provider does not know the symbol, or no longer."""

    kind = "unknown-symbol"


class ProviderUnusable(ProviderPermanent):
    """The provider cannot be opened as it is configured: no fault of a symbol, and nothing was asked."""

    kind = "unusable"


class RangeRefused(ProviderPermanent):
    """The provider does not serve this window at this interval."""

    kind = "range-refused"
