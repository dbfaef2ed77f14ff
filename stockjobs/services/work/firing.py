"""Firing: turning the jobs whose time has come into occurrences.

What is due is decided first, from values alone; then it is written, in the same few statements for one job and for a thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from stockjobs.domain import ids
from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.sessions import SessionsOf, no_sessions
from stockjobs.domain.periods import parse_duration
from stockjobs.domain.scheduling.jitter import delay
from stockjobs.domain.scheduling.schedules import INSTANT, Due, Misfire, Missed, due
from stockjobs.domain.work.jobs import Concurrency, ScheduleSpec
from stockjobs.domain.work.states import State
from stockjobs.errors import StockjobsError, Unavailable
from stockjobs.services.work.instances import Asked, Draft, Instances
from stockjobs.store.database import Connection
from stockjobs.store.ledger import definitions, events, occurrences
from stockjobs.store.ledger.definitions import Job, Unable

JOBS_A_BATCH = 500
OCCURRENCES_A_BATCH = 2_500
SCHEDULER = "schedule"
_SCHEDULES_KEPT = 1_024


@dataclass(frozen=True)
class Fired:
    """What a batch did: of so many jobs it made so many occurrences and left so many due times out; and if there may be more."""

    jobs: int = 0
    occurrences: int = 0
    missed: int = 0
    has_more: bool = False


@dataclass(frozen=True)
class Shot:
    """A job, what is due of it, and the occurrences that this makes."""

    job: Job
    due: Due
    drafts: Sequence[Draft]


class Firing:
    """Fires jobs; any number may do so at once. `sessions` is asked for those of the exchanges that schedules name."""

    def __init__(self, instances: Instances, sessions: SessionsOf = no_sessions) -> None:
        self.sessions = sessions
        self._instances = instances
        self.unable: dict[str, Unable] = {}
        """Jobs that could not be fired, and why; for whoever runs the dispatcher to tell and to clear."""
        self._read: set[str] = set()
        self._unread: dict[str, ScheduleSpec] = {}
        # Jobs that share a schedule come due together: what is due is found once for all of them.
        self._due = lru_cache(_SCHEDULES_KEPT)(self._due_of)

    def read_calendars(self, schedules: Iterable[ScheduleSpec] = ()) -> None:
        """Read the calendars of these schedules, and those that `fire_due` was in want of.

        To read one takes seconds, so it is done while no transaction is open.
        """
        self._unread |= {one.calendar.exchange: one for one in schedules if one.calendar is not None}
        for exchange in self._unread.keys() - self._read:
            # Who needs it is told of an error of it; here it keeps no other from being read.
            with suppress(StockjobsError):
                self._unread[exchange].rule(self.sessions).after(datetime.now(UTC))
        self._read |= self._unread.keys()
        self._unread.clear()

    def next_due(self, schedule: ScheduleSpec, now: datetime) -> datetime | None:
        """The first due time of a schedule after now, None if there is none."""
        return schedule.rule(self.sessions).after(now)

    def fire_due(self, connection: Connection, now: datetime) -> Fired:
        """Fire a batch of the jobs whose time has come, in the caller's transaction.

        One that cannot be fired keeps no other from it, and is left out until it is changed or `unable` is cleared. One that
        needs a calendar waits until `read_calendars` was called.
        """
        jobs, unreadable = definitions.due(connection, now, JOBS_A_BATCH, left_out=self.unable.values())
        self.unable |= {one.name: one for one in unreadable}
        shots, count = [], 0
        for shot in self._shots(jobs, now):
            shots.append(shot)
            count += len(shot.drafts)
            if count >= OCCURRENCES_A_BATCH:
                break
        has_more = len(jobs) + len(unreadable) == JOBS_A_BATCH or count >= OCCURRENCES_A_BATCH or bool(self._unread)
        missed = sum(shot.due.missed.count for shot in shots if shot.due.missed)
        return Fired(len(shots), self._write(connection, shots, now), missed, has_more)

    def _shots(self, jobs: Sequence[Job], now: datetime) -> Iterator[Shot]:
        for job in jobs:
            calendar = job.spec.schedule.calendar
            if calendar is not None and calendar.exchange not in self._read:
                self._unread[calendar.exchange] = job.spec.schedule
                continue
            try:
                yield self._shot(job, now, job.spec.schedule.misfire)
            except Unavailable:
                raise
            except StockjobsError as error:
                self.unable[job.name] = Unable(job.id, job.version, job.name, str(error))

    def fire(self, connection: Connection, job: Job, now: datetime, *, misfire: Misfire | None = None) -> Job:
        """Fire what is due of one job, in the transaction in which the caller read it for a change.

        Returns it with its next due time. The misfire policy is the job's own if none is given.
        """
        if not job.is_due(now):
            return job
        shot = self._shot(job, now, misfire or job.spec.schedule.misfire)
        self._write(connection, [shot], now)
        return replace(job, next_due_at=shot.due.next_due)

    def revive(self, connection: Connection, now: datetime) -> int:
        """Make the jobs due again whose exchange's calendar had come to its end, and goes on since. Returns how many."""
        going_on: dict[UUID, datetime | None] = {}
        for job in definitions.with_ended_calendar(connection):
            # One whose calendar cannot be read stays as it is.
            with suppress(StockjobsError):
                going_on[job.id] = self.next_due(job.spec.schedule, now)
        definitions.advance(connection, {job: at for job, at in going_on.items() if at is not None})
        return sum(at is not None for at in going_on.values())

    def pass_over(self, connection: Connection, job: Job, now: datetime, reason: str) -> None:
        """Tell what is due of one job and will not be run, and why."""
        if job.next_due_at is None or not job.is_due(now):
            return
        try:
            rule = job.spec.schedule.rule(self.sessions)
            missed = due(rule, job.next_due_at, now, misfire=Misfire.NONE, grace=-INSTANT).missed
        except StockjobsError:
            missed = Missed(job.next_due_at, job.next_due_at, 1, is_exact=False)
        events.append(connection, *_missed(job, missed, now, reason=reason))

    def _shot(self, job: Job, now: datetime, misfire: Misfire) -> Shot:
        schedule = job.spec.schedule
        found = self._due(schedule, job.next_due_at or now, now, misfire)
        return Shot(job, found, [self._instances.draft(job, _asked(job, time), now) for time in found.run])

    def _due_of(self, schedule: ScheduleSpec, first: datetime, now: datetime, misfire: Misfire) -> Due:
        return due(schedule.rule(self.sessions), first, now, misfire=misfire, grace=parse_duration(schedule.grace))

    def _write(self, connection: Connection, shots: Sequence[Shot], now: datetime) -> int:
        """Write what was decided. Returns how many occurrences were made; those that had to be skipped do not count."""
        definitions.advance(connection, {shot.job.id: shot.due.next_due for shot in shots})
        events.append(connection, *(event for shot in shots for event in _missed(shot.job, shot.due.missed, now)))
        drafts = self._in_turn(connection, shots, now)
        new = self._instances.write(connection, drafts, now)
        return sum(one.occurrence.id in new and one.occurrence.state is not State.SKIPPED for one in drafts)

    def _in_turn(self, connection: Connection, shots: Sequence[Shot], now: datetime) -> list[Draft]:
        """The occurrences that are not there yet, as the concurrency policies of their jobs let them be."""
        known = occurrences.known(connection, [draft.occurrence.id for shot in shots for draft in shot.drafts])
        careful = [shot.job.id for shot in shots if shot.job.spec.schedule.concurrency is not Concurrency.ALLOW]
        busy = occurrences.jobs_with_open(connection, careful)
        drafts: list[Draft] = []
        for shot in shots:
            policy, is_busy = shot.job.spec.schedule.concurrency, shot.job.id in busy
            fresh = [draft for draft in shot.drafts if draft.occurrence.id not in known]
            if fresh and is_busy and policy is Concurrency.REPLACE:
                self._instances.replace_open(connection, shot.job, now)
            drafts.extend(_held_to(policy, fresh, is_busy=is_busy))
        return drafts


def _asked(job: Job, time: datetime) -> Asked:
    key, jitter = ids.scheduled_key(time), job.spec.schedule.jitter
    later = delay(parse_duration(jitter), ids.occurrence_id(job.id, key)) if jitter else timedelta(0)
    return Asked(key, time, SCHEDULER, start_after=time + later if later else None)


def _missed(job: Job, missed: Missed | None, now: datetime, **told: object) -> Iterator[Event]:
    if missed is not None:
        data = {
            "job": job.name,
            "count": missed.count,
            "is_exact": missed.is_exact,
            "first": missed.first.isoformat(),
            "last": missed.last.isoformat(),
            **told,
        }
        yield Event(EventName.MISSED, now, job.id, data=data)


def _held_to(policy: Concurrency, drafts: Sequence[Draft], *, is_busy: bool) -> Iterator[Draft]:
    """What a concurrency policy makes of occurrences that come due together, the oldest first.

    Several come together only where the misfire policy wants all of them: then, where they may not overlap, they run in turn.
    """
    before: Draft | None = None
    for draft in drafts:
        if policy is Concurrency.FORBID and before is not None:
            before = draft.following(before)
            yield before
        elif policy is Concurrency.FORBID and is_busy:
            yield draft.skipped("the occurrence before it still runs")
        elif policy is Concurrency.REPLACE and draft is not drafts[-1]:
            yield draft.skipped("a newer occurrence was due with it")
        else:
            yield draft
            before = draft if draft.is_open else None
