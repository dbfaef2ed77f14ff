"""The log of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    delete,
    func,
    literal,
    select,
    text,
    tuple_,
)

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.work.filters import EVERY_EVENT, EventFilter
from stockjobs.store import tables
from stockjobs.store.statements import insert_many, upsert

_events, _removed = tables.events, tables.events_removed
_NEARBY = 1_000
_NEVER = 2**63 - 1


def append(connection: Connection, *events: Event) -> None:
    """Write events down, in this order."""
    insert_many(connection, tables.events, [_row(event) for event in events])


def after(
    connection: Connection, cursor: int, wanted: EventFilter = EVERY_EVENT, *, limit: int = 500
) -> Sequence[Event]:
    """The events after a cursor (the id of the last one seen), oldest first; none is ever passed over.

    Ids are given before commits, so on PostgreSQL the order is that of the transactions, and only those are read before
    which nothing can be committed any more.
    """
    query = _ordered(connection, select(_events)).where(*_of(wanted)).limit(limit)
    if connection.dialect.name == "postgresql":
        place = tuple_(_events.c.xid, _events.c.id)
        query = query.where(_is_final(), place > tuple_(literal(_transaction_of(connection, cursor)), literal(cursor)))
    else:
        query = query.where(_events.c.id > cursor)
    return [_event(row) for row in connection.execute(query).mappings()]


def _transaction_of(connection: Connection, cursor: int) -> int:
    """The transaction that wrote the event at a cursor; of one that was removed, the first that wrote any soon after it."""
    written_by = connection.execute(select(_events.c.xid).where(_events.c.id == cursor)).scalar()
    if written_by is None and cursor:
        # Ids and transactions begin in nearly the same order.
        following = select(_events.c.xid).where(_events.c.id > cursor).order_by(_events.c.id).limit(_NEARBY).subquery()
        written_by = connection.execute(select(func.coalesce(func.min(following.c.xid), _NEVER))).scalar_one()
    return written_by or 0


def latest(connection: Connection, limit: int, wanted: EventFilter = EVERY_EVENT) -> Sequence[Event]:
    """The last events, oldest first."""
    query = _ordered(connection, select(_events), newest_first=True).where(*_of(wanted)).limit(limit)
    if connection.dialect.name == "postgresql":
        query = query.where(_is_final())
    return [_event(row) for row in reversed(connection.execute(query).mappings().all())]


def missed(connection: Connection, job: UUID, limit: int) -> Sequence[Event]:
    """The last tellings of due times that a job missed, the newest first."""
    # Those about no occurrence are few, and the index on occurrences finds them.
    which = (_events.c.occurrence_id.is_(None), _events.c.job_id == job, _events.c.name == EventName.MISSED.value)
    query = select(_events).where(*which).order_by(_events.c.id.desc()).limit(limit)
    return [_event(row) for row in connection.execute(query).mappings()]


def newest(connection: Connection) -> int:
    """The cursor of the newest event, 0 if there is none."""
    found = latest(connection, 1)
    return found[0].id if found else 0


@dataclass(frozen=True)
class Removed:
    """Up to which number events were removed, with the occurrences that they are about, and when the last of them."""

    up_to: int
    at: datetime


def removed(connection: Connection) -> Removed | None:
    """What retention has removed; None if nothing yet."""
    row = connection.execute(select(_removed.c.up_to, _removed.c.at)).first()
    return Removed(row.up_to, row.at) if row else None


def remove(connection: Connection, occurrences: Sequence[UUID], now: datetime, *, at_most: int) -> int:
    """Remove events of occurrences, and note that it was done. Returns how many; fewer than `at_most` means all."""
    chosen = select(_events.c.id).where(_events.c.occurrence_id.in_(occurrences)).limit(at_most)
    gone = connection.execute(delete(_events).where(_events.c.id.in_(chosen)).returning(_events.c.id)).scalars().all()
    if gone:
        statement = upsert(connection, _removed).values(id=1, up_to=max(gone), at=now)
        higher = {"up_to": statement.excluded.up_to, "at": statement.excluded.at}
        is_higher = statement.excluded.up_to > _removed.c.up_to
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=higher, where=is_higher))
    return len(gone)


def _of(wanted: EventFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.job is not None:
        found.append(_events.c.job_id == wanted.job)
    if wanted.occurrence is not None:
        found.append(_events.c.occurrence_id == wanted.occurrence)
    if wanted.names:
        found.append(_events.c.name.in_([name.value for name in wanted.names]))
    return found


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
