"""Freshness: the jobs that have a target for it, the newest bars of their series, and which of them are stale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update

from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.market.positions import unfinished_at
from stockjobs.store.statements import insert_if_absent, is_in

_freshness, _jobs, _versions = tables.freshness, tables.jobs, tables.job_versions
_positions, _symbols, _instruments, _health = (
    tables.positions,
    tables.symbols,
    tables.instruments,
    tables.symbol_health,
)


@dataclass(frozen=True)
class NewestBar:
    """The newest stored bar of a series, None without any, and when it was written if it is unfinished; exchange and zone are
    empty for a symbol nobody has seen yet.
    """

    symbol: str
    exchange: str
    zone: str
    interval: Interval
    newest_at: datetime | None
    unfinished_at: datetime | None = None


@dataclass(frozen=True)
class Kept:
    """What was last found of a job, and since when it has been so."""

    job_id: UUID
    is_stale: bool
    newest_at: datetime | None
    checked_at: datetime
    changed_at: datetime


def targeted(connection: Connection) -> Sequence[tuple[UUID, int]]:
    """The jobs, with their version, that have a target and may run."""
    current = (_versions.c.job_id == _jobs.c.id) & (_versions.c.version == _jobs.c.version)
    query = (
        select(_jobs.c.id, _jobs.c.version)
        .join(_versions, current)
        .where(
            _jobs.c.deleted_at.is_(None),
            _jobs.c.enabled,
            ~_jobs.c.paused,
            _versions.c.spec["freshness"].as_string().is_not(None),
        )
        .order_by(_jobs.c.name)
    )
    return [(row.id, row.version) for row in connection.execute(query)]


def newest(
    connection: Connection, provider: str, symbols: Sequence[str], intervals: Sequence[Interval]
) -> list[NewestBar]:
    """The newest bar of each series; those of symbols that may not trade any more are left out."""
    query = (
        select(
            _symbols.c.symbol,
            _instruments.c.exchange,
            _instruments.c.zone,
            _positions.c.interval_s,
            _positions.c.newest_at,
            unfinished_at().label("unfinished_at"),
        )
        .join(_instruments, _instruments.c.id == _symbols.c.instrument_id)
        .outerjoin(
            _positions,
            (_positions.c.instrument_id == _symbols.c.instrument_id)
            & _positions.c.interval_s.in_([one.seconds for one in intervals]),
        )
        .where(_symbols.c.provider == provider, is_in(_symbols.c.symbol, symbols), _symbols.c.valid_to.is_(None))
    )
    rows = connection.execute(query).all()
    known = {(row.symbol, row.interval_s): (row.newest_at, row.unfinished_at) for row in rows}
    places = {row.symbol: (row.exchange, row.zone) for row in rows}
    doubted = _doubted(connection, provider, symbols)
    return [
        NewestBar(symbol, *places.get(symbol, ("", "")), interval, *known.get((symbol, interval.seconds), (None, None)))
        for symbol in symbols
        if symbol not in doubted
        for interval in intervals
    ]


def _doubted(connection: Connection, provider: str, symbols: Sequence[str]) -> set[str]:
    query = select(_health.c.symbol).where(
        _health.c.provider == provider, _health.c.state != "active", is_in(_health.c.symbol, symbols)
    )
    return set(connection.execute(query).scalars())


def stored(connection: Connection) -> dict[UUID, Kept]:
    """What was last found, by job."""
    return {row["job_id"]: Kept(**row) for row in connection.execute(select(_freshness)).mappings()}


def put(connection: Connection, kept: Kept) -> bool:
    """Write down what was found of a job. True if it has become stale, or fresh again, by this and by nobody else's look.

    What somebody has written who looked later stays.
    """
    row = {name: getattr(kept, name) for name in Kept.__dataclass_fields__}
    if insert_if_absent(connection, _freshness, [row]):
        return kept.is_stale
    is_news = (_freshness.c.is_stale != kept.is_stale, _freshness.c.checked_at <= kept.checked_at)
    found = update(_freshness).where(_freshness.c.job_id == kept.job_id, *is_news).values(row)
    return connection.execute(found).rowcount > 0
