"""The lane queries are served by the partial index of pending work, whatever else is in the table."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.dialects import postgresql, sqlite

from stockjobs.domain import ids
from stockjobs.domain.work.lanes import Lane, Priority
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.ledger import agenda, definitions, holds, lanes
from stockjobs.store.ledger.definitions import Job
from tests.fixtures.database import NOON, Beginning, ManualClock
from tests.fixtures.house import spec


@pytest.fixture(scope="module")
def beginning() -> Beginning:
    return crowd


@pytest.fixture
def crowded(database: Database) -> Database:
    """A ledger with ten thousand ended tasks and two thousand pending ones in each lane."""
    return database


def crowd(database: Database, _: ManualClock) -> None:
    job = Job(ids.job_id("CROWD"), "CROWD", 1, spec(), {}, True, None, NOON, NOON)
    occurrence = uuid4()
    with database.begin() as connection:
        definitions.create(connection, job, "test")
        values = {
            "id": occurrence,
            "job_id": job.id,
            "version": 1,
            "key": "k",
            "scheduled_for": NOON,
            "state": "running",
        }
        connection.execute(insert(tables.occurrences).values(**values, submitter="test", created_at=NOON))
        rows = [_row(occurrence, n, "completed") for n in range(10_000)] + [
            _row(occurrence, n, "queued") for n in range(4_000)
        ]
        connection.execute(insert(tables.tasks), rows)
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))


def _row(occurrence: object, number: int, state: str) -> dict[str, object]:
    about = NOON + timedelta(seconds=number) if number % 2 else NOON - timedelta(days=2, seconds=number)
    counters = dict.fromkeys(("failures", "deferrals", "crashes"), 0)
    return {
        "id": uuid4(),
        "occurrence_id": occurrence,
        "job_id": uuid4(),
        "provider": "yahoo",
        "key": f"{state}/{number}",
        "symbols": ["AAPL"],
        "about": about,
        "priority": list(Priority)[number % 4],
        "state": state,
        "run_at": NOON,
        "number": 1,
        "created_at": NOON,
        **counters,
    }


@pytest.mark.parametrize("lane", list(Lane))
def test_the_pending_query_of_a_lane_walks_the_partial_index_without_sorting(crowded: Database, lane: Lane) -> None:
    plan = _plan(crowded, lanes.pending_query(lane, "yahoo", Priority.NORMAL, NOON, 10))
    assert "ix_tasks_pending" in plan
    assert "sort" not in plan.lower()
    assert "temp b-tree" not in plan.lower()


def test_the_pending_queries_give_each_lane_in_its_order(crowded: Database) -> None:
    with crowded.read() as connection:
        found = {lane: lanes.pending(connection, lane, NOON, 5_000) for lane in Lane}
        places = {row.id: (row.priority, row.about) for row in connection.execute(tables.tasks.select())}
    assert len(found[Lane.REALTIME]) == len(found[Lane.HISTORICAL]) == 2_000
    realtime = [places[task] for task in found[Lane.REALTIME]]
    assert realtime == sorted(realtime, reverse=True)
    historical = [(-priority, about) for priority, about in (places[task] for task in found[Lane.HISTORICAL])]
    assert historical == sorted(historical)


def test_the_agenda_reads_no_table_from_end_to_end(crowded: Database) -> None:
    plan = _plan(crowded, agenda.query(NOON, NOON))
    assert "Seq Scan on tasks" not in plan
    assert "SCAN tasks\n" not in plan + "\n"
    assert "ix_jobs_due" in plan or crowded.is_postgresql


@pytest.mark.parametrize("lane", list(Lane))
def test_held_work_is_found_by_the_index_of_held_work_without_sorting(crowded: Database, lane: Lane) -> None:
    _hold_all(crowded)
    plan = _plan(crowded, holds.held_query(ids.job_id("CROWD"), lane, Priority.NORMAL, NOON, 10))
    assert "ix_tasks_held" in plan
    assert "sort" not in plan.lower()
    assert "temp b-tree" not in plan.lower()


def test_a_tick_at_a_cap_reads_no_table_from_end_to_end(crowded: Database) -> None:
    _hold_all(crowded)
    plans = [_plan(crowded, holds.waiting_query()), _plan(crowded, agenda.query(NOON, NOON))]
    for plan in plans:
        assert "ix_tasks_held" in plan
        assert "Seq Scan on tasks" not in plan
        assert "SCAN tasks\n" not in plan + "\n"


def test_the_jobs_with_held_work_are_found_with_their_room(crowded: Database) -> None:
    _hold_all(crowded)
    with crowded.begin() as connection:
        for name, cap, paused in (("OPEN", None, False), ("CAPPED", 3, False), ("PAUSED", None, True)):
            job = Job(ids.job_id(name), name, 1, spec(maxParallel=cap), {}, True, None, NOON, NOON)
            definitions.create(connection, job, "test")
            connection.execute(tables.jobs.update().where(tables.jobs.c.id == job.id).values(paused=paused))
            connection.execute(tables.tasks.insert(), _waiting(connection, job, held=4, released=2))
        found = {one.job_id: one.room for one in holds.waiting(connection)}
    assert found == {ids.job_id("OPEN"): None, ids.job_id("CAPPED"): 1, ids.job_id("CROWD"): None}


def _hold_all(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(
            tables.tasks.update().where(tables.tasks.c.state == "queued").values(held=True, job_id=ids.job_id("CROWD"))
        )
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))


def _waiting(connection: Connection, job: Job, *, held: int, released: int) -> list[dict[str, object]]:
    occurrence = connection.execute(tables.occurrences.select()).first()
    assert occurrence is not None
    return [
        {
            **_row(occurrence.id, number, job.name),
            "state": "queued",
            "job_id": job.id,
            "capped": True,
            "held": number < held,
        }
        for number in range(held + released)
    ]


def _plan(database: Database, query: object) -> str:
    dialect = postgresql.dialect() if database.is_postgresql else sqlite.dialect()  # type: ignore[no-untyped-call]
    sql = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    explain = "EXPLAIN" if database.is_postgresql else "EXPLAIN QUERY PLAN"
    with database.read() as connection:
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {sql}"))
