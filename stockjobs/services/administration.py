"""Administration: defining jobs, enabling and deleting them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from stockjobs.domain import ids
from stockjobs.domain.events import Event, EventName
from stockjobs.domain.jobs import JobSpec, Manifest
from stockjobs.errors import InvalidInput
from stockjobs.services import edges
from stockjobs.services.firing import Firing
from stockjobs.services.instances import Instances, cancel
from stockjobs.store import definitions, events, occurrences
from stockjobs.store.database import Connection, Database
from stockjobs.store.definitions import Job


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

    def __init__(self, database: Database, instances: Instances, firing: Firing, tickers: Sequence[str] = ()) -> None:
        self._database = database
        self._instances = instances
        self._firing = firing
        self._tickers = tuple(tickers)

    def apply(self, manifests: Sequence[Manifest], *, by: str, dry_run: bool = False) -> list[Applied]:
        """Make the jobs as the manifests say, all of them or none. Applying the same again changes nothing.

        Raises InvalidInput if a job names no symbols and there are no default tickers, Conflict if it changed meanwhile.
        """
        with self._database.begin() as connection:
            applied = self.apply_in(connection, manifests, by=by)
            if dry_run:
                connection.rollback()
        return applied

    def apply_in(self, connection: Connection, manifests: Sequence[Manifest], *, by: str) -> list[Applied]:
        """Do what `apply` does as a part of a larger transaction."""
        now = self._database.now(connection)
        # Always in the same order, so that two who apply the same jobs never wait for each other in a circle.
        by_name = sorted(manifests, key=lambda manifest: manifest.metadata.name)
        edges.check(connection, by_name)
        applied = {one.metadata.name: self._apply(connection, one, by, now) for one in by_name}
        for one in applied.values():
            edges.keep(connection, one.before, one.after)
        return [applied[manifest.metadata.name] for manifest in manifests]

    def _apply(self, connection: Connection, manifest: Manifest, by: str, now: datetime) -> Applied:
        name, labels = manifest.metadata.name, manifest.metadata.labels
        spec = self._with_symbols(manifest)
        self._instances.check(spec)
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
        after = self._revised(before, spec=spec, labels=labels, enabled=enabled, now=now)
        definitions.replace(connection, before, after, by)
        events.append(connection, _about(EventName.CHANGED, after, now, by, version=after.version))
        return Applied(Change.CONFIGURED, before, after)

    def _revised(self, before: Job, *, spec: JobSpec, labels: dict[str, str], enabled: bool, now: datetime) -> Job:
        is_new_version = before.spec.digest() != spec.digest() or before.labels != labels
        is_due_anew = before.spec.schedule != spec.schedule or before.enabled != enabled
        due_at = self._next_due(spec, now) if is_due_anew else before.next_due_at
        return replace(
            before,
            version=before.version + is_new_version,
            spec=spec,
            labels=labels,
            enabled=enabled,
            next_due_at=due_at if enabled else None,
            updated_at=now,
        )

    def _new_job(self, name: str, spec: JobSpec, labels: dict[str, str], now: datetime) -> Job:
        due_at = self._next_due(spec, now) if spec.enabled else None
        return Job(ids.job_id(name), name, 1, spec, labels, spec.enabled, due_at, now, now)

    def _next_due(self, spec: JobSpec, now: datetime) -> datetime | None:
        return self._firing.next_due(spec.schedule, now)

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
                next_due_at=self._next_due(before.spec, now) if enabled else None,
                updated_at=now,
            )
            definitions.replace(connection, before, after, by)
            events.append(connection, _about(EventName.CHANGED, after, now, by, enabled=enabled))
        return after

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
            for occurrence in occurrences.open_of(connection, job.id):
                cancel(connection, occurrence, now, reason=f"the job was deleted by {by}")
            events.append(connection, _about(EventName.DELETED, job, now, by))
        return job


def _about(name: EventName, job: Job, now: datetime, by: str, **data: object) -> Event:
    return Event(name, now, job.id, data={"job": job.name, "by": by, **data})
