"""Statistics of occurrences, computed by the database in one pass over those that are meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, extract, func, select

from stockjobs.domain.work.filters import Filter
from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.ledger import filters

_occurrences = tables.occurrences


@dataclass(frozen=True)
class Statistics:
    """What a set of occurrences comes to.

    `ran` counts those that were started and have ended; their durations, in milliseconds, go from the first attempt to the end.
    `symbols` and `rows_written` are those of ended occurrences; the period is that in which they were created.
    """

    counts: dict[State, int]
    ran: int = 0
    total_ms: float = 0.0
    longest_ms: float | None = None
    symbols: int = 0
    rows_written: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    job: str | None = None

    @property
    def count(self) -> int:
        """How many occurrences there are."""
        return sum(self.counts.values())

    @property
    def succeeded(self) -> int:
        """How many completed."""
        return self.counts.get(State.COMPLETED, 0)

    @property
    def failed(self) -> int:
        """How many failed or timed out."""
        return self.counts.get(State.FAILED, 0) + self.counts.get(State.TIMEOUT, 0)

    @property
    def success_rate(self) -> float | None:
        """Completed ones among those that completed, failed or timed out, from 0 to 1; None where there are none of them."""
        decided = self.succeeded + self.failed
        return self.succeeded / decided if decided else None

    @property
    def mean_ms(self) -> float | None:
        """The mean duration, None where nothing has run to its end."""
        return round(self.total_ms / self.ran, 1) if self.ran else None


def total(connection: Connection, wanted: Filter, now: datetime) -> Statistics:
    """The statistics of all occurrences that are meant."""
    query = select(_occurrences.c.state, *_columns(connection)).group_by(_occurrences.c.state)
    rows = connection.execute(query.where(*filters.of_occurrences(connection, wanted, now))).mappings()
    return _sum(_statistics(row) for row in rows)


def of_each_job(
    connection: Connection, wanted: Filter, now: datetime, limit: int
) -> tuple[Statistics, Sequence[Statistics]]:
    """The same, and the statistics of so many jobs, those with the most occurrences first; still in one pass."""
    groups = (_occurrences.c.job_id, _occurrences.c.state)
    query = select(*groups, *_columns(connection)).group_by(*groups)
    parts: dict[UUID, list[Statistics]] = {}
    for row in connection.execute(query.where(*filters.of_occurrences(connection, wanted, now))).mappings():
        parts.setdefault(row["job_id"], []).append(_statistics(row))
    sums = {job: _sum(found) for job, found in parts.items()}
    chosen = nlargest(limit, sums, key=lambda job: (sums[job].count, job.int))
    names = _names(connection, chosen)
    return _sum(sums.values()), [_sum([sums[job]], names[job]) for job in chosen]


def _names(connection: Connection, jobs: Sequence[UUID]) -> dict[UUID, str]:
    query = select(tables.jobs.c.id, tables.jobs.c.name).where(tables.jobs.c.id.in_(jobs))
    return dict(connection.execute(query).all())


def _columns(connection: Connection) -> list[ColumnElement[Any]]:
    length = _length(connection)
    return [
        func.count().label("count"),
        func.count(length).label("ran"),
        _milliseconds(connection, func.sum(length)).label("total_ms"),
        _milliseconds(connection, func.max(length)).label("longest_ms"),
        func.coalesce(func.sum(_occurrences.c.symbols), 0).label("symbols"),
        func.coalesce(func.sum(_occurrences.c.rows_written), 0).label("rows_written"),
        func.min(_occurrences.c.created_at).label("first_at"),
        func.max(_occurrences.c.created_at).label("last_at"),
    ]


def _length(connection: Connection) -> ColumnElement[Any]:
    started, finished = _occurrences.c.started_at, _occurrences.c.finished_at
    # An interval, which PostgreSQL adds up several times faster than the numbers that EXTRACT would make of each.
    return (
        finished - started
        if connection.dialect.name == "postgresql"
        else func.julianday(finished) - func.julianday(started)
    )


def _milliseconds(connection: Connection, length: ColumnElement[Any]) -> ColumnElement[Any]:
    return extract("epoch", length) * 1_000 if connection.dialect.name == "postgresql" else length * 86_400_000.0


def _statistics(row: RowMapping) -> Statistics:
    return Statistics(
        counts={State(row["state"]): row["count"]},
        ran=row["ran"],
        total_ms=float(row["total_ms"] or 0),
        longest_ms=None if row["longest_ms"] is None else round(float(row["longest_ms"]), 1),
        symbols=int(row["symbols"]),
        rows_written=int(row["rows_written"]),
        first_at=row["first_at"],
        last_at=row["last_at"],
    )


def _sum(parts: Iterable[Statistics], job: str | None = None) -> Statistics:
    found = list(parts)
    counts: dict[State, int] = {}
    for part in found:
        for state, count in part.counts.items():
            counts[state] = counts.get(state, 0) + count
    return Statistics(
        counts=counts,
        ran=sum(part.ran for part in found),
        total_ms=sum(part.total_ms for part in found),
        longest_ms=max((part.longest_ms for part in found if part.longest_ms is not None), default=None),
        symbols=sum(part.symbols for part in found),
        rows_written=sum(part.rows_written for part in found),
        first_at=min((part.first_at for part in found if part.first_at), default=None),
        last_at=max((part.last_at for part in found if part.last_at), default=None),
        job=job,
    )
