"""What every provider can do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from stockjobs.domain.bars import BarsReply, BarsRequest, FactsReply
from stockjobs.domain.intervals import Interval
from stockjobs.domain.limits import Limits
from stockjobs.errors import Interrupted, ProviderError


class Gate(Protocol):
    """The fleet's way to a provider: whoever makes a request enters first, and leaves with what came of it."""

    def enter(self, patience: Patience) -> None:
        """Wait for a place in the budget.

        Raises `stockjobs.errors.RateLimited` while the provider wants nobody, or when the wait is longer than the patience;
        `stockjobs.errors.ProviderDown` while it is known to be down.
        """
        ...

    def leave(self, error: ProviderError | None) -> None:
        """Tell how the request ended."""
        ...


class _OpenGate:
    def enter(self, patience: Patience) -> None:
        """Nobody has to wait."""

    def leave(self, error: ProviderError | None) -> None:
        """Nobody wants to know."""


OPEN_GATE: Gate = _OpenGate()
"""The way to a provider that has no budget."""


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
