"""Novelty: whether the source can have anything that is not stored yet. Pure, by the sessions of the exchange."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from stockjobs.domain.clocks import instant
from stockjobs.domain.market.coverage import SETTLED_AFTER
from stockjobs.domain.market.days import days_of
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Spans

LOOK_AHEAD = timedelta(days=14)
"""Sessions are needed so far ahead to tell when trading begins again; no regular holiday is longer."""


@dataclass(frozen=True)
class Newest:
    """The newest bar of a series that is stored as good: when it opened, and when it was written.

    `overlap_at` is the open of the bar a few bars before it, from where the next run asks again; `unclear_at` that of the first
    bar of which it is not known in which shares it is, if there is any.
    """

    at: datetime
    overlap_at: datetime | None = None
    is_provisional: bool = False
    written_at: datetime | None = None
    unclear_at: datetime | None = None


def idle_until(newest: Newest, interval: Interval, zone: str, spans: Spans, now: datetime) -> datetime | None:
    """The instant before which the source can have nothing new, None if it may have something now.

    `spans` are the sessions of the exchange from the newest bar to `LOOK_AHEAD` after now; where no session follows within
    them, that is until their end.
    """
    if newest.is_provisional and not _has_closed_since(newest, interval, spans, now):
        return None
    opens = _opens_after(newest, interval, zone, spans)
    if newest.is_provisional:
        # What is unfinished is the week or the month: it goes on with the next session, whichever week that is in.
        opens = _first_open(spans, now)
    if opens is None:
        return now + LOOK_AHEAD
    return opens if opens > now else None


def _has_closed_since(newest: Newest, interval: Interval, spans: Spans, now: datetime) -> bool:
    """True for the bar of an unfinished week or month that was written after the last session, none of which is under way."""
    if interval.seconds <= Interval.D1.seconds or newest.written_at is None:
        return False
    begun = spans.close[spans.open <= now.timestamp()]
    return len(begun) > 0 and bool(newest.written_at.timestamp() >= begun[-1] + SETTLED_AFTER.total_seconds())


def _opens_after(newest: Newest, interval: Interval, zone: str, spans: Spans) -> datetime | None:
    """When the bar after the newest opens."""
    if interval.is_intraday:
        return _next_trading(newest.at + interval.length, spans)
    [day] = days_of(np.array([int(newest.at.timestamp())]), interval, ZoneInfo(zone)).tolist()
    later = spans.day > _last_day(day, interval)
    return instant(spans.open[later][0]) if later.any() else None


def _last_day(day: date, interval: Interval) -> np.datetime64:
    """The last day that belongs to the bar of a day."""
    if interval is Interval.W1:
        day += timedelta(days=6)
    if interval is Interval.MO1:
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return np.datetime64(day)


def _next_trading(after: datetime, spans: Spans) -> datetime | None:
    """The first instant at which trading goes on, from an instant on; a lunch break is passed over."""
    second = after.timestamp()
    place = int(np.searchsorted(spans.close, second, side="right"))
    if place == len(spans):
        return None
    if spans.break_start[place] <= second < spans.break_end[place]:
        return instant(spans.break_end[place])
    return instant(max(second, spans.open[place]))


def _first_open(spans: Spans, after: datetime) -> datetime | None:
    place = int(np.searchsorted(spans.open, after.timestamp(), side="right"))
    return instant(spans.open[place]) if place < len(spans) else None
