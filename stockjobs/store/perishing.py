"""Series that have fallen behind what their source keeps, and the findings that tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update

from stockjobs.domain.findings import FindingKind, FindingState
from stockjobs.domain.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.trading_days import BY_ITSELF

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


def told(connection: Connection) -> dict[tuple[int, int], UUID]:
    """The open findings that bars perish, by instrument and seconds of the interval."""
    query = select(_findings.c.id, _findings.c.instrument_id, _findings.c.interval_s).where(
        _findings.c.kind == FindingKind.PERISHING.value, _findings.c.state == FindingState.OPEN.value
    )
    return {(row.instrument_id, row.interval_s): row.id for row in connection.execute(query)}


def mend(connection: Connection, found: Sequence[UUID], now: datetime) -> None:
    """Close findings whose series has been collected since, or is collected no more."""
    if found:
        mended = {"state": FindingState.MENDED.value, "decided_at": now, "decided_by": BY_ITSELF}
        connection.execute(update(_findings).where(_findings.c.id.in_(found)).values(mended))
