"""Tasks and their attempts, as they are read and made. How they move is in `lanes` and `claims`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, exists, select, update

from stockjobs.domain.asking.planning import TaskPlan
from stockjobs.domain.work.lanes import Lane, Priority, lane_of
from stockjobs.domain.work.states import OPEN, State
from stockjobs.errors import NotFound
from stockjobs.store import tables
from stockjobs.store.ledger.occurrences import Occurrence
from stockjobs.store.prefixes import ids_from
from stockjobs.store.statements import in_order, insert_many, word, words

_tasks, _attempts = tables.tasks, tables.attempts


@dataclass(frozen=True)
class Task:
    """A batch of symbols and a window inside an occurrence, with what has become of it."""

    id: UUID
    occurrence_id: UUID
    job: str
    key: str
    interval_s: int | None
    symbols: tuple[str, ...]
    window_start: datetime | None
    window_end: datetime | None
    about: datetime
    priority: Priority
    state: State
    run_at: datetime
    number: int
    failures: int
    deferrals: int
    crashes: int
    worker: str | None
    error_kind: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    def lane(self, now: datetime) -> Lane:
        """The lane that the task belongs to at this moment."""
        return lane_of(self.about, now)


@dataclass(frozen=True)
class Attempt:
    """One try of a task; its id is the Celery task id."""

    id: UUID
    task_id: UUID
    number: int
    state: State
    lane: Lane
    worker: str
    started_at: datetime
    finished_at: datetime | None
    requests: int | None
    rows_received: int | None
    rows_written: int | None
    rows_rejected: int | None
    failed_symbols: dict[str, str] | None
    error_kind: str | None
    error: str | None


@dataclass(frozen=True)
class Placement:
    """Where the tasks of an occurrence go: to which provider, not before when; and whether their job has a cap, or is paused."""

    provider: str
    run_at: datetime
    is_capped: bool = False
    is_held: bool = False


def create(connection: Connection, made: Iterable[tuple[Occurrence, Sequence[TaskPlan], Placement]]) -> None:
    """Write the tasks of occurrences down; those that are there already are left alone."""
    rows = [
        {**common, **_row(plan)}
        for occurrence, plans, place in made
        for common in [_common(occurrence, place)]
        for plan in plans
    ]
    insert_many(connection, _tasks, rows)


def _common(occurrence: Occurrence, place: Placement) -> dict[str, Any]:
    waits = place.run_at > occurrence.created_at
    return {
        "occurrence_id": occurrence.id,
        "job_id": occurrence.job_id,
        "provider": place.provider,
        "capped": place.is_capped,
        "held": place.is_capped or place.is_held,
        "state": (State.SCHEDULED if waits else State.QUEUED).value,
        "run_at": place.run_at,
        "number": 1,
        "failures": 0,
        "deferrals": 0,
        "crashes": 0,
        "created_at": occurrence.created_at,
    }


def _row(plan: TaskPlan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "key": plan.key,
        "interval_s": plan.interval.seconds if plan.interval else None,
        "symbols": list(plan.symbols),
        "window_start": plan.start,
        "window_end": plan.end,
        "about": plan.about,
        "priority": int(plan.priority),
    }


def find(
    connection: Connection,
    *conditions: ColumnElement[bool],
    occurrence: UUID | None = None,
    states: Sequence[State] = (),
    limit: int = 100,
) -> Sequence[Task]:
    """Tasks, the newest first; of one occurrence, in some states, or those that conditions hold for (see `filters`)."""
    query = _select().where(*conditions).order_by(_tasks.c.created_at.desc(), _tasks.c.key).limit(limit)
    if occurrence is not None:
        query = query.where(_tasks.c.occurrence_id == occurrence)
    if states:
        query = query.where(_tasks.c.state.in_(words(states)))
    return [_task(row) for row in connection.execute(query).mappings()]


def get(connection: Connection, task: UUID) -> Task | None:
    """A task by its id."""
    row = connection.execute(_select().where(_tasks.c.id == task)).mappings().first()
    return _task(row) if row else None


def get_by_prefix(connection: Connection, text: str) -> Task:
    """The one task whose id begins with these hexadecimal digits; dashes count for nothing. Raises NotFound."""
    lowest, highest = ids_from(text, "a task")
    found = connection.execute(_select().where(_tasks.c.id.between(lowest, highest)).limit(2)).mappings().all()
    if len(found) != 1:
        problem = "there is no task" if not found else "there are several tasks"
        raise NotFound(f"{problem} {text!r}: `stockctl get tasks` lists them")
    return _task(found[0])


def attempts_of(connection: Connection, tasks: Collection[UUID]) -> dict[UUID, list[Attempt]]:
    """The attempts of each of these tasks, in order."""
    found: dict[UUID, list[Attempt]] = {task: [] for task in tasks}
    query = select(_attempts).where(_attempts.c.task_id.in_(list(tasks))).order_by(_attempts.c.number)
    for row in connection.execute(query).mappings():
        attempt = Attempt(**{**row, "state": State(row["state"]), "lane": Lane(row["lane"])})
        found[attempt.task_id].append(attempt)
    return found


def promote(connection: Connection, now: datetime) -> int:
    """Queue the tasks whose time has come. Returns how many.

    Those of an occurrence that is not queued itself wait for it. Those in another's hand are passed over.
    """
    occurrences = tables.occurrences
    waits = exists().where(occurrences.c.id == _tasks.c.occurrence_id, occurrences.c.state == word(State.SCHEDULED))
    due = (_tasks.c.state == word(State.SCHEDULED), _tasks.c.run_at <= now, ~waits)
    statement = update(_tasks).where(*in_order(connection, _tasks, due, passing_over=True))
    return connection.execute(statement.values(state=State.QUEUED.value)).rowcount


def hold(connection: Connection, job: UUID) -> int:
    """Keep what waits of a job out of its lane, and withdraw its messages. Returns how many tasks."""
    occurrences = tables.occurrences
    mine = select(occurrences.c.id).where(occurrences.c.job_id == job, occurrences.c.state.in_(words(OPEN)))
    waiting = (_tasks.c.occurrence_id.in_(mine), _tasks.c.state.in_(words([State.SCHEDULED, State.QUEUED])))
    statement = update(_tasks).where(*in_order(connection, _tasks, waiting))
    return connection.execute(statement.values(held=True, offered_at=None, offered_lane=None)).rowcount


def cancel(
    connection: Connection, occurrences: Collection[UUID], now: datetime, *, task: UUID | None = None
) -> Counter[UUID]:
    """Cancel every open task of some occurrences, or one of them. Returns how many of each.

    What waits is cancelled at once, what runs as soon as its worker looks.
    """
    which = [_tasks.c.occurrence_id.in_(list(occurrences))] + ([_tasks.c.id == task] if task else [])
    values = {
        "state": State.CANCELLED.value,
        "finished_at": now,
        "offered_at": None,
        "offered_lane": None,
        "lease_until": None,
        "worker": None,
    }
    still_open = in_order(connection, _tasks, (*which, _tasks.c.state.in_(words(OPEN))))
    statement = update(_tasks).where(*still_open).values(values).returning(_tasks.c.occurrence_id)
    cancelled = Counter(connection.execute(statement).scalars())
    # Only now nobody can claim any of them.
    mine = select(_tasks.c.id).where(*which, _tasks.c.state == word(State.CANCELLED))
    running = update(_attempts).where(_attempts.c.task_id.in_(mine), _attempts.c.state == State.RUNNING.value)
    connection.execute(running.values(state=State.CANCELLED.value, finished_at=now))
    return cancelled


def _select() -> Select[tuple[object, ...]]:
    names = [name for name in Task.__dataclass_fields__ if name != "job"]
    return (
        select(*(_tasks.c[name] for name in names), tables.jobs.c.name.label("job"))
        .join(tables.occurrences, tables.occurrences.c.id == _tasks.c.occurrence_id)
        .join(tables.jobs, tables.jobs.c.id == tables.occurrences.c.job_id)
    )


def _task(row: Any) -> Task:
    converted = {"state": State(row["state"]), "priority": Priority(row["priority"]), "symbols": tuple(row["symbols"])}
    return Task(**{**row, **converted})
