"""What beat asks about jobs is served by indexes, whatever else is in the tables."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.dialects import postgresql, sqlite

from stockjobs.domain import ids
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.ledger import definitions
from tests.fixtures.database import NOON
from tests.fixtures.house import spec

JOBS = 4_000


@pytest.fixture
def crowded(database: Database) -> Database:
    """A ledger with thousands of jobs, of which three are due, one of them paused."""
    of_all = {"version": 1, "enabled": True, "created_at": NOON, "updated_at": NOON}
    names = [f"J{number}" for number in range(JOBS)]
    jobs = [
        {
            **of_all,
            "id": ids.job_id(name),
            "name": name,
            "next_due_at": NOON + timedelta(minutes=number - 2),
            "paused": not number,
        }
        for number, name in enumerate(names)
    ]
    version = {
        "version": 1,
        "spec": spec().document(),
        "labels": {},
        "digest": "d",
        "created_at": NOON,
        "created_by": "test",
    }
    with database.begin() as connection:
        connection.execute(insert(tables.jobs), jobs)
        connection.execute(insert(tables.job_versions), [{**version, "job_id": ids.job_id(name)} for name in names])
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))
    return database


def test_due_jobs_are_found_by_the_partial_index_in_order(crowded: Database) -> None:
    with crowded.read() as connection:
        plan = _plan(connection)
        found, unable = definitions.due(connection, NOON, 100)
    assert "ix_jobs_due" in plan
    assert "sort" not in plan.lower()
    assert "temp b-tree" not in plan.lower()
    assert ([job.name for job in found], unable) == (["J1", "J2"], [])


def test_due_times_are_moved_for_all_at_once(crowded: Database) -> None:
    later = NOON + timedelta(hours=1, microseconds=123_456)
    with crowded.begin() as connection:
        definitions.advance(connection, {ids.job_id("J1"): later, ids.job_id("J2"): None})
        moved = [definitions.get(connection, name).next_due_at for name in ("J1", "J2", "J3")]
    assert moved == [later, None, NOON + timedelta(minutes=1)]


def _plan(connection: Connection) -> str:
    is_postgresql = connection.dialect.name == "postgresql"
    dialect = postgresql.dialect() if is_postgresql else sqlite.dialect()
    compiled = definitions.due_query(NOON, 100).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN" if is_postgresql else "EXPLAIN QUERY PLAN"
    return "\n".join(str(row) for row in connection.execute(text(f"{explain} {compiled}")))
