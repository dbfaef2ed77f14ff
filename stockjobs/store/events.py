"""The log of events."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, insert, select

from stockjobs.domain.events import Event, EventName
from stockjobs.store import tables


def append(connection: Connection, *events: Event) -> None:
    """Write events down, in this order."""
    if events:
        connection.execute(insert(tables.events), [_row(event) for event in events])


def after(
    connection: Connection, cursor: int, *, limit: int = 500, job: UUID | None = None, occurrence: UUID | None = None
) -> Sequence[Event]:
    """The events after a cursor (the id of the last one seen), oldest first."""
    table = tables.events
    query = select(table).where(table.c.id > cursor).order_by(table.c.id).limit(limit)
    if job is not None:
        query = query.where(table.c.job_id == job)
    if occurrence is not None:
        query = query.where(table.c.occurrence_id == occurrence)
    return [Event(**{**row, "name": EventName(row["name"])}) for row in connection.execute(query).mappings()]


def latest(connection: Connection, limit: int, *, occurrence: UUID | None = None) -> Sequence[Event]:
    """The last events, oldest first; of one occurrence or of all."""
    table = tables.events
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if occurrence is not None:
        query = query.where(table.c.occurrence_id == occurrence)
    rows = connection.execute(query).mappings().all()
    return [Event(**{**row, "name": EventName(row["name"])}) for row in reversed(rows)]


def newest(connection: Connection) -> int:
    """The id of the newest event, 0 if there is none."""
    return connection.execute(select(tables.events.c.id).order_by(tables.events.c.id.desc()).limit(1)).scalar() or 0


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
