"""Coverage: which bars a session should have, which of them are there, and why one is not.

All of it is columns: a series of ten years is a few calls of NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.clocks import midnight
from stockjobs.domain.market.days import period_numbers, periods
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Seconds, Spans

SETTLED_AFTER = timedelta(minutes=30)
"""So long after its close a session's bars and prices are all at the source: delayed exchanges are up to 20 minutes late."""

PAUSES = (timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=30))
"""How long the source is left alone after it was asked once, twice and so on for bars that it does not have; then for ever."""

Places = NDArray[np.intp]


class Cause(StrEnum):
    """Why a bar is not there."""

    NOT_YET = "not-yet"
    """Its session is not over, or only just."""
    SOURCE_NULL = "source-null"
    """The source has the time, and no prices."""
    SOURCE_ABSENT = "source-absent"
    """The source left it out."""
    SET_ASIDE = "set-aside"
    """It came, and was impossible."""
    HALTED = "halted"
    """Nothing was traded that day: its daily bar has no volume."""
    BEYOND_RETENTION = "beyond-retention"
    """The source no longer keeps it."""
    UNKNOWN = "unknown"
    """Nobody has asked for it."""


def ask_again_at(asked: int, asked_at: datetime) -> datetime | None:
    """When the source is asked again for what it did not have so many times; None for no more."""
    return asked_at + PAUSES[max(asked, 1) - 1] if asked <= len(PAUSES) else None


@dataclass(frozen=True, eq=False)
class Slots:
    """The bars that there should be, oldest first: where each opens (epoch seconds), the place of its session in the spans
    (for weeks and months of their last session), and a number by which a stored bar is found to be it."""

    at: Seconds
    session: Places
    key: Seconds

    def __len__(self) -> int:
        return len(self.at)


def slots(spans: Spans, interval: Interval) -> Slots:
    """The bars of whole sessions: one for each step of the grid that begins at the open and is not all lunch break; one
    for each day, week (from Monday) or month that has a session."""
    return _grid(spans, interval.seconds) if interval.is_intraday else _periods(spans, interval)


def _grid(spans: Spans, step: int) -> Slots:
    count = -(-(spans.close - spans.open) // step)
    session = np.repeat(np.arange(len(spans)), count)
    number = np.arange(len(session)) - np.repeat(np.cumsum(count) - count, count)
    start = spans.open[session] + number * step
    end = np.minimum(start + step, spans.close[session])
    pause, resume = spans.break_start[session], spans.break_end[session]
    trades = (start < pause) | (end > resume)
    in_pause = (start >= pause) & (start < resume)
    at = np.where(in_pause, resume, start)
    key = _grid_key(session, number)
    return Slots(at[trades], session[trades], key[trades])


def _grid_key(session: Places, number: Seconds | Places) -> Seconds:
    return np.asarray(session * 100_000 + number, dtype=np.int64)


def _periods(spans: Spans, interval: Interval) -> Slots:
    key = period_numbers(spans.day, interval)
    # The first session says where it opens, the last when it is whole.
    _, first, count = np.unique(key, return_index=True, return_counts=True)
    return Slots(spans.open[first], first + count - 1, key[first])


def keys(at: Seconds, spans: Spans, interval: Interval, zone: tzinfo) -> Seconds:
    """The number of the slot that each bar fills, -1 for one outside of every session. `zone` dates bars of a day and longer."""
    if not interval.is_intraday:
        return periods(at, interval, zone)
    place = np.searchsorted(spans.open, at, side="right") - 1
    inside = place >= 0
    place = np.maximum(place, 0)
    if not len(spans):
        return np.full(len(at), -1, dtype=np.int64)
    inside &= at < spans.close[place]
    return np.where(inside, _grid_key(place, (at - spans.open[place]) // interval.seconds), -1)


def filled(at: Seconds, spans: Spans, interval: Interval, zone: tzinfo) -> Seconds:
    """The numbers of the slots that bars fill, in no order: each its own, and one that lasts until the close the last of its
    session too. Sources that count their bars from the end of a lunch break may have one less after it.
    """
    own = keys(at, spans, interval, zone)
    if not interval.is_intraday or not len(spans):
        return own
    inside = own >= 0
    opened, place = at[inside], np.searchsorted(spans.open, at[inside], side="right") - 1
    length = spans.close[place] - spans.open[place]
    lasts = opened + interval.seconds >= spans.close[place]
    last = _grid_key(place, (length - 1) // interval.seconds)
    return np.concatenate([own, last[lasts]])


def is_missing(expected: Slots, stored: Seconds) -> NDArray[np.bool_]:
    """Which slots no stored bar fills; `stored` are the numbers of those that are filled."""
    return np.isin(expected.key, stored, invert=True)


def is_settled(spans: Spans, now: datetime) -> NDArray[np.bool_]:
    """Which sessions are over, with all their bars at the source."""
    return np.asarray(spans.close + int(SETTLED_AFTER.total_seconds()) < now.timestamp())


def as_served(spans: Spans, zone: tzinfo) -> Spans:
    """The sessions of currencies as a provider cuts them that dates bars in `zone`: from midnight to midnight, the last of
    the week until its close."""
    if not len(spans):
        return spans
    days = spans.day.astype(np.int64).tolist()
    opens = np.array([midnight(zone, day) for day in days], dtype=np.int64)
    ends = np.array([midnight(zone, day + 1) for day in days], dtype=np.int64)
    followed = np.append(np.diff(spans.day.astype(np.int64)) == 1, False)
    is_last = ~followed & (((spans.day.astype(np.int64) + 3) % 7) == _FRIDAY)
    closes = np.where(is_last, spans.close, ends)
    return Spans(spans.day, opens, closes, closes, closes)


_FRIDAY = 4
