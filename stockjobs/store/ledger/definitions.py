"""Jobs and their versions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, bindparam, insert, select, text, tuple_, update

from stockjobs.domain.work.jobs import JobSpec
from stockjobs.errors import Conflict, NotFound, SchemaMismatch
from stockjobs.store import tables
from stockjobs.store.ledger import holds
from stockjobs.store.ledger.specs import Specs, read_spec
from stockjobs.store.statements import as_json, insert_if_absent, is_set, is_unset

_jobs, _versions = tables.jobs, tables.job_versions
_specs = Specs()


@dataclass(frozen=True)
class Job:
    """A job as it stands: its current version's definition, and when it is next due.

    While it is paused `next_due_at` stays what it was, and what is due from then on was missed.
    """

    id: UUID
    name: str
    version: int
    spec: JobSpec
    labels: dict[str, str]
    enabled: bool
    next_due_at: datetime | None
    created_at: datetime
    updated_at: datetime
    paused: bool = False

    @property
    def status(self) -> str:
        """Whether it is due and may be triggered, in a word: enabled, paused or disabled."""
        if not self.enabled:
            return "disabled"
        return "paused" if self.paused else "enabled"

    def is_due(self, now: datetime) -> bool:
        """True if a due time has come that has not been turned into an occurrence."""
        return self.next_due_at is not None and self.next_due_at <= now


def _select_jobs() -> Select[tuple[object, ...]]:
    current = (_versions.c.job_id == _jobs.c.id) & (_versions.c.version == _jobs.c.version)
    return (
        select(_jobs, _versions.c.spec, _versions.c.labels).join(_versions, current).where(_jobs.c.deleted_at.is_(None))
    )


def _job(row: RowMapping, spec: JobSpec | None = None) -> Job:
    return Job(
        id=row["id"],
        name=row["name"],
        version=row["version"],
        spec=spec or read_spec({**row["spec"], "enabled": row["enabled"]}),
        labels=dict(row["labels"]),
        enabled=row["enabled"],
        next_due_at=row["next_due_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        paused=row["paused"],
    )


def every(connection: Connection) -> Sequence[Job]:
    """All jobs, by name."""
    return [_job(row) for row in connection.execute(_select_jobs().order_by(_jobs.c.name)).mappings()]


def find(connection: Connection, name: str, *, for_change: bool = False) -> Job | None:
    """The job of this name, if there is one.

    With `for_change` nobody else changes it, triggers it or makes it due before this transaction ends. Who writes down that
    something waits for it, which needs only that it stays there, does not wait: two who did so would do it in a circle.
    """
    if for_change:
        # On its own: a joined row that changed while it was waited for would be missing from the answer.
        connection.execute(select(_jobs.c.id).where(_jobs.c.name == name).with_for_update(key_share=True))
    row = connection.execute(_select_jobs().where(_jobs.c.name == name)).mappings().first()
    return _job(row) if row else None


def get(connection: Connection, name: str, *, for_change: bool = False) -> Job:
    """The job of this name. Raises NotFound."""
    job = find(connection, name, for_change=for_change)
    if job is None:
        raise NotFound(f"there is no job {name!r}: `stockctl get jobs` lists them")
    return job


# Made once, as they are asked by each attempt.
_IS_VERSION = (_versions.c.job_id == bindparam("job"), _versions.c.version == bindparam("number"))
_DIGEST = select(_versions.c.digest).where(*_IS_VERSION)
_SPEC = select(_versions.c.spec).where(*_IS_VERSION)


def spec_of(connection: Connection, job: UUID, version: int) -> JobSpec:
    """The definition that a version of a job had. Each is read and checked once a process."""
    digest = connection.execute(_DIGEST, {"job": job, "number": version}).scalar_one()
    return spec_by(connection, digest, job, version)


def spec_by(connection: Connection, digest: str, job: UUID, version: int) -> JobSpec:
    """The same for who has read its digest already."""
    return _specs.get(digest, lambda: connection.execute(_SPEC, {"job": job, "number": version}).scalar_one())


def as_of(connection: Connection, versions: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], Job | Unable]:
    """Jobs as they stand, each with the definition of a version of it; those that were deleted are left out."""
    columns = [column for column in _jobs.c if column.name != "version"]
    query = (
        select(*columns, _versions.c.version, _versions.c.spec, _versions.c.labels, _versions.c.digest)
        .join(_versions, _versions.c.job_id == _jobs.c.id)
        .where(_jobs.c.deleted_at.is_(None), tuple_(_versions.c.job_id, _versions.c.version).in_(list(versions)))
    )
    return {(row["id"], row["version"]): _readable(row) for row in connection.execute(query).mappings()}


def labels_of(connection: Connection, job: UUID, version: int) -> dict[str, str]:
    """The labels that a version of a job had."""
    query = select(_versions.c.labels).where(_versions.c.job_id == job, _versions.c.version == version)
    return dict(connection.execute(query).scalar_one())


def create(connection: Connection, job: Job, by: str) -> bool:
    """Write a new job with its first version. A deleted job of the same name comes back. False if there is one."""
    row = {
        name: getattr(job, name)
        for name in ("id", "name", "version", "enabled", "paused", "next_due_at", "created_at", "updated_at")
    }
    row["max_parallel"] = job.spec.max_parallel
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
            paused=new.paused,
            max_parallel=new.spec.max_parallel,
            next_due_at=new.next_due_at,
            updated_at=new.updated_at,
        )
    )
    if connection.execute(changed).rowcount != 1:
        raise Conflict(f"job {old.name!r} was changed by somebody else just now: look at it and apply again")
    if new.version != old.version:
        _write_version(connection, new, by)
    holds.cap(connection, new.id, old.spec.max_parallel, new.spec.max_parallel)


def delete(connection: Connection, job: UUID, now: datetime) -> bool:
    """Delete a job; its history stays. False if it was deleted already."""
    statement = update(_jobs).where(_jobs.c.id == job, _jobs.c.deleted_at.is_(None))
    return connection.execute(statement.values(deleted_at=now, next_due_at=None, updated_at=now)).rowcount == 1


@dataclass(frozen=True)
class Unable:
    """A version of a job that cannot be made to run, and why."""

    job_id: UUID
    version: int
    name: str
    reason: str


def due(
    connection: Connection, now: datetime, limit: int, *, left_out: Iterable[Unable] = ()
) -> tuple[list[Job], list[Unable]]:
    """The jobs whose next due time has come, the longest overdue first; and those of them that cannot be read.

    Nobody else fires or changes them before this transaction ends; those in another's hand are passed over.
    """
    query = due_query(now, limit)
    known = [(one.job_id, one.version) for one in left_out]
    if known:
        query = query.where(tuple_(_jobs.c.id, _jobs.c.version).not_in(known))
    found = [_readable(row) for row in connection.execute(query).mappings()]
    return [one for one in found if isinstance(one, Job)], [one for one in found if isinstance(one, Unable)]


def due_query(now: datetime, limit: int) -> Select[*tuple[Any, ...]]:
    """The query behind `due`; ix_jobs_due gives the jobs in order."""
    is_due = (is_set(_jobs.c.enabled), is_unset(_jobs.c.paused), _jobs.c.next_due_at.is_not(None))
    query = _select_jobs().add_columns(_versions.c.digest).where(*is_due, _jobs.c.next_due_at <= now)
    return query.order_by(_jobs.c.next_due_at).limit(limit).with_for_update(skip_locked=True, key_share=True, of=_jobs)


def with_ended_calendar(connection: Connection) -> list[Job]:
    """The enabled jobs that follow an exchange's calendar and are not due again, in this transaction's hand."""
    follows = _versions.c.spec["schedule"]["calendar"]["exchange"].as_string().is_not(None)
    query = _select_jobs().add_columns(_versions.c.digest).where(is_set(_jobs.c.enabled), _jobs.c.next_due_at.is_(None))
    rows = connection.execute(
        query.where(follows).with_for_update(skip_locked=True, key_share=True, of=_jobs)
    ).mappings()
    return [one for one in map(_readable, rows) if isinstance(one, Job)]


def _readable(row: RowMapping) -> Job | Unable:
    try:
        return _job(row, _specs.get(row["digest"], lambda: row["spec"]))
    except SchemaMismatch as error:
        return Unable(row["id"], row["version"], row["name"], str(error))


def advance(connection: Connection, moved: Mapping[UUID, datetime | None]) -> None:
    """Move the next due times of jobs on that this transaction has read for a change."""
    rows = [{"job": job, "due": at} for job, at in moved.items()]
    if connection.dialect.name == "postgresql":
        source = "jsonb_to_recordset(CAST(:rows AS jsonb)) AS moved(job uuid, due timestamptz)"
        statement = f"UPDATE jobs SET next_due_at = moved.due FROM {source} WHERE jobs.id = moved.job"
        connection.execute(text(statement), {"rows": as_json(rows)})
    elif rows:
        one = update(_jobs).where(_jobs.c.id == bindparam("job")).values(next_due_at=bindparam("due"))
        connection.execute(one, rows)


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
