"""Removing old history: ended occurrences with their tasks, attempts, dependencies and events. Nothing else is ever removed.

A job's newest occurrence stays, and whatever an occurrence still waits for. Every statement may be repeated, and any number of
processes may remove at once: each passes over what another one has in hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, literal, or_, select, update

from stockjobs.domain.work.retention import Expired
from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.ledger import events
from stockjobs.store.statements import word

_occurrences, _tasks, _attempts = tables.occurrences, tables.tasks, tables.attempts
_jobs, _dependencies = tables.jobs, tables.occurrence_dependencies
_READ_AT_ONCE, _SEEN_AT_ONCE = 50_000, 1_000


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
    """The next occurrences to look at, oldest first; also those that have to stay, so that a walk sees each only once."""
    # By the end where all jobs are meant, by the beginning where one is: an index gives each in order. Of one job those in
    # other states are seen too, or a page might read all of it for the few in a rare one.
    at = _occurrences.c.created_at if expired.job else _occurrences.c.finished_at
    which = _within(expired) if expired.job else _of(expired)
    query = select(at, _occurrences.c.id).where(*which).order_by(at, _occurrences.c.id).limit(limit)
    if after is not None:
        query = query.where(at >= after.at, or_(at > after.at, _occurrences.c.id > after.id))
    return [Place(*row) for row in connection.execute(query)]


def remove(connection: Connection, expired: Expired, chosen: Sequence[UUID], now: datetime, *, rows: int) -> Removed:
    """Remove those of the chosen occurrences that are expired and may go, and of their tasks and events at most `rows` each.

    What is left of a large one goes the next time; it goes itself when nothing of it is left. Until then it is marked, so that
    nobody tries again what is left of it.
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
        begun = update(_occurrences).where(_occurrences.c.id.in_(going), _occurrences.c.removal_began_at.is_(None))
        connection.execute(begun.values(removal_began_at=now))
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


def crowded(connection: Connection, at_most: int, after: UUID | None) -> tuple[Sequence[UUID], UUID | None]:
    """Of the next jobs, those with more than so many occurrences in all; and where to go on. None begins, or has come to the end.

    It looks at so many jobs that it reads a bounded piece of an index.
    """
    query = select(_jobs.c.id).order_by(_jobs.c.id).limit(max(_READ_AT_ONCE // (at_most + 1), 1))
    page = (query if after is None else query.where(_jobs.c.id > after)).subquery()
    rows = connection.execute(select(page.c.id, _has_more(page.c.id, at_most)).order_by(page.c.id)).all()
    return [job for job, has_more in rows if has_more], rows[-1].id if rows else None


def _has_more(job: ColumnElement[UUID], at_most: int) -> ColumnElement[bool]:
    # So many places on in the index of jobs and times it is still the same job. Asked for the rows of that job, PostgreSQL, which
    # does not know which one it will be, may walk the times of all.
    order = (_occurrences.c.job_id, _occurrences.c.created_at)
    place = select(_occurrences.c.job_id).where(_occurrences.c.job_id >= job).order_by(*order).offset(at_most).limit(1)
    return place.scalar_subquery() == job


def newest(connection: Connection, job: UUID, before: Place | None) -> Sequence[tuple[Place, State | None]]:
    """The next occurrences of a job, newest first, each with the state that it has ended in; a bounded number of them."""
    at = _occurrences.c.created_at
    query = select(at, _occurrences.c.id, _occurrences.c.state, _occurrences.c.finished_at.is_not(None).label("ended"))
    query = query.where(_occurrences.c.job_id == job).order_by(at.desc(), _occurrences.c.id.desc()).limit(_SEEN_AT_ONCE)
    if before is not None:
        query = query.where(at <= before.at, or_(at < before.at, _occurrences.c.id < before.id))
    return [(Place(row[0], row.id), State(row.state) if row.ended else None) for row in connection.execute(query)]


def _of(expired: Expired) -> list[ColumnElement[bool]]:
    found = [_occurrences.c.state == word(expired.state), _occurrences.c.finished_at.is_not(None), *_within(expired)]
    if expired.finished_before is not None:
        found.append(_occurrences.c.finished_at < expired.finished_before)
    return found


def _within(expired: Expired) -> list[ColumnElement[bool]]:
    """The part of a job's history that holds what is expired; what ended before a time began before it."""
    found: list[ColumnElement[bool]] = []
    created_before = expired.created_before or (expired.finished_before if expired.job else None)
    if created_before is not None:
        found.append(_occurrences.c.created_at < created_before)
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
