"""Migrations of databases that hold work: up with it, down and up again."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert, select, text

from stockjobs.domain import ids
from stockjobs.store import definitions, revisions, schema, tables
from stockjobs.store.database import Database
from stockjobs.store.definitions import Job
from tests.fixtures.database import NOON
from tests.fixtures.house import spec


@pytest.fixture
def old(empty_database_url: str) -> Iterator[Database]:
    """A database of the first revision."""
    found = Database(empty_database_url)
    schema.upgrade(found, "0001")
    yield found
    found.dispose()


def _add_job(connection: Connection, name: str, **fields: object) -> UUID:
    """A job as every revision can hold it."""
    job = ids.job_id(name)
    times = {"created_at": NOON, "updated_at": NOON}
    connection.execute(insert(tables.jobs).values(id=job, name=name, version=1, enabled=True, **times))
    definition = spec(**fields)
    values = {"job_id": job, "version": 1, "spec": definition.document(), "labels": {}, "digest": definition.digest()}
    connection.execute(insert(tables.job_versions).values(**values, created_at=NOON, created_by="test"))
    return job


def _add_occurrence(connection: Connection, job: UUID, state: str = "completed") -> UUID:
    identity, finished_at = uuid4(), NOON if state == "completed" else None
    values = {"id": identity, "job_id": job, "version": 1, "key": str(identity), "scheduled_for": NOON, "state": state}
    connection.execute(
        insert(tables.occurrences).values(**values, submitter="test", created_at=NOON, finished_at=finished_at)
    )
    return identity


def _add_task(connection: Connection, occurrence: UUID, symbols: list[str], **more: object) -> None:
    counters = dict.fromkeys(("failures", "deferrals", "crashes"), 0)
    task, times = uuid4(), {"about": NOON, "run_at": NOON, "created_at": NOON}
    values = {"id": task, "occurrence_id": occurrence, "key": str(task), "symbols": symbols, "priority": 5, "number": 1}
    connection.execute(insert(tables.tasks).values(**{**values, "state": "completed", **times, **counters, **more}))
    attempt = {"id": uuid4(), "task_id": task, "number": 1, "state": "completed", "lane": "realtime", "worker": "w"}
    connection.execute(insert(tables.attempts).values(**attempt, started_at=NOON, rows_written=7))


def _outcomes(database: Database) -> dict[UUID, tuple[int | None, int | None]]:
    columns = tables.occurrences.c
    with database.read() as connection:
        rows = connection.execute(select(columns.id, columns.symbols, columns.rows_written))
        return {identity: (symbols, written) for identity, symbols, written in rows}


def test_what_ended_under_the_first_revision_counts_each_symbol_once(old: Database) -> None:
    with old.begin() as connection:
        job = _add_job(connection, "DAILY")
        ended = _add_occurrence(connection, job)
        _add_task(connection, ended, ["AAPL", "MSFT"], interval_s=60)
        _add_task(connection, ended, ["MSFT", "AAPL", "IBM"], interval_s=86_400)
        _add_task(connection, ended, ["GONE"], state="failed")
        empty, running = _add_occurrence(connection, job), _add_occurrence(connection, job, "running")
        _add_task(connection, running, ["AAPL"])
    schema.upgrade(old)
    assert _outcomes(old) == {ended: (3, 21), empty: (0, 0), running: (None, None)}
    with old.read() as connection:
        filled = connection.execute(select(tables.tasks.c.job_id, tables.tasks.c.provider).distinct()).all()
    assert filled == [(job, "yahoo")]


def test_down_and_up_again_jobs_are_capped_and_wait_for_others_as_they_are_defined(database: Database) -> None:
    awaited = [{"job": "BASE", "match": "latest"}, {"job": "OTHER"}]
    definitions_of = {"BASE": {}, "OTHER": {}, "TOP": {"dependsOn": awaited, "maxParallel": 3}}
    with database.begin() as connection:
        for name, fields in definitions_of.items():
            job = Job(ids.job_id(name), name, 1, spec(**fields), {}, True, None, NOON, NOON)
            definitions.create(connection, job, "test")
        gone = Job(ids.job_id("GONE"), "GONE", 1, spec(dependsOn=[{"job": "BASE"}]), {}, True, None, NOON, NOON)
        definitions.create(connection, gone, "test")
        definitions.delete(connection, gone.id, NOON)
    schema.downgrade(database, "0001")
    schema.upgrade(database)
    with database.read() as connection:
        caps = dict(connection.execute(select(tables.jobs.c.name, tables.jobs.c.max_parallel)).all())
        edges = connection.execute(select(tables.job_dependencies)).all()
    assert caps == {"BASE": None, "OTHER": None, "TOP": 3, "GONE": None}
    assert {tuple(edge) for edge in edges} == {(ids.job_id("TOP"), ids.job_id(name)) for name in ("BASE", "OTHER")}
    revisions.check(database)


def test_down_what_waits_without_tasks_is_cancelled_and_what_has_some_is_queued(database: Database) -> None:
    with database.begin() as connection:
        job = _add_job(connection, "DAILY")
        waiting, later = (_add_occurrence(connection, job, "scheduled") for _ in range(2))
        _add_task(connection, later, ["AAPL"], state="queued", job_id=job, provider="yahoo")
        wait = {"occurrence_id": waiting, "number": 0, "on_job_id": job, "on_occurrence_id": later}
        connection.execute(insert(tables.occurrence_dependencies).values(**wait, on_failure="skip", state="waiting"))
    schema.downgrade(database, "0001")
    with database.read() as connection:
        columns = tables.occurrences.c
        rows = connection.execute(select(columns.id, columns.state, columns.finished_at.is_not(None))).all()
        [reason] = connection.execute(text("SELECT reason FROM occurrences WHERE reason IS NOT NULL")).scalars()
    assert {identity: rest for identity, *rest in rows} == {waiting: ["cancelled", True], later: ["queued", False]}
    assert "waited for others" in reason
    schema.upgrade(database)
    assert _outcomes(database) == {waiting: (0, 0), later: (None, None)}
    if not database.is_postgresql:
        with database.read() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
