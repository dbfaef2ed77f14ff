"""What is stored of a series, as counts and as times: what coverage compares with the sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, func, select

from stockjobs.domain.intervals import Interval
from stockjobs.domain.sessions import Seconds
from stockjobs.store import tables
from stockjobs.store.epochs import epoch

_bars, _quarantined = tables.bars, tables.quarantined_bars


@dataclass(frozen=True)
class Stored:
    """How many bars of a series are stored within a span of time, and the first and last of them."""

    bars: int
    first: datetime
    last: datetime


def count(
    connection: Connection, instruments: Sequence[int], interval: Interval, start: datetime, end: datetime
) -> dict[int, Stored]:
    """What is stored of instruments with start ≤ at < end; those without a bar are left out."""
    query = (
        select(_bars.c.instrument_id, func.count(), func.min(_bars.c.at), func.max(_bars.c.at))
        .where(
            _bars.c.instrument_id.in_(instruments),
            _bars.c.interval_s == interval.seconds,
            _bars.c.at >= start,
            _bars.c.at < end,
        )
        .group_by(_bars.c.instrument_id)
    )
    return {row[0]: Stored(row[1], row[2], row[3]) for row in connection.execute(query)}


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
