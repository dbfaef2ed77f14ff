"""Caps on both databases: never more tasks of a job, or of a provider, than it says, and never fewer than there is work for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from stockjobs.domain.work.lanes import Lane, Priority
from stockjobs.domain.work.states import State
from stockjobs.errors import ProviderDown
from stockjobs.services.work.dispatch import Dispatch
from stockjobs.simulator.client import SimulatorClient
from stockjobs.store import tables
from stockjobs.store.ledger import workers
from stockjobs.store.ledger.workers import Worker
from tests.fixtures.fleet import Fleet
from tests.fixtures.house import House
from tests.fixtures.redis import eventually

pytestmark = pytest.mark.integration

_tasks = tables.tasks


def tickers(count: int) -> list[str]:
    return [f"SIM{number:04d}" for number in range(1, count + 1)]


def out(house: House) -> int:
    """How many messages are out."""
    with house.database.read() as connection:
        return connection.execute(select(func.count()).where(_tasks.c.offered_at.is_not(None))).scalar_one()


def held(house: House) -> int:
    return sum(count.held for count in house.reports.lanes().values())


def tick(house: House, times: int = 2) -> None:
    for _ in range(times):
        house.dispatch.tick()


def test_a_capped_job_has_no_more_in_flight_than_its_cap(house: House) -> None:
    house.define(symbols=tickers(10), batchSize=1, maxParallel=3)
    house.trigger()
    tick(house, 5)
    assert (out(house), held(house)) == (3, 7)


def test_a_task_that_ends_makes_room_for_the_next(house: House) -> None:
    house.define(symbols=tickers(5), batchSize=1, maxParallel=2)
    house.trigger()
    done = []
    for _ in range(3):
        tick(house)
        done.append(len(house.work(Lane.REALTIME)))
    assert done == [2, 2, 1]
    assert {task.state for task in house.tasks()} == {State.COMPLETED}


def test_other_jobs_go_on_beside_one_that_is_at_its_cap(house: House) -> None:
    house.define("CAPPED", symbols=tickers(50), batchSize=1, maxParallel=1, priority="critical")
    house.define("OTHER", symbols=tickers(20), batchSize=1)
    house.trigger("CAPPED")
    house.trigger("OTHER")
    tick(house)
    assert out(house) == 21


def test_held_work_is_released_realtime_newest_first_then_historical_oldest_first_by_priority(house: House) -> None:
    house.define(
        "MIXED",
        symbols=["AAPL"],
        intervals=["1m"],
        mode="backfill",
        window={"start": "2026-02-10", "end": "2026-03-03"},
        maxParallel=1,
        schedule={"concurrency": "allow"},
    )
    house.trigger("MIXED")
    house.define("MIXED", symbols=["AAPL"], maxParallel=1, schedule={"concurrency": "allow"})
    for _ in range(2):
        house.trigger("MIXED")
        house.clock.advance(timedelta(seconds=1))
    house.define("MIXED", symbols=["AAPL"], maxParallel=1, schedule={"concurrency": "allow"}, priority="high")
    house.trigger("MIXED")
    order = []
    while knocks := _next_knock(house):
        order.append(knocks)
    places = {str(task.id): task for task in house.tasks()}
    asked = [(lane, places[task].priority, places[task].about) for lane, task in order]
    realtime = [one for one in asked if one[0] is Lane.REALTIME]
    assert [lane for lane, _, _ in asked] == [Lane.REALTIME] * 3 + [Lane.HISTORICAL] * (len(asked) - 3)
    assert realtime == sorted(realtime, key=lambda one: one[1:], reverse=True)
    assert realtime[0][1] is Priority.HIGH
    historical = [about for _, _, about in asked[3:]]
    assert len(historical) >= 3
    assert historical == sorted(historical)


def _next_knock(house: House) -> tuple[Lane, str] | None:
    tick(house)
    for lane in Lane:
        for task, _ in house.knocks(lane):
            house.work(lane)
            return lane, task
    return None


def test_a_retry_gives_its_place_up_and_is_held_again_when_it_comes_back(house: House) -> None:
    house.define(symbols=tickers(2), batchSize=1, maxParallel=1, retry={"initial": "PT5S", "jitter": False})
    house.provider.errors = {symbol: [ProviderDown("away")] for symbol in tickers(2)}
    house.trigger()
    tick(house)
    assert [outcome.verdict for outcome in house.work(Lane.REALTIME)] == ["retried"]
    tick(house)
    assert [outcome.verdict for outcome in house.work(Lane.REALTIME)] == ["retried"]
    house.clock.advance(timedelta(seconds=6))
    tick(house)
    assert (out(house), held(house)) == (1, 1)


def test_a_task_of_a_dead_worker_is_counted_once(house: House) -> None:
    house.define(symbols=tickers(3), batchSize=1, maxParallel=1)
    house.trigger()
    tick(house)
    _claim_all(house)
    house.clock.advance(timedelta(seconds=31))
    tick(house, 3)
    assert (out(house), held(house)) == (1, 2)


def _claim_all(house: House) -> None:
    with house.database.begin() as connection:
        values = {"state": "running", "worker": "w", "offered_at": None, "offered_lane": None}
        lease = house.clock.now + timedelta(seconds=30)
        connection.execute(update(_tasks).where(_tasks.c.offered_at.is_not(None)).values(**values, lease_until=lease))


@pytest.mark.parametrize(("before", "after", "expected"), [(None, 3, 3), (3, 5, 5), (5, 2, 2), (5, None, 20)])
def test_an_edited_cap_acts_on_waiting_work_at_the_next_tick(
    house: House, before: int | None, after: int | None, expected: int
) -> None:
    house.define(symbols=tickers(20), batchSize=1, maxParallel=before)
    house.trigger()
    tick(house)
    house.define(symbols=tickers(20), batchSize=1, maxParallel=after)
    tick(house)
    assert out(house) == expected
    assert out(house) + held(house) == 20


def test_what_runs_already_counts_when_a_job_gets_its_cap(house: House) -> None:
    house.define(symbols=tickers(6), batchSize=1)
    house.trigger()
    dispatcher = house.dispatcher(lane_window=2)
    dispatcher.tick()
    _claim_all(house)
    house.define(symbols=tickers(6), batchSize=1, maxParallel=3)
    tick(house)
    assert (out(house), held(house)) == (1, 3)


def test_two_beats_at_once_never_release_more_than_the_cap(house: House) -> None:
    house.define(symbols=tickers(60), batchSize=1, maxParallel=3)
    house.trigger()
    _at_once([house.dispatcher() for _ in range(3)], rounds=5)
    assert out(house) == 3


def _at_once(dispatchers: Sequence[Dispatch], rounds: int) -> None:
    barrier = threading.Barrier(len(dispatchers))

    def ticks(dispatcher: Dispatch) -> None:
        for _ in range(rounds):
            barrier.wait()
            dispatcher.tick()

    threads = [threading.Thread(target=ticks, args=(dispatcher,)) for dispatcher in dispatchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_capped_provider_has_no_more_in_flight_than_its_cap_with_several_beats_at_once(house: House) -> None:
    house.define(symbols=tickers(60), batchSize=1)
    house.trigger()
    _at_once([house.dispatcher(provider_parallel=4) for _ in range(3)], rounds=5)
    assert out(house) == 4


def test_tasks_of_another_provider_go_on_beside_one_at_its_cap(house: House) -> None:
    house.define("A", symbols=tickers(20), batchSize=1, priority="critical")
    house.define("B", symbols=tickers(20), batchSize=1)
    house.trigger("A")
    _of_provider(house, "other", house.trigger("B").id)
    house.dispatcher(provider_parallel=4).tick()
    with house.database.read() as connection:
        query = select(_tasks.c.provider, func.count()).where(_tasks.c.offered_at.is_not(None))
        found = dict(connection.execute(query.group_by(_tasks.c.provider)).all())
    assert found == {"yahoo": 4, "other": 4}


def _of_provider(house: House, provider: str, occurrence: object) -> None:
    with house.database.begin() as connection:
        connection.execute(update(_tasks).where(_tasks.c.occurrence_id == occurrence).values(provider=provider))


def test_historical_work_keeps_one_of_several_places_of_a_provider(house: House) -> None:
    house.define("NOW", symbols=tickers(20), batchSize=1)
    house.define("PAST", symbols=tickers(20), batchSize=1, mode="backfill", window={"period": "P5D"})
    house.trigger("NOW")
    house.trigger("PAST")
    house.dispatcher(provider_parallel=4).tick()
    assert house.inspector.depths() == {Lane.REALTIME: 3, Lane.HISTORICAL: 1}


def test_realtime_work_takes_the_places_of_unclaimed_historical_work(house: House) -> None:
    house.define("PAST", symbols=tickers(20), batchSize=1, mode="backfill", window={"period": "P5D"})
    house.trigger("PAST")
    dispatcher = house.dispatcher(provider_parallel=4)
    dispatcher.tick()
    house.define("NOW", symbols=tickers(20), batchSize=1)
    house.trigger("NOW")
    dispatcher.tick()
    lanes = house.reports.lanes()
    assert {lane: count.offered for lane, count in lanes.items()} == {Lane.REALTIME: 3, Lane.HISTORICAL: 1}


def test_a_lane_that_no_worker_serves_keeps_no_place_of_a_provider(house: House) -> None:
    house.define("NOW", symbols=tickers(20), batchSize=1)
    house.define("PAST", symbols=tickers(20), batchSize=1, mode="backfill", window={"period": "P5D"})
    house.trigger("NOW")
    house.trigger("PAST")
    dispatcher = house.dispatcher(provider_parallel=4)
    dispatcher.tick()
    now = house.clock.now
    with house.database.begin() as connection:
        seen = {"started_at": now, "seen_at": now, "running": 0, "memory": None, "cpu": None}
        workers.show(connection, Worker("w", (Lane.HISTORICAL,), "prefork", 2, version="1", pid=1, **seen))  # type: ignore[arg-type]
    dispatcher.tick()
    lanes = house.reports.lanes()
    assert {lane: count.offered for lane, count in lanes.items()} == {Lane.REALTIME: 0, Lane.HISTORICAL: 4}


@pytest.mark.parametrize("kind", ["job", "provider"])
def test_real_workers_never_run_more_than_the_cap(fleet: Fleet, yahoo: SimulatorClient, kind: str) -> None:
    yahoo.fault("latency", seconds=0.3)
    fleet.define("MANY", symbols=tickers(10), batchSize=1, **({"maxParallel": 2} if kind == "job" else {}))
    for _ in range(2):
        fleet.worker(slots=4)
        fleet.beat(STOCKJOBS_PROVIDER_PARALLEL="2" if kind == "provider" else "0")
    occurrence = fleet.trigger("MANY")
    seen: list[int] = []

    def has_ended() -> bool:
        with fleet.container.database.read() as connection:
            seen.append(
                connection.execute(select(func.count()).where(_tasks.c.state == State.RUNNING.value)).scalar_one()
            )
        return fleet.container.reports.occurrence(occurrence).has_ended

    eventually(has_ended, within=60, tell=fleet.logs)
    assert max(seen) <= 2
    assert _most_at_once(fleet) == 2
    assert set(fleet.attempts(occurrence)) == {State.COMPLETED}


def _most_at_once(fleet: Fleet) -> int:
    """The most attempts that ran at the same moment, from when each began and ended."""
    with fleet.container.database.read() as connection:
        found = connection.execute(select(tables.attempts.c.started_at, tables.attempts.c.finished_at)).all()
    steps = sorted([(start, 1) for start, _ in found] + [(end, -1) for _, end in found])
    running, most = 0, 0
    for _, step in steps:
        running += step
        most = max(most, running)
    return most
