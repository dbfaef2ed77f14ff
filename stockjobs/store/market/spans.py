"""From when until when bars of an instrument are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables

_bars = tables.bars


@dataclass(frozen=True)
class Span:
    """The first and the last of some bars."""

    first: datetime
    last: datetime


def span(connection: Connection, instrument: int, interval: Interval) -> Span | None:
    """The first and the last stored bar of an instrument at an interval, found by the key; None if there is none."""
    which = (_bars.c.instrument_id == instrument, _bars.c.interval_s == interval.seconds)
    # One at a time: together SQLite would read all of them.
    ends = (select(end(_bars.c.at)).where(*which).scalar_subquery() for end in (func.min, func.max))
    first, last = connection.execute(select(*ends)).one()
    return Span(first, last) if first is not None else None


def intervals(connection: Connection, instrument: int) -> list[Interval]:
    """The intervals at which there are bars of an instrument."""
    return [one for one in Interval if span(connection, instrument, one) is not None]
