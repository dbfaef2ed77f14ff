"""How fast the fleet works: what attempts took lately, and how many run at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.sql.functions import FunctionElement

from stockjobs.domain.asking.pricing import Speed
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.pace import Ended, Work
from stockjobs.domain.work.states import ENDED, State
from stockjobs.store import tables
from stockjobs.store.ledger import workers
from stockjobs.store.statements import word, words

_attempts, _occurrences, _tasks = tables.attempts, tables.occurrences, tables.tasks

_OCCURRENCES = 20
_ATTEMPTS = 500
LATEST = 200
"""How many of the tasks that ended last say how fast an occurrence goes on."""


def measured(connection: Connection, provider: str, now: datetime) -> Speed | None:
    """What the attempts of the latest occurrences that completed took for a request; None if none made any."""
    ended = select(_occurrences.c.id).where(_occurrences.c.state == word(State.COMPLETED))
    latest = ended.order_by(_occurrences.c.finished_at.desc()).limit(_OCCURRENCES)
    query = (
        select(_attempts.c.started_at, _attempts.c.finished_at, _attempts.c.requests)
        .join(_tasks, _tasks.c.id == _attempts.c.task_id)
        .where(_tasks.c.occurrence_id.in_(latest), _tasks.c.provider == provider, _attempts.c.requests > 0)
        .limit(_ATTEMPTS)
    )
    rows = [row for row in connection.execute(query).all() if row.finished_at is not None]
    requests = sum(row.requests for row in rows)
    if not requests:
        return None
    busy = sum((row.finished_at - row.started_at for row in rows), timedelta())
    return Speed(busy / requests, _slots(connection, now))


def _slots(connection: Connection, now: datetime) -> int:
    """How many tasks of the past run at once."""
    seen = workers.seen_since(connection, now - workers.GONE_AFTER)
    return sum(one.concurrency for one in seen if Lane.HISTORICAL in one.lanes)


@dataclass(frozen=True)
class Ledger:
    """What the ledger says of the tasks of an occurrence: what is done of all, the latest that ended, the next to be tried."""

    work: Work
    latest: Sequence[Ended]
    next_try_at: datetime | None


def of_occurrence(connection: Connection, occurrence: UUID) -> Ledger:
    """How far the tasks of an occurrence are, counted in symbols: one at one interval in one window."""
    mine = _tasks.c.occurrence_id == occurrence
    whole, left = _length(connection, _tasks.c.symbols), _length(connection, _tasks.c.remaining)
    states = connection.execute(
        select(_tasks.c.state, func.sum(whole), func.sum(func.coalesce(left, whole)), func.max(_tasks.c.run_at))
        .where(mine)
        .group_by(_tasks.c.state)
    ).all()
    total = sum(int(row[1]) for row in states)
    waiting = sum(int(row[2]) for row in states if State(row[0]) not in ENDED)
    later = max((row[3] for row in states if row[0] == State.SCHEDULED.value), default=None)
    ended = (
        select(_tasks.c.started_at, _tasks.c.finished_at, whole)
        .where(mine, _tasks.c.state.in_(words(ENDED)), _tasks.c.started_at.is_not(None))
        .order_by(_tasks.c.finished_at.desc())
        .limit(LATEST)
    )
    latest = [Ended(*row) for row in connection.execute(ended)]
    return Ledger(Work(total - waiting, total), latest, later)


def _length(connection: Connection, document: object) -> FunctionElement[int]:
    """How many symbols a column lists."""
    on_postgresql = connection.dialect.name == "postgresql"
    return func.jsonb_array_length(document) if on_postgresql else func.json_array_length(document)
