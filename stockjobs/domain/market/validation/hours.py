"""The rules about trading sessions: bars at times when nobody traded."""

from __future__ import annotations

from datetime import tzinfo

import numpy as np

from stockjobs.domain.market.bars import Bars, Seconds
from stockjobs.domain.market.days import days_of
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Spans
from stockjobs.domain.market.validation.context import Context, Mask

MARGIN_S = 6 * 3_600
"""So near a session trades are made outside of it: New York's begin five and a half hours before its open."""

_SEVERAL_DAYS, _SEVERAL, _PART = 2, 3, 0.02
"""So many days with trades, or so many bars of a day and so great a part of an answer, say that the calendar is wrong."""


def outside(bars: Bars, context: Context) -> Mask:
    """The bars hours away from every session; of daily ones, those on a day without any."""
    sessions, interval = context.sessions, context.interval
    if sessions is not None and len(sessions) and interval is not None:
        if interval.is_intraday:
            return _far_from(sessions, bars.at)
        if interval is Interval.D1:
            return _on_no_day_of(sessions, bars.at, context.zone)
    return np.zeros(len(bars), dtype=np.bool_)


def on_no_day(bars: Bars, context: Context, interval: Interval) -> Mask:
    """The same by the local day alone, in whatever order the bars are: some of these are on the day of a session by UTC."""
    sessions = context.sessions
    if interval is Interval.D1 and sessions is not None and len(sessions):
        return np.isin(days_of(bars.at, interval, context.zone), sessions.day, invert=True)
    return outside(bars, context)


def extra(bars: Bars, outside: Mask, interval: Interval | None) -> Mask:
    """Of those, the bars that say that there was a session which the calendar does not have: several, and with trades."""
    traded = outside & (bars.volume > 0) & ~_are_copies(bars)
    least = max(_SEVERAL, _PART * len(bars)) if interval is None or interval.is_intraday else _SEVERAL_DAYS
    return traded if traded.sum() >= least else np.zeros(len(bars), dtype=np.bool_)


def _are_copies(bars: Bars) -> Mask:
    """The bars that tell once more what the one before them told."""
    same = np.zeros(len(bars), dtype=np.bool_)
    same[1:] = True
    for column in (bars.open, bars.high, bars.low, bars.close, bars.volume):
        same[1:] &= column[1:] == column[:-1]
    return same


def _far_from(sessions: Spans, at: Seconds) -> Mask:
    following = np.searchsorted(sessions.close, at, side="right")
    until = sessions.open[np.minimum(following, len(sessions) - 1)] - at
    since = at - sessions.close[np.maximum(following - 1, 0)]
    is_before = (following < len(sessions)) & (until <= MARGIN_S)
    is_after = (following > 0) & (since <= MARGIN_S)
    return np.asarray(~(is_before | is_after))


def _on_no_day_of(sessions: Spans, at: Seconds, zone: tzinfo) -> Mask:
    # A source may date days by UTC.
    utc = (at // 86_400).astype("datetime64[D]")
    local = days_of(at, Interval.D1, zone)
    return np.asarray(np.isin(local, sessions.day, invert=True) & np.isin(utc, sessions.day, invert=True))
