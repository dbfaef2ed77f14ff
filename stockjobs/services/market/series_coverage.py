"""Comparing series with the sessions of their exchange: counted first, and looked at bar by bar only where the count differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.clocks import local_days, midnight
from stockjobs.domain.market.causes import Evidence, Lack, lacks
from stockjobs.domain.market.coverage import Cause, Slots, filled, is_missing, keys
from stockjobs.domain.market.days import periods
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Spans
from stockjobs.services.market.calendars import FIRST_DAY, zone_for
from stockjobs.services.market.covered import NO_CALENDAR, Coverage, Hole, Wanted, Year
from stockjobs.store.database import Connection
from stockjobs.store.market import coverage, gaps
from stockjobs.store.market.coverage import Series, Stored
from stockjobs.store.market.gaps import Gap

DAY, MONTH = timedelta(days=1), timedelta(days=32)
EARLIEST = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC) + MONTH
"""Nothing is expected before this."""


@dataclass(frozen=True, eq=False)
class Market:
    """The sessions of an exchange that have opened by now, what is expected of them, and which are over."""

    spans: Spans
    expected: Slots
    settled: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Task:
    """What is known while some series are looked at."""

    connection: Connection
    wanted: Wanted
    now: datetime
    reach: timedelta | None
    market: Callable[[str, str], Market | None]
    known: dict[int, dict[date, Gap]] = field(default_factory=dict)
    held_since: Mapping[int, datetime] = field(default_factory=dict)


def covered(task: Task, found: Sequence[Series]) -> list[Coverage]:
    """The coverage of some series, of which one statement counts what is stored."""
    wanted, ids = task.wanted, [one.instrument_id for one in found]
    start, end = wanted.start or EARLIEST - DAY, min(wanted.end or task.now, task.now)
    counted = coverage.count(task.connection, ids, wanted.interval, start, end)
    known = gaps.of_instruments(task.connection, ids, wanted.interval, start.date() - DAY, end.date())
    held_since = {} if wanted.start else coverage.held_since(task.connection, ids, wanted.interval)
    task = replace(task, known=known, held_since=held_since)
    return [_covered(task, one, counted.get(one.instrument_id)) for one in found]


def _covered(task: Task, series: Series, stored: Stored | None) -> Coverage:
    market = task.market(series.exchange, series.zone)
    if market is None:
        return Coverage(series, task.wanted.interval, stored=stored.bars if stored else 0, note=NO_CALENDAR)
    start = _start(task, series, stored)
    if start is None:
        return Coverage(series, task.wanted.interval, note="never collected")
    end = min(task.wanted.end or task.now, task.now)
    market = _between(market, start, task.wanted, zone_for(series.exchange, series.zone))
    whole = Coverage(series, task.wanted.interval, start, end)
    if stored and (stored.bars, stored.sum) == (len(market.expected), int(market.expected.at.sum())):
        return _judged(whole, market, np.zeros(len(market.expected), dtype=np.bool_))
    return _in_detail(task, whole, market)


def _judged(whole: Coverage, market: Market, missing: NDArray[np.bool_]) -> Coverage:
    """The counts of a series: what is expected is only what is over."""
    over = market.settled[market.expected.session]
    day = market.spans.day[market.expected.session[over]]
    year, place = np.unique(day.astype("datetime64[Y]").astype(np.int64) + 1970, return_inverse=True)
    expected = np.bincount(place, minlength=len(year)).tolist()
    stored = np.bincount(place[~missing[over]], minlength=len(year)).tolist()
    years = tuple(Year(*row) for row in zip(year.tolist(), expected, stored, strict=True))
    return replace(whole, expected=sum(expected), stored=sum(stored), years=years)


def _start(task: Task, series: Series, stored: Stored | None) -> datetime | None:
    """From when on bars are expected: never before the first trade; None for a series without a bar and a start.

    A series may begin with bars that came in the prices of before a split, and are to come again.
    """
    held = task.held_since.get(series.instrument_id)
    begins = [one for one in (stored.first if stored else None, held) if one]
    start = task.wanted.start or min(begins, default=None)
    if start is None or series.first_trade_at is None:
        return start
    return max(start, series.first_trade_at)


def _between(market: Market, start: datetime, wanted: Wanted, zone: ZoneInfo) -> Market:
    """The part of a market from an instant to the end that is wanted; places of sessions stay what they are."""
    expected, since = market.expected, start.timestamp()
    # The first trade, like a bar of a week, may stand at another time of its day than the open.
    keep = expected.at >= since if wanted.interval.is_intraday else market.spans.close[expected.session] > since
    if wanted.start is not None and wanted.interval.seconds > Interval.D1.seconds:
        # The bar of a week or a month stands at its first midnight, and is asked for by a window that has that.
        [before] = periods(np.array([int(wanted.start.timestamp()) - 1]), wanted.interval, zone)
        keep &= expected.key > before
    if wanted.end is not None:
        keep &= expected.at < wanted.end.timestamp()
    return replace(market, expected=Slots(expected.at[keep], expected.session[keep], expected.key[keep]))


def _in_detail(task: Task, whole: Coverage, market: Market) -> Coverage:
    expected, spans = market.expected, market.spans
    if not len(expected):
        return whole
    series, interval = whole.series, whole.interval
    zone = zone_for(series.exchange, series.zone)
    first = datetime.fromtimestamp(int(expected.at[0]), UTC) - (
        DAY if interval.seconds <= Interval.D1.seconds else MONTH
    )
    last = datetime.fromtimestamp(int(spans.close[-1]), UTC)
    at = coverage.times(task.connection, series.instrument_id, interval, first, last)
    missing = is_missing(expected, filled(at, spans, interval, zone))
    found = (
        lacks(expected, missing, spans, market.settled, _evidence(task, series, market, first, last))
        if missing.any()
        else []
    )
    holes = tuple(_hole(task, series, one, spans) for one in found)
    return replace(_judged(whole, market, missing), holes=holes)


def _evidence(task: Task, series: Series, market: Market, first: datetime, last: datetime) -> Evidence:
    interval, spans, connection = task.wanted.interval, market.spans, task.connection
    zone = zone_for(series.exchange, series.zone)
    aside = coverage.set_aside(connection, series.instrument_id, interval, first, last)
    untraded = np.empty(0, dtype=np.intp)
    if interval.is_intraday:
        days = local_days(coverage.without_volume(connection, series.instrument_id, first, last), zone)
        untraded = np.flatnonzero(np.isin(spans.day, days))
    return Evidence(
        said={day: gap.cause for day, gap in task.known.get(series.instrument_id, {}).items()},
        set_aside=keys(aside, spans, interval, zone),
        untraded=untraded,
        kept_since=(task.now - task.reach).timestamp() if task.reach else 0.0,
    )


def _hole(task: Task, series: Series, lack: Lack, spans: Spans) -> Hole:
    interval, day = task.wanted.interval, spans.day[lack.session].item()
    gap = task.known.get(series.instrument_id, {}).get(day)
    # A gap has the cause of most of its bars; those that were set aside were asked for with the others.
    is_of_it = gap is not None and (gap.cause is lack.cause or lack.cause is Cause.SET_ASIDE)
    zone = zone_for(series.exchange, series.zone)
    start, end = _reach(interval, lack.session, spans, zone)
    return Hole(
        series.symbol,
        interval,
        day,
        lack.bars,
        lack.cause,
        start,
        end,
        lost_at=end + task.reach if task.reach else None,
        gap=gap if is_of_it else None,
    )


def _reach(interval: Interval, session: int, spans: Spans, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Where the bars of a session may stand: from its day's first moment, or that of its week or month, to the day's last."""
    number = int(spans.day[session].astype(np.int64))
    first = min(midnight(zone, number), int(spans.open[session]))
    last = max(midnight(zone, number + 1), int(spans.close[session]))
    start = datetime.fromtimestamp(first, UTC)
    if interval.seconds > Interval.D1.seconds:
        start -= interval.length
    return start, datetime.fromtimestamp(last, UTC)
