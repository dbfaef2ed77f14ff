"""Dispatch on both databases and a real Redis: what is due becomes messages, in the lanes' order, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.domain.work.lanes import Lane, Priority
from stockjobs.domain.work.states import State
from stockjobs.services.work.administration import Change
from tests.fixtures.house import House, day, manifest
from tests.fixtures.redis import redis_client

pytestmark = pytest.mark.integration


def test_a_due_job_becomes_one_occurrence_however_many_beats_tick(house: House) -> None:
    house.define(schedule={"cron": "*/5 * * * *"})
    house.clock.advance(timedelta(minutes=5))
    fired = [dispatcher.tick().fired for dispatcher in (house.dispatch, house.dispatcher(), house.dispatcher())]
    assert fired == [1, 0, 0]
    assert len(house.reports.occurrences()) == 1
    assert len(house.knocks(Lane.REALTIME)) == 1


def test_nothing_due_costs_one_look(house: House) -> None:
    house.define(schedule={"cron": "0 0 1 1 *"})
    tick = house.dispatch.tick()
    assert (tick.fired, tick.offered, tick.wait) == (0, 0, timedelta(seconds=1))


def test_the_wait_ends_when_the_next_job_is_due(house: House) -> None:
    house.define(schedule={"cron": "*/5 * * * *"})
    house.clock.advance(timedelta(minutes=4, seconds=59, milliseconds=600))
    assert house.dispatch.tick().wait == timedelta(milliseconds=400)


def test_missed_due_times_are_made_up_by_policy(house: House) -> None:
    for policy in ("all", "latest", "none"):
        schedule = {"cron": "0 * * * *", "misfire": policy, "concurrency": "allow"}
        house.define(policy.upper(), schedule=schedule)
    house.clock.advance(timedelta(hours=3, minutes=30))
    house.dispatch.tick()
    made = {policy: len(house.reports.occurrences(job=policy)) for policy in ("ALL", "LATEST", "NONE")}
    assert made == {"ALL": 3, "LATEST": 1, "NONE": 0}


def test_an_overlap_is_skipped_with_its_reason(house: House) -> None:
    house.define(schedule={"cron": "*/5 * * * *", "concurrency": "forbid"})
    for _ in range(2):
        house.clock.advance(timedelta(minutes=5))
        house.dispatch.tick()
    newest = house.reports.occurrences()[0].occurrence
    assert (newest.state, newest.reason) == (State.SKIPPED, "the occurrence before it still runs")


def test_historical_work_is_offered_oldest_first_and_realtime_newest_first(house: House) -> None:
    house.define(
        "PAST", mode="backfill", symbols=["AAPL"], intervals=["1m"], window={"start": "2026-02-10", "end": "2026-03-03"}
    )
    house.define("NOW", symbols=["AAPL"], schedule={"cron": "* * * * *", "misfire": "all", "concurrency": "allow"})
    house.trigger("PAST")
    house.clock.advance(timedelta(minutes=3))
    house.dispatch.tick()
    about = {str(task.id): task.about for task in house.tasks()}
    realtime = [about[task] for task, _ in house.knocks(Lane.REALTIME)]
    historical = [about[task] for task, _ in house.knocks(Lane.HISTORICAL)]
    assert len(realtime) == 3
    assert realtime == sorted(realtime, reverse=True)
    assert len(historical) == 3
    assert historical == sorted(historical)


def test_a_higher_priority_goes_first_in_both_lanes(house: House) -> None:
    for name in ("low", "critical", "normal", "high"):
        house.define(name.upper(), symbols=["AAPL"], priority=name)
        house.define(f"{name.upper()}-PAST", symbols=["AAPL"], priority=name, mode="backfill", window={"period": "P5D"})
        house.trigger(name.upper())
        house.trigger(f"{name.upper()}-PAST")
    house.dispatch.tick()
    priority = {str(task.id): task.priority for task in house.tasks()}
    for lane in Lane:
        assert [priority[task] for task, _ in house.knocks(lane)] == sorted(Priority, reverse=True)


def test_redis_holds_only_the_window_of_ten_thousand_tasks(house: House) -> None:
    symbols = [f"SIM{number:04d}" for number in range(10_000)]
    house.define("MANY", symbols=symbols, batchSize=1, mode="backfill", window={"period": "P5D"})
    house.trigger("MANY")
    dispatcher = house.dispatcher(lane_window=50)
    for _ in range(3):
        dispatcher.tick()
    assert house.inspector.depths() == {Lane.REALTIME: 0, Lane.HISTORICAL: 50}
    assert house.reports.lanes()[Lane.HISTORICAL].pending == 9_950


def test_newer_work_is_offered_though_the_window_is_full(house: House) -> None:
    symbols = [f"SIM{number:04d}" for number in range(100)]
    house.define("MANY", symbols=symbols, batchSize=1)
    house.trigger("MANY")
    dispatcher = house.dispatcher(lane_window=20)
    dispatcher.tick()
    house.clock.advance(timedelta(seconds=1))
    house.define("NEWER", symbols=["AAPL"])
    newer = house.trigger("NEWER")
    dispatcher.tick()
    first, _ = house.knocks(Lane.REALTIME)[0]
    assert {task.occurrence_id for task in house.tasks() if str(task.id) == first} == {newer.id}


def test_waiting_work_moves_to_the_historical_lane_at_midnight(house: House) -> None:
    house.define()
    house.trigger()
    house.dispatch.tick()
    [knock] = house.knocks(Lane.REALTIME)
    house.clock.now = day("2026-03-05")
    house.dispatch.tick()
    assert house.knocks(Lane.HISTORICAL) == [knock]
    assert [outcome.verdict for outcome in house.work(Lane.REALTIME)] == ["nothing"]
    assert [outcome.verdict for outcome in house.work(Lane.HISTORICAL)] == ["completed"]


def test_a_flushed_redis_is_filled_again_from_the_ledger(house: House) -> None:
    house.define(symbols=[f"SIM{number:04d}" for number in range(30)], batchSize=1)
    house.trigger()
    house.dispatch.tick()
    before = house.knocks(Lane.REALTIME)
    with redis_client(house.redis_url) as client:
        client.flushall()
    house.clock.advance(timedelta(seconds=11))
    assert house.dispatch.tick().resent == 30
    assert house.knocks(Lane.REALTIME) == before


def test_waiting_messages_are_not_sent_twice(house: House) -> None:
    house.define()
    house.trigger()
    for _ in range(3):
        house.dispatch.tick()
        house.clock.advance(timedelta(seconds=11))
    assert len(house.knocks(Lane.REALTIME)) == 1


def test_a_later_start_waits_in_the_ledger(house: House) -> None:
    house.define()
    house.trigger(start_after=house.clock.now + timedelta(minutes=10))
    house.dispatch.tick()
    assert [task.state for task in house.tasks()] == [State.SCHEDULED]
    house.clock.advance(timedelta(minutes=10))
    house.dispatch.tick()
    assert len(house.knocks(Lane.REALTIME)) == 1


def test_applying_the_same_twice_changes_nothing(house: House) -> None:
    changes = [house.administration.apply([manifest()], by="test")[0].change for _ in range(2)]
    assert changes == [Change.CREATED, Change.UNCHANGED]


def test_a_dry_run_writes_nothing(house: House) -> None:
    [applied] = house.administration.apply([manifest()], by="test", dry_run=True)
    assert applied.change is Change.CREATED
    assert house.reports.jobs() == []
