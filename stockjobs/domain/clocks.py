"""The clocks of a zone, for many instants at once: how far they are ahead of UTC, and which day it is by them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

import numpy as np

from stockjobs.domain.market.sessions import Days, Seconds
from stockjobs.domain.scheduling.zones import day_start, offset_at

_DAY, _WEEK = 86_400, 7 * 86_400
_FEW_WEEKS = 8


def instant(second: float) -> datetime:
    """An instant of so many epoch seconds."""
    return datetime.fromtimestamp(float(second), UTC)


def offsets(at: Seconds, zone: tzinfo) -> Seconds:
    """Seconds by which the clocks of a zone are ahead of UTC at some instants (epoch seconds), in whatever order."""
    if not len(at):
        return np.empty(0, dtype=np.int64)
    first, last = int(at.min()) // _WEEK, int(at.max()) // _WEEK
    if last - first < _FEW_WEEKS:
        # Most answers are short, and of weeks with one offset: then there is nothing to sort.
        same, *others = {_offset_of_week(zone, week) for week in range(first, last + 1)}
        if not others and not math.isnan(same):
            return np.full(len(at), int(same), dtype=np.int64)
    weeks, place = np.unique(at // _WEEK, return_inverse=True)
    found = np.array([_offset_of_week(zone, week) for week in weeks.tolist()], dtype=np.float64)[place]
    odd = np.flatnonzero(np.isnan(found))
    found[odd] = [_offset(zone, second) for second in at[odd].tolist()]
    return found.astype(np.int64)


def local_days(at: Seconds, zone: tzinfo) -> Days:
    """The days, by the clocks of a zone, of some instants (epoch seconds)."""
    return ((at + offsets(at, zone)) // _DAY).astype("datetime64[D]")


@lru_cache(maxsize=65_536)
def midnight(zone: tzinfo, day: int) -> int:
    """When a day (counted from 1970-01-01) begins by the clocks of a zone, in epoch seconds."""
    wall = datetime(1970, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - a local day
    return int(day_start(zone, wall).timestamp())


@lru_cache(maxsize=65_536)
def _offset_of_week(zone: tzinfo, week: int) -> float:
    """Seconds ahead of UTC; not a number in a week in which the clocks change."""
    first, last = _offset(zone, week * _WEEK), _offset(zone, (week + 1) * _WEEK)
    return first if first == last else np.nan


@lru_cache(maxsize=65_536)
def _offset(zone: tzinfo, second: int) -> float:
    return offset_at(zone, datetime.fromtimestamp(second, UTC)).total_seconds()
