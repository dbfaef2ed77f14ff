"""Requests: asking for an occurrence of a job, or for work that nobody defined a job for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from stockjobs.domain import ids
from stockjobs.domain.intervals import Interval
from stockjobs.domain.jobs import Concurrency, JobSpec, WindowSpec
from stockjobs.errors import Conflict
from stockjobs.services.adhoc import manifest_for
from stockjobs.services.administration import Administration
from stockjobs.services.instances import Asked, Instances
from stockjobs.store import definitions, occurrences
from stockjobs.store.database import Connection, Database
from stockjobs.store.definitions import Job
from stockjobs.store.occurrences import Occurrence


@dataclass(frozen=True)
class Request:
    """What somebody asks of a job. The same `key` asks for the same occurrence; without one each request is new."""

    job: str
    submitter: str
    key: str | None = None
    window: WindowSpec | None = None
    start_after: datetime | None = None


@dataclass(frozen=True)
class Estimate:
    """What an occurrence would cost: its tasks, and the requests that they make of the provider if all goes well.

    `out_of_reach` has the intervals for which the provider no longer keeps the beginning of the window, and what it keeps.
    """

    tasks: int
    requests: int
    out_of_reach: dict[Interval, datetime]


class Requests:
    """Takes what people and programs ask for."""

    def __init__(self, database: Database, instances: Instances, administration: Administration) -> None:
        self._database = database
        self._instances = instances
        self._administration = administration

    def trigger(self, request: Request) -> Occurrence:
        """Ask for an occurrence of a job now. Asking again with the same key gives the occurrence that is there.

        Raises NotFound for an unknown job, Conflict if it is disabled or still running and its policy forbids a second.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            job = definitions.get(connection, request.job, for_change=True)
            key = ids.requested_key(request.key or str(uuid4()))
            known = occurrences.get(connection, ids.occurrence_id(job.id, key))
            if known is not None:
                return known
            self._refuse(connection, job, now)
            asked = Asked(key, now, request.submitter, request.window, request.start_after)
            occurrence = self._instances.create(connection, job, asked, now)
            made = occurrence.id if occurrence else ids.occurrence_id(job.id, key)
            return occurrences.require(connection, made)

    def estimate(self, spec: JobSpec, window: WindowSpec | None = None) -> Estimate:
        """What an occurrence would cost if it were asked for now. Nothing is written."""
        with self._database.read() as connection:
            now = self._database.now(connection)
        plans = self._instances.plan(spec, ids.occurrence_id(ids.job_id(""), ""), now, window)
        # A task's window is cut to what one request may ask for, so each of its symbols is one request.
        requests = sum(len(plan.symbols) for plan in plans)
        return Estimate(len(plans), requests, self._instances.out_of_reach(spec, now, window))

    def _refuse(self, connection: Connection, job: Job, now: datetime) -> None:
        if not job.enabled:
            raise Conflict(f"job {job.name!r} is disabled: enable it first")
        if job.spec.schedule.concurrency is Concurrency.FORBID and occurrences.has_open(connection, job.id):
            raise Conflict(f"job {job.name!r} is still running, and its concurrency policy forbids a second occurrence")
        self._instances.may_start(connection, job, now)

    def submit(
        self, spec: JobSpec, *, submitter: str, key: str | None = None, start_after: datetime | None = None
    ) -> Occurrence:
        """Ask for work that nobody defined a job for: an ad-hoc job is made, or found, and triggered.

        Raises InvalidInput for a definition without symbols, Conflict while the same work still runs.
        """
        manifest = manifest_for(spec)
        self._administration.apply([manifest], by=submitter)
        return self.trigger(Request(manifest.metadata.name, submitter, key, start_after=start_after))
