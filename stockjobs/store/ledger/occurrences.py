"""Occurrences: the due or requested instances of jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, select, update

from stockjobs.domain.work.states import OPEN, State, sum_of
from stockjobs.errors import NotFound
from stockjobs.store import tables
from stockjobs.store.ledger.tallies import Tally, tally
from stockjobs.store.ledger.waits import is_waiting
from stockjobs.store.prefixes import ids_from
from stockjobs.store.statements import in_order, insert_new, word, words

_occurrences, _tasks = tables.occurrences, tables.tasks
_PROMOTED_AT_ONCE = 5_000


@dataclass(frozen=True)
class Occurrence:
    """One due or requested instance of a job."""

    id: UUID
    job_id: UUID
    job: str
    version: int
    key: str
    scheduled_for: datetime
    requested_window: dict[str, Any] | None
    state: State
    reason: str | None
    submitter: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    start_after: datetime | None = None
    symbols: int | None = None
    rows_written: int | None = None
    removal_began_at: datetime | None = None


def create(connection: Connection, made: Sequence[Occurrence]) -> set[UUID]:
    """Write occurrences down, those that nobody has written yet. Returns their ids; losing that race is normal."""
    # What is null in all of them is left out: of a thousand that have only begun that is a third of all values.
    names = [name for name in _occurrences.columns.keys() if any(getattr(one, name) is not None for one in made)]  # noqa: SIM118
    rows = [{**{name: getattr(one, name) for name in names}, "state": one.state.value} for one in made]
    return insert_new(connection, _occurrences, rows)


def get(connection: Connection, occurrence: UUID) -> Occurrence | None:
    """An occurrence by its id."""
    row = connection.execute(_select().where(_occurrences.c.id == occurrence)).mappings().first()
    return _occurrence(row) if row else None


def get_by_prefix(connection: Connection, text: str) -> Occurrence:
    """The one occurrence whose id begins with these hexadecimal digits; dashes count for nothing. Raises NotFound."""
    lowest, highest = ids_from(text, "an occurrence")
    found = connection.execute(_select().where(_occurrences.c.id.between(lowest, highest)).limit(2)).mappings().all()
    if len(found) != 1:
        problem = "there is no occurrence" if not found else "there are several occurrences"
        raise NotFound(f"{problem} {text!r}: `stockctl get occurrences` lists them")
    return _occurrence(found[0])


def require(connection: Connection, occurrence: UUID) -> Occurrence:
    """An occurrence that is there. Raises NotFound if it is not."""
    found = get(connection, occurrence)
    if found is None:
        raise NotFound(f"there is no occurrence {occurrence}: `stockctl get occurrences` lists them")
    return found


def newest(
    connection: Connection,
    *conditions: ColumnElement[bool],
    job: UUID | None = None,
    limit: int = 50,
) -> Sequence[Occurrence]:
    """Occurrences, the newest first; of one job or of all, or those that conditions hold for (see `filters`)."""
    query = _select().where(*conditions).order_by(_occurrences.c.created_at.desc(), _occurrences.c.id).limit(limit)
    if job is not None:
        query = query.where(_occurrences.c.job_id == job)
    return [_occurrence(row) for row in connection.execute(query).mappings()]


def newest_of_each(connection: Connection) -> dict[UUID, Occurrence]:
    """The newest occurrence of every job that has one."""
    jobs = tables.jobs
    newest_id = (
        select(_occurrences.c.id)
        .where(_occurrences.c.job_id == jobs.c.id)
        .order_by(_occurrences.c.created_at.desc(), _occurrences.c.id)
        .limit(1)
        .correlate(jobs)
        .scalar_subquery()
    )
    rows = connection.execute(_select().where(_occurrences.c.id == newest_id)).mappings()
    return {row["job_id"]: _occurrence(row) for row in rows}


def known(connection: Connection, ids: Collection[UUID]) -> set[UUID]:
    """Which of these occurrences are there."""
    return set(connection.execute(select(_occurrences.c.id).where(_occurrences.c.id.in_(ids))).scalars())


def jobs_with_open(connection: Connection, jobs: Collection[UUID]) -> set[UUID]:
    """Which of these jobs have an occurrence that waits or runs."""
    query = select(_occurrences.c.job_id).where(_occurrences.c.job_id.in_(jobs), _occurrences.c.state.in_(words(OPEN)))
    return set(connection.execute(query.distinct()).scalars())


def has_open(connection: Connection, job: UUID) -> bool:
    """True while an occurrence of the job waits or runs."""
    query = select(exists().where(_occurrences.c.job_id == job, _occurrences.c.state.in_(words(OPEN))))
    return bool(connection.execute(query).scalar())


def open_of(connection: Connection, job: UUID) -> Sequence[Occurrence]:
    """The occurrences of a job that wait or run."""
    query = _select().where(_occurrences.c.job_id == job, _occurrences.c.state.in_(words(OPEN)))
    return [_occurrence(row) for row in connection.execute(query).mappings()]


def end(connection: Connection, occurrence: UUID, state: State, now: datetime, *, reason: str) -> bool:
    """End an open occurrence in a state, for a reason. False if it has ended already."""
    return _end(connection, occurrence, state, now, tally(connection, occurrence), reason=reason) is not None


def end_all(connection: Connection, chosen: Collection[UUID], state: State, now: datetime, *, reason: str) -> set[UUID]:
    """End those of some occurrences that are open, in a state, for a reason. Returns the ids of those."""
    still_open = in_order(
        connection, _occurrences, (_occurrences.c.id.in_(list(chosen)), _occurrences.c.state.in_(words(OPEN)))
    )
    values = {"state": state.value, "finished_at": now, "reason": reason, "symbols": 0, "rows_written": 0}
    statement = update(_occurrences).where(*still_open).values(values).returning(_occurrences.c.id)
    ended = set(connection.execute(statement).scalars())
    started = select(_tasks.c.occurrence_id).where(
        _tasks.c.occurrence_id.in_(list(ended)), _tasks.c.started_at.is_not(None)
    )
    for one in connection.execute(started.distinct()).scalars().all():
        found = tally(connection, one)
        kept = {"symbols": found.symbols, "rows_written": found.rows_written}
        connection.execute(update(_occurrences).where(_occurrences.c.id == one).values(kept))
    return ended


def _end(
    connection: Connection, occurrence: UUID, state: State, now: datetime, found: Tally, *, reason: str | None
) -> str | None:
    """End an occurrence. Returns the name of its job; None if it has ended already."""
    kept = {"reason": reason, "symbols": found.symbols, "rows_written": found.rows_written}
    values = {"state": state.value, "finished_at": now, **kept}
    name: str | None = connection.execute(_OPEN_ONE, {"one": occurrence, **values}).scalar()
    return name


# What is set is named by the parameters.
_OPEN_ONE = (
    update(_occurrences)
    .where(_occurrences.c.id == bindparam("one"), _occurrences.c.state.in_(words(OPEN)))
    .returning(
        select(tables.jobs.c.name)
        .where(tables.jobs.c.id == _occurrences.c.job_id)
        .correlate(_occurrences)
        .scalar_subquery()
    )
)
_START = (
    update(_occurrences)
    .where(
        _occurrences.c.id == bindparam("one"),
        _occurrences.c.state.in_(words([State.SCHEDULED, State.QUEUED])),
    )
    .values(state=State.RUNNING.value, started_at=bindparam("now"))
)


def start(connection: Connection, occurrence: UUID, now: datetime) -> bool:
    """Note that the first task of an occurrence has started. True if it was the first.

    One that is scheduled may be in the hand of a dispatcher that queues it: its row is waited for.
    """
    return connection.execute(_START, {"one": occurrence, "now": now}).rowcount == 1


def release(connection: Connection, released: Sequence[Occurrence]) -> None:
    """Move occurrences that waited for others, and that this transaction has locked, to the states that they have now."""
    for state, finished_at in {(one.state, one.finished_at) for one in released}:
        which = [one.id for one in released if (one.state, one.finished_at) == (state, finished_at)]
        statement = update(_occurrences).where(_occurrences.c.id.in_(which))
        connection.execute(statement.values(state=state.value, finished_at=finished_at))


def several(connection: Connection, which: Collection[UUID]) -> Sequence[Occurrence]:
    """Those of these occurrences that are there."""
    rows = connection.execute(_select().where(_occurrences.c.id.in_(list(which)))).mappings()
    return [_occurrence(row) for row in rows]


def promote(connection: Connection, now: datetime) -> Sequence[Occurrence]:
    """Queue occurrences whose time has come and that wait for no others, at most so many at once, and return them.

    Those in another's hand are passed over.
    """
    due = (
        select(_occurrences.c.id)
        .where(_occurrences.c.state == word(State.SCHEDULED), _occurrences.c.start_after <= now, ~is_waiting())
        .order_by(_occurrences.c.id)
        .limit(_PROMOTED_AT_ONCE)
        .with_for_update(skip_locked=True, of=_occurrences)
    )
    found = connection.execute(due).scalars().all()
    if not found:
        return []
    connection.execute(update(_occurrences).where(_occurrences.c.id.in_(found)).values(state=State.QUEUED.value))
    return several(connection, found)


# Made once, as each attempt asks them.
_LOCKED = select(_occurrences.c.id).where(_occurrences.c.id == bindparam("one")).with_for_update()
_HAS_OPEN = select(exists().where(_tasks.c.occurrence_id == bindparam("one"), _tasks.c.state.in_(words(OPEN))))


def lock(connection: Connection, occurrence: UUID) -> None:
    """Keep everybody else from moving an occurrence until this transaction ends."""
    # A writer of SQLite is alone.
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCKED, {"one": occurrence})


@dataclass(frozen=True)
class Ended:
    """How an occurrence has ended: the name of its job, its state, and what its tasks have come to."""

    job: str
    state: State
    tally: Tally


def settle(connection: Connection, occurrence: UUID, now: datetime) -> Ended | None:
    """End an occurrence whose last open task has ended, in the sum of its tasks. None while some are open.

    The row is locked first: of two transactions that end the last two tasks, the later one sees the earlier one's.
    """
    lock(connection, occurrence)
    if connection.execute(_HAS_OPEN, {"one": occurrence}).scalar():
        return None
    found = tally(connection, occurrence)
    state = sum_of(found.tasks)
    job = _end(connection, occurrence, state, now, found, reason=found.error)
    return None if job is None else Ended(job, state, found)


def _select() -> Select[tuple[object, ...]]:
    return select(_occurrences, tables.jobs.c.name.label("job")).join(
        tables.jobs, tables.jobs.c.id == _occurrences.c.job_id
    )


def _occurrence(row: Any) -> Occurrence:
    return Occurrence(**{**row, "state": State(row["state"])})
