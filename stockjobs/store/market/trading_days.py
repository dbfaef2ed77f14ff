"""Trading days without a bar: which of them somebody was told of, and which have got their bars since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select

from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.market import findings
from stockjobs.store.statements import is_in

_findings, _health, _bars = tables.findings, tables.symbol_health, tables.bars

BY_ITSELF = "stockjobs"
"""Who decides on a finding where no person does."""


def told(connection: Connection, which: Sequence[UUID]) -> set[UUID]:
    """Which of some findings are stored already, and were not put right since."""
    is_so = _findings.c.state != FindingState.MENDED.value
    return set(connection.execute(select(_findings.c.id).where(is_in(_findings.c.id, which), is_so)).scalars())


def mend(connection: Connection, instrument: int, interval: Interval, opens: Sequence[datetime], now: datetime) -> int:
    """Mark the findings mended that sessions with these opens had no rows. Returns how many were open."""
    if not opens:
        return 0
    which = (
        _findings.c.kind == FindingKind.NO_ROWS.value,
        _findings.c.instrument_id == instrument,
        _findings.c.interval_s == interval.seconds,
        is_in(_findings.c.at, opens),
    )
    return findings.mend_where(connection, *which, by=BY_ITSELF, now=now)


def is_doubted(connection: Connection, provider: str, symbol: str) -> bool:
    """True for a symbol that may not trade any more: suspect, dead or renamed."""
    state = connection.execute(
        select(_health.c.state).where(_health.c.provider == provider, _health.c.symbol == symbol)
    ).scalar()
    return state not in (None, "active")


def newest_bar(connection: Connection, instrument: int, interval: Interval) -> datetime | None:
    """The time of the newest stored bar of an instrument, None if there is none."""
    return connection.execute(
        select(func.max(_bars.c.at)).where(_bars.c.instrument_id == instrument, _bars.c.interval_s == interval.seconds)
    ).scalar()


def oldest_bar(connection: Connection, instrument: int, interval: Interval) -> datetime | None:
    """The time of the oldest stored bar of an instrument, None if there is none."""
    return connection.execute(
        select(func.min(_bars.c.at)).where(_bars.c.instrument_id == instrument, _bars.c.interval_s == interval.seconds)
    ).scalar()
