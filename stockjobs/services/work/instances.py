"""Turning a job into an occurrence with its tasks, for whoever asks: a schedule, a person, a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from stockjobs.domain import ids
from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.asking.planning import NOTHING_MISSING, OUT_OF_REACH, TaskPlan, out_of_reach, tasks_of
from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.periods import parse_duration
from stockjobs.domain.work.jobs import MAX_TIMEOUT, Concurrency, JobSpec, Match, Mode, OnFailure, WindowSpec
from stockjobs.domain.work.states import State
from stockjobs.errors import InvalidInput
from stockjobs.services.market.survey import Survey, survey
from stockjobs.store.database import Connection
from stockjobs.store.ledger import events, occurrences, tasks, waits
from stockjobs.store.ledger.definitions import Job
from stockjobs.store.ledger.occurrences import Occurrence
from stockjobs.store.ledger.tasks import Placement
from stockjobs.store.ledger.waits import WaitsFor

LimitsOf = Callable[[str, Interval], Limits]


@dataclass(frozen=True)
class Asked:
    """What is asked of a job: the occurrence's key and time, who asks, and a window or a later start if they want one.

    `after` are occurrences that are to succeed first, besides those that the job itself waits for.
    """

    key: str
    scheduled_for: datetime
    submitter: str
    window: WindowSpec | None = None
    start_after: datetime | None = None
    after: tuple[WaitsFor, ...] = ()


@dataclass(frozen=True)
class Draft:
    """An occurrence to be written, with its tasks and where they go; of some intervals the provider keeps only the end.

    One that waits for others gets its tasks when it is released.
    """

    occurrence: Occurrence
    plans: Sequence[TaskPlan]
    place: Placement
    out_of_reach: dict[Interval, datetime] = field(default_factory=dict)
    waits_for: tuple[WaitsFor, ...] = ()

    @property
    def is_open(self) -> bool:
        """True if something of it will have to run."""
        return self.occurrence.finished_at is None

    def skipped(self, reason: str) -> Draft:
        """The same as an occurrence that was due and had nothing to do, and why."""
        ended = replace(self.occurrence, state=State.SKIPPED, reason=reason, finished_at=self.occurrence.created_at)
        return replace(self, occurrence=ended, plans=(), waits_for=())

    def following(self, before: Draft) -> Draft:
        """The same as an occurrence that waits until the one before it has ended, however that ends."""
        waiting = replace(self.occurrence, state=State.SCHEDULED)
        turn = WaitsFor(before.occurrence.job_id, before.occurrence.id, OnFailure.RUN)
        return replace(self, occurrence=waiting, plans=(), waits_for=(*self.waits_for, turn))

    def events(self, now: datetime) -> Iterator[Event]:
        """What there is to tell once it is written."""
        if self.occurrence.state is State.SKIPPED:
            yield _event(EventName.SKIPPED, self.occurrence, now, reason=self.occurrence.reason)
            return
        first = {interval: at.isoformat() for interval, at in self.out_of_reach.items()}
        data = {"out_of_reach": first} if first else {}
        if self.occurrence.state is State.SCHEDULED:
            yield _scheduled(self, now, **data)
            return
        yield queued(self.occurrence, now, tasks=len(self.plans), **data)
        if self.occurrence.state is State.COMPLETED:
            said = {"reason": self.occurrence.reason} if self.occurrence.reason else {}
            yield _event(EventName.COMPLETED, self.occurrence, now, tasks=0, **said)


class Instances:
    """Creates occurrences; the same one only once, whoever else tries."""

    def __init__(self, limits_of: LimitsOf, max_timeout: timedelta = MAX_TIMEOUT) -> None:
        self._limits_of = limits_of
        self._max_timeout = max_timeout

    def draft(self, job: Job, asked: Asked, now: datetime, survey: Survey | None = None) -> Draft:
        """An occurrence as it would be, with its tasks; those of a backfill for what a survey found missing, without one for
        all of its window: then each task looks what is missing when it runs. Nothing is written.

        Raises InvalidInput for an unknown provider.
        """
        occurrence, waits_for = _occurrence(job, asked, now), _waits_for(job, asked)
        if waits_for:
            occurrence = replace(occurrence, state=State.SCHEDULED)
            return Draft(occurrence, (), _placement(job, occurrence, now), waits_for=waits_for)
        return self._planned(job, occurrence, asked.window, now, survey)

    def _planned(
        self, job: Job, occurrence: Occurrence, window: WindowSpec | None, now: datetime, survey: Survey | None = None
    ) -> Draft:
        plans = self.plan(job.spec, occurrence.id, occurrence.scheduled_for, window, survey)
        place = _placement(job, occurrence, now)
        if not plans:
            is_served = self.plan(job.spec, occurrence.id, occurrence.scheduled_for, window)
            reason = NOTHING_MISSING if is_served else OUT_OF_REACH
            occurrence = replace(occurrence, state=State.COMPLETED, finished_at=now, reason=reason)
        else:
            occurrence = replace(occurrence, state=State.SCHEDULED if place.run_at > now else State.QUEUED)
        return Draft(occurrence, plans, place, self.out_of_reach(job.spec, occurrence.scheduled_for, window))

    def planned(self, job: Job, occurrence: Occurrence, now: datetime) -> Draft:
        """An occurrence that has waited for others with the tasks that it gets now. Nothing is written."""
        window = WindowSpec.model_validate(occurrence.requested_window) if occurrence.requested_window else None
        return self._planned(job, occurrence, window, now)

    def release(self, connection: Connection, drafts: Sequence[Draft], now: datetime) -> None:
        """Give occurrences that have waited, and that the caller's transaction has locked, their tasks."""
        occurrences.release(connection, [draft.occurrence for draft in drafts])
        tasks.create(connection, [(draft.occurrence, draft.plans, draft.place) for draft in drafts])
        events.append(connection, *(event for draft in drafts for event in draft.events(now)))

    def write(self, connection: Connection, drafts: Sequence[Draft], now: datetime) -> set[UUID]:
        """Write occurrences with their tasks, in the caller's transaction. Returns the ids of those that were not there yet."""
        new = occurrences.create(connection, [draft.occurrence for draft in drafts])
        made = [draft for draft in drafts if draft.occurrence.id in new]
        tasks.create(connection, [(draft.occurrence, draft.plans, draft.place) for draft in made])
        waits.add(connection, {draft.occurrence.id: draft.waits_for for draft in made if draft.waits_for})
        events.append(connection, *(event for draft in made for event in draft.events(now)))
        return new

    def create(
        self, connection: Connection, job: Job, asked: Asked, now: datetime, survey: Survey | None = None
    ) -> Occurrence | None:
        """Write one occurrence and its tasks, in the caller's transaction. None if it was there already."""
        draft = self.draft(job, asked, now, survey)
        return draft.occurrence if self.write(connection, [draft], now) else None

    def plan(
        self,
        spec: JobSpec,
        occurrence: UUID,
        scheduled_for: datetime,
        window: WindowSpec | None = None,
        survey: Survey | None = None,
    ) -> list[TaskPlan]:
        """The tasks that an occurrence would have. A window that is asked for is a backfill, also of an incremental job.

        Raises InvalidInput for an unknown provider.
        """
        asked = _as_asked(spec, window)
        missing = survey.missing if survey is not None and survey.fits(asked, scheduled_for) else None
        limits = self._limits(spec)
        return tasks_of(asked, occurrence, scheduled_for, window=asked.window, limits=limits, missing=missing)

    def survey(
        self,
        connection: Connection,
        spec: JobSpec,
        window: WindowSpec | None,
        now: datetime,
        about: datetime,
        *,
        known: Survey | None = None,
    ) -> Survey | None:
        """What is missing of a backfill that would be asked for now; None for what is none. It may take seconds.

        `known` is one that was made a moment ago, which is taken if it is about the same.
        """
        asked = _as_asked(spec, window)
        if known is not None and known.fits(asked, about):
            return known
        return survey(connection, asked, self._limits(spec), now, about)

    def out_of_reach(
        self, spec: JobSpec, scheduled_for: datetime, window: WindowSpec | None = None
    ) -> dict[Interval, datetime]:
        """The intervals for which the provider no longer keeps the beginning of the window, and what it keeps."""
        asked = _as_asked(spec, window)
        return out_of_reach(asked, scheduled_for, window=asked.window, limits=self._limits(spec))

    def _limits(self, spec: JobSpec) -> Callable[[Interval], Limits]:
        return lambda interval: self._limits_of(spec.provider, interval)

    def check(self, spec: JobSpec, job: str) -> None:
        """Raise InvalidInput for a definition whose provider nobody knows, or whose timeout is above the maximum."""
        if parse_duration(spec.timeout) > self._max_timeout:
            raise InvalidInput.because(
                f"{job}: spec.timeout",
                f"{spec.timeout} is above the maximum of {self._max_timeout.total_seconds():g} s",
                "give a shorter one, or raise the setting max_timeout",
            )
        for interval in spec.intervals:
            self._limits_of(spec.provider, interval)

    def may_start(self, connection: Connection, job: Job, now: datetime) -> bool:
        """True unless the job's concurrency policy forbids another occurrence now; `replace` cancels those that are open."""
        policy = job.spec.schedule.concurrency
        if policy is Concurrency.ALLOW or not occurrences.has_open(connection, job.id):
            return True
        if policy is Concurrency.FORBID:
            return False
        self.replace_open(connection, job, now)
        return True

    def replace_open(self, connection: Connection, job: Job, now: datetime) -> None:
        """Cancel the occurrences of a job that wait or run, as a newer one takes their place."""
        cancel(connection, occurrences.open_of(connection, job.id), now, reason="replaced by a newer occurrence")


def _as_asked(spec: JobSpec, window: WindowSpec | None) -> JobSpec:
    return spec if window is None else spec.model_copy(update={"mode": Mode.BACKFILL, "window": window})


def cancel(connection: Connection, chosen: Sequence[Occurrence], now: datetime, *, reason: str) -> set[UUID]:
    """Cancel the open tasks of some occurrences and end them, in the caller's transaction. Returns the ids of those it ended.

    The tasks go first, as for whoever claims or lands one: else each could hold what the other wants.
    """
    if not chosen:
        return set()
    cancelled = tasks.cancel(connection, [one.id for one in chosen], now)
    ended = occurrences.end_all(connection, [one.id for one in chosen], State.CANCELLED, now, reason=reason)
    had_none = [one.id for one in chosen if one.state is State.SCHEDULED and one.id in ended]
    if had_none:
        # They may have been given their tasks at this very moment; now nobody gives them more.
        cancelled += tasks.cancel(connection, had_none, now)
    told = {"reason": reason}
    events.append(
        connection,
        *(_event(EventName.CANCELLED, one, now, **told, tasks=cancelled[one.id]) for one in chosen if one.id in ended),
    )
    return ended


def _occurrence(job: Job, asked: Asked, now: datetime) -> Occurrence:
    return Occurrence(
        id=ids.occurrence_id(job.id, asked.key),
        job_id=job.id,
        job=job.name,
        version=job.version,
        key=asked.key,
        scheduled_for=asked.scheduled_for,
        requested_window=asked.window.model_dump(mode="json", exclude_none=True) if asked.window else None,
        state=State.QUEUED,
        reason=None,
        submitter=asked.submitter,
        created_at=now,
        started_at=None,
        finished_at=None,
        start_after=asked.start_after,
    )


def _placement(job: Job, occurrence: Occurrence, now: datetime) -> Placement:
    later = occurrence.start_after
    run_at = later if later is not None and later > now else occurrence.created_at
    return Placement(job.spec.provider, run_at, is_capped=job.spec.max_parallel is not None, is_held=job.paused)


def _waits_for(job: Job, asked: Asked) -> tuple[WaitsFor, ...]:
    """What the job waits for, and what was asked for besides; at the same time only where there is one that a schedule gave."""
    is_due = asked.key == ids.scheduled_key(asked.scheduled_for)
    others = []
    for one in job.spec.depends_on:
        other = ids.job_id(one.job)
        is_at_a_time = is_due and one.match is Match.SAME_TIME
        others.append(WaitsFor(other, ids.occurrence_id(other, asked.key) if is_at_a_time else None, one.on_failure))
    return (*others, *asked.after)


def queued(occurrence: Occurrence, now: datetime, **data: object) -> Event:
    """That an occurrence is due, and waits for workers alone."""
    return _event(EventName.QUEUED, occurrence, now, **data)


def _scheduled(draft: Draft, now: datetime, **data: object) -> Event:
    if draft.occurrence.start_after is not None:
        data["start_after"] = draft.occurrence.start_after.isoformat()
    if draft.waits_for:
        data["waits_for"] = len(draft.waits_for)
    return _event(EventName.SCHEDULED, draft.occurrence, now, **data)


def _event(name: EventName, occurrence: Occurrence, now: datetime, **data: object) -> Event:
    return Event(name, now, occurrence.job_id, occurrence.id, data={"job": occurrence.job, **data})
