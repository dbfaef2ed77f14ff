"""Freshness: since when the newest bar of a series is older than it could be. A closed market makes nothing old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np

from stockjobs.domain.coverage import keys, slots
from stockjobs.domain.intervals import Interval
from stockjobs.domain.sessions import Spans

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


def overdue_since(
    newest: datetime, interval: Interval, now: datetime, *, spans: Spans | None, zone: tzinfo
) -> datetime | None:
    """When the first bar after the newest stored one was complete; None if that is still to come.

    `spans` are the sessions of the last `LOOK_BACK` until now; without them every hour counts as one of trading.
    """
    if spans is None:
        complete = newest + 2 * interval.length
        return complete if complete <= now else None
    expected = slots(spans, interval)
    if interval.is_intraday:
        ends = np.minimum(expected.at + interval.seconds, spans.close[expected.session])
        later = expected.at > newest.timestamp()
    else:
        ends = spans.close[expected.session]
        later = expected.key > keys(np.array([int(newest.timestamp())], dtype=np.int64), spans, interval, zone)[0]
    due = ends[later & (ends <= now.timestamp())]
    return datetime.fromtimestamp(int(due[0]), UTC) if len(due) else None
