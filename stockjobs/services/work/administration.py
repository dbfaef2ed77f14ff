"""Administration: defining jobs, and changing when they are due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from stockjobs.domain import ids
from stockjobs.domain.events import Event, EventName
from stockjobs.domain.scheduling.schedules import Misfire
from stockjobs.domain.work.defaults import Defaults, filled_in
from stockjobs.domain.work.jobs import JobSpec, Manifest
from stockjobs.errors import InvalidInput, Problem, StockjobsError, Unavailable
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.services.work import edges
from stockjobs.services.work.firing import Firing
from stockjobs.services.work.instances import Instances, cancel
from stockjobs.services.work.rescheduling import rescheduled
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, events, occurrences, tasks
from stockjobs.store.ledger.definitions import Job

_SWITCHES = ("enabled", "paused")


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


class Administration:
    """Changes jobs for people and programs."""

    def __init__(
        self, database: Database, instances: Instances, firing: Firing, defaults: Defaults | None = None
    ) -> None:
        self._database = database
        self._instances = instances
        self._firing = firing
        self._defaults = defaults or Defaults()

    @taken_twice_if_busy
    def apply(self, manifests: Sequence[Manifest], *, by: str, dry_run: bool = False) -> list[Applied]:
        """Make the jobs as the manifests say, all of them or none. Applying the same again changes nothing.

        Raises InvalidInput if a job names no symbols and there are no default tickers, Conflict if it changed meanwhile.
        """
        self.read_calendars(manifests)
        with self._database.begin() as connection:
            applied = self.apply_in(connection, manifests, by=by)
            if dry_run:
                connection.rollback()
        return applied

    def filled_in(self, spec: JobSpec) -> JobSpec:
        """A new definition with what this installation fills in where it says nothing."""
        return filled_in(spec, self._defaults)

    def read_calendars(self, manifests: Sequence[Manifest]) -> None:
        """Read the calendars that these jobs need, which is to be done before a transaction is open."""
        self._firing.read_calendars(manifest.spec.schedule for manifest in manifests)

    def apply_in(self, connection: Connection, manifests: Sequence[Manifest], *, by: str) -> list[Applied]:
        """Do what `apply` does as a part of a larger transaction."""
        now = self._database.now(connection)
        # Always in the same order, so that two who apply the same jobs never wait for each other in a circle.
        by_name = sorted(manifests, key=lambda manifest: manifest.metadata.name)
        problems: list[Problem] = []
        applied: dict[str, Applied] = {}
        with _gathered(problems):
            edges.check(connection, by_name)
        for one in by_name:
            with _gathered(problems):
                applied[one.metadata.name] = self._apply(connection, one, by, now)
        if problems:
            raise InvalidInput(*problems)
        for changed in applied.values():
            edges.keep(connection, changed.before, changed.after)
        return [applied[manifest.metadata.name] for manifest in manifests]

    def _apply(self, connection: Connection, manifest: Manifest, by: str, now: datetime) -> Applied:
        name, labels = manifest.metadata.name, manifest.metadata.labels
        spec = self.filled_in(manifest.spec)
        if not spec.symbols:
            where = f"{name}: spec.symbols"
            raise InvalidInput.because(
                where, "the job names no symbols, and there are no default ones", "add symbols, or set TICKERS"
            )
        self._instances.check(spec, name)
        before = definitions.find(connection, name, for_change=True)
        if before is None:
            created = self._create(connection, self._new_job(name, spec, labels, now), by, now)
            if created is not None:
                return created
            # Somebody else made it this very moment: then this is a change of it.
            before = definitions.get(connection, name, for_change=True)
        says_enabled = "enabled" in manifest.spec.model_fields_set
        enabled = spec.enabled if says_enabled else before.enabled
        if before.spec.digest() == spec.digest() and before.labels == labels and before.enabled == enabled:
            return Applied(Change.UNCHANGED, before, before)
        after = replace(before, spec=spec, labels=labels, enabled=enabled)
        return Applied(Change.CONFIGURED, before, self._revise(connection, before, after, by, now))

    def _revise(self, connection: Connection, before: Job, after: Job, by: str, now: datetime) -> Job:
        """Make a job another: what was due of it until now is fired as it was, and a new schedule counts from now."""
        is_new_version = before.spec.digest() != after.spec.digest() or before.labels != after.labels
        is_new_schedule = before.spec.schedule != after.spec.schedule
        is_due_anew = is_new_schedule or before.enabled != after.enabled
        if after.enabled and is_new_schedule:
            self._check_due(after.name, after.spec, now)
        fired = self._fire_first(connection, before, now, is_due_anew=is_due_anew)
        due_at = self._next_due(after.spec, now) if is_due_anew else fired.next_due_at
        after = replace(
            after,
            version=before.version + is_new_version,
            next_due_at=due_at if after.enabled else None,
            updated_at=now,
        )
        definitions.replace(connection, before, after, by)
        told = {"version": after.version} if is_new_version else {}
        told |= {name: getattr(after, name) for name in _SWITCHES if getattr(before, name) != getattr(after, name)}
        events.append(connection, _about(EventName.CHANGED, after, now, by, **told))
        return after

    def _fire_first(self, connection: Connection, job: Job, now: datetime, *, is_due_anew: bool) -> Job:
        """Fire what was due of a job until now and no beat has fired yet; tell what is passed over if it cannot be."""
        if not job.is_due(now):
            return job
        reason = "the job was paused"
        if not job.paused:
            try:
                with connection.begin_nested():
                    return self._firing.fire(connection, job, now)
            except Unavailable:
                raise
            except StockjobsError as error:
                # To change it is the way to mend it.
                reason = str(error)
        if is_due_anew:
            self._firing.pass_over(connection, job, now, reason)
        return job

    def _new_job(self, name: str, spec: JobSpec, labels: dict[str, str], now: datetime) -> Job:
        if spec.enabled:
            self._check_due(name, spec, now)
        due_at = self._next_due(spec, now) if spec.enabled else None
        return Job(ids.job_id(name), name, 1, spec, labels, spec.enabled, due_at, now, now)

    def _check_due(self, name: str, spec: JobSpec, now: datetime) -> None:
        spec.schedule.check_due_after(now, self._firing.sessions, f"{name}: spec.schedule")

    def _next_due(self, spec: JobSpec, now: datetime) -> datetime | None:
        return self._firing.next_due(spec.schedule, now)

    def _create(self, connection: Connection, job: Job, by: str, now: datetime) -> Applied | None:
        job = replace(job, version=definitions.next_version(connection, job.id))
        if not definitions.create(connection, job, by):
            return None
        events.append(connection, _about(EventName.CREATED, job, now, by, version=job.version))
        return Applied(Change.CREATED, None, job)

    @taken_twice_if_busy
    def reschedule(self, name: str, changes: Mapping[str, object], *, by: str) -> Applied:
        """Change when a job is due, and nothing else of it: see `rescheduled`. Raises NotFound or InvalidInput.

        It acts on the next tick of every beat. What was due until now is fired as it was; the new schedule counts from now.
        """
        with self._database.read() as connection:
            planned = rescheduled(definitions.get(connection, name).spec, changes)
        self._firing.read_calendars([planned.schedule])
        with self._database.begin() as connection:
            now = self._database.now(connection)
            before = definitions.get(connection, name, for_change=True)
            after = replace(before, spec=rescheduled(before.spec, changes))
            if before.spec.schedule == after.spec.schedule:
                return Applied(Change.UNCHANGED, before, before)
            return Applied(Change.CONFIGURED, before, self._revise(connection, before, after, by, now))

    @taken_twice_if_busy
    def set_enabled(self, name: str, *, enabled: bool, by: str) -> Job:
        """Let a job be due again, or no more. What it missed while it was disabled is not made up. Raises NotFound."""
        with self._database.begin() as connection:
            before = definitions.get(connection, name, for_change=True)
            if before.enabled == enabled:
                return before
            return self._revise(
                connection, before, replace(before, enabled=enabled), by, self._database.now(connection)
            )

    @taken_twice_if_busy
    def pause(self, name: str, *, by: str) -> Job:
        """Let nothing of a job start until it is resumed: it is not due, and what waits of it is held. Raises NotFound.

        What runs goes on. Its next due time stays, so that what it misses is known when it is resumed.
        """
        with self._database.begin() as connection:
            before = definitions.get(connection, name, for_change=True)
            if before.paused:
                return before
            now = self._database.now(connection)
            after = self._revise(connection, before, replace(before, paused=True), by, now)
            tasks.hold(connection, after.id)
        return after

    @taken_twice_if_busy
    def resume(self, name: str, *, missed: Misfire | None = None, by: str) -> Job:
        """Let a paused job start again, and make up what it missed by a policy, its own if none is given. Raises NotFound.

        The next tick of a beat releases what was held.
        """
        with self._database.begin() as connection:
            before = definitions.get(connection, name, for_change=True)
            if not before.paused:
                return before
            now = self._database.now(connection)
            fired = self._firing.fire(connection, replace(before, paused=False), now, misfire=missed)
            after = replace(fired, updated_at=now)
            definitions.replace(connection, before, after, by)
            events.append(connection, _about(EventName.CHANGED, after, now, by, paused=False))
        return after

    @taken_twice_if_busy
    def delete(self, name: str, *, by: str) -> Job:
        """Delete a job; its history stays, and what is open of it is cancelled.

        Raises NotFound, or Conflict if other jobs depend on it.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            edges.hold(connection)
            job = definitions.get(connection, name, for_change=True)
            edges.drop(connection, job)
            definitions.delete(connection, job.id, now)
            cancel(connection, occurrences.open_of(connection, job.id), now, reason=f"the job was deleted by {by}")
            events.append(connection, _about(EventName.DELETED, job, now, by))
        return job


@contextmanager
def _gathered(problems: list[Problem]) -> Iterator[None]:
    """Keep what is found wrong with one job, so that the others are looked at too and all of it is told at once."""
    try:
        yield
    except InvalidInput as error:
        problems.extend(error.problems)


def _about(name: EventName, job: Job, now: datetime, by: str, **data: object) -> Event:
    return Event(name, now, job.id, data={"job": job.name, "by": by, **data})
