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
    settled = occurrences.settle(connection, occurrence, now)
    if settled is None:
        return None
    state, counts = settled
    ended = occurrences.require(connection, occurrence)
    data: dict[str, object] = {"job": ended.job, "state": state.value}
    if ended.reason is not None:
        data["reason"] = ended.reason
    data["tasks"] = {key.value: count for key, count in counts.items()}
    events.append(connection, Event(_TOLD_AS[state], now, job, occurrence, data=data))
    return state
