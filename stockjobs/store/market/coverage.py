"""What is stored of a series, as counts and as times: what coverage compares with the sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, func, select

from stockjobs.domain.market.findings import FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Seconds
from stockjobs.domain.market.validation.levels import UNSPLIT
from stockjobs.store import tables
from stockjobs.store.market.epochs import epoch
from stockjobs.store.statements import as_written, is_in

_bars, _quarantined, _findings = tables.bars, tables.quarantined_bars, tables.findings
_instruments, _symbols = tables.instruments, tables.symbols


@dataclass(frozen=True)
class Series:
    """An instrument whose bars are looked at, as its provider writes it."""

    instrument_id: int
    symbol: str
    exchange: str
    zone: str
    first_trade_at: datetime | None


@dataclass(frozen=True)
class Stored:
    """How many bars of a series are stored within a span of time, the sum of their times, and the first and last of them.

    Two sets of times of the same size and sum are the same for every practical purpose.
    """

    bars: int
    sum: int
    first: datetime
    last: datetime


def series(connection: Connection, provider: str, symbols: Sequence[str], interval: Interval) -> list[Series]:
    """The instruments that bear some symbols at a provider now; without symbols all that have bars of the interval."""
    query = (
        select(
            _instruments.c.id,
            _symbols.c.symbol,
            _instruments.c.exchange,
            _instruments.c.zone,
            _instruments.c.first_trade_at,
        )
        .join(_symbols, _symbols.c.instrument_id == _instruments.c.id)
        .where(_symbols.c.provider == provider, _symbols.c.valid_to.is_(None))
        .order_by(_symbols.c.symbol)
    )
    if symbols:
        query = query.where(is_in(_symbols.c.symbol, symbols))
    else:
        # A backfill leaves no position; but the key of the bars finds the first one of a series at once.
        is_of_series = (_bars.c.instrument_id == _instruments.c.id, _bars.c.interval_s == interval.seconds)
        query = query.where(select(_bars.c.at).where(*is_of_series).exists())
    return [Series(*row) for row in connection.execute(query)]


def count(
    connection: Connection, instruments: Sequence[int], interval: Interval, start: datetime, end: datetime
) -> dict[int, Stored]:
    """What is stored of instruments with start ≤ at < end; those without a bar are left out."""
    query = (
        select(
            _bars.c.instrument_id,
            func.count(),
            func.sum(epoch(connection, _bars.c.at)),
            func.min(_bars.c.at),
            func.max(_bars.c.at),
        )
        .where(
            is_in(_bars.c.instrument_id, instruments),
            _bars.c.interval_s == interval.seconds,
            _bars.c.at >= start,
            _bars.c.at < end,
        )
        .group_by(_bars.c.instrument_id)
    )
    return {row[0]: Stored(row[1], int(row[2]), row[3], row[4]) for row in connection.execute(query)}


def oldest(connection: Connection, interval: Interval, instruments: Sequence[int]) -> datetime | None:
    """The time of the oldest bar that is stored of any of the instruments, or is held in the prices of before a split; None if
    there is none.
    """
    is_of_series = (_bars.c.instrument_id == _instruments.c.id, _bars.c.interval_s == interval.seconds)
    # The key of the bars has the first of each series at once; for all of them together PostgreSQL would read every bar.
    first = select(func.min(_bars.c.at)).where(*is_of_series).scalar_subquery()
    stored = connection.execute(select(func.min(first)).where(is_in(_instruments.c.id, instruments))).scalar()
    return min((*held_since(connection, instruments, interval).values(), *([stored] if stored else [])), default=None)


def held_since(connection: Connection, instruments: Sequence[int], interval: Interval) -> dict[int, datetime]:
    """Of each instrument the first bar that is set aside in the prices of before a split, until it is put right or decided."""
    query = select(_findings.c.instrument_id, func.min(_findings.c.at)).where(
        is_in(_findings.c.instrument_id, instruments),
        _findings.c.interval_s == interval.seconds,
        _findings.c.state == as_written(FindingState.OPEN),
        _findings.c.rule == UNSPLIT,
    )
    return {row[0]: row[1] for row in connection.execute(query.group_by(_findings.c.instrument_id))}


def times(connection: Connection, instrument: int, interval: Interval, start: datetime, end: datetime) -> Seconds:
    """The times of the stored bars of an instrument with start ≤ at < end, in epoch seconds, oldest first."""
    query = select(epoch(connection, _bars.c.at)).where(
        _bars.c.instrument_id == instrument,
        _bars.c.interval_s == interval.seconds,
        _bars.c.at >= start,
        _bars.c.at < end,
    )
    return np.array(connection.execute(query.order_by(_bars.c.at)).scalars().all(), dtype=np.int64)


def without_volume(connection: Connection, instrument: int, start: datetime, end: datetime) -> Seconds:
    """The times of an instrument's daily bars with start ≤ at < end on which nothing was traded, in epoch seconds."""
    query = select(epoch(connection, _bars.c.at)).where(
        _bars.c.instrument_id == instrument,
        _bars.c.interval_s == Interval.D1.seconds,
        _bars.c.at >= start,
        _bars.c.at < end,
        _bars.c.volume == 0,
    )
    return np.array(connection.execute(query.order_by(_bars.c.at)).scalars().all(), dtype=np.int64)


def set_aside(connection: Connection, instrument: int, interval: Interval, start: datetime, end: datetime) -> Seconds:
    """The times with start ≤ at < end of which bars of an instrument were set aside, in epoch seconds."""
    query = select(epoch(connection, _quarantined.c.at)).where(
        _quarantined.c.instrument_id == instrument,
        _quarantined.c.interval_s == interval.seconds,
        _quarantined.c.at >= start,
        _quarantined.c.at < end,
    )
    return np.array(connection.execute(query.order_by(_quarantined.c.at)).scalars().all(), dtype=np.int64)
