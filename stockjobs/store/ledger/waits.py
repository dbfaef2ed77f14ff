"""Waits: for which occurrences others wait, and what has come of those."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    and_,
    case,
    exists,
    insert,
    or_,
    select,
    true,
    tuple_,
    update,
)

from stockjobs.domain.work.dependencies import Awaited, Standing
from stockjobs.domain.work.jobs import OnFailure
from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.statements import as_written, word

_waits, _jobs, _occurrences = tables.occurrence_dependencies, tables.jobs, tables.occurrences
_other = tables.occurrences.alias("other")
# A literal, as in `statements.word`, for the partial index.
_IS_WAITING = _waits.c.state == as_written(Standing.WAITING)


@dataclass(frozen=True)
class WaitsFor:
    """That an occurrence waits for one of another job; without an id for its newest, or the first that there will be."""

    job_id: UUID
    occurrence_id: UUID | None
    on_failure: OnFailure


def add(connection: Connection, awaited: Mapping[UUID, Sequence[WaitsFor]]) -> None:
    """Write down for what occurrences wait. Where that is the newest of a job, it is the newest of this moment."""
    newest = _newest_of(connection, {one.job_id for others in awaited.values() for one in others})
    rows = [
        {
            "occurrence_id": occurrence,
            "number": number,
            "on_job_id": one.job_id,
            "on_occurrence_id": one.occurrence_id or newest.get(one.job_id),
            "on_failure": one.on_failure.value,
            "state": Standing.WAITING.value,
        }
        for occurrence, others in awaited.items()
        for number, one in enumerate(others)
    ]
    if rows:
        connection.execute(insert(_waits), rows)


def _newest_of(connection: Connection, jobs: Collection[UUID]) -> dict[UUID, UUID]:
    newest = (
        select(_occurrences.c.id)
        .where(_occurrences.c.job_id == _jobs.c.id)
        .order_by(_occurrences.c.created_at.desc(), _occurrences.c.scheduled_for.desc(), _occurrences.c.id)
        .limit(1)
        .correlate(_jobs)
        .scalar_subquery()
    )
    rows = connection.execute(select(_jobs.c.id, newest).where(_jobs.c.id.in_(list(jobs)))).all()
    return {job: occurrence for job, occurrence in rows if occurrence is not None}


def any_waits() -> ColumnElement[bool]:
    """True if any occurrence waits for another; one look at an index, as a part of a larger query."""
    return _first_waiting().is_not(None)


def any_waits_for_first(connection: Connection) -> bool:
    """True if any occurrence waits for the first that there will be of a job."""
    return bool(connection.execute(select(_first_waiting(_waits.c.on_occurrence_id.is_(None)).is_not(None))).scalar())


def _first_waiting(*conditions: ColumnElement[bool]) -> ScalarSelect[UUID | None]:
    # Not EXISTS: where many were waiting when it counted, PostgreSQL would walk the table until it meets one.
    query = select(_waits.c.occurrence_id).where(_IS_WAITING, *conditions)
    return query.order_by(_waits.c.on_occurrence_id).limit(1).scalar_subquery()


def is_waiting() -> ColumnElement[bool]:
    """True of an occurrence that waits for others, as a condition of a query about occurrences."""
    return exists().where(_waits.c.occurrence_id == _occurrences.c.id, _IS_WAITING)


def point_to_first(connection: Connection) -> None:
    """Let those that wait for the first occurrence of a job wait for that one, where there is one now."""
    of_the_job = _other.c.job_id == _waits.c.on_job_id
    first = select(_other.c.id).where(of_the_job).order_by(_other.c.created_at, _other.c.id).limit(1)
    statement = update(_waits).where(_IS_WAITING, _waits.c.on_occurrence_id.is_(None), exists().where(of_the_job))
    connection.execute(statement.values(on_occurrence_id=first.correlate(_waits).scalar_subquery()))


def ended_or_missing(connection: Connection, after: UUID | None, limit: int) -> tuple[Sequence[UUID], UUID | None]:
    """Of the next so many ids that are waited for, those whose occurrence has ended or is not there; and where to go on.

    None begins, or has come to the end. Each id is looked at once, however many wait for it.
    """
    query = select(_waits.c.on_occurrence_id).where(_IS_WAITING, _waits.c.on_occurrence_id.is_not(None)).distinct()
    if after is not None:
        query = query.where(_waits.c.on_occurrence_id > after)
    page = query.order_by(_waits.c.on_occurrence_id).limit(limit).subquery()
    place = page.c.on_occurrence_id
    is_open = and_(_other.c.id.is_not(None), _other.c.finished_at.is_(None))
    rows = connection.execute(
        select(place, is_open).select_from(page).outerjoin(_other, _other.c.id == place).order_by(place)
    ).all()
    found = [occurrence for occurrence, still_open in rows if not still_open]
    return found, rows[-1][0] if len(rows) == limit else None


def decidable(connection: Connection, on: Collection[UUID], limit: int) -> Sequence[UUID]:
    """Occurrences that wait for one of these, or for the first of a job, of which something is decided; some of them."""
    decided = or_(_occurrences.c.finished_at.is_not(None), _other.c.finished_at.is_not(None), ~_may_come())
    query = _standing().with_only_columns(_waits.c.occurrence_id).where(_IS_WAITING, decided).limit(limit)
    # Each on its own: SQLite would read the whole index for both together.
    which = (_waits.c.on_occurrence_id.in_(list(on)), _waits.c.on_occurrence_id.is_(None))
    return sorted({found for one in which for found in connection.execute(query.where(one)).scalars()})


def lock(connection: Connection, occurrences: Collection[UUID]) -> Sequence[UUID]:
    """Those of these occurrences that still wait, in this transaction's hand; those in another's are passed over."""
    query = (
        select(_occurrences.c.id)
        .where(_occurrences.c.id.in_(list(occurrences)), _occurrences.c.state == word(State.SCHEDULED))
        .order_by(_occurrences.c.id)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(query).scalars().all()


def awaited_by(connection: Connection, occurrences: Collection[UUID]) -> dict[UUID, list[Awaited]]:
    """What occurrences wait for, or waited for, in order, as it stands."""
    query = _standing().where(_waits.c.occurrence_id.in_(list(occurrences)))
    found: dict[UUID, list[Awaited]] = {occurrence: [] for occurrence in occurrences}
    for row in connection.execute(query.order_by(_waits.c.occurrence_id, _waits.c.number)):
        found[row.occurrence_id].append(
            Awaited(
                number=row.number,
                job=row.job,
                occurrence_id=row.on_occurrence_id,
                on_failure=OnFailure(row.on_failure),
                state=State(row.other_state) if row.other_state else None,
                may_come=bool(row.may_come),
                known=Standing(row.state),
            )
        )
    return found


def note(connection: Connection, decided: Mapping[UUID, Sequence[Awaited]]) -> None:
    """Write down what was decided of some that occurrences wait for."""
    for standing in (Standing.MET, Standing.UNMET):
        which = [
            (occurrence, one.number)
            for occurrence, awaited in decided.items()
            for one in awaited
            if one.standing() is standing
        ]
        if which:
            statement = update(_waits).where(tuple_(_waits.c.occurrence_id, _waits.c.number).in_(which))
            connection.execute(statement.values(state=standing.value))


def close_ended(connection: Connection, occurrences: Collection[UUID]) -> int:
    """Let those of these occurrences that have ended wait for nothing any more. Returns for how many they waited."""
    ended = select(_occurrences.c.id).where(
        _occurrences.c.id.in_(list(occurrences)), _occurrences.c.finished_at.is_not(None)
    )
    statement = update(_waits).where(_waits.c.occurrence_id.in_(ended), _IS_WAITING)
    return connection.execute(statement.values(state=Standing.UNMET.value)).rowcount


def _standing() -> Select[tuple[object, ...]]:
    """What is waited for, with the waiting occurrence, the job waited for, and its occurrence if it is there."""
    return (
        select(
            _waits.c.occurrence_id,
            _waits.c.number,
            _waits.c.on_occurrence_id,
            _waits.c.on_failure,
            _waits.c.state,
            _jobs.c.name.label("job"),
            _other.c.state.label("other_state"),
            _may_come().label("may_come"),
        )
        .select_from(_waits)
        .join(_occurrences, _occurrences.c.id == _waits.c.occurrence_id)
        .join(_jobs, _jobs.c.id == _waits.c.on_job_id)
        .outerjoin(_other, _other.c.id == _waits.c.on_occurrence_id)
    )


def _may_come() -> ColumnElement[bool]:
    """True if what is waited for is there, or may come yet.

    At a time: as long as its job has not come past that time. The first of all: as long as its job is enabled. The statement
    sees one state of the ledger, in which a job's next due time moves on together with its occurrence.
    """
    at_a_time = and_(_jobs.c.next_due_at.is_not(None), _jobs.c.next_due_at <= _occurrences.c.scheduled_for)
    may_come = case((_waits.c.on_occurrence_id.is_(None), _jobs.c.enabled), else_=at_a_time)
    return or_(_other.c.id.is_not(None), and_(_jobs.c.deleted_at.is_(None), may_come == true()))
