"""Re-driving: tasks that have failed are queued again under their next number, and their occurrence is open again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from stockjobs.domain.work.redriving import symbols_again
from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.statements import words

_occurrences, _tasks, _attempts = tables.occurrences, tables.tasks, tables.attempts
FAILED = (State.FAILED, State.TIMEOUT)


@dataclass(frozen=True)
class Again:
    """A failed task, the symbols of it that are to be asked for again, and those that it has landed."""

    task_id: UUID
    number: int
    symbols: tuple[str, ...]
    landed: frozenset[str]


def failed(connection: Connection, occurrence: UUID, *, task: UUID | None = None) -> Sequence[Again]:
    """The failed tasks of an occurrence, or the one that is named if it failed."""
    last = and_(_attempts.c.task_id == _tasks.c.id, _attempts.c.number == _tasks.c.number)
    query = (
        select(
            _tasks.c.id,
            _tasks.c.number,
            _tasks.c.symbols,
            func.coalesce(_tasks.c.remaining, _tasks.c.symbols).label("asked"),
            _tasks.c.given_up,
            _attempts.c.failed_symbols,
            _attempts.c.error_kind,
        )
        .join(_attempts, last, isouter=True)
        .where(_tasks.c.occurrence_id == occurrence, _tasks.c.state.in_(words(FAILED)))
    )
    if task is not None:
        query = query.where(_tasks.c.id == task)
    return [_again(row) for row in connection.execute(query.order_by(_tasks.c.key))]


def _again(row: Any) -> Again:
    symbols = symbols_again(
        row.symbols,
        asked=row.asked,
        failed=row.failed_symbols or (),
        given_up=row.given_up or (),
        error_kind=row.error_kind,
    )
    return Again(row.id, row.number, symbols, frozenset(row.symbols).difference(symbols))


def queue(connection: Connection, again: Sequence[Again], now: datetime) -> int:
    """Queue failed tasks under their next number, as if they had never failed. Returns how many.

    The tasks of a job with a cap are held until there is room for them.
    """
    statement = (
        update(_tasks)
        .where(
            _tasks.c.id == bindparam("task"),
            _tasks.c.number == bindparam("last_number"),
            # Not `words`, whose literals a statement for many rows cannot have.
            or_(*(_tasks.c.state == state.value for state in FAILED)),
        )
        .values(
            state=State.QUEUED.value,
            number=_tasks.c.number + 1,
            remaining=bindparam("missing"),
            given_up=None,
            failures=0,
            deferrals=0,
            crashes=0,
            run_at=now,
            finished_at=None,
            error_kind=None,
            error=None,
            held=_tasks.c.capped,
        )
    )
    rows = [{"task": one.task_id, "last_number": one.number, "missing": list(one.symbols)} for one in again]
    return connection.execute(statement, rows).rowcount


def reopen(connection: Connection, occurrence: UUID, states: Sequence[State]) -> bool:
    """Open an occurrence again that has ended in one of these states. False if it is in another, or being removed."""
    is_whole = _occurrences.c.removal_began_at.is_(None)
    statement = update(_occurrences).where(
        _occurrences.c.id == occurrence, _occurrences.c.state.in_(words(states)), is_whole
    )
    values = dict.fromkeys(("reason", "started_at", "finished_at", "symbols", "rows_written"))
    return connection.execute(statement.values(state=State.QUEUED.value, **values)).rowcount == 1
