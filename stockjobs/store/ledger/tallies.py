"""Tallies: what the tasks of an occurrence have come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.ledger import redriving
from stockjobs.store.statements import is_among, word, words

_tasks, _attempts = tables.tasks, tables.attempts
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Tally:
    """How many different symbols were collected, how many rows that wrote, and the first error of a task that failed."""

    symbols: int
    rows_written: int
    error: str | None


def tally(connection: Connection, occurrence: UUID, counts: Mapping[State, int] | None = None) -> Tally:
    """What the tasks of an occurrence have come to; with how many are in each state, if the caller knows."""
    rows = rows_written(connection, [occurrence]).get(occurrence, 0)
    symbols = _completed(connection, occurrence)
    if counts is not None and not any(counts.get(state) for state in redriving.FAILED):
        return Tally(len(symbols), rows, None)
    landed = (one.landed for one in redriving.failed(connection, occurrence))
    return Tally(len(symbols.union(*landed)), rows, _first_error(connection, occurrence))


def _completed(connection: Connection, occurrence: UUID) -> set[str]:
    """The symbols of completed tasks; batches that are alike are read once."""
    found = connection.execute(_COMPLETED, {"one": occurrence}).scalars()
    return {symbol for batch in found for symbol in batch}


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


# Made once, as they are asked whenever an occurrence ends.
_ROWS_WRITTEN = (
    select(_tasks.c.occurrence_id, func.sum(_attempts.c.rows_written))
    .join(_attempts, _attempts.c.task_id == _tasks.c.id)
    .where(is_among(_tasks.c.occurrence_id, "occurrences"))
    .group_by(_tasks.c.occurrence_id)
)
_ROWS_ASIDE = (
    select(_tasks.c.occurrence_id, func.sum(_attempts.c.rows_rejected))
    .join(_attempts, _attempts.c.task_id == _tasks.c.id)
    .where(is_among(_tasks.c.occurrence_id, "occurrences"), _attempts.c.rows_rejected > 0)
    .group_by(_tasks.c.occurrence_id)
)
_BY_STATE = (
    select(_tasks.c.occurrence_id, _tasks.c.state, func.count())
    .where(is_among(_tasks.c.occurrence_id, "occurrences"))
    .group_by(_tasks.c.occurrence_id, _tasks.c.state)
)


_COMPLETED = (
    select(_tasks.c.symbols)
    .where(_tasks.c.occurrence_id == bindparam("one"), _tasks.c.state == word(State.COMPLETED))
    .distinct()
)


def rows_written(connection: Connection, occurrences: Collection[UUID]) -> dict[UUID, int]:
    """How many rows the attempts of each of these occurrences wrote; those without any are left out."""
    found = connection.execute(_ROWS_WRITTEN, {"occurrences": list(occurrences)})
    return {occurrence: int(rows or 0) for occurrence, rows in found}


def rows_aside(connection: Connection, occurrences: Collection[UUID]) -> dict[UUID, int]:
    """How many rows that came to the attempts of each of these occurrences were set aside; those without any are left out."""
    found = connection.execute(_ROWS_ASIDE, {"occurrences": list(occurrences)})
    return {occurrence: int(rows) for occurrence, rows in found}


def tasks_by_state(connection: Connection, occurrences: Collection[UUID]) -> dict[UUID, dict[State, int]]:
    """How many tasks of each of these occurrences are in each state."""
    found: dict[UUID, dict[State, int]] = defaultdict(dict)
    for occurrence, state, count in connection.execute(_BY_STATE, {"occurrences": list(occurrences)}):
        found[occurrence][State(state)] = count
    return found
