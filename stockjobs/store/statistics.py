"""Statistics of occurrences, computed by the database in one pass over those that are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, case, extract, func, select

from stockjobs.domain.filters import Filter
from stockjobs.domain.states import ENDED, OPEN, State
from stockjobs.store import filters, tables

_occurrences = tables.occurrences
_STATES = (*OPEN, *ENDED)


@dataclass(frozen=True)
class Statistics:
    """What a set of occurrences comes to.

    Durations are in milliseconds, from the first attempt of an occurrence to its end; `None` where nothing has run to its end.
    `symbols` and `rows_written` are those of ended occurrences.
    """

    counts: dict[State, int]
    mean_ms: float | None = None
    longest_ms: float | None = None
    symbols: int = 0
    rows_written: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    job: str | None = None

    @property
    def total(self) -> int:
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


def total(connection: Connection, wanted: Filter, now: datetime) -> Statistics:
    """The statistics of all occurrences that are meant."""
    query = select(*_columns(connection)).where(*filters.of_occurrences(connection, wanted, now))
    return _statistics(connection.execute(query).mappings().one())


def of_each_job(connection: Connection, wanted: Filter, now: datetime, limit: int) -> Sequence[Statistics]:
    """The statistics of each job that has any of those occurrences, the jobs with the most first."""
    job = _occurrences.c.job_id
    query = select(job, *_columns(connection)).where(*filters.of_occurrences(connection, wanted, now)).group_by(job)
    chosen = query.order_by(func.count().desc(), job).limit(limit).subquery()
    named = select(tables.jobs.c.name.label("job"), *(column for column in chosen.c if column.name != job.name))
    rows = connection.execute(named.join(chosen, chosen.c.job_id == tables.jobs.c.id)).mappings()
    return sorted((_statistics(row, row["job"]) for row in rows), key=lambda found: (-found.total, found.job or ""))


def _columns(connection: Connection) -> list[ColumnElement[Any]]:
    milliseconds = _milliseconds(connection)
    return [
        *(func.count(case((_occurrences.c.state == state.value, 1))).label(state.value) for state in _STATES),
        func.avg(milliseconds).label("mean_ms"),
        func.max(milliseconds).label("longest_ms"),
        func.coalesce(func.sum(_occurrences.c.symbols), 0).label("symbols"),
        func.coalesce(func.sum(_occurrences.c.rows_written), 0).label("rows_written"),
        func.min(_occurrences.c.created_at).label("first_at"),
        func.max(_occurrences.c.created_at).label("last_at"),
    ]


def _milliseconds(connection: Connection) -> ColumnElement[Any]:
    started, finished = _occurrences.c.started_at, _occurrences.c.finished_at
    if connection.dialect.name == "postgresql":
        return extract("epoch", finished - started) * 1_000.0
    return (func.julianday(finished) - func.julianday(started)) * 86_400_000.0


def _statistics(row: RowMapping, job: str | None = None) -> Statistics:
    return Statistics(
        counts={state: row[state.value] for state in _STATES if row[state.value]},
        mean_ms=_rounded(row["mean_ms"]),
        longest_ms=_rounded(row["longest_ms"]),
        symbols=int(row["symbols"]),
        rows_written=int(row["rows_written"]),
        first_at=row["first_at"],
        last_at=row["last_at"],
        job=job,
    )


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 1)
