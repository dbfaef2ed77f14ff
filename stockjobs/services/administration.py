"""Administration: defining jobs, asking for occurrences, cancelling them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from stockjobs.domain import ids
from stockjobs.domain.events import Event, EventName
from stockjobs.domain.intervals import Interval
from stockjobs.domain.jobs import Concurrency, JobSpec, Manifest, WindowSpec
from stockjobs.errors import Conflict, InvalidInput
from stockjobs.services.adhoc import manifest_for
from stockjobs.services.instances import Asked, Instances, cancel
from stockjobs.store import definitions, events, occurrences
from stockjobs.store.database import Connection, Database
from stockjobs.store.definitions import Job
from stockjobs.store.occurrences import Occurrence


class Change(StrEnum):
    """What applying a manifest does to a job."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Applied:
    """A job after a manifest was applied (or as it would be), and as it was before."""

    change: Change
    before: Job | None
    after: Job


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


class Administration:
    """Changes jobs and occurrences for people and programs."""

    def __init__(self, database: Database, instances: Instances, tickers: Sequence[str] = ()) -> None:
        self._database = database
        self._instances = instances
        self._tickers = tuple(tickers)

    def apply(self, manifests: Sequence[Manifest], *, by: str, dry_run: bool = False) -> list[Applied]:
        """Make the jobs as the manifests say, all of them or none. Applying the same again changes nothing.

        Raises InvalidInput if a job names no symbols and there are no default tickers, Conflict if it changed meanwhile.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            # Always in the same order, so that two who apply the same jobs never wait for each other in a circle.
            by_name = sorted(manifests, key=lambda manifest: manifest.metadata.name)
            applied = {one.metadata.name: self._apply(connection, one, by, now) for one in by_name}
            if dry_run:
                connection.rollback()
        return [applied[manifest.metadata.name] for manifest in manifests]

    def _apply(self, connection: Connection, manifest: Manifest, by: str, now: datetime) -> Applied:
        name, labels = manifest.metadata.name, manifest.metadata.labels
        spec = self._with_symbols(manifest)
        self._instances.check(spec)
        before = definitions.find(connection, name, for_change=True)
        if before is None:
            created = self._create(connection, definitions.new_job(name, spec, labels, now), by, now)
            if created is not None:
                return created
            # Somebody else made it this very moment: then this is a change of it.
            before = definitions.get(connection, name, for_change=True)
        says_enabled = "enabled" in manifest.spec.model_fields_set
        enabled = spec.enabled if says_enabled else before.enabled
        if before.spec.digest() == spec.digest() and before.labels == labels and before.enabled == enabled:
            return Applied(Change.UNCHANGED, before, before)
        after = _revised(before, spec=spec, labels=labels, enabled=enabled, now=now)
        definitions.replace(connection, before, after, by)
        events.append(connection, _about(EventName.CHANGED, after, now, by, version=after.version))
        return Applied(Change.CONFIGURED, before, after)

    def _create(self, connection: Connection, job: Job, by: str, now: datetime) -> Applied | None:
        job = replace(job, version=definitions.next_version(connection, job.id))
        if not definitions.create(connection, job, by):
            return None
        events.append(connection, _about(EventName.CREATED, job, now, by, version=job.version))
        return Applied(Change.CREATED, None, job)

    def _with_symbols(self, manifest: Manifest) -> JobSpec:
        if manifest.spec.symbols:
            return manifest.spec
        if not self._tickers:
            where = f"{manifest.metadata.name}: spec.symbols"
            raise InvalidInput.because(
                where, "the job names no symbols, and there are no default ones", "add symbols, or set TICKERS"
            )
        return manifest.spec.model_copy(update={"symbols": self._tickers})

    def set_enabled(self, name: str, *, enabled: bool, by: str) -> Job:
        """Let a job be due again, or no more. What it missed while it was disabled is not made up. Raises NotFound."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            before = definitions.get(connection, name, for_change=True)
            if before.enabled == enabled:
                return before
            after = replace(
                before,
                enabled=enabled,
                next_due_at=before.spec.schedule.rule().after(now) if enabled else None,
                updated_at=now,
            )
            definitions.replace(connection, before, after, by)
            events.append(connection, _about(EventName.CHANGED, after, now, by, enabled=enabled))
        return after

    def delete(self, name: str, *, by: str) -> Job:
        """Delete a job; its history stays, and what is open of it is cancelled. Raises NotFound."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            job = definitions.get(connection, name, for_change=True)
            definitions.delete(connection, job.id, now)
            for occurrence in occurrences.open_of(connection, job.id):
                cancel(connection, occurrence, now, reason=f"the job was deleted by {by}")
            events.append(connection, _about(EventName.DELETED, job, now, by))
        return job

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
        self.apply([manifest], by=submitter)
        return self.trigger(Request(manifest.metadata.name, submitter, key, start_after=start_after))

    def cancel(self, occurrence_id: str, *, by: str) -> Occurrence:
        """Cancel an occurrence: what waits at once, what runs within seconds. Raises NotFound, or Conflict if it has ended."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            occurrence = occurrences.get_by_prefix(connection, occurrence_id)
            if not cancel(connection, occurrence, now, reason=f"cancelled by {by}") and occurrence.finished_at:
                raise Conflict(f"occurrence {occurrence.id} has ended already: {occurrence.state}")
            return occurrences.require(connection, occurrence.id)


def _revised(before: Job, *, spec: JobSpec, labels: dict[str, str], enabled: bool, now: datetime) -> Job:
    is_new_version = before.spec.digest() != spec.digest() or before.labels != labels
    is_due_anew = before.spec.schedule != spec.schedule or before.enabled != enabled
    due_at = spec.schedule.rule().after(now) if is_due_anew else before.next_due_at
    return replace(
        before,
        version=before.version + is_new_version,
        spec=spec,
        labels=labels,
        enabled=enabled,
        next_due_at=due_at if enabled else None,
        updated_at=now,
    )


def _about(name: EventName, job: Job, now: datetime, by: str, **data: object) -> Event:
    return Event(name, now, job.id, data={"job": job.name, "by": by, **data})
