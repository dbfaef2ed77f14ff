"""What a provider may be asked for by one address, and what became of a wish to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from stockjobs.domain.work.lanes import Lane

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

SHORT_WAIT = timedelta(seconds=5)
"""How long an attempt waits in its slot for its first request; if it were longer it is deferred, and the slot serves others."""

LONG_WAIT = timedelta(seconds=75)
"""How long an attempt that is under way waits for each further request, since it would lose what it has of a symbol."""

BREAK_AFTER = 10
"""After so many requests in a row, of the whole fleet, for which a provider was down, nobody asks it."""

BREAK_FOR = timedelta(seconds=15)
"""How long nobody asks a provider that is down; doubled each time that a probe finds it still down."""

LONGEST_BREAK = timedelta(minutes=5)
"""The longest that nobody looks whether a provider is still down."""

CALM = timedelta(minutes=10)
"""After so long without another one, cool-downs and breaks begin again at their shortest."""


@dataclass(frozen=True)
class Budget:
    """How many requests one address may make in any second, minute and hour; 0 is without limit."""

    per_second: int = 0
    per_minute: int = 0
    per_hour: int = 0

    @property
    def windows(self) -> tuple[tuple[timedelta, int], ...]:
        """Each window, with how many requests it may hold; 0 for any number."""
        return (SECOND, self.per_second), (MINUTE, self.per_minute), (HOUR, self.per_hour)

    @property
    def is_limited(self) -> bool:
        """False for the budget that allows everything."""
        return any(limit for _, limit in self.windows)

    @property
    def interval(self) -> timedelta:
        """The time between two requests that can be kept up for ever."""
        return max((span / limit for span, limit in self.windows if limit), default=timedelta(0))

    @property
    def short_wait(self) -> timedelta:
        """How long an attempt waits for its first request: some turns at a slow pace, else `SHORT_WAIT`."""
        return max(SHORT_WAIT, min(3 * self.interval, 6 * SHORT_WAIT))

    @property
    def long_wait(self) -> timedelta:
        """How long one waits that is under way: until the fullest minute has passed."""
        return max(self.short_wait, LONG_WAIT)

    @property
    def parallel(self) -> int:
        """How many tasks of a lane it feeds at once: more would only wait in their workers' slots. 0 for any number.

        A task that gets less than a request a second is not fed; but two, so that one fetches while the other lands.
        """
        return max(2, ceil(SECOND / self.interval)) if self.is_limited else 0

    def with_limits(self, *limits: int | None) -> Budget:
        """The same with other limits for a second, a minute and an hour, where one is given."""
        return Budget(*(old if new is None else new for (_, old), new in zip(self.windows, limits, strict=True)))

    def without(self, share: float) -> Budget:
        """What is left when a share of each window is kept for others; never nothing of a window that has a limit."""
        return Budget(*(max(1, int(limit * (1 - share))) if limit else 0 for _, limit in self.windows))


NO_BUDGET = Budget()
"""The budget that allows everything."""


class Closure(StrEnum):
    """Why nobody may ask a provider just now."""

    LIMITED = "limited"
    """It has asked us to slow down."""
    DOWN = "down"
    """It cannot be reached, or fails."""


class Answer(StrEnum):
    """What the budget says to a wish to ask."""

    GO = "go"
    WAIT = "wait"
    """Ask again after the wait; the place in the queue is kept."""
    LATER = "later"
    """The wait is longer than was offered; no place is kept."""


@dataclass(frozen=True)
class Admission:
    """The budget's answer; `wait` until there may be room, `closure` if the provider is closed to everybody.

    `is_troubled` says that the provider has failed lately, so that a success is worth telling; `has_more` that the requests
    which will follow at once have got their places too.
    """

    answer: Answer
    wait: timedelta
    closure: Closure | None = None
    is_troubled: bool = False
    has_more: bool = False


class Turn(StrEnum):
    """What a request's end has changed for everybody."""

    LIMITED = "limited"
    DOWN = "down"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class Parting:
    """What the budget made of a request's end: what it changed, and how long the provider stays closed."""

    turn: Turn | None = None
    closed_for: timedelta = timedelta(0)


@dataclass(frozen=True)
class Usage:
    """The state of a provider's budget at one egress, as `stockctl budget` shows it.

    `used` and `historical` count the requests of the last second, minute and hour, in this order; `opens_in` is how long each
    lane would wait for a request now.
    """

    provider: str
    egress: str
    at: datetime
    budget: Budget
    kept: Budget
    used: Sequence[int] = (0, 0, 0)
    historical: Sequence[int] = (0, 0, 0)
    waiting: int = 0
    failures: int = 0
    closure: Closure | None = None
    closed_until: datetime | None = None
    is_probing: bool = False
    opens_in: dict[Lane, timedelta] = field(default_factory=dict)

    def is_open(self, lane: Lane) -> bool:
        """True if a request of this lane would be sent soon."""
        return self.opens_in.get(lane, timedelta(0)) <= self.budget.short_wait
