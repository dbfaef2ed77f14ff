"""Held work: due tasks that are kept out of their lane, because their job runs only so many at once, or is paused.

A task of a capped job is made held. A dispatcher releases as many as there is room for, the job's row locked meanwhile, so that
any number of dispatchers never release more. Whatever slips past (a task that was queued while its job was being paused) is held
when it is about to be offered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, TextClause, and_, case, func, or_, select, update

from stockjobs.domain.work.lanes import Lane, Priority, midnight
from stockjobs.domain.work.states import OPEN, State
from stockjobs.store import tables
from stockjobs.store.statements import Conditions, in_order, is_set, is_unset, word, words

_jobs, _tasks, _occurrences = tables.jobs, tables.tasks, tables.occurrences

UNCAPPED_A_TICK = 5_000
"""How many held tasks of a job without a cap are released at once."""


@dataclass(frozen=True)
class Waiting:
    """A job that is not paused and has held work; `room` is how many more may be in flight, None for any number."""

    job_id: UUID
    room: int | None


def waiting(connection: Connection) -> Sequence[Waiting]:
    """The jobs that are not paused and have held work; costs as much as there are jobs with held work."""
    rows = connection.execute(waiting_query())
    return [Waiting(job, None if cap is None else cap - count) for job, cap, count in rows]


def waiting_query() -> Select[UUID, int | None, int]:
    """The query behind `waiting`: it steps from job to job in ix_tasks_held, however much work of each is there."""
    first = _first_held().subquery()
    walk = select(first.c.job_id).cte("held_jobs", recursive=True)
    walk = walk.union_all(
        select(_first_held(walk.c.job_id).correlate(walk).scalar_subquery()).where(walk.c.job_id.is_not(None))
    )
    query = select(_jobs.c.id, _jobs.c.max_parallel, _in_flight(_jobs.c.id).scalar_subquery())
    return query.join(walk, walk.c.job_id == _jobs.c.id).where(is_unset(_jobs.c.paused))


def _first_held(after: ColumnElement[UUID] | None = None) -> Select[UUID]:
    """The first job, or the first after one, that has held work: a probe of ix_tasks_held."""
    query = select(_tasks.c.job_id).where(*_is_held()).order_by(_tasks.c.job_id).limit(1)
    return query if after is None else query.where(_tasks.c.job_id > after)


def release(connection: Connection, jobs: Collection[UUID], lanes: Sequence[Lane], now: datetime) -> int:
    """Let held tasks of these jobs into the given lanes, as many as there is room for. Returns how many.

    Realtime work goes before historical work, and each in its lane's order. Jobs in the hand of somebody else are passed over.
    """
    locked = (
        select(_jobs.c.id, _jobs.c.max_parallel)
        .where(_jobs.c.id.in_(jobs), is_unset(_jobs.c.paused))
        .order_by(_jobs.c.id)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return sum(_release(connection, job, cap, lanes, now) for job, cap in connection.execute(locked).all())


def _release(connection: Connection, job: UUID, cap: int | None, lanes: Sequence[Lane], now: datetime) -> int:
    if cap is None:
        free = select(_tasks.c.id).where(_tasks.c.job_id == job, *_is_held()).limit(UNCAPPED_A_TICK)
        chosen = connection.execute(free.with_for_update(skip_locked=True)).scalars().all()
    else:
        # Counted only now that the row is ours: whoever had it before has released, and ended.
        room = cap - connection.execute(_in_flight(job)).scalar_one()
        chosen = _next(connection, job, lanes, now, room)
    if not chosen:
        return 0
    statement = update(_tasks).where(_tasks.c.id.in_(chosen), *_is_held())
    return connection.execute(statement.values(held=False, capped=cap is not None)).rowcount


def _next(connection: Connection, job: UUID, lanes: Sequence[Lane], now: datetime, room: int) -> Sequence[UUID]:
    found: list[UUID] = []
    for lane in lanes:
        for priority in sorted(Priority, reverse=True):
            if len(found) < room:
                query = held_query(job, lane, priority, now, room - len(found)).with_for_update(skip_locked=True)
                found.extend(connection.execute(query).scalars())
    return found


def held_query(job: UUID, lane: Lane, priority: Priority, now: datetime, limit: int) -> Select[UUID]:
    """The next held tasks of a job in one lane and priority; ix_tasks_held alone serves it."""
    query = select(_tasks.c.id).where(*_is_held(), _tasks.c.job_id == job, _tasks.c.priority == int(priority))
    if lane is Lane.REALTIME:
        query = query.where(_tasks.c.about >= midnight(now))
        return query.order_by(_tasks.c.about.desc(), _tasks.c.created_at.desc()).limit(limit)
    query = query.where(_tasks.c.about < midnight(now))
    return query.order_by(_tasks.c.about, _tasks.c.created_at).limit(limit)


def bar(connection: Connection, chosen: Sequence[UUID]) -> Sequence[UUID]:
    """Of tasks that are about to be offered, those that may be; the others are held, for their job has it so by now."""
    is_unheld = or_(is_set(_jobs.c.paused), and_(_jobs.c.max_parallel.is_not(None), is_unset(_tasks.c.capped)))
    query = select(_tasks.c.id, _jobs.c.max_parallel).join(_jobs, _jobs.c.id == _tasks.c.job_id)
    barred = dict(connection.execute(query.where(_tasks.c.id.in_(chosen), is_unheld)).all())
    for is_capped in {cap is not None for cap in barred.values()}:
        mine = [task for task, cap in barred.items() if (cap is not None) == is_capped]
        statement = update(_tasks).where(_tasks.c.id.in_(mine), _tasks.c.state == word(State.QUEUED))
        connection.execute(statement.values(held=True, capped=is_capped, offered_at=None, offered_lane=None))
    return [task for task in chosen if task not in barred]


def cap(connection: Connection, job: UUID, before: int | None, after: int | None) -> None:
    """Bring a job's tasks in step with its cap, which has changed, in the transaction that has the job's row.

    What waits is held until it is released; what runs goes on and counts. A cap that was lifted or raised needs nothing here:
    the next tick releases.
    """
    if after is None or (before is not None and after >= before):
        return
    if before is None:
        open_ones = select(_occurrences.c.id).where(_occurrences.c.job_id == job, _occurrences.c.state.in_(words(OPEN)))
        which = (_tasks.c.occurrence_id.in_(open_ones), _tasks.c.state.in_(words(OPEN)), is_unset(_tasks.c.capped))
        uncapped = in_order(connection, _tasks, which)
        held = case((_tasks.c.state == word(State.RUNNING), False), else_=True)
        connection.execute(
            update(_tasks).where(*uncapped).values(capped=True, held=held, offered_at=None, offered_lane=None)
        )
    _hold_again(connection, in_order(connection, _tasks, (*_is_to_run(), _tasks.c.job_id == job)))


def _hold_again(connection: Connection, which: Conditions) -> int:
    statement = update(_tasks).where(*which)
    return connection.execute(statement.values(held=True, offered_at=None, offered_lane=None)).rowcount


def hold_lane_again(connection: Connection, lane: Lane, now: datetime) -> int:
    """Hold what was released into a lane and does not run yet, so that it keeps no other work of its job waiting.

    What is in another's hand is passed over. Returns how many.
    """
    is_today = _tasks.c.about >= midnight(now)
    which = (*_is_to_run(), is_today if lane is Lane.REALTIME else ~is_today)
    return _hold_again(connection, in_order(connection, _tasks, which, passing_over=True))


def _in_flight(job: UUID | ColumnElement[UUID]) -> Select[int]:
    """How many tasks of a job were released and have not ended; ix_tasks_capped serves it."""
    return select(func.count()).select_from(_tasks).where(_tasks.c.job_id == job, *_is_released())


def _is_held() -> tuple[ColumnElement[bool] | TextClause, ...]:
    return (_tasks.c.state == word(State.QUEUED), is_set(_tasks.c.held))


def _is_to_run() -> Conditions:
    """Of a capped job, released, and not running yet."""
    return (*_is_released(), _tasks.c.state == word(State.QUEUED))


def _is_released() -> tuple[ColumnElement[bool] | TextClause, ...]:
    return (
        is_set(_tasks.c.capped),
        is_unset(_tasks.c.held),
        _tasks.c.state.in_(words([State.QUEUED, State.RUNNING])),
    )
