"""What every provider can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from stockjobs.domain.bars import BarsReply, BarsRequest, FactsReply


@dataclass(frozen=True)
class Patience:
    """How long a call may take: `deadline` is an instant of `time.monotonic()`; `stopped` says that it is cancelled.

    A provider gives every network call what is left until the deadline, at most its own timeout, asks `stopped`
    between two calls, and raises `stockjobs.errors.Interrupted` when either says so.
    """

    deadline: float
    stopped: Callable[[], bool] = field(default=lambda: False)


class Provider(Protocol):
    """A source of market data. One instance serves one process; it opens its connections at the first call."""

    name: str

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        """The bars of a window. Raises a `stockjobs.errors.ProviderError`."""
        ...

    def facts(self, symbol: str, *, now: datetime, patience: Patience) -> FactsReply:
        """The statements, share counts and profile of a company. Raises a `stockjobs.errors.ProviderError`."""
        ...

    def close(self) -> None:
        """Give all connections back."""
        ...
