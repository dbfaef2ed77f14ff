"""The queries of retention and of the feed are served by indexes, however long the history is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, event, insert, text

from stockjobs.domain import ids
from stockjobs.domain.work.retention import Expired
from stockjobs.domain.work.states import State
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.ledger import definitions, retention
from stockjobs.store.ledger.definitions import Job
from stockjobs.store.ledger.retention import Place, Removed
from tests.fixtures.database import NOON
from tests.fixtures.house import spec

COUNT = 5_000


@pytest.fixture
def long_history(database: Database) -> Database:
    """A ledger with thousands of occurrences that ended one after the other, and one that is open."""
    job = Job(ids.job_id("OLD"), "OLD", 1, spec(), {}, True, None, NOON, NOON)
    with database.begin() as connection:
        definitions.create(connection, job, "test")
        connection.execute(insert(tables.occurrences), [_row(job.id, n) for n in range(COUNT)])
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))
    return database


def _row(job: UUID, number: int) -> dict[str, object]:
    at = NOON + timedelta(seconds=number)
    state = "queued" if number == COUNT - 1 else "completed"
    values = {"id": uuid4(), "job_id": job, "version": 1, "key": str(number), "scheduled_for": at, "submitter": "test"}
    return {**values, "state": state, "created_at": at, "finished_at": None if state == "queued" else at}


def test_a_page_of_what_is_expired_walks_the_index_of_what_has_ended(long_history: Database) -> None:
    expired = Expired(State.COMPLETED, finished_before=NOON + timedelta(hours=1))
    after = Place(NOON + timedelta(minutes=30), uuid4())
    plan = _plan(long_history, lambda connection: retention.page(connection, expired, after, 100))
    assert "ix_occurrences_ended" in plan


def test_what_was_chosen_is_removed_by_its_key_and_not_by_walking_what_has_ended(long_history: Database) -> None:
    expired = Expired(State.COMPLETED, finished_before=NOON + timedelta(hours=1))
    with long_history.read() as connection:
        chosen = [place.id for place in retention.page(connection, expired, None, 100)]
    plan = _plan(long_history, lambda connection: retention.remove(connection, expired, chosen, NOON, rows=400))
    assert "ix_occurrences_ended" not in plan
    assert "Seq Scan on occurrences" not in plan
    assert "SCAN occurrences\n" not in plan + "\n"


def test_the_walk_sees_each_expired_occurrence_once_and_in_order(long_history: Database) -> None:
    expired = Expired(State.COMPLETED, finished_before=NOON + timedelta(seconds=1_000))
    seen: list[Place] = []
    with long_history.read() as connection:
        while page := retention.page(connection, expired, seen[-1] if seen else None, 300):
            seen.extend(page)
    assert len(seen) == len({place.id for place in seen}) == 1_000
    assert [place.at for place in seen] == sorted(place.at for place in seen)


def test_jobs_with_too_many_occurrences_are_found_by_a_piece_of_an_index(long_history: Database) -> None:
    plan = _plan(long_history, lambda connection: retention.crowded(connection, 100, None))
    assert "ix_occurrences_job_id_created_at" in plan
    assert "Seq Scan on occurrences" not in plan
    with long_history.read() as connection:
        found, place = retention.crowded(connection, COUNT - 1, None)
        assert (found, place) == ([ids.job_id("OLD")], ids.job_id("OLD"))
        assert retention.crowded(connection, COUNT, None) == ([], place)
        assert retention.crowded(connection, COUNT - 1, place) == ([], None)


def test_a_jobs_newest_occurrences_are_read_a_bounded_number_at_once(long_history: Database) -> None:
    job = ids.job_id("OLD")
    seen: list[tuple[Place, State | None]] = []
    with long_history.read() as connection:
        while page := retention.newest(connection, job, seen[-1][0] if seen else None):
            assert len(page) <= COUNT // 5
            seen.extend(page)
    assert len({place.id for place, _ in seen}) == COUNT
    assert [place.at for place, _ in seen] == sorted((place.at for place, _ in seen), reverse=True)
    assert [state for _, state in seen[:2]] == [None, State.COMPLETED]
    plan = _plan(long_history, lambda connection: retention.newest(connection, job, seen[2_000][0]))
    assert "ix_occurrences" in plan
    assert "Seq Scan on occurrences" not in plan


def test_a_page_of_one_job_reads_no_more_for_the_few_in_a_rare_state(long_history: Database) -> None:
    rare = Expired(State.FAILED, created_before=NOON + timedelta(hours=1), job=ids.job_id("OLD"))
    with long_history.read() as connection:
        page = retention.page(connection, rare, None, 100)
        assert len(page) == 100
        assert retention.remove(connection, rare, [one.id for one in page], NOON, rows=400) == Removed()


def _plan(database: Database, deed: Callable[[Connection], object]) -> str:
    """What the database says of the first query of a deed, as it is really sent."""
    found: list[str] = []
    with database.begin() as connection:

        def explain(conn, cursor, statement, parameters, context, executemany):  # type: ignore[no-untyped-def]
            if not found:
                words = "EXPLAIN" if database.is_postgresql else "EXPLAIN QUERY PLAN"
                other = cursor.connection.cursor()
                other.execute(f"{words} {statement}", parameters)
                found.extend(str(row[-1]) for row in other.fetchall())

        event.listen(connection, "before_cursor_execute", explain)
        deed(connection)
        connection.rollback()
    return "\n".join(found)
