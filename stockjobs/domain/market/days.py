"""Days: to which session's day, week or month a bar belongs, wherever in it its source puts the bar.

A source may move the time of day of its bars: from midnight to the open, from the exchange's midnight to that of UTC, by an hour
where clocks were not changed for the season. A session has one daily bar all the same, so bars of a day and longer are one bar if
they are of one day, week (from Monday) or month.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo

import numpy as np

from stockjobs.domain.clocks import local_days, midnight, offsets
from stockjobs.domain.market.actions import session_day
from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.changes import overlap
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Days, Seconds

_HOUR, _DAY = 3_600, 86_400
_EPOCH = date(1970, 1, 1)
_EPOCH_MONDAY = np.datetime64("1969-12-29", "D")
_NEAR = {Interval.D1: 20 * _HOUR, Interval.W1: 6 * _DAY, Interval.MO1: 27 * _DAY}
"""Bars at least so far apart are of different days, weeks or months."""

REACH = {Interval.D1: _DAY, Interval.W1: 7 * _DAY, Interval.MO1: 31 * _DAY}
"""Bars of one day, week or month are not further apart, in seconds."""


def days_of(at: Seconds, interval: Interval, zone: tzinfo) -> Days:
    """The days of bars (epoch seconds) by the clocks of a zone; of those of a day and longer that of the session.

    A daily bar at midnight UTC is dated by UTC, as by sources that know only days; one an hour before midnight stands at
    midnight by clocks that were not changed for the season.
    """
    if interval.is_intraday:
        return local_days(at, zone)
    local = at + offsets(at, zone)
    days = local // _DAY + (local % _DAY == _DAY - _HOUR)
    return np.asarray(np.where(at % _DAY == 0, at // _DAY, days).astype("datetime64[D]"))


def period_numbers(days: Days, interval: Interval) -> Seconds:
    """The number of the day, the week (from Monday) or the month in which each day lies."""
    if interval is Interval.W1:
        return np.asarray((days - _EPOCH_MONDAY).astype(np.int64) // 7)
    unit = "datetime64[M]" if interval is Interval.MO1 else "datetime64[D]"
    return np.asarray(days.astype(unit).astype(np.int64))


def periods(at: Seconds, interval: Interval, zone: tzinfo) -> Seconds:
    """The number of the day, week or month to which each bar of such an interval belongs."""
    return period_numbers(days_of(at, interval, zone), interval)


def bar_numbers(at: Seconds, interval: Interval, zone: tzinfo) -> Seconds:
    """What bars (epoch seconds) of one time have in common, and bars of one day, week or month where they are so long."""
    return at if interval.is_intraday else periods(at, interval, zone)


def first_bar(at: datetime, interval: Interval, zone: tzinfo) -> int:
    """The earliest second at which a bar of the session's day of an event stands, or of its week or month: those before are
    from before the event, and this one ends after it.
    """
    day = session_day(at, zone)
    if interval is Interval.W1:
        day -= timedelta(days=day.weekday())
    elif interval is Interval.MO1:
        day = day.replace(day=1)
    number = (day - _EPOCH).days
    opened = midnight(zone, number)
    # As `days_of` dates bars of a day and longer.
    return opened if interval.is_intraday else min(number * _DAY, opened - _HOUR)


def of_day(bars: Seconds, at: datetime, interval: Interval, zone: tzinfo) -> np.typing.NDArray[np.bool_]:
    """Which bars are of the session's day of an event, or of its week or month."""
    first = first_bar(at, interval, zone)
    found: np.typing.NDArray[np.bool_] = (bars >= first) & (bars < first + max(interval.seconds, _DAY))
    return found


def apart(interval: Interval) -> int:
    """Bars at least so many seconds apart are of different times, or of different days, weeks or months."""
    return _NEAR.get(interval, 1)


def same_as_before(at: Seconds, interval: Interval | None, zone: tzinfo) -> np.typing.NDArray[np.bool_]:
    """Of bars in order which are of the same time as the one before, or of the same day, week or month."""
    same = np.zeros(len(at), dtype=np.bool_)
    same[1:] = at[1:] == at[:-1]
    if interval is not None and not interval.is_intraday and (np.diff(at) < _NEAR[interval]).any():
        number = periods(at, interval, zone)
        same[1:] |= number[1:] == number[:-1]
    return same


def in_place(stored: Bars, came: Bars, interval: Interval, zone: tzinfo) -> Bars:
    """Bars that came, each at the time at which the stored bar of its day, week or month stands; both are in order.

    Of several that came for one the last counts.
    """
    if interval.is_intraday or not len(came):
        return came
    moved = _moved(stored, came, interval, zone)
    is_last = ~np.append(same_as_before(moved.at, interval, zone)[1:], False)
    return moved if is_last.all() else moved.where(is_last)


def _are_near(some: Seconds, others: Seconds, reach: int) -> bool:
    """True unless two runs of times, each in order, are so far apart that none of the one is of a day of the other."""
    return bool(len(some) and len(others) and some[0] - others[-1] <= reach and others[0] - some[-1] <= reach)


def _moved(stored: Bars, came: Bars, interval: Interval, zone: tzinfo) -> Bars:
    both = overlap(stored, came)
    if len(both) in (len(came), len(stored)):
        return came
    is_astray, is_unmet = np.ones(len(came), dtype=np.bool_), np.ones(len(stored), dtype=np.bool_)
    is_astray[both.came] = is_unmet[both.stored] = False
    astray, unmet = np.flatnonzero(is_astray), stored.at[is_unmet]
    if not _are_near(came.at[astray], unmet, REACH[interval]):
        return came
    numbers, first = np.unique(periods(unmet, interval, zone), return_index=True)
    wanted = periods(came.at[astray], interval, zone)
    place = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    is_met = numbers[place] == wanted
    if not is_met.any():
        return came
    at = came.at.copy()
    at[astray[is_met]] = unmet[first[place[is_met]]]
    moved = replace(came, at=at)
    return moved.where(np.argsort(at, kind="stable"))
