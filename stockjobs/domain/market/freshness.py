"""Freshness: since when the newest bar of a series is older than it could be. A closed market makes nothing old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np

from stockjobs.domain.market.coverage import keys, slots
from stockjobs.domain.market.days import REACH
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Seconds, Spans

LOOK_BACK = timedelta(days=40)
"""The sessions of so long suffice: whoever is further behind is behind, and a month has to be in them."""


def ahead(interval: Interval) -> timedelta:
    """So far after now sessions have to be known: whether a week or a month is over is told by those that are left of it."""
    return timedelta(seconds=REACH[interval]) if interval.seconds > Interval.D1.seconds else timedelta(0)


@dataclass(frozen=True)
class Reached:
    """The newest stored bar of a series, and when it was written if it was unfinished then: it counts no further."""

    at: datetime
    unfinished_at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """A series: its newest stored bar (None without any), and since when the source has had a newer one; None if it has none."""

    symbol: str
    interval: Interval
    newest_at: datetime | None
    overdue_since: datetime | None

    def behind(self, now: datetime) -> timedelta:
        """How long a newer bar has been there to be had."""
        return now - self.overdue_since if self.overdue_since else timedelta(0)


@dataclass(frozen=True, eq=False)
class Due:
    """The bars of an interval that a market gives, oldest first: the number that orders each, and when it is complete (epoch
    seconds). The same for all series that trade there.
    """

    spans: Spans
    interval: Interval
    zone: tzinfo
    order: Seconds
    complete: Seconds

    @classmethod
    def of(cls, spans: Spans, interval: Interval, zone: tzinfo) -> Due:
        """The bars of some sessions; `zone` dates those of a day and longer."""
        expected = slots(spans, interval)
        close = spans.close[expected.session]
        if interval.is_intraday:
            return cls(spans, interval, zone, expected.at, np.minimum(expected.at + interval.seconds, close))
        return cls(spans, interval, zone, expected.key, close)

    def since(self, newest: Reached, now: datetime) -> datetime | None:
        """When the first bar after the newest stored one was complete, or an unfinished one itself; None if that is still to
        come.
        """
        complete = self._rest(newest) or self._next(newest.at)
        return datetime.fromtimestamp(complete, UTC) if complete is not None and complete <= now.timestamp() else None

    def _next(self, newest: datetime) -> int | None:
        place = int(np.searchsorted(self.order, self._number(newest), side="right"))
        return int(self.complete[place]) if place < len(self.order) else None

    def _rest(self, newest: Reached) -> int | None:
        """When an unfinished bar was complete; None for one that was so when it was written."""
        if newest.unfinished_at is None:
            return None
        complete = self._completed(newest.at)
        return complete if complete is not None and complete > newest.unfinished_at.timestamp() else None

    def _completed(self, at: datetime) -> int | None:
        """When a bar is complete; None for one from before these sessions."""
        if self.interval.is_intraday:
            place = int(np.searchsorted(self.spans.close, at.timestamp(), side="right"))
            end = at + self.interval.length
            is_inside = place < len(self.spans) and self.spans.open[place] <= at.timestamp()
            return min(int(end.timestamp()), int(self.spans.close[place])) if is_inside else int(end.timestamp())
        found = np.flatnonzero(self.order == self._number(at))
        return int(self.complete[found[0]]) if len(found) else None

    def _number(self, newest: datetime) -> float:
        if self.interval.is_intraday:
            return self._reached(newest.timestamp())
        return float(keys(np.array([int(newest.timestamp())], dtype=np.int64), self.spans, self.interval, self.zone)[0])

    def _reached(self, newest: float) -> float:
        """The time of a bar, or of the last one of its session where it lasts until the close: sources may count their bars
        from the end of a lunch break.
        """
        place = int(np.searchsorted(self.spans.open, newest, side="right")) - 1
        close = self.spans.close[place] if place >= 0 else newest
        return float(close - 1) if newest < close <= newest + self.interval.seconds else newest


def overdue_since(newest: Reached, interval: Interval, now: datetime, due: Due | None) -> datetime | None:
    """When the first bar after the newest stored one was complete, or an unfinished one itself; None if that is still to come.

    `due` is of the sessions from `LOOK_BACK` before now until `ahead` after it; without it every hour counts as one of trading.
    """
    if due is not None:
        return due.since(newest, now)
    complete = newest.at + interval.length
    if newest.unfinished_at is None or newest.unfinished_at >= complete:
        complete += interval.length
    return complete if complete <= now else None
