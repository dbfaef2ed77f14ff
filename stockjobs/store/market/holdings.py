"""What is stored, told in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.statements import is_in

_bars, _symbols, _instruments = tables.bars, tables.symbols, tables.instruments


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
    bearers = _bearers(connection, wanted) if wanted else None
    found = connection.execute(_query(bearers, wanted))
    return [Holding(symbol, Interval.from_seconds(seconds), *rest) for symbol, seconds, *rest in found]


def _bearers(connection: Connection, wanted: Sequence[str]) -> list[int]:
    # Asked before, so that their bars are found by the index: of a subquery PostgreSQL does not know how few it brings.
    is_wanted = (is_in(_symbols.c.symbol, wanted), _symbols.c.valid_to.is_(None))
    return sorted(set(connection.execute(select(_symbols.c.instrument_id).where(*is_wanted)).scalars()))


def _query(bearers: Sequence[int] | None, wanted: Sequence[str]) -> Select[tuple[Any, ...]]:
    spans = _spans(bearers).subquery("spans")
    is_last = (
        (_bars.c.instrument_id == spans.c.instrument_id)
        & (_bars.c.interval_s == spans.c.interval_s)
        & (_bars.c.at == spans.c.last)
    )
    last_close = select(_bars.c.close).where(is_last).correlate(spans).scalar_subquery()
    query = (
        select(
            _symbols.c.symbol,
            *(spans.c[name] for name in ("interval_s", "bars", "first", "last")),
            last_close,
            _instruments.c.currency,
            _instruments.c.unit,
            _symbols.c.provider,
        )
        .join(_symbols, (_symbols.c.instrument_id == spans.c.instrument_id) & _symbols.c.valid_to.is_(None))
        .join(_instruments, _instruments.c.id == spans.c.instrument_id)
        .order_by(_symbols.c.symbol, spans.c.interval_s)
    )
    return query.where(is_in(_symbols.c.symbol, wanted)) if wanted else query


def _spans(bearers: Sequence[int] | None) -> Select[tuple[Any, ...]]:
    columns = (_bars.c.instrument_id, _bars.c.interval_s)
    numbers = (
        func.count().label("bars"),
        func.min(_bars.c.at).label("first"),
        func.max(_bars.c.at).label("last"),
    )
    query = select(*columns, *numbers).group_by(*columns)
    return query if bearers is None else query.where(is_in(_bars.c.instrument_id, bearers))
