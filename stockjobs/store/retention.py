"""Removing old history: ended occurrences with their tasks, attempts, dependencies and events. Nothing else is ever removed.

A job's newest occurrence stays, and whatever an occurrence still waits for. Every statement may be repeated, and any number of
processes may remove at once: each passes over what another one has in hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, literal, or_, select

from stockjobs.domain.retention import Expired
from stockjobs.domain.states import State
from stockjobs.store import events, tables
from stockjobs.store.statements import word, words

_occurrences, _tasks, _attempts = tables.occurrences, tables.tasks, tables.attempts
_dependencies = tables.occurrence_dependencies


@dataclass(frozen=True)
class Place:
    """How far a walk through expired occurrences has come: the time and the id of the last one seen."""

    at: datetime
    id: UUID


@dataclass(frozen=True)
class Removed:
    """How much was removed; `is_all` if nothing is left of what was to go."""

    occurrences: int = 0
    tasks: int = 0
    events: int = 0
    is_all: bool = True

    def __add__(self, other: Removed) -> Removed:
        return Removed(
            self.occurrences + other.occurrences, self.tasks + other.tasks, self.events + other.events, other.is_all
        )


def page(connection: Connection, expired: Expired, after: Place | None, limit: int) -> Sequence[Place]:
    """The next expired occurrences, oldest first; also those that have to stay, so that a walk sees each only once."""
    # By the end where all jobs are meant, by the beginning where one is: an index gives each in order.
    at = _occurrences.c.created_at if expired.job else _occurrences.c.finished_at
    query = select(at, _occurrences.c.id).where(*_of(expired)).order_by(at, _occurrences.c.id).limit(limit)
    if after is not None:
        query = query.where(at >= after.at, or_(at > after.at, _occurrences.c.id > after.id))
    return [Place(*row) for row in connection.execute(query)]


def remove(connection: Connection, expired: Expired, chosen: Sequence[UUID], now: datetime, *, rows: int) -> Removed:
    """Remove those of the chosen occurrences that are expired and may go, and of their tasks and events at most `rows` each.

    What is left of a large one goes the next time; it goes itself when nothing of it is left.
    """
    # In a CASE, or SQLite walks the index of all that has ended instead of looking at those that were chosen.
    is_going = case((and_(*_of(expired), *_may_go()), 1), else_=0) == 1
    query = select(_occurrences.c.id).where(_occurrences.c.id.in_(chosen), is_going)
    going = connection.execute(query.order_by(_occurrences.c.id).with_for_update(skip_locked=True)).scalars().all()
    if not going:
        return Removed()
    tasks = _remove_tasks(connection, going, rows)
    told = events.remove(connection, going, now, at_most=rows)
    if tasks == rows or told == rows:
        return Removed(0, tasks, told, is_all=False)
    connection.execute(delete(_dependencies).where(_dependencies.c.occurrence_id.in_(going)))
    gone = connection.execute(delete(_occurrences).where(_occurrences.c.id.in_(going))).rowcount
    return Removed(gone, tasks, told)


def _remove_tasks(connection: Connection, occurrences: Sequence[UUID], at_most: int) -> int:
    query = select(_tasks.c.id).where(_tasks.c.occurrence_id.in_(occurrences)).limit(at_most)
    chosen = connection.execute(query).scalars().all()
    if chosen:
        connection.execute(delete(_attempts).where(_attempts.c.task_id.in_(chosen)))
        connection.execute(delete(_tasks).where(_tasks.c.id.in_(chosen)))
    return len(chosen)


def count(connection: Connection, every: Sequence[Expired]) -> dict[State, int]:
    """How many expired occurrences may go, by state; those that are expired in two ways are counted once."""
    if not every:
        return {}
    # Of so many, what is newest is found faster for all jobs together than for each occurrence.
    newest = (
        select(_occurrences.c.job_id, func.max(_occurrences.c.created_at).label("at"))
        .group_by(_occurrences.c.job_id)
        .subquery()
    )
    is_expired = or_(*(and_(*_of(expired)) for expired in every))
    query = (
        select(_occurrences.c.state, func.count())
        .join(newest, newest.c.job_id == _occurrences.c.job_id)
        .where(is_expired, _occurrences.c.created_at < newest.c.at, ~_is_awaited())
    )
    return {State(state): number for state, number in connection.execute(query.group_by(_occurrences.c.state))}


def crowded(connection: Connection, at_most: int) -> Sequence[UUID]:
    """The jobs with more than so many occurrences in all; an index alone tells."""
    query = select(_occurrences.c.job_id).group_by(_occurrences.c.job_id).having(func.count() > at_most)
    return connection.execute(query).scalars().all()


def surplus(connection: Connection, job: UUID, at_most: int, states: Sequence[State] = ()) -> Sequence[Expired]:
    """The oldest of a job's ended occurrences, in those states in which there are more than so many."""
    query = select(_occurrences.c.state).where(_occurrences.c.job_id == job, _occurrences.c.finished_at.is_not(None))
    if states:
        query = query.where(_occurrences.c.state.in_(words(states)))
    full = connection.execute(query.group_by(_occurrences.c.state).having(func.count() > at_most)).scalars().all()
    return [_surplus(connection, job, State(state), at_most) for state in full]


def _surplus(connection: Connection, job: UUID, state: State, at_most: int) -> Expired:
    made = select(_occurrences.c.created_at).where(*_of(Expired(state, job=job)))
    last_kept = made.order_by(_occurrences.c.created_at.desc()).offset(at_most - 1).limit(1)
    # What is older than the last that is kept: the same answer for everybody who asks at once.
    return Expired(state, created_before=connection.execute(last_kept).scalar_one(), job=job)


def _of(expired: Expired) -> list[ColumnElement[bool]]:
    found = [_occurrences.c.state == word(expired.state), _occurrences.c.finished_at.is_not(None)]
    if expired.finished_before is not None:
        found.append(_occurrences.c.finished_at < expired.finished_before)
    if expired.created_before is not None:
        found.append(_occurrences.c.created_at < expired.created_before)
    if expired.job is not None:
        found.append(_occurrences.c.job_id == expired.job)
    return found


def _may_go() -> tuple[ColumnElement[bool], ...]:
    others = _occurrences.alias("others")
    # Not EXISTS: for that PostgreSQL may join every occurrence of a job with every other.
    newest = (
        select(others.c.created_at)
        .where(others.c.job_id == _occurrences.c.job_id)
        .order_by(others.c.created_at.desc())
        .limit(1)
        .correlate(_occurrences)
        .scalar_subquery()
    )
    return (_occurrences.c.created_at < newest, ~_is_awaited())


def _is_awaited() -> ColumnElement[bool]:
    waiting = literal("waiting", literal_execute=True)
    return exists().where(_dependencies.c.on_occurrence_id == _occurrences.c.id, _dependencies.c.state == waiting)
