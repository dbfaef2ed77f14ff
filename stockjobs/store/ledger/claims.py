"""Claims: how an attempt takes a task, keeps it, and gives its result back. Every step is one conditional UPDATE.

The fence is the attempt's number: a task that runs under another number, or no longer runs, is not ours any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select, update

from stockjobs.domain import ids
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import JobSpec
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.ledger import definitions
from stockjobs.store.statements import word

_tasks, _attempts, _versions = tables.tasks, tables.attempts, tables.job_versions


@dataclass(frozen=True)
class Claim:
    """A task that an attempt owns until its lease ends, with the definition that it runs under."""

    task_id: UUID
    attempt_id: UUID
    number: int
    occurrence_id: UUID
    job_id: UUID
    job: str
    spec: JobSpec
    lane: Lane
    symbols: tuple[str, ...]
    interval: Interval | None
    window_start: datetime | None
    window_end: datetime | None
    about: datetime
    failures: int
    given_up: dict[str, str]
    claimed_at: datetime
    is_refetch: bool = False
    """All of the window is asked for, also what is stored."""


@dataclass(frozen=True)
class Result:
    """What an attempt brought: its state, what it counted, and its error."""

    state: State
    requests: int = 0
    rows_received: int = 0
    rows_written: int = 0
    rows_rejected: int = 0
    failed_symbols: dict[str, str] = field(default_factory=dict)
    error_kind: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Then:
    """What becomes of the task: its next state; for another attempt when, with which symbols, and what it counts as."""

    state: State
    run_at: datetime | None = None
    remaining: tuple[str, ...] | None = None
    given_up: dict[str, str] = field(default_factory=dict)
    counts_as: str | None = None


# Made once, as each attempt asks them.
_TAKE = (
    update(_tasks)
    .where(
        _tasks.c.id == bindparam("task"),
        _tasks.c.state == word(State.QUEUED),
        _tasks.c.number == bindparam("attempt_number"),
        _tasks.c.offered_lane == bindparam("lane"),
    )
    .values(
        state=State.RUNNING.value,
        worker=bindparam("by"),
        lease_until=bindparam("until"),
        offered_at=None,
        offered_lane=None,
        started_at=func.coalesce(_tasks.c.started_at, bindparam("now", type_=_tasks.c.started_at.type)),
    )
    .returning(_tasks)
)
_BEGIN = insert(_attempts)
# What is set is named by the parameters.
_OWNED = update(_tasks).where(
    _tasks.c.id == bindparam("own_task"),
    _tasks.c.state == word(State.RUNNING),
    _tasks.c.number == bindparam("own_number"),
)
_ATTEMPT = update(_attempts).where(_attempts.c.id == bindparam("own_attempt"))
_MEANT_BY = (
    select(
        tables.occurrences.c.job_id,
        tables.occurrences.c.version,
        tables.jobs.c.name,
        tables.occurrences.c.requested_window,
        _versions.c.digest,
    )
    .join(tables.jobs, tables.jobs.c.id == tables.occurrences.c.job_id)
    .join(
        _versions,
        (_versions.c.job_id == tables.occurrences.c.job_id) & (_versions.c.version == tables.occurrences.c.version),
    )
    .where(tables.occurrences.c.id == bindparam("one"))
)


def claim(
    connection: Connection, task: UUID, number: int, lane: Lane, *, worker: str, now: datetime, lease: timedelta
) -> Claim | None:
    """Take a task for an attempt: nothing if it was taken, moved, withdrawn, ended or cancelled meanwhile."""
    which = {"task": task, "attempt_number": number, "lane": lane.value}
    taken = {"by": worker, "until": now + lease, "now": now}
    row = connection.execute(_TAKE, {**which, **taken}).mappings().first()
    if row is None:
        return None
    attempt = ids.attempt_id(task, number)
    begun = {"id": attempt, "task_id": task, "number": number, "state": State.RUNNING.value}
    connection.execute(_BEGIN, {**begun, "lane": lane.value, "worker": worker, "started_at": now})
    return _claim(connection, dict(row), attempt, lane, now)


def _claim(connection: Connection, task: dict[str, object], attempt: UUID, lane: Lane, now: datetime) -> Claim:
    job_id, version, name, window, digest = connection.execute(_MEANT_BY, {"one": task["occurrence_id"]}).one()
    spec = definitions.spec_by(connection, digest, job_id, version)
    values = {key: task[key] for key in ("number", "occurrence_id", "window_start", "window_end", "about", "failures")}
    remaining = task["remaining"] or task["symbols"]
    seconds = task["interval_s"]
    return Claim(
        task_id=task["id"],  # type: ignore[arg-type]
        attempt_id=attempt,
        job_id=job_id,
        job=name,
        lane=lane,
        spec=spec,
        symbols=tuple(remaining),  # type: ignore[arg-type]
        interval=Interval.from_seconds(seconds) if isinstance(seconds, int) else None,
        given_up=dict(task["given_up"] or {}),  # type: ignore[call-overload]
        claimed_at=now,
        is_refetch=spec.window.refetch if window is None else bool(window.get("refetch")),
        **values,  # type: ignore[arg-type]
    )


def renew(connection: Connection, claim: Claim, until: datetime) -> bool:
    """Keep a claimed task for longer. False if it is not ours any more."""
    return connection.execute(_OWNED, {**_own(claim), "lease_until": until}).rowcount == 1


def expire(connection: Connection, task: UUID, number: int, now: datetime) -> bool:
    """End the lease of an attempt that is known to be dead. False if it does not run any more."""
    statement = update(_tasks).where(
        _tasks.c.id == task, _tasks.c.state == word(State.RUNNING), _tasks.c.number == number
    )
    return connection.execute(statement.values(lease_until=now - timedelta(microseconds=1))).rowcount == 1


def is_owned(connection: Connection, claim: Claim) -> bool:
    """True while the task is ours: not cancelled, not given to another attempt."""
    query = select(_tasks.c.id).where(
        _tasks.c.id == claim.task_id, _tasks.c.state == word(State.RUNNING), _tasks.c.number == claim.number
    )
    return connection.execute(query).first() is not None


def end(connection: Connection, claim: Claim, result: Result, then: Then, now: datetime) -> bool:
    """Give an attempt's result back and move its task on, if the task is still ours; else write nothing: False."""
    counted = _counted(then)
    owned = _OWNED.values(counted) if counted else _OWNED
    if connection.execute(owned, {**_own(claim), **_after(claim, result, then, now)}).rowcount != 1:
        return False
    values = {
        "state": result.state.value,
        "finished_at": now,
        "requests": result.requests,
        "rows_received": result.rows_received,
        "rows_written": result.rows_written,
        "rows_rejected": result.rows_rejected,
        "failed_symbols": result.failed_symbols or None,
        "error_kind": result.error_kind,
        "error": result.error,
    }
    connection.execute(_ATTEMPT, {"own_attempt": claim.attempt_id, **values})
    return True


def state_of(connection: Connection, claim: Claim) -> State:
    """The state of a claim's attempt as it is written."""
    return State(connection.execute(select(_attempts.c.state).where(_attempts.c.id == claim.attempt_id)).scalar_one())


def _own(claim: Claim) -> dict[str, object]:
    return {"own_task": claim.task_id, "own_number": claim.number}


def _after(claim: Claim, result: Result, then: Then, now: datetime) -> dict[str, object]:
    values: dict[str, object] = {
        "state": then.state.value,
        "worker": None,
        "lease_until": None,
        "error_kind": result.error_kind,
        "error": result.error,
        "given_up": then.given_up or None,
    }
    if then.run_at is None:
        return {**values, "finished_at": now}
    values |= {"number": claim.number + 1, "run_at": then.run_at}
    if then.remaining is not None:
        values["remaining"] = list(then.remaining)
    return values


def _counted(then: Then) -> dict[str, ColumnElement[Any]]:
    """What becomes of a task whose next value depends on the one before."""
    if then.run_at is None:
        return {}
    # A task of a capped job gives its place up while it waits for its next attempt.
    held: dict[str, ColumnElement[Any]] = {"held": _tasks.c.capped}
    return held if then.counts_as is None else {**held, then.counts_as: _tasks.c[then.counts_as] + 1}


@dataclass(frozen=True)
class Lost:
    """A task whose worker let its lease run out."""

    task_id: UUID
    occurrence_id: UUID
    job_id: UUID
    number: int
    worker: str
    is_dead: bool


def expired(connection: Connection, now: datetime, limit: int) -> Sequence[tuple[UUID, int]]:
    """The running tasks whose lease has ended, with the number of their attempt."""
    query = (
        select(_tasks.c.id, _tasks.c.number)
        .where(_tasks.c.state == word(State.RUNNING), _tasks.c.lease_until < now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [(task, number) for task, number in connection.execute(query)]


def lose(connection: Connection, task: UUID, number: int, now: datetime, *, max_crashes: int) -> Lost | None:
    """Take a task from a worker whose lease has ended: queue it again, or set it aside as dead after too many crashes."""
    owned = (
        _tasks.c.id == task,
        _tasks.c.state == word(State.RUNNING),
        _tasks.c.number == number,
        _tasks.c.lease_until < now,
    )
    row = connection.execute(
        select(_tasks.c.crashes, _tasks.c.worker, _tasks.c.occurrence_id, tables.occurrences.c.job_id)
        .join(tables.occurrences, tables.occurrences.c.id == _tasks.c.occurrence_id)
        .where(*owned)
    ).first()
    if row is None:
        return None
    is_dead = row.crashes + 1 >= max_crashes
    error = f"the worker {row.worker} died, or lost its lease, during attempt {number}"
    values: dict[str, object] = {
        "crashes": row.crashes + 1,
        "worker": None,
        "lease_until": None,
        "error_kind": "crash",
        "error": error,
    }
    values |= (
        {"state": State.FAILED.value, "finished_at": now}
        if is_dead
        else {"state": State.QUEUED.value, "number": number + 1, "held": _tasks.c.capped}
    )
    if connection.execute(update(_tasks).where(*owned).values(values)).rowcount != 1:
        return None
    ended = {"state": State.LOST.value, "finished_at": now, "error_kind": "crash", "error": error}
    connection.execute(update(_attempts).where(_attempts.c.id == ids.attempt_id(task, number)).values(ended))
    return Lost(task, row.occurrence_id, row.job_id, number, row.worker, is_dead)
