"""Series that have fallen behind what their source keeps, and the findings that tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.market import findings
from stockjobs.store.market.trading_days import BY_ITSELF
from stockjobs.store.statements import is_in

_findings, _health, _instruments = tables.findings, tables.symbol_health, tables.instruments
_positions, _symbols = tables.positions, tables.symbols


@dataclass(frozen=True)
class Lagging:
    """A series whose newest bar is old."""

    instrument_id: int
    provider: str
    symbol: str
    exchange: str
    zone: str
    interval: Interval
    newest_at: datetime


@dataclass(frozen=True)
class Told:
    """The findings that are known: the open ones by instrument and seconds of the interval, and those that somebody decided."""

    open: dict[tuple[int, int], UUID]
    decided: frozenset[UUID]


def lagging(connection: Connection, provider: str, interval: Interval, before: datetime) -> list[Lagging]:
    """The series of a provider that runs have extended, but not since before an instant; not those of dead symbols."""
    is_doubted = (
        select(_health.c.symbol)
        .where(
            _health.c.provider == _symbols.c.provider,
            _health.c.symbol == _symbols.c.symbol,
            _health.c.state.in_(("dead", "renamed")),
        )
        .exists()
    )
    query = (
        select(
            _instruments.c.id,
            _symbols.c.provider,
            _symbols.c.symbol,
            _instruments.c.exchange,
            _instruments.c.zone,
            _positions.c.newest_at,
        )
        .join(_symbols, _symbols.c.instrument_id == _positions.c.instrument_id)
        .join(_instruments, _instruments.c.id == _positions.c.instrument_id)
        .where(
            _positions.c.interval_s == interval.seconds,
            _positions.c.newest_at < before,
            _symbols.c.provider == provider,
            _symbols.c.valid_to.is_(None),
            ~is_doubted,
        )
        .order_by(_symbols.c.symbol)
    )
    return [Lagging(*row[:5], interval, row[5]) for row in connection.execute(query)]


def providers(connection: Connection) -> Sequence[str]:
    """The providers that anything is stored of."""
    return connection.execute(select(_symbols.c.provider).distinct().order_by(_symbols.c.provider)).scalars().all()


def told(connection: Connection) -> Told:
    """The findings that bars perish, but for those that were mended."""
    state = _findings.c.state
    query = select(_findings.c.id, _findings.c.instrument_id, _findings.c.interval_s, state).where(
        _findings.c.kind == FindingKind.PERISHING.value, state != FindingState.MENDED.value
    )
    rows = connection.execute(query).all()
    is_open = {row.id for row in rows if row.state == FindingState.OPEN.value}
    return Told(
        {(row.instrument_id, row.interval_s): row.id for row in rows if row.id in is_open},
        frozenset(row.id for row in rows if row.id not in is_open),
    )


def mend(connection: Connection, found: Sequence[UUID], now: datetime) -> None:
    """Close findings whose series has been collected since, or is collected no more."""
    if found:
        findings.mend_where(connection, is_in(_findings.c.id, found), by=BY_ITSELF, now=now)
