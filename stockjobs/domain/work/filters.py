"""Filters: which occurrences, tasks or events are meant. Values, so that every face asks in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from stockjobs.domain.events import EventName
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State


@dataclass(frozen=True)
class Filter:
    """Which occurrences (or their tasks) are meant: those that all of it is true of. Nothing given means all of them.

    `states` are the occurrence's (for tasks, the task's); `tag` and `labels` are those of the version that it ran. It is in
    a lane if one of its attempts ran there, or one of its open tasks is in it at this moment. `since` ≤ created < `before`.
    """

    job: str | None = None
    states: tuple[State, ...] = ()
    lane: Lane | None = None
    tag: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    submitter: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """True if it leaves nothing out."""
        return self == EVERYTHING

    def states_among(self, *states: State) -> tuple[State, ...]:
        """Those of these states that it asks for; all of them if it asks for none."""
        return tuple(state for state in states if not self.states or state in self.states)


EVERYTHING = Filter()


@dataclass(frozen=True)
class EventFilter:
    """Which events are meant: those of one job, of one occurrence, with one of these names. Nothing given means all."""

    job: UUID | None = None
    occurrence: UUID | None = None
    names: tuple[EventName, ...] = ()


EVERY_EVENT = EventFilter()
