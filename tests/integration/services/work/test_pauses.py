"""Pausing a lane and everything, on both databases and a real Redis."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.domain.events import EventName
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.pauses import Scope
from stockjobs.domain.work.states import State
from stockjobs.store.ledger import lanes
from tests.fixtures.fleet import Fleet
from tests.fixtures.house import House, day
from tests.fixtures.redis import eventually, redis_client

pytestmark = pytest.mark.integration


def two_lanes(house: House, count: int = 5, **spec: object) -> None:
    """Trigger a job in each lane, of so many tasks."""
    symbols = [f"SIM{number:04d}" for number in range(count)]
    house.define("NOW", symbols=symbols, batchSize=1, **spec)
    house.define("PAST", symbols=symbols, batchSize=1, mode="backfill", window={"period": "P5D"}, **spec)
    house.trigger("NOW")
    house.trigger("PAST")


def offered(house: House) -> dict[Lane, int]:
    return {lane: count.offered for lane, count in house.reports.lanes().items()}


def test_historical_work_goes_on_while_realtime_is_paused(house: House) -> None:
    house.holding.pause(Scope.REALTIME, by="test")
    two_lanes(house)
    house.dispatch.tick()
    assert offered(house) == {Lane.REALTIME: 0, Lane.HISTORICAL: 5}
    assert {outcome.verdict for outcome in house.work(Lane.HISTORICAL)} == {"completed"}


def test_a_pause_withdraws_the_messages_that_are_out(house: House) -> None:
    two_lanes(house)
    house.dispatch.tick()
    house.holding.pause(Scope.EVERYTHING, by="test")
    assert offered(house) == dict.fromkeys(Lane, 0)
    assert {outcome.verdict for lane in Lane for outcome in house.work(lane)} == {"nothing"}
    house.dispatch.tick()
    assert house.inspector.depths() == dict.fromkeys(Lane, 0)


def test_what_was_paused_is_offered_at_the_next_tick_after_it_is_resumed(house: House) -> None:
    house.holding.pause(Scope.EVERYTHING, by="test")
    two_lanes(house)
    house.dispatch.tick()
    house.holding.resume(Scope.EVERYTHING, by="test")
    assert house.dispatch.tick().offered == 10
    assert {outcome.verdict for lane in Lane for outcome in house.work(lane)} == {"completed"}


def test_a_pause_outlives_beats_and_an_emptied_redis(house: House) -> None:
    house.holding.pause(Scope.HISTORICAL, by="test")
    two_lanes(house)
    house.dispatch.tick()
    with redis_client(house.redis_url) as client:
        client.flushall()
    house.clock.advance(timedelta(minutes=1))
    house.dispatcher().tick()
    assert offered(house) == {Lane.REALTIME: 5, Lane.HISTORICAL: 0}


def test_a_message_that_was_offered_at_the_moment_of_the_pause_is_withdrawn_by_the_next_tick(house: House) -> None:
    two_lanes(house)
    house.holding.pause(Scope.REALTIME, by="test")
    with house.database.begin() as connection:
        # What another dispatcher does that had looked for pauses before.
        now = house.clock.now
        knocks = lanes.offer(connection, Lane.REALTIME, lanes.pending(connection, Lane.REALTIME, now, 5), now)
    house.publisher.publish(knocks)
    house.dispatch.tick()
    assert offered(house)[Lane.REALTIME] == 0
    assert {outcome.verdict for outcome in house.work(Lane.REALTIME)} == {"nothing"}


def test_running_work_finishes(house: House) -> None:
    house.define(symbols=["AAPL"])
    house.trigger()
    house.dispatch.tick()
    house.provider.before = lambda _: house.holding.pause(Scope.EVERYTHING, by="test") and None
    assert [outcome.verdict for outcome in house.work(Lane.REALTIME)] == ["completed"]


def test_schedules_go_on_and_their_work_waits(house: House) -> None:
    house.define(schedule={"cron": "*/5 * * * *", "concurrency": "allow", "misfire": "all"})
    house.holding.pause(Scope.EVERYTHING, by="test")
    house.clock.advance(timedelta(minutes=10))
    tick = house.dispatch.tick()
    assert (tick.fired, tick.offered) == (2, 0)
    assert {task.state for task in house.tasks()} == {State.QUEUED}


def test_beat_rests_while_everything_is_paused(house: House) -> None:
    house.holding.pause(Scope.EVERYTHING, by="test")
    two_lanes(house)
    assert house.dispatch.tick().wait == timedelta(seconds=1)


@pytest.mark.parametrize("scope", [Scope.REALTIME, Scope.EVERYTHING])
def test_beat_rests_while_a_job_with_a_cap_waits_in_a_paused_lane(house: House, scope: Scope) -> None:
    house.define("CAPPED", symbols=["AAPL", "MSFT"], batchSize=1, maxParallel=1)
    house.trigger("CAPPED")
    house.dispatch.tick()
    house.holding.pause(scope, by="test")
    assert house.dispatch.tick().wait == timedelta(seconds=1)
    house.holding.resume(scope, by="test")
    assert house.dispatch.tick().offered == 1


def test_beat_looks_often_while_a_job_is_at_its_cap(house: House) -> None:
    house.define("CAPPED", symbols=["AAPL", "MSFT"], batchSize=1, maxParallel=1)
    house.trigger("CAPPED")
    house.dispatch.tick()
    assert house.dispatch.tick().wait == timedelta(milliseconds=100)


def test_work_that_midnight_moves_into_a_paused_lane_waits_there(house: House) -> None:
    house.holding.pause(Scope.HISTORICAL, by="test")
    house.define()
    house.trigger()
    house.dispatch.tick()
    house.clock.now = day("2026-03-05")
    house.dispatch.tick()
    assert offered(house) == dict.fromkeys(Lane, 0)
    house.holding.resume(Scope.HISTORICAL, by="test")
    house.dispatch.tick()
    assert len(house.knocks(Lane.HISTORICAL)) == 1


def test_a_capped_job_works_in_the_other_lane_while_one_is_paused(house: House) -> None:
    house.define("BOTH", symbols=["AAPL"], maxParallel=1, schedule={"concurrency": "allow"})
    house.trigger("BOTH")
    house.dispatch.tick()
    house.define(
        "BOTH",
        symbols=["AAPL"],
        maxParallel=1,
        mode="backfill",
        window={"period": "P5D"},
        schedule={"concurrency": "allow"},
    )
    house.trigger("BOTH")
    house.holding.pause(Scope.REALTIME, by="test")
    house.dispatch.tick()
    assert offered(house) == {Lane.REALTIME: 0, Lane.HISTORICAL: 1}


def test_the_audit_trail_has_who_and_why(house: House) -> None:
    house.holding.pause(Scope.HISTORICAL, by="ann", reason="a new disk")
    house.holding.pause(Scope.HISTORICAL, by="bob")
    house.holding.resume(Scope.HISTORICAL, by="bob")
    found = [(event.name, event.data) for event in house.feed.last(10)]
    assert found == [
        (EventName.LANE_PAUSED, {"scope": "historical", "by": "ann", "reason": "a new disk"}),
        (EventName.LANE_RESUMED, {"scope": "historical", "by": "bob"}),
    ]


def test_a_real_fleet_stops_and_goes_on_and_a_restart_forgets_nothing(fleet: Fleet) -> None:
    symbols = [f"SIM{number:04d}" for number in range(1, 7)]
    fleet.container.holding.pause(Scope.EVERYTHING, by="test")
    fleet.define("WORK", symbols=symbols, batchSize=1)
    occurrence = fleet.trigger("WORK")
    fleet.worker()
    first = fleet.beat()
    eventually(lambda: "Work is paused" in first.log.read_text(), tell=fleet.logs)
    first.stop()
    second = fleet.beat()
    eventually(lambda: "Work is paused" in second.log.read_text(), tell=fleet.logs)
    eventually(lambda: bool(fleet.container.reports.workers()), tell=fleet.logs)
    assert fleet.attempts(occurrence) == []
    fleet.container.holding.resume(Scope.EVERYTHING, by="test")
    fleet.ended(occurrence)
    assert second.log.read_text().count("Work is paused") == 1
    assert "Work goes on" in second.log.read_text()
    assert fleet.attempts(occurrence) == [State.COMPLETED] * 6
