"""Ending an occurrence when its last task has ended, and telling so."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.work.states import State
from stockjobs.store.database import Connection
from stockjobs.store.ledger import events, occurrences

_TOLD_AS = {
    State.COMPLETED: EventName.COMPLETED,
    State.FAILED: EventName.FAILED,
    State.TIMEOUT: EventName.FAILED,
    State.CANCELLED: EventName.CANCELLED,
}


def settle(connection: Connection, job: UUID, occurrence: UUID, now: datetime) -> State | None:
    """End the occurrence if none of its tasks is open, in the caller's transaction; its last statement, for it locks."""
    ended = occurrences.settle(connection, occurrence, now)
    if ended is None:
        return None
    data: dict[str, object] = {"job": ended.job, "state": ended.state.value}
    if ended.tally.error is not None:
        data["reason"] = ended.tally.error
    data["tasks"] = {state.value: count for state, count in ended.tally.tasks.items()}
    events.append(connection, Event(_TOLD_AS[ended.state], now, job, occurrence, data=data))
    return ended.state
