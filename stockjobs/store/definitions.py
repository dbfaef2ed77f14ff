"""Jobs and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Connection, RowMapping, Select, insert, select, update

from stockjobs.domain.jobs import JobSpec
from stockjobs.errors import Conflict, NotFound, SchemaMismatch
from stockjobs.store import tables
from stockjobs.store.statements import insert_if_absent, is_set, is_unset

_jobs, _versions = tables.jobs, tables.job_versions


@dataclass(frozen=True)
class Job:
    """A job as it stands: its current version's definition, and when it is next due."""

    id: UUID
    name: str
    version: int
    spec: JobSpec
    labels: dict[str, str]
    enabled: bool
    next_due_at: datetime | None
    created_at: datetime
    updated_at: datetime


def _select_jobs() -> Select[tuple[object, ...]]:
    current = (_versions.c.job_id == _jobs.c.id) & (_versions.c.version == _jobs.c.version)
    return (
        select(_jobs, _versions.c.spec, _versions.c.labels).join(_versions, current).where(_jobs.c.deleted_at.is_(None))
    )


def _job(row: RowMapping) -> Job:
    return Job(
        id=row["id"],
        name=row["name"],
        version=row["version"],
        spec=_spec({**row["spec"], "enabled": row["enabled"]}),
        labels=dict(row["labels"]),
        enabled=row["enabled"],
        next_due_at=row["next_due_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def every(connection: Connection) -> Sequence[Job]:
    """All jobs, by name."""
    return [_job(row) for row in connection.execute(_select_jobs().order_by(_jobs.c.name)).mappings()]


def find(connection: Connection, name: str, *, for_change: bool = False) -> Job | None:
    """The job of this name, if there is one.

    With `for_change` nobody else changes it, triggers it or makes it due before this transaction ends.
    """
    if for_change:
        # On its own: a joined row that changed while it was waited for would be missing from the answer.
        connection.execute(select(_jobs.c.id).where(_jobs.c.name == name).with_for_update())
    row = connection.execute(_select_jobs().where(_jobs.c.name == name)).mappings().first()
    return _job(row) if row else None


def get(connection: Connection, name: str, *, for_change: bool = False) -> Job:
    """The job of this name. Raises NotFound."""
    job = find(connection, name, for_change=for_change)
    if job is None:
        raise NotFound(f"there is no job {name!r}: `stockctl get jobs` lists them")
    return job


def spec_of(connection: Connection, job: UUID, version: int) -> JobSpec:
    """The definition that a version of a job had. Each is read and checked once a process."""
    which = (_versions.c.job_id == job, _versions.c.version == version)
    digest = connection.execute(select(_versions.c.digest).where(*which)).scalar_one()
    known = _specs.get(digest)
    if known is None:
        if len(_specs) >= _SPECS_KEPT:
            _specs.clear()
        known = _specs[digest] = _spec(connection.execute(select(_versions.c.spec).where(*which)).scalar_one())
    return known


def _spec(document: dict[str, Any]) -> JobSpec:
    """A stored definition. What a newer stockjobs has added to it is passed over, so that old and new nodes run side by side."""
    try:
        return JobSpec.model_validate(document, extra="ignore")
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise SchemaMismatch(
            f"a stored definition cannot be read ({place}: {problem['msg']}): update stockjobs"
        ) from error


# By their digest, which names one definition for ever: a large one takes longer to check than a task takes to run.
_specs: dict[str, JobSpec] = {}
_SPECS_KEPT = 256


def create(connection: Connection, job: Job, by: str) -> bool:
    """Write a new job with its first version. A deleted job of the same name comes back. False if there is one."""
    row = {
        name: getattr(job, name)
        for name in ("id", "name", "version", "enabled", "next_due_at", "created_at", "updated_at")
    }
    if not insert_if_absent(connection, _jobs, [row]):
        revived = (
            update(_jobs).where(_jobs.c.id == job.id, _jobs.c.deleted_at.is_not(None)).values(**row, deleted_at=None)
        )
        if connection.execute(revived).rowcount != 1:
            return False
    _write_version(connection, job, by)
    return True


def next_version(connection: Connection, job: UUID) -> int:
    """The number of a job's next version; 1 if it has none."""
    query = select(_versions.c.version).where(_versions.c.job_id == job).order_by(_versions.c.version.desc()).limit(1)
    return (connection.execute(query).scalar() or 0) + 1


def replace(connection: Connection, old: Job, new: Job, by: str) -> None:
    """Make `new` the current definition of the job `old`. Raises Conflict if the job changed since `old` was read."""
    changed = (
        update(_jobs)
        .where(_jobs.c.id == old.id, _jobs.c.version == old.version, _jobs.c.updated_at == old.updated_at)
        .values(
            version=new.version,
            enabled=new.enabled,
            next_due_at=new.next_due_at,
            updated_at=new.updated_at,
            deleted_at=None,
        )
    )
    if connection.execute(changed).rowcount != 1:
        raise Conflict(f"job {old.name!r} was changed by somebody else just now: look at it and apply again")
    if new.version != old.version:
        _write_version(connection, new, by)


def delete(connection: Connection, job: UUID, now: datetime) -> bool:
    """Delete a job; its history stays. False if it was deleted already."""
    statement = update(_jobs).where(_jobs.c.id == job, _jobs.c.deleted_at.is_(None))
    return connection.execute(statement.values(deleted_at=now, next_due_at=None, updated_at=now)).rowcount == 1


def due(connection: Connection, now: datetime, limit: int) -> Sequence[str]:
    """The names of jobs whose next due time has come, the longest overdue first; those in another's hand are passed over."""
    query = (
        select(_jobs.c.name)
        .where(
            is_set(_jobs.c.enabled),
            is_unset(_jobs.c.paused),
            _jobs.c.deleted_at.is_(None),
            _jobs.c.next_due_at.is_not(None),
            _jobs.c.next_due_at <= now,
        )
        .order_by(_jobs.c.next_due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(query).scalars().all()


def advance(connection: Connection, job: Job, next_due_at: datetime | None) -> bool:
    """Move a job's next due time on, if it still is what it was when the job was read."""
    statement = update(_jobs).where(_jobs.c.id == job.id, _jobs.c.next_due_at == job.next_due_at)
    return connection.execute(statement.values(next_due_at=next_due_at)).rowcount == 1


def _write_version(connection: Connection, job: Job, by: str) -> None:
    row = {
        "job_id": job.id,
        "version": job.version,
        "spec": job.spec.document(),
        "labels": job.labels,
        "digest": job.spec.digest(),
        "created_at": job.updated_at,
        "created_by": by,
    }
    connection.execute(insert(_versions).values(row))
