"""What is stored, told in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables


@dataclass(frozen=True)
class Holding:
    """What is stored of one symbol at one interval."""

    symbol: str
    interval: Interval
    bars: int
    first: datetime
    last: datetime
    last_close: float
    currency: str
    unit: float
    provider: str


def stored(connection: Connection, wanted: Sequence[str] = ()) -> Sequence[Holding]:
    """What is stored, per symbol and interval; of some symbols or of all."""
    bars, symbols, instruments = tables.bars, tables.symbols, tables.instruments
    groups = select(
        bars.c.instrument_id,
        bars.c.interval_s,
        func.count().label("bars"),
        func.min(bars.c.at).label("first"),
        func.max(bars.c.at).label("last"),
    ).group_by(bars.c.instrument_id, bars.c.interval_s)
    if wanted:
        bearers = select(symbols.c.instrument_id).where(symbols.c.symbol.in_(wanted), symbols.c.valid_to.is_(None))
        groups = groups.where(bars.c.instrument_id.in_(bearers))
    spans = groups.subquery()
    query = (
        select(
            symbols.c.symbol,
            spans.c.interval_s,
            spans.c.bars,
            spans.c.first,
            spans.c.last,
            bars.c.close,
            instruments.c.currency,
            instruments.c.unit,
            symbols.c.provider,
        )
        .join(symbols, (symbols.c.instrument_id == spans.c.instrument_id) & symbols.c.valid_to.is_(None))
        .join(instruments, instruments.c.id == spans.c.instrument_id)
        .join(
            bars,
            (bars.c.instrument_id == spans.c.instrument_id)
            & (bars.c.interval_s == spans.c.interval_s)
            & (bars.c.at == spans.c.last),
        )
        .order_by(symbols.c.symbol, spans.c.interval_s)
    )
    if wanted:
        query = query.where(symbols.c.symbol.in_(wanted))
    return [
        Holding(symbol, Interval.from_seconds(seconds), *rest) for symbol, seconds, *rest in connection.execute(query)
    ]
