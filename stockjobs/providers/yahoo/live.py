"""The last row of a chart while the market is open: which bar it belongs to, and which bars may still change.

Yahoo serves the newest prices as a row of their own that stands at the time of the last trade. It is put where the bar
opened; if the bar is there already, the two become one. At one day the later row is the whole day and takes the
other's place; at other intervals it holds what the earlier does not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np

from stockjobs.domain.market.bars import Bars, chained
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.yahoo.meta import Meta, instant

# How long after the close Yahoo's prices may still be on their way; its delayed exchanges are up to 20 minutes late.
_DELAY = timedelta(minutes=30).total_seconds()
_MINUTE = 60


def settle(rows: Bars, interval: Interval, meta: Meta) -> Bars:
    """The rows with the last one at the open of its bar."""
    if not len(rows) or not _is_live(int(rows.at[-1]), interval, meta):
        return rows
    before = int(rows.at[-2]) if len(rows) > 1 else None
    start = bar_start(int(rows.at[-1]), before, interval, meta)
    if before is not None and start == before != rows.at[-1]:
        return _merged(rows, interval)
    return replace(rows, at=np.append(rows.at[:-1], start))


def mark_provisional(rows: Bars, interval: Interval, meta: Meta, now: datetime) -> Bars:
    """The rows with the last one marked if it may still change at `now`."""
    if not len(rows):
        return rows
    marks = np.zeros(len(rows), dtype=np.bool_)
    marks[-1] = _bar_end(int(rows.at[-1]), interval, meta) > _known_until(meta, now.timestamp())
    return replace(rows, provisional=marks)


def bar_start(at: int, before: int | None, interval: Interval, meta: Meta) -> int:
    """When the bar opened that a trade at `at` belongs to; `before` is the open of the bar before it."""
    if interval.is_intraday:
        anchor = _anchor(at, before, meta)
        return anchor + (at - anchor) // interval.seconds * interval.seconds
    day = _local(at, meta).date()
    earlier = None if before is None else _local(before, meta)
    first = _first_day(day, None if earlier is None else earlier.date(), interval)
    if earlier is None and interval is Interval.D1 and meta.session is not None and meta.session.start <= at:
        return meta.session.start
    midnight = datetime(first.year, first.month, first.day, tzinfo=meta.zone)
    start = midnight if earlier is None else midnight.replace(hour=earlier.hour, minute=earlier.minute)
    return int(start.timestamp())


def _first_day(day: date, earlier: date | None, interval: Interval) -> date:
    if interval is Interval.W1:
        monday = day - timedelta(days=day.weekday())
        return monday if earlier is None else day - timedelta(days=(day - earlier).days % 7)
    return day.replace(day=1) if interval is Interval.MO1 else day


def _is_live(at: int, interval: Interval, meta: Meta) -> bool:
    if at == meta.market_time:
        return True
    if interval.is_intraday:
        return at % _MINUTE != 0
    return meta.session is not None and meta.session.start < at <= meta.session.end


def _anchor(at: int, before: int | None, meta: Meta) -> int:
    index = int(np.searchsorted(meta.periods[:, 0], at, side="right")) - 1
    if index >= 0 and at <= meta.periods[index, 1]:
        return int(meta.periods[index, 0])
    session = meta.session
    if session is not None and session.start <= at <= session.end:
        return session.start
    return before if before is not None else 0


def _merged(rows: Bars, interval: Interval) -> Bars:
    place = np.arange(len(rows)) - len(rows)
    old, new = rows.where(place == -2), rows.where(place == -1)
    if interval is Interval.D1:
        merged = replace(new, at=old.at)
    else:
        merged = Bars(
            old.at,
            np.where(np.isnan(old.open), new.open, old.open),
            np.fmax(old.high, new.high),
            np.fmin(old.low, new.low),
            new.close,
            np.where(
                np.minimum(old.volume, new.volume) < 0, np.maximum(old.volume, new.volume), old.volume + new.volume
            ),
            new.provisional,
        )
    return chained([rows.where(place < -2), merged])


def _bar_end(at: int, interval: Interval, meta: Meta) -> float:
    if interval.is_intraday:
        return at + interval.seconds
    start = _local(at, meta)
    session = meta.session
    if interval is Interval.D1:
        if session is not None and _local(session.start, meta).date() == start.date():
            return session.end
        return (_midnight(start) + timedelta(days=1)).timestamp()
    if interval is Interval.W1:
        return (start + timedelta(days=7)).timestamp()
    return (start.replace(day=1) + timedelta(days=32)).replace(day=1).timestamp()


def _known_until(meta: Meta, now: float) -> float:
    session, traded = meta.session, meta.market_time
    if session is None or traded is None or traded < session.start or traded >= session.end:
        return now
    return now if now >= session.end + _DELAY else min(now, traded)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0)


def _local(at: int, meta: Meta) -> datetime:
    return instant(at).astimezone(meta.zone)
