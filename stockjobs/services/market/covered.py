"""What coverage says of a series, as values: what was wanted, what is there, and what is not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.intervals import Interval
from stockjobs.store.market.coverage import Series
from stockjobs.store.market.gaps import Gap

NO_CALENDAR = "no calendar"
"""Why a series cannot be judged whose exchange has no sessions that are known."""


@dataclass(frozen=True)
class Wanted:
    """Which series are looked at: symbols (all stored ones without any) at an interval, with start ≤ bar < end.

    Without a start each series is expected from its first stored bar on, without an end until now.
    """

    provider: str
    symbols: tuple[str, ...]
    interval: Interval
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Hole:
    """Bars of one session of a series that are missing for one cause, and how often the source was asked for them.

    They open at start ≤ t < end; `lost_at` is when the source will no longer keep them, None where it keeps everything.
    """

    symbol: str
    interval: Interval
    day: date
    missing: int
    cause: Cause
    start: datetime
    end: datetime
    lost_at: datetime | None = None
    gap: Gap | None = None

    @property
    def ask_again_at(self) -> datetime | None:
        """When it is worth asking for them by itself; None for no more, or not yet."""
        if self.gap is not None:
            return self.gap.ask_again_at
        # What was set aside before the calendar was known was never written down as a gap.
        return self.start if self.cause in (Cause.UNKNOWN, Cause.SET_ASIDE) else None


@dataclass(frozen=True)
class Year:
    """What is expected and stored of a series in one year of sessions."""

    year: int
    expected: int
    stored: int


@dataclass(frozen=True)
class Coverage:
    """A series: how many bars are expected of the sessions that are over, how many of them are stored, and its holes.

    `start` and `end` are what it was judged on; `note` says why it could not be.
    """

    series: Series
    interval: Interval
    start: datetime | None = None
    end: datetime | None = None
    expected: int = 0
    stored: int = 0
    holes: tuple[Hole, ...] = ()
    years: tuple[Year, ...] = ()
    note: str = ""

    @property
    def percent(self) -> float | None:
        """How much of what is expected is there; None where nothing is."""
        return 100 * self.stored / self.expected if self.expected else None

    @property
    def causes(self) -> dict[Cause, int]:
        """How many bars are missing, by cause."""
        found: Counter[Cause] = Counter()
        for hole in self.holes:
            found[hole.cause] += hole.missing
        return dict(found)
