"""What there is to do, in one query: each part of it looks at the head of one index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, func, or_, select

from stockjobs.domain.work.lanes import Lane, midnight
from stockjobs.domain.work.pauses import Scope
from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.ledger.waits import any_waits
from stockjobs.store.statements import as_written, is_set, is_unset, word

_jobs, _tasks, _pauses = tables.jobs, tables.tasks, tables.pauses


@dataclass(frozen=True)
class Agenda:
    """What a dispatcher would find to do at `now`."""

    now: datetime
    next_due_at: datetime | None
    """The earliest due time of any job."""
    next_run_at: datetime | None
    """The earliest time of any scheduled task."""
    lease_ends_at: datetime | None
    """When the first lease of a running task ends, or ended."""
    has_pending: bool
    """Due tasks wait that Redis was not told of."""
    has_moved: bool
    """Messages in the realtime lane are about a day that is no longer today."""
    has_stale: bool
    """Messages are older than they should get unclaimed."""
    has_waiting: bool
    """Occurrences wait for others."""
    has_held: bool
    """Due tasks wait that are kept out of their lane."""
    has_paused: bool
    """A lane is paused, or everything."""
    is_stopped: bool
    """Everything is paused."""

    @property
    def has_due_jobs(self) -> bool:
        """A job's time has come."""
        return self.next_due_at is not None and self.next_due_at <= self.now

    @property
    def has_due_tasks(self) -> bool:
        """A scheduled task's time has come."""
        return self.next_run_at is not None and self.next_run_at <= self.now

    @property
    def has_lost(self) -> bool:
        """A worker has let its lease run out."""
        return self.lease_ends_at is not None and self.lease_ends_at < self.now


def look(connection: Connection, now: datetime, stale_before: datetime) -> Agenda:
    """Read the agenda. Costs the same however much work there is."""
    return Agenda(now=now, **connection.execute(query(now, stale_before)).mappings().one())


def query(now: datetime, stale_before: datetime) -> Select[*tuple[Any, ...]]:
    """The query behind `look`."""
    pending = (_tasks.c.state == word(State.QUEUED), _tasks.c.offered_at.is_(None), is_unset(_tasks.c.held))
    old = [_first_offered(lane, _tasks.c.offered_at < stale_before).is_not(None) for lane in Lane]
    return select(
        _earliest_due().label("next_due_at"),
        _earliest(_tasks.c.run_at, State.SCHEDULED).label("next_run_at"),
        _earliest(_tasks.c.lease_until, State.RUNNING).label("lease_ends_at"),
        # Nowhere EXISTS: where many rows were so when it counted, PostgreSQL would walk the table until it meets one.
        select(func.min(_tasks.c.provider)).where(*pending).scalar_subquery().is_not(None).label("has_pending"),
        _first_offered(Lane.REALTIME, _tasks.c.about < midnight(now)).is_not(None).label("has_moved"),
        or_(*old).label("has_stale"),
        any_waits().label("has_waiting"),
        _first_held().is_not(None).label("has_held"),
        _first_paused().is_not(None).label("has_paused"),
        _first_paused(_pauses.c.scope == Scope.EVERYTHING.value).is_not(None).label("is_stopped"),
    )


def _first_offered(lane: Lane, condition: ColumnElement[bool]) -> ScalarSelect[datetime | None]:
    """When the oldest message of a lane was sent of which a condition holds; ix_tasks_offered gives them in order."""
    is_out = (_tasks.c.state == word(State.QUEUED), _tasks.c.offered_at.is_not(None))
    in_lane = _tasks.c.offered_lane == as_written(lane)
    query = select(_tasks.c.offered_at).where(*is_out, in_lane, condition)
    return query.order_by(_tasks.c.offered_at).limit(1).scalar_subquery()


def _first_paused(*conditions: ColumnElement[bool]) -> ScalarSelect[str | None]:
    return select(_pauses.c.scope).where(*conditions).order_by(_pauses.c.scope).limit(1).scalar_subquery()


def _first_held() -> ScalarSelect[UUID | None]:
    held = (_tasks.c.state == word(State.QUEUED), is_set(_tasks.c.held))
    return select(_tasks.c.job_id).where(*held).order_by(_tasks.c.job_id).limit(1).scalar_subquery()


def _earliest_due() -> ScalarSelect[datetime | None]:
    live = (
        is_set(_jobs.c.enabled),
        is_unset(_jobs.c.paused),
        _jobs.c.deleted_at.is_(None),
        _jobs.c.next_due_at.is_not(None),
    )
    return select(func.min(_jobs.c.next_due_at)).where(*live).scalar_subquery()


def _earliest(column: object, state: State) -> ScalarSelect[datetime | None]:
    return select(func.min(column)).where(_tasks.c.state == word(state)).scalar_subquery()
