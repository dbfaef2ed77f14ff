"""Tallies: what the tasks of an occurrence have come to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, ScalarSelect, bindparam, func, select

from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.ledger import redriving
from stockjobs.store.statements import is_among, words

_tasks, _attempts = tables.tasks, tables.attempts
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Tally:
    """How many tasks are in each state, how many different symbols were collected, how many rows that wrote, and the first
    error of a task that failed.
    """

    tasks: Mapping[State, int]
    symbols: int
    rows_written: int
    error: str | None


def tally(connection: Connection, occurrence: UUID) -> Tally:
    """What the tasks of an occurrence have come to."""
    tasks: Counter[State] = Counter()
    symbols: set[str] = set()
    rows = 0
    for state, batch, count, written in connection.execute(_COME_TO, {"one": occurrence}):
        tasks[State(state)] += count
        symbols.update(batch if state == State.COMPLETED else ())
        rows += int(written or 0)
    if not any(tasks[state] for state in redriving.FAILED):
        return Tally(tasks, len(symbols), rows, None)
    landed = (one.landed for one in redriving.failed(connection, occurrence))
    return Tally(tasks, len(symbols.union(*landed)), rows, _first_error(connection, occurrence))


def _first_error(connection: Connection, occurrence: UUID) -> str | None:
    query = (
        select(_tasks.c.error)
        .where(
            _tasks.c.occurrence_id == occurrence,
            _tasks.c.state.in_(words(redriving.FAILED)),
            _tasks.c.error.is_not(None),
        )
        .order_by(_tasks.c.finished_at, _tasks.c.key)
        .limit(1)
    )
    error = connection.execute(query).scalar()
    return None if error is None else _shortened(str(error).partition("\n")[0])


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"


def _over_attempts(rows: Column[int]) -> ScalarSelect[Any]:
    """How many rows of a kind the attempts of a task had: a look by the key for each, whatever the statistics say."""
    had = select(func.sum(rows)).where(_attempts.c.task_id == _tasks.c.id)
    return had.correlate(_tasks).scalar_subquery()


# Made once, as they are asked whenever an occurrence ends.
_ROWS_WRITTEN = (
    select(_tasks.c.occurrence_id, func.sum(_attempts.c.rows_written))
    .join(_attempts, _attempts.c.task_id == _tasks.c.id)
    .where(is_among(_tasks.c.occurrence_id, "occurrences"))
    .group_by(_tasks.c.occurrence_id)
)
_ROWS_ASIDE = (
    select(_tasks.c.occurrence_id, func.sum(_over_attempts(_attempts.c.rows_rejected)))
    .where(is_among(_tasks.c.occurrence_id, "occurrences"))
    .group_by(_tasks.c.occurrence_id)
)
_BY_STATE = (
    select(_tasks.c.occurrence_id, _tasks.c.state, func.count())
    .where(is_among(_tasks.c.occurrence_id, "occurrences"))
    .group_by(_tasks.c.occurrence_id, _tasks.c.state)
)


# Batches that are alike are read once.
_COME_TO = (
    select(_tasks.c.state, _tasks.c.symbols, func.count(), func.sum(_over_attempts(_attempts.c.rows_written)))
    .where(_tasks.c.occurrence_id == bindparam("one"))
    .group_by(_tasks.c.state, _tasks.c.symbols)
)


def rows_written(connection: Connection, occurrences: Collection[UUID]) -> dict[UUID, int]:
    """How many rows the attempts of each of these occurrences wrote; those without any are left out."""
    found = connection.execute(_ROWS_WRITTEN, {"occurrences": list(occurrences)})
    return {occurrence: int(rows or 0) for occurrence, rows in found}


def rows_aside(connection: Connection, occurrences: Collection[UUID]) -> dict[UUID, int]:
    """How many rows that came to the attempts of each of these occurrences were set aside; those without any are left out."""
    found = connection.execute(_ROWS_ASIDE, {"occurrences": list(occurrences)})
    return {occurrence: int(rows) for occurrence, rows in found if rows}


def tasks_by_state(connection: Connection, occurrences: Collection[UUID]) -> dict[UUID, dict[State, int]]:
    """How many tasks of each of these occurrences are in each state."""
    found: dict[UUID, dict[State, int]] = defaultdict(dict)
    for occurrence, state, count in connection.execute(_BY_STATE, {"occurrences": list(occurrences)}):
        found[occurrence][State(state)] = count
    return found
