"""A tick's first look reads no table from end to end, also where the statistics of the database are of another time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from stockjobs.domain import ids
from stockjobs.domain.work.lanes import Lane
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.ledger import agenda, definitions, waits
from stockjobs.store.ledger.definitions import Job
from tests.fixtures.database import NOON
from tests.fixtures.house import spec

COUNT = 3_000
WALKS = ("Seq Scan on tasks", "Seq Scan on occurrence_dependencies", "SCAN tasks\n", "SCAN occurrence_dependencies\n")


@pytest.fixture
def once_busy(database: Database) -> Database:
    """A ledger that was analyzed while thousands of tasks were out and as many occurrences waited; all have ended since."""
    job = Job(ids.job_id("BUSY"), "BUSY", 1, spec(), {}, True, None, NOON, NOON)
    made = [uuid4() for _ in range(COUNT)]
    with database.begin() as connection:
        definitions.create(connection, job, "test")
        connection.execute(insert(tables.occurrences), [_occurrence(job.id, one) for one in made])
        connection.execute(insert(tables.tasks), list(_tasks(job.id, made)))
        connection.execute(insert(tables.occurrence_dependencies), [_wait(job.id, one) for one in made])
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))
    with database.begin() as connection:
        ended = {"state": "completed", "offered_at": None, "offered_lane": None}
        connection.execute(tables.tasks.update().values(ended))
        connection.execute(tables.occurrence_dependencies.update().values(state="met"))
    return database


def _occurrence(job: UUID, identity: UUID) -> dict[str, object]:
    values = {"id": identity, "job_id": job, "version": 1, "key": str(identity), "scheduled_for": NOON}
    return {**values, "state": "running", "submitter": "test", "created_at": NOON}


def _tasks(job: UUID, occurrences: list[UUID]) -> Iterator[dict[str, object]]:
    for number, occurrence in enumerate(occurrences):
        yield {
            "id": uuid4(),
            "occurrence_id": occurrence,
            "job_id": job,
            "provider": "yahoo",
            "key": str(number),
            "symbols": ["AAPL"],
            "about": NOON - timedelta(days=number % 2),
            "priority": 5,
            "state": "queued",
            "offered_at": NOON - timedelta(minutes=number % 3),
            "offered_lane": list(Lane)[number % 2].value,
            "run_at": NOON,
            "number": 1,
            "created_at": NOON,
            **dict.fromkeys(("failures", "deferrals", "crashes"), 0),
        }


def _wait(job: UUID, occurrence: UUID) -> dict[str, object]:
    values = {"occurrence_id": occurrence, "number": 0, "on_job_id": job, "on_occurrence_id": uuid4()}
    return {**values, "on_failure": "skip", "state": "waiting"}


def test_the_agenda_walks_no_table_after_very_many_have_ended(once_busy: Database) -> None:
    plan = _plan(once_busy, agenda.query(NOON, NOON))
    assert "ix_occurrence_dependencies_on" in plan
    assert "ix_tasks_offered" in plan
    assert not [walk for walk in WALKS if walk in plan + "\n"]


def test_the_agenda_tells_what_is_out_of_date_and_what_waits(database: Database) -> None:
    job = Job(ids.job_id("SOME"), "SOME", 1, spec(), {}, True, None, NOON, NOON)
    identity = uuid4()
    with database.begin() as connection:
        definitions.create(connection, job, "test")
        connection.execute(insert(tables.occurrences), [_occurrence(job.id, identity)])
        [task] = _tasks(job.id, [identity])
        connection.execute(insert(tables.tasks).values(**task))
    assert _told(database, stale_after=timedelta(minutes=1)) == (False, False, False)
    with database.begin() as connection:
        connection.execute(insert(tables.occurrence_dependencies).values(_wait(job.id, identity)))
        connection.execute(
            tables.tasks.update().values(offered_lane=Lane.HISTORICAL.value, offered_at=NOON - timedelta(minutes=2))
        )
    assert _told(database, stale_after=timedelta(minutes=1)) == (False, True, True)
    with database.begin() as connection:
        yesterday = {"offered_lane": Lane.REALTIME.value, "offered_at": NOON, "about": NOON - timedelta(days=1)}
        connection.execute(tables.tasks.update().values(yesterday))
        assert not waits.any_waits_for_first(connection)
        connection.execute(tables.occurrence_dependencies.update().values(on_occurrence_id=None))
        assert waits.any_waits_for_first(connection)
        assert connection.execute(select(waits.any_waits())).scalar()
    assert _told(database, stale_after=timedelta(minutes=1)) == (True, False, True)


def _told(database: Database, *, stale_after: timedelta) -> tuple[bool, bool, bool]:
    with database.read() as connection:
        found = agenda.look(connection, NOON, NOON - stale_after)
    return found.has_moved, found.has_stale, found.has_waiting


def _plan(database: Database, query: object) -> str:
    dialect = postgresql.dialect() if database.is_postgresql else sqlite.dialect()  # type: ignore[no-untyped-call]
    sql = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    explain = "EXPLAIN" if database.is_postgresql else "EXPLAIN QUERY PLAN"
    with database.read() as connection:
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {sql}"))
