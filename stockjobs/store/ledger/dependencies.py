"""Dependencies: which jobs wait for which, as they are defined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Connection, delete, func, select

from stockjobs.store import tables
from stockjobs.store.statements import insert_if_absent

_edges, _jobs = tables.job_dependencies, tables.jobs
_EDGES_LOCK = 0x5B0CF3D6


def hold_edges(connection: Connection) -> None:
    """Let nobody else change what jobs wait for before this transaction ends: together two changes could close a circle."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_EDGES_LOCK)))


def job_names(connection: Connection) -> set[str]:
    """The names of all jobs."""
    return set(connection.execute(select(_jobs.c.name).where(_jobs.c.deleted_at.is_(None))).scalars())


def edges(connection: Connection) -> dict[str, set[str]]:
    """For each job that waits for others, the names of those."""
    on = tables.jobs.alias("on_job")
    query = (
        select(_jobs.c.name, on.c.name)
        .select_from(_edges)
        .join(_jobs, _jobs.c.id == _edges.c.job_id)
        .join(on, on.c.id == _edges.c.on_job_id)
        .where(_jobs.c.deleted_at.is_(None))
    )
    found: dict[str, set[str]] = defaultdict(set)
    for name, other in connection.execute(query):
        found[name].add(other)
    return dict(found)


def put_edges(connection: Connection, job: UUID, on: Collection[UUID]) -> None:
    """Note for which jobs a job waits, and for no others."""
    connection.execute(delete(_edges).where(_edges.c.job_id == job, _edges.c.on_job_id.not_in(list(on))))
    insert_if_absent(connection, _edges, [{"job_id": job, "on_job_id": other} for other in on])


def dependents(connection: Connection, job: UUID) -> Sequence[str]:
    """The names of the jobs that wait for this one."""
    query = select(_jobs.c.name).join(_edges, _edges.c.job_id == _jobs.c.id)
    return connection.execute(query.where(_edges.c.on_job_id == job).order_by(_jobs.c.name)).scalars().all()
