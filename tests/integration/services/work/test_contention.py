"""What happens when several want the same rows: a deadlock is not an outage, and work takes its locks in one order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from inspect import unwrap
from uuid import UUID

import pytest
from sqlalchemy import text, update

from stockjobs.domain.events import EventName
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.pauses import Scope
from stockjobs.domain.work.states import State
from stockjobs.errors import Busy
from stockjobs.services.work.steering import Steering
from stockjobs.services.work.waiting import resolve
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.ledger import claims, events, occurrences
from stockjobs.store.ledger.occurrences import Occurrence
from tests.fixtures.house import House, manifest
from tests.integration.services.work.test_races import at_once

pytestmark = pytest.mark.integration

LEASE = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def postgresql(postgresql_url: str) -> Database:
    """Where rows have locks; a writer of SQLite is alone."""
    return Database(postgresql_url)


def lock_both(database: Database, barrier: threading.Barrier, first: int, second: int) -> None:
    with database.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:one)"), {"one": first})
        barrier.wait(60)
        connection.execute(text("SELECT pg_advisory_xact_lock(:one)"), {"one": second})


def test_of_two_in_a_deadlock_one_is_told_that_somebody_was_in_its_way(postgresql: Database) -> None:
    barrier = threading.Barrier(2)
    answers = at_once(
        lambda: lock_both(postgresql, barrier, 1, 2),
        lambda: lock_both(postgresql, barrier, 2, 1),
    )
    postgresql.dispose()
    assert [type(answer) for answer in answers if answer is not None] == [Busy]
    assert "try again (deadlock detected)" in "".join(map(str, answers))


def test_a_lock_that_is_waited_for_too_long_is_not_an_outage(postgresql: Database) -> None:
    with postgresql.begin() as connection:
        connection.execute(text("LOCK TABLE pauses"))
        with pytest.raises(Busy, match="lock timeout"):
            read_pauses(postgresql)
    postgresql.dispose()


def read_pauses(database: Database) -> None:
    with database.read() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '10ms'"))
        connection.execute(text("SELECT * FROM pauses"))


def test_a_tick_that_somebody_was_in_the_way_of_gives_no_dead_worker_more_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.define(symbols=["AAPL"], schedule={"cron": "*/5 * * * *"})
    house.trigger()
    house.dispatch.tick()
    claim(house, Lane.REALTIME)
    house.clock.advance(timedelta(minutes=5))

    def busy() -> None:
        raise Busy("deadlock detected")

    with monkeypatch.context() as patched:
        patched.setattr(house.dispatch, "fire", busy)
        with pytest.raises(Busy):
            house.dispatch.tick()
    assert house.dispatch.tick().lost == 1


def test_jobs_and_lanes_are_paused_and_resumed_beside_beats_that_tick(house: House) -> None:
    names = [f"J{number:02}" for number in range(12)]
    symbols = [f"S{number}" for number in range(50)]
    common: dict[str, object] = {"symbols": symbols, "batchSize": 5, "schedule": {"concurrency": "allow"}}
    house.administration.apply([manifest(name, **common) for name in names], by="test")
    for _ in range(2):
        for name in names:
            house.trigger(name, start_after=house.clock.now + MINUTE)
        house.clock.advance(2 * MINUTE)
        beats = [house.dispatcher(lane_window=500) for _ in range(2)]
        ticks = [lambda beat=beat: [beat.tick() for _ in range(5)] for beat in beats]
        pauses = [lambda: each(house.administration.pause, names[::-1]), lambda: pause_everything(house)]
        answers = at_once(*ticks, *pauses, lambda: each(house.administration.resume, names))
        assert not [answer for answer in answers if isinstance(answer, Exception)]
        each(house.administration.resume, names)
    house.dispatch.tick()
    assert {task.state for task in house.tasks()} == {State.QUEUED}


def each(deed: Callable[..., object], names: list[str]) -> None:
    for name in names:
        deed(name, by="test")


def pause_everything(house: House) -> None:
    for _ in range(3):
        house.holding.pause(Scope.EVERYTHING, by="test")
        house.holding.resume(Scope.EVERYTHING, by="test")


def claim(house: House, lane: Lane) -> None:
    """Claim the first message of a lane and let the worker die of it."""
    task, number = house.knocks(lane)[0]
    with house.database.begin() as connection:
        now = house.clock.now
        assert claims.claim(connection, UUID(task), number, lane, worker="w", now=now, lease=LEASE)


def scheduled(house: House) -> Occurrence:
    """An occurrence, as it was read before its time came."""
    house.define(symbols=["AAPL"])
    made = house.trigger(start_after=house.clock.now + MINUTE)
    house.clock.advance(2 * MINUTE)
    return made


def now_of(house: House, occurrence: Occurrence) -> Occurrence:
    with house.database.read() as connection:
        return occurrences.require(connection, occurrence.id)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_tasks_wait_for_an_occurrence_that_another_beat_is_queueing(house: House) -> None:
    made, other = scheduled(house), house.dispatcher()
    with house.database.begin() as connection:
        assert occurrences.promote(connection, house.clock.now)
        assert other.tick().offered == 0
    assert other.tick().offered == 1
    house.work(Lane.REALTIME)
    ended = now_of(house, made)
    assert (ended.state, ended.started_at) == (State.COMPLETED, house.clock.now)


def test_the_tasks_of_an_occurrence_whose_beat_died_after_queueing_it_are_queued_by_the_next(house: House) -> None:
    made = scheduled(house)
    with house.database.begin() as connection:
        assert occurrences.promote(connection, house.clock.now)
    assert house.dispatch.tick().offered == 1
    house.work(Lane.REALTIME)
    assert now_of(house, made).state is State.COMPLETED


def test_an_occurrence_that_is_still_scheduled_starts_with_its_first_task(house: House) -> None:
    made = scheduled(house)
    with house.database.begin() as connection:
        connection.execute(update(tables.tasks).values(state=State.QUEUED.value))
    house.dispatch.tick()
    house.work(Lane.REALTIME)
    ended = now_of(house, made)
    assert (ended.state, ended.started_at) == (State.COMPLETED, house.clock.now)
    with house.database.read() as connection:
        assert EventName.STARTED in [event.name for event in events.after(connection, 0)]


def cancelling(house: House, pool: ThreadPoolExecutor, occurrence: Occurrence) -> Future[Occurrence]:
    """A cancellation that has begun; where rows have locks, it has come to wait for one."""
    # Without its second time, which would hide a deadlock.
    began = pool.submit(unwrap(Steering.cancel), house.steering, str(occurrence.id), by="test")
    deadline = time.monotonic() + 10
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while house.database.is_postgresql:
        with house.database.read() as connection:
            if connection.execute(waiting).scalar_one():
                break
        assert time.monotonic() < deadline
    return began


def test_what_is_claimed_while_it_is_cancelled_is_cancelled_without_a_deadlock(house: House) -> None:
    made = scheduled(house)
    with house.database.begin() as connection:
        connection.execute(update(tables.tasks).values(state=State.QUEUED.value))
    house.dispatch.tick()
    [(task, number)] = house.knocks(Lane.REALTIME)
    with ThreadPoolExecutor(1) as pool:
        with house.database.begin() as connection:
            now = house.clock.now
            assert claims.claim(connection, UUID(task), number, Lane.REALTIME, worker="w", now=now, lease=LEASE)
            cancelled = cancelling(house, pool, made)
            assert occurrences.start(connection, made.id, now)
        assert cancelled.result(10).state is State.CANCELLED
    assert {task.state for task in house.tasks()} == {State.CANCELLED}


def test_what_is_given_its_tasks_while_it_is_cancelled_keeps_none_of_them_open(house: House) -> None:
    house.define("BASE")
    base = house.trigger("BASE")
    house.define("TOP")
    top = house.trigger("TOP", after=(str(base.id),))
    house.dispatch.tick()
    house.work(Lane.REALTIME)
    with ThreadPoolExecutor(1) as pool:
        with house.database.begin() as connection:
            assert resolve(connection, house.instances, [top.id], house.clock.now)
            cancelled = cancelling(house, pool, top)
        assert cancelled.result(10).state is State.CANCELLED
    assert {task.state for task in house.tasks() if task.occurrence_id == top.id} == {State.CANCELLED}
