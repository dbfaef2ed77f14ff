"""Places in the fleet's budget that an attempt gets in advance, so that it need not ask before each request."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from stockjobs.transport.budget import Ended

_MOST = 15
_KEPT_FOR_S = 0.25
"""No longer than this may pass between the fleet's leave and a request; a provider may be closed meanwhile."""


class Spares:
    """The places of an attempt that wait for its next requests; its threads share them.

    `likely` is for how many requests it is at least: for one of a single request none are taken. Beyond that, the more it has
    asked for, the more follows.
    """

    def __init__(self, ticket: Callable[[], str], likely: int = 1) -> None:
        self._ticket = ticket
        self._likely = likely
        self._free: deque[tuple[str, float]] = deque()
        self._requests = 0

    def wanted(self) -> tuple[str, ...]:
        """The tickets of so many requests as will follow at once."""
        following = max(3 * self._requests, self._likely - self._requests - 1)
        return tuple(self._ticket() for _ in range(min(following, _MOST)))

    def note_request(self) -> None:
        """Count a request that is made."""
        self._requests += 1

    def keep(self, tickets: tuple[str, ...]) -> None:
        """Keep places that were got just now."""
        until = time.monotonic() + _KEPT_FOR_S
        self._free.extend((ticket, until) for ticket in tickets)

    def take(self) -> str | None:
        """A place that is good still, None if there is none."""
        try:
            ticket, until = self._free.popleft()
        except IndexError:
            return None
        if time.monotonic() < until:
            return ticket
        self._free.appendleft((ticket, until))
        return None

    def given_back(self) -> list[Ended]:
        """All places that wait, which are not needed any more, or too old."""
        return [Ended(self._free.popleft()[0], None) for _ in range(len(self._free))]
