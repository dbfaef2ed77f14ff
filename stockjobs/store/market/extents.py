"""How much is stored of many series inside a window, in one statement; and the times of a few, bar by bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, Connection, Double, func, select

from stockjobs.domain.asking.missing import Extent
from stockjobs.domain.asking.planning import Window
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Seconds
from stockjobs.store import tables
from stockjobs.store.market.epochs import epoch
from stockjobs.store.statements import is_in

_bars, _instruments, _symbols = tables.bars, tables.instruments, tables.symbols


@dataclass(frozen=True)
class Listed:
    """An instrument, where it trades (as its provider writes it), and since when."""

    id: int
    exchange: str
    zone: str
    first_trade_at: datetime | None


def listed(connection: Connection, provider: str, symbols: Sequence[str]) -> dict[str, Listed]:
    """The instruments that bear these symbols now; unknown symbols are left out."""
    names = (_instruments.c[name] for name in Listed.__dataclass_fields__)
    query = (
        select(_symbols.c.symbol, *names)
        .join(_instruments, _instruments.c.id == _symbols.c.instrument_id)
        .where(_symbols.c.provider == provider, is_in(_symbols.c.symbol, symbols), _symbols.c.valid_to.is_(None))
    )
    return {symbol: Listed(*rest) for symbol, *rest in connection.execute(query)}


def extents(
    connection: Connection, instruments: Sequence[int], interval: Interval, window: Window, *, ahead: int = 0
) -> dict[int, Extent]:
    """How much of each of these series is stored inside a window; those without a bar there are left out.

    `ahead` is by how many seconds their days are ahead of those of UTC, for bars of a day and longer.
    """
    if not instruments:
        return {}
    groups = (
        select(
            _bars.c.instrument_id,
            func.count().label("count"),
            func.min(_bars.c.at).label("first"),
            func.max(_bars.c.at).label("last"),
            func.sum(_number(connection, interval, ahead)).label("sum"),
        )
        .where(*_inside(instruments, interval, window))
        .group_by(_bars.c.instrument_id)
        .subquery()
    )
    is_last = (
        (_bars.c.instrument_id == groups.c.instrument_id)
        & (_bars.c.interval_s == interval.seconds)
        & (_bars.c.at == groups.c.last)
    )
    ends = (epoch(connection, groups.c.first), epoch(connection, groups.c.last))
    columns = (groups.c.count, *ends, groups.c.sum, _bars.c.provisional)
    query = select(groups.c.instrument_id, *columns).join(_bars, is_last)
    return {
        instrument: Extent(count, first, last, int(total), is_provisional)
        for instrument, count, first, last, total, is_provisional in connection.execute(query)
    }


def _number(connection: Connection, interval: Interval, ahead: int) -> ColumnElement[int] | ColumnElement[float]:
    """The second at which a bar stands, or for one of a day and longer the day."""
    if connection.dialect.name != "postgresql":
        at = epoch(connection, _bars.c.at)
        return at if interval.is_intraday else (at + ahead) // Interval.D1.seconds
    # In doubles, exact up to 2^53: to count millions of bars takes half as long as in numbers of any length.
    seconds: ColumnElement[float] = func.date_part("epoch", _bars.c.at, type_=Double())
    return seconds if interval.is_intraday else func.floor((seconds + float(ahead)) / float(Interval.D1.seconds))


def settled(
    connection: Connection, instruments: Sequence[int], interval: Interval, window: Window
) -> dict[int, Seconds]:
    """The times (epoch seconds) of the settled bars of these series inside a window, oldest first; of all bars of weeks and
    months, which are unfinished most of the time."""
    query = select(_bars.c.instrument_id, epoch(connection, _bars.c.at)).where(*_inside(instruments, interval, window))
    if interval.seconds <= Interval.D1.seconds:
        query = query.where(~_bars.c.provisional)
    rows = np.array([tuple(row) for row in connection.execute(query)], dtype=np.int64).reshape(-1, 2)
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    found, starts = np.unique(rows[order, 0], return_index=True)
    return dict(zip(found.tolist(), np.split(rows[order, 1], starts[1:]), strict=True)) if len(rows) else {}


def _inside(instruments: Sequence[int], interval: Interval, window: Window) -> tuple[ColumnElement[bool], ...]:
    return (
        is_in(_bars.c.instrument_id, instruments),
        _bars.c.interval_s == interval.seconds,
        _bars.c.at >= window.start,
        _bars.c.at < window.end,
    )
