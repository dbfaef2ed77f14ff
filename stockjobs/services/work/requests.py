"""Requests: asking for an occurrence of a job, or for work that nobody defined a job for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from stockjobs.domain import ids
from stockjobs.domain.asking.planning import asked_window
from stockjobs.domain.asking.pricing import NO_ALLOWANCE, Allowance, Duration, duration_of
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import Concurrency, JobSpec, JobType, Mode, OnFailure, WindowSpec
from stockjobs.errors import Conflict, InvalidInput
from stockjobs.services.market.survey import Survey
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.services.work.adhoc import manifest_for
from stockjobs.services.work.administration import Administration
from stockjobs.services.work.instances import Asked, Instances
from stockjobs.services.work.waiting import resolve
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, occurrences, throughput
from stockjobs.store.ledger.definitions import Job
from stockjobs.store.ledger.occurrences import Occurrence
from stockjobs.store.ledger.waits import WaitsFor

_DAY = timedelta(days=1)

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Nobody asks for work that is to start before or after these."""


@dataclass(frozen=True)
class Timing:
    """When asked-for work is to start.

    It is about `scheduled_at`, which decides on its lane, and not before then; or it is about now. Nor does it start before
    `start_after`, nor before the occurrences `after` (ids, or the first digits of them) have ended; `on_failure` says what
    becomes of it if one of those did not succeed.
    """

    scheduled_at: datetime | None = None
    start_after: datetime | None = None
    after: tuple[str, ...] = ()
    on_failure: OnFailure = OnFailure.SKIP

    def earliest(self, now: datetime) -> datetime | None:
        """The instant before which it does not start, None if it may at once."""
        return max((at for at in (self.scheduled_at, self.start_after) if at is not None and at > now), default=None)


AT_ONCE = Timing()


@dataclass(frozen=True)
class Request:
    """What somebody asks of a job. The same `key` asks for the same occurrence; without one each request is new.

    `survey` is what an estimate has just found missing, so that nobody looks twice.
    """

    job: str
    submitter: str
    key: str | None = None
    window: WindowSpec | None = None
    timing: Timing = AT_ONCE
    survey: Survey | None = None


@dataclass(frozen=True)
class Estimate:
    """What an occurrence would cost: its tasks, and the requests that they make of the provider if all goes well.

    `out_of_reach` has the intervals for which the provider no longer keeps the beginning of the window, and what it keeps.
    `survey` is what was found missing, for a request that follows.
    """

    tasks: int
    requests: int
    out_of_reach: dict[Interval, datetime]
    duration: Duration | None = None
    survey: Survey | None = None


class Requests:
    """Takes what people and programs ask for."""

    def __init__(
        self,
        database: Database,
        instances: Instances,
        administration: Administration,
        allowance_of: Callable[[str], Allowance] = lambda _: NO_ALLOWANCE,
    ) -> None:
        """`allowance_of` tells what historical work may ask of a provider."""
        self._database = database
        self._allowance_of = allowance_of
        self._instances = instances
        self._administration = administration

    @taken_twice_if_busy
    def trigger(self, request: Request) -> Occurrence:
        """Ask for an occurrence of a job. Asking again with the same key gives the occurrence that is there.

        Raises NotFound for an unknown job, or an unknown occurrence that it is to wait for; InvalidInput for an impossible time;
        Conflict if the job is disabled, or has an open occurrence and its policy forbids a second.
        """
        _check_timing(request.timing)
        key = ids.requested_key(request.key or str(uuid4()))
        found = self._survey(request, key)
        with self._database.begin() as connection:
            now = self._database.now(connection)
            job = definitions.get(connection, request.job, for_change=True)
            known = occurrences.get(connection, ids.occurrence_id(job.id, key))
            if known is not None:
                return known
            self._refuse(connection, job, now)
            _check_window(job.spec, request.window, request.timing, now)
            self._instances.create(connection, job, _asked(connection, request, key, now), now, found)
            made = ids.occurrence_id(job.id, key)
            # What it waits for may have ended long ago.
            resolve(connection, self._instances, [made], now)
            return occurrences.require(connection, made)

    def _survey(self, request: Request, key: str) -> Survey | None:
        """What is missing of what is asked for, read while nobody has to wait for it; None where it is too early to know."""
        with self._database.read() as connection:
            job = definitions.get(connection, request.job)
            is_there = occurrences.get(connection, ids.occurrence_id(job.id, key)) is not None
            if is_there or job.spec.depends_on or request.timing.after:
                return None
            now = self._database.now(connection)
            about = request.timing.scheduled_at or now
            return self._instances.survey(connection, job.spec, request.window, now, about, known=request.survey)

    def filled_in(self, spec: JobSpec) -> JobSpec:
        """The definition of ad-hoc work as `submit` takes it: with the defaults of this installation where it says nothing."""
        return self._administration.filled_in(spec)

    def estimate(self, spec: JobSpec, window: WindowSpec | None = None, timing: Timing = AT_ONCE) -> Estimate:
        """What an occurrence would cost if it were asked for now. Nothing is written.

        Raises InvalidInput for a window of the time after the work is to start.
        """
        with self._database.read() as connection:
            now = self._database.now(connection)
            _check_window(spec, window, timing, now)
            found = self._instances.survey(connection, spec, window, now, now)
            speed = throughput.measured(connection, spec.provider, now)
        plans = self._instances.plan(spec, ids.occurrence_id(ids.job_id(""), ""), now, window, found)
        # Each symbol lacks what one request may ask for, or is asked for whole.
        requests = sum(len(plan.symbols) for plan in plans)
        out_of_reach = self._instances.out_of_reach(spec, now, window)
        at_once = speed.at_most(min(len(plans), spec.max_parallel or len(plans))) if speed else None
        duration = duration_of(requests, self._allowance_of(spec.provider), at_once)
        return Estimate(len(plans), requests, out_of_reach, duration, found)

    def _refuse(self, connection: Connection, job: Job, now: datetime) -> None:
        if not job.enabled:
            raise Conflict(f"job {job.name!r} is disabled: enable it first")
        if job.paused:
            raise Conflict(f"job {job.name!r} is paused: resume it first")
        still_open = occurrences.open_of(connection, job.id)
        if still_open and job.spec.schedule.concurrency is Concurrency.FORBID:
            one = still_open[0]
            raise Conflict(
                f"occurrence {one.id} of job {job.name!r} is {one.state}, and the job's concurrency policy forbids a second "
                f"one: wait for it, or `stockctl cancel {str(one.id)[:8]}`"
            )
        self._instances.may_start(connection, job, now)

    def submit(
        self,
        spec: JobSpec,
        *,
        submitter: str,
        key: str | None = None,
        timing: Timing = AT_ONCE,
        survey: Survey | None = None,
    ) -> Occurrence:
        """Ask for work that nobody defined a job for: an ad-hoc job is made, or found, and triggered.

        Raises InvalidInput for a definition without symbols or an impossible time, NotFound for an unknown occurrence that it is
        to wait for.
        """
        spec = self.filled_in(spec)
        manifest = manifest_for(spec)
        self._check_first(spec, timing)
        self._administration.apply([manifest], by=submitter)
        return self.trigger(Request(manifest.metadata.name, submitter, key, timing=timing, survey=survey))

    def _check_first(self, spec: JobSpec, timing: Timing) -> None:
        """Refuse what cannot be before a job is made for it."""
        _check_timing(timing)
        with self._database.read() as connection:
            _check_window(spec, None, timing, self._database.now(connection))
            if timing.after:
                _after(connection, timing)


def _check_window(spec: JobSpec, window: WindowSpec | None, timing: Timing, now: datetime) -> None:
    """Raise InvalidInput for a window in which nothing can have happened when the work starts."""
    if window is None and spec.mode is not Mode.BACKFILL:
        return
    window = window or spec.window
    if _is_too_short(spec, window):
        said = f"{window.period} is shorter than a day, and so than each of the bars"
        raise InvalidInput.because("period", said, "5d is five days, 6mo six months")
    asked = asked_window(window, timing.scheduled_at or now)
    start = f"{asked.start:%Y-%m-%dT%H:%M:%SZ}"
    if asked.start >= (timing.earliest(now) or now):
        raise InvalidInput.because("start", f"{start} is still to come", "give an earlier one")
    if asked.start >= asked.end:
        until = "midnight UTC of its day, where a window ends if nobody says"
        raise InvalidInput.because("start", f"{start} is not before {until}", "give an end, or an earlier start")


def _is_too_short(spec: JobSpec, window: WindowSpec) -> bool:
    """True for a period of hours or minutes in which no bar of any interval fits."""
    length = window.length()
    is_of_days = spec.type is JobType.MARKETDATA and all(one.seconds >= Interval.D1.seconds for one in spec.intervals)
    return length is not None and length.nominal < _DAY and is_of_days


def _check_timing(timing: Timing) -> None:
    for name, at in (("scheduled_at", timing.scheduled_at), ("start_after", timing.start_after)):
        if at is not None and not EARLIEST <= at < LATEST:
            years = f"{EARLIEST.year} to {LATEST.year - 1}"
            raise InvalidInput.because(name, f"{at.isoformat()} is outside of the years {years}", "give a nearer time")


def _asked(connection: Connection, request: Request, key: str, now: datetime) -> Asked:
    timing = request.timing
    return Asked(
        key,
        timing.scheduled_at or now,
        request.submitter,
        request.window,
        timing.earliest(now),
        _after(connection, timing),
    )


def _after(connection: Connection, timing: Timing) -> tuple[WaitsFor, ...]:
    others = {one.id: one for one in (occurrences.get_by_prefix(connection, text) for text in timing.after)}
    return tuple(WaitsFor(one.job_id, one.id, timing.on_failure) for one in others.values())
