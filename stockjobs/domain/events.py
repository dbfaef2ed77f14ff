"""Events: facts in the past tense. They are written in the transaction of the change that they tell of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class EventName(StrEnum):
    """What happened. Each is about an occurrence of a job; created, changed and deleted are about the job itself."""

    CREATED = "job.created"
    CHANGED = "job.changed"
    DELETED = "job.deleted"
    QUEUED = "job.queued"
    STARTED = "job.started"
    PROGRESS = "job.progress"
    COMPLETED = "job.completed"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"
    SKIPPED = "job.skipped"
    RETRIED = "job.retried"
    DEFERRED = "job.deferred"
    LOST = "job.lost"
    REMOVED = "history.removed"
    """Told to a subscriber alone, and not stored: events that it has not seen yet were removed with their occurrences."""


@dataclass(frozen=True)
class Event:
    """A fact, with the ids of what it is about; `id` is its place in the order of all events, 0 before it is stored."""

    name: EventName
    at: datetime
    job_id: UUID | None = None
    occurrence_id: UUID | None = None
    task_id: UUID | None = None
    attempt_id: UUID | None = None
    data: dict[str, Any] = field(default_factory=dict)
    id: int = 0
