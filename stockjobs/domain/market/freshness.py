"""Freshness: since when the newest bar of a series is older than it could be. A closed market makes nothing old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np

from stockjobs.domain.market.coverage import keys, slots
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Seconds, Spans

LOOK_BACK = timedelta(days=40)
"""The sessions of so long suffice: whoever is further behind is behind, and a month has to be in them."""


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

    def since(self, newest: datetime, now: datetime) -> datetime | None:
        """When the first bar after the newest stored one was complete; None if that is still to come."""
        place = int(np.searchsorted(self.order, self._number(newest), side="right"))
        if place == len(self.order) or self.complete[place] > now.timestamp():
            return None
        return datetime.fromtimestamp(int(self.complete[place]), UTC)

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


def overdue_since(newest: datetime, interval: Interval, now: datetime, due: Due | None) -> datetime | None:
    """When the first bar after the newest stored one was complete; None if that is still to come.

    `due` is of the sessions of the last `LOOK_BACK` until now; without it every hour counts as one of trading.
    """
    if due is not None:
        return due.since(newest, now)
    complete = newest + 2 * interval.length
    return complete if complete <= now else None
