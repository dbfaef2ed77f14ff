"""What every provider can do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.market.bars import BarsReply, BarsRequest, FactsReply
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import Interrupted, ProviderError, RateLimited


class Gate(Protocol):
    """The fleet's way to a provider: whoever makes a request enters first, and leaves, on the same thread, with what came of it.

    Providers need not call it: `Patience.request` does.
    """

    def enter(self, patience: Patience) -> None:
        """Wait for a place in the budget.

        Raises `stockjobs.errors.HeldBack` when the wait is too long, or the provider is closed to the whole fleet.
        """
        ...

    def leave(self, error: ProviderError | None) -> None:
        """Tell how the request ended. `stockjobs.errors.Interrupted` says nothing about the provider."""
        ...

    def close(self) -> None:
        """Tell what has not been told yet, because no request follows that would tell it along."""
        ...


class _OpenGate:
    def enter(self, patience: Patience) -> None:
        """Nobody has to wait."""

    def leave(self, error: ProviderError | None) -> None:
        """Nobody wants to know."""

    def close(self) -> None:
        """There is nothing left to tell."""


OPEN_GATE: Gate = _OpenGate()
"""The way to a provider that nobody keeps from being asked."""


@dataclass(frozen=True)
class Patience:
    """How long a call may take: `deadline` is an instant of `time.monotonic()`; `stopped` says that it is cancelled.

    A provider gives every network call what is left until the deadline, at most its own timeout, asks `stopped` several
    times a second, also in the middle of a call, and raises `stockjobs.errors.Interrupted` when either says so.
    """

    deadline: float
    stopped: Callable[[], bool] = field(default=lambda: False)
    gate: Gate = OPEN_GATE

    def remaining(self) -> float:
        """The seconds that are left. Raises `stockjobs.errors.Interrupted` when none are, or when it is cancelled."""
        if self.stopped():
            raise Interrupted("The download was cancelled.")
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Interrupted("The download has used up its time.")
        return left

    @contextmanager
    def request(self, *, is_about_data: bool = True) -> Iterator[None]:
        """A block in which a provider makes one request, once the fleet's budget has room for it.

        Inside, raise what came of the request as a `stockjobs.errors.ProviderError`: a limit or an outage concerns everybody.
        Of one that is not about data (a cookie, a login) only a limit is told: it may end well while data cannot be had, or
        badly while it can. Raises `stockjobs.errors.HeldBack` where it must not be made now.
        """
        self.gate.enter(self)
        try:
            yield
        except RateLimited as error:
            self.gate.leave(error)
            raise
        except BaseException as error:
            is_telling = is_about_data and isinstance(error, ProviderError)
            self.gate.leave(error if is_telling else _says_nothing())  # type: ignore[arg-type]  # narrowed by is_telling
            raise
        self.gate.leave(None if is_about_data else _says_nothing())


def _says_nothing() -> Interrupted:
    return Interrupted("It says nothing about the provider.")


class Provider(Protocol):
    """A source of market data. One instance serves one process; it opens its connections at the first call."""

    name: str

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        """The bars of a window. Raises a `stockjobs.errors.ProviderError`."""
        ...

    def facts(self, symbol: str, *, now: datetime, patience: Patience) -> FactsReply:
        """The statements, share counts and profile of a company. Raises a `stockjobs.errors.ProviderError`."""
        ...

    def limits(self, interval: Interval) -> Limits:
        """How long a window of this interval may be, and how far back it may begin."""
        ...

    def close(self) -> None:
        """Give all connections back."""
        ...
