"""Events: facts in the past tense. They are written in the transaction of the change that they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from stockjobs.domain.excerpts import excerpt
from stockjobs.errors import InvalidInput


class EventName(StrEnum):
    """What happened. Each is about an occurrence of a job; created, changed, deleted and missed are about the job itself."""

    CREATED = "job.created"
    CHANGED = "job.changed"
    DELETED = "job.deleted"
    MISSED = "job.missed"
    SCHEDULED = "job.scheduled"
    """An occurrence waits for its time, or for others."""
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
    NO_ROWS = "data.no_rows"
    """A trading day has passed without a bar of a symbol; `data` has the symbol, the interval and the day."""
    STALE = "data.stale"
    """The newest bars of a job are older than its target; `data` has the symbol that is furthest behind, and how far."""
    FRESH = "data.fresh"
    """They are young enough again."""
    PERISHING = "data.perishing"
    """Bars of a series will soon be beyond what the source keeps; `data` has how many, and when."""
    LANE_PAUSED = "lane.paused"
    """Of a lane or of everything; `data` has the scope, by whom, and the reason."""
    LANE_RESUMED = "lane.resumed"
    PROVIDER_LIMITED = "provider.limited"
    """A provider has asked us to slow down, so nobody of the fleet asks it for a while; `data` has the egress, and until when."""
    PROVIDER_DOWN = "provider.down"
    """A provider was down many times in a row; the same follows."""
    PROVIDER_RECOVERED = "provider.recovered"
    """One request found that it serves again."""
    PROVIDER_REOPENED = "provider.reopened"
    """Somebody has decided that it is asked again before its time; `data` has by whom, the egress, why it was closed, and how
    many deferred tasks go on."""
    SYMBOL_SUSPECT = "symbol.suspect"
    """Its provider has not known a symbol for days while it knew others."""
    SYMBOL_DEAD = "symbol.dead"
    """For weeks; from now on it is asked for once a week."""
    SYMBOL_ACTIVE = "symbol.active"
    """One that was suspect or dead is known again."""
    SYMBOL_RENAMED = "symbol.renamed"
    """An instrument is asked for by another symbol; `data` has both, and by whom."""
    SYMBOL_REASSIGNED = "symbol.reassigned"
    """A symbol names another instrument than before."""
    INSTRUMENT_CHANGED = "instrument.changed"
    """An instrument has another exchange, zone or kind than before."""
    PRUNED = "history.pruned"
    """Old occurrences were removed, with their tasks, attempts and events."""
    QUARANTINED = "data.quarantined"
    """Bars were set aside; `data` has how many, by rule, and of which symbols."""
    RELEASED = "data.released"
    """Somebody has decided that bars are good, and they were landed; `data` has the findings, by whom, and how many bars."""
    REJECTED = "data.rejected"
    """Somebody has decided that bars are bad; the same."""
    RESTATED = "data.restated"
    """The source tells stored history in other shares, and it was told anew; `data` has symbol, interval, ratio and span."""
    REMOVED = "history.removed"
    """Told to a subscriber alone, and not stored: events that it has not seen yet were removed with their occurrences."""


def event_names(texts: Sequence[str], where: str = "names") -> tuple[EventName, ...]:
    """Names of events from texts. Raises InvalidInput for one that is none."""
    unknown = [text for text in texts if text not in set(EventName)]
    if unknown:
        raise InvalidInput.because(where, f"{excerpt(unknown[0])} is not an event", f"one of {', '.join(EventName)}")
    return tuple(EventName(text) for text in texts)


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
