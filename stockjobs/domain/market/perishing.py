"""Perishing: which missing bars a source that keeps only the newest will have forgotten soon. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from stockjobs.domain.market.sessions import Seconds

WARN_AT_MOST = timedelta(days=7)
"""A week is enough to mend anything, and an alarm that rings earlier is not believed."""


def warning(reach: timedelta) -> timedelta:
    """How long before bars are lost an alarm is raised: a quarter of what the source keeps, a week at most."""
    return min(reach / 4, WARN_AT_MOST)


def alarm_before(now: datetime, reach: timedelta) -> datetime:
    """A series whose newest bar is older than this is about to lose some; the same all day long, for whoever looks."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - reach + warning(reach)


@dataclass(frozen=True)
class Loss:
    """So many missing bars are lost for good between two instants."""

    bars: int
    begins_at: datetime
    ends_at: datetime


def loss(newest: datetime, expected: Seconds, now: datetime, reach: timedelta) -> Loss | None:
    """What is lost within the time of the warning unless the series is collected; None if nothing traded meanwhile.

    `expected` is when the bars of its market open, oldest first (epoch seconds).
    """
    since = max(newest.timestamp() + 1, (now - reach).timestamp())
    first, end = (int(np.searchsorted(expected, at)) for at in (since, alarm_before(now, reach).timestamp()))
    if first >= end:
        return None
    begins, ends = (datetime.fromtimestamp(int(expected[place]), UTC) + reach for place in (first, end - 1))
    return Loss(end - first, begins, ends)
