"""The states of an occurrence, a task and an attempt, and the outcomes of an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """The state of a task; an occurrence and an attempt use those that apply to them.

    A task waits for its time (scheduled), then for a worker (queued), whether or not a message about it is in Redis.
    An occurrence is scheduled as long as it waits for its time, or for others to succeed.
    """

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    """An occurrence that had nothing to do: too late, market closed, overlap forbidden, what it waited for did not succeed."""
    RETRIED = "retried"
    """An attempt that failed and was followed by another."""
    DEFERRED = "deferred"
    """An attempt that could not be made: a limit or a server that was away. It counts for nothing."""
    LOST = "lost"
    """An attempt whose worker died or lost its lease."""


OPEN = (State.SCHEDULED, State.QUEUED, State.RUNNING)
ENDED = (State.COMPLETED, State.FAILED, State.CANCELLED, State.TIMEOUT, State.SKIPPED)


def sum_of(tasks: Mapping[State, int]) -> State:
    """The state of an occurrence from the number of its tasks in each state; one with no tasks is completed."""
    if any(tasks.get(state, 0) for state in OPEN):
        started = sum(tasks.values()) > tasks.get(State.SCHEDULED, 0) + tasks.get(State.QUEUED, 0)
        if started:
            return State.RUNNING
        return State.QUEUED if tasks.get(State.QUEUED, 0) else State.SCHEDULED
    for state in (State.FAILED, State.TIMEOUT, State.CANCELLED):
        if tasks.get(state, 0):
            return state
    return State.COMPLETED
