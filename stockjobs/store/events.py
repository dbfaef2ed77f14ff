"""The log of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, insert, select, text, tuple_

from stockjobs.domain.events import Event, EventName
from stockjobs.store import tables

_events = tables.events


def append(connection: Connection, *events: Event) -> None:
    """Write events down, in this order."""
    if events:
        connection.execute(insert(tables.events), [_row(event) for event in events])


def after(
    connection: Connection, cursor: int, *, limit: int = 500, job: UUID | None = None, occurrence: UUID | None = None
) -> Sequence[Event]:
    """The events after a cursor (the id of the last one seen), oldest first; none is ever passed over.

    Ids are given before commits, so on PostgreSQL the order is that of the transactions, and only those are read before
    which nothing can be committed any more.
    """
    query = _ordered(connection, select(_events)).limit(limit)
    if connection.dialect.name == "postgresql":
        seen = select(_events.c.xid, _events.c.id).where(_events.c.id == cursor).subquery()
        last = (func.coalesce(select(seen.c.xid).scalar_subquery(), 0), cursor)
        query = query.where(_is_final(), tuple_(_events.c.xid, _events.c.id) > tuple_(*last))
    else:
        query = query.where(_events.c.id > cursor)
    if job is not None:
        query = query.where(_events.c.job_id == job)
    if occurrence is not None:
        query = query.where(_events.c.occurrence_id == occurrence)
    return [_event(row) for row in connection.execute(query).mappings()]


def latest(connection: Connection, limit: int, *, occurrence: UUID | None = None) -> Sequence[Event]:
    """The last events, oldest first; of one occurrence or of all."""
    query = _ordered(connection, select(_events), newest_first=True).limit(limit)
    if connection.dialect.name == "postgresql":
        query = query.where(_is_final())
    if occurrence is not None:
        query = query.where(_events.c.occurrence_id == occurrence)
    return [_event(row) for row in reversed(connection.execute(query).mappings().all())]


def newest(connection: Connection) -> int:
    """The cursor of the newest event, 0 if there is none."""
    found = latest(connection, 1)
    return found[0].id if found else 0


def _ordered(
    connection: Connection, query: Select[*tuple[Any, ...]], *, newest_first: bool = False
) -> Select[*tuple[Any, ...]]:
    columns = (_events.c.xid, _events.c.id) if connection.dialect.name == "postgresql" else (_events.c.id,)
    return query.order_by(*(column.desc() if newest_first else column for column in columns))


def _is_final() -> ColumnElement[bool]:
    # No transaction that is still under way has a lower number.
    return _events.c.xid < text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def _event(row: RowMapping) -> Event:
    known = {name: row[name] for name in Event.__dataclass_fields__}
    return Event(**{**known, "name": EventName(row["name"])})


def _row(event: Event) -> dict[str, object]:
    return {
        "at": event.at,
        "name": event.name.value,
        "job_id": event.job_id,
        "occurrence_id": event.occurrence_id,
        "task_id": event.task_id,
        "attempt_id": event.attempt_id,
        "data": event.data,
    }
