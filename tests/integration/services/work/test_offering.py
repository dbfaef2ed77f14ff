"""Offering on both databases and a real Redis: windows, overtaking, and messages that nobody can claim any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from stockjobs.domain.work.lanes import Lane
from stockjobs.store import tables
from tests.fixtures.house import House

pytestmark = pytest.mark.integration


def many(house: House, name: str, count: int = 100, **spec: object) -> str:
    """Trigger a job of so many tasks."""
    house.define(name, symbols=[f"SIM{number:04d}" for number in range(count)], batchSize=1, **spec)
    return str(house.trigger(name).id)


@pytest.mark.parametrize("provider", ["yahoo", "other"])
@pytest.mark.parametrize("lane", list(Lane))
def test_a_critical_task_overtakes_a_full_window_of_any_provider(house: House, lane: Lane, provider: str) -> None:
    past = {"mode": "backfill", "window": {"period": "P5D"}} if lane is Lane.HISTORICAL else {}
    many(house, "MANY", **past)
    dispatcher = house.dispatcher(lane_window=20)
    dispatcher.tick()
    house.clock.advance(timedelta(seconds=1))
    urgent = many(house, "URGENT", 1, priority="critical", **past)
    with house.database.begin() as connection:
        mine = tables.tasks.c.occurrence_id == house.reports.occurrence(urgent).occurrence.id
        connection.execute(update(tables.tasks).where(mine).values(provider=provider))
    dispatcher.tick()
    first, _ = house.knocks(lane)[0]
    assert {str(task.occurrence_id) for task in house.tasks() if str(task.id) == first} == {urgent}


def test_messages_of_cancelled_work_do_not_pile_up_without_a_worker(house: House) -> None:
    dispatcher = house.dispatcher(lane_window=50)
    depths = []
    for number in range(12):
        occurrence = many(house, f"J{number}", 50)
        dispatcher.tick()
        house.steering.cancel(occurrence, by="test")
        house.clock.advance(timedelta(seconds=11))
        depths.append(house.inspector.depths()[Lane.REALTIME])
    assert max(depths) <= 2 * 50 + 64 + 50


def test_a_sweep_leaves_what_can_be_claimed(house: House) -> None:
    dispatcher = house.dispatcher(lane_window=300)
    occurrence = many(house, "GONE", 300)
    dispatcher.tick()
    house.steering.cancel(occurrence, by="test")
    house.clock.advance(timedelta(seconds=11))
    many(house, "STAYS", 10)
    dispatcher.tick()
    assert house.inspector.depths()[Lane.REALTIME] == 10
    assert {outcome.verdict for outcome in house.work(Lane.REALTIME)} == {"completed"}


def test_what_is_held_is_counted_apart(house: House) -> None:
    many(house, "CAPPED", 10, maxParallel=2)
    for _ in range(2):
        house.dispatch.tick()
    count = house.reports.lanes()[Lane.REALTIME]
    assert (count.pending, count.offered, count.running, count.held) == (0, 2, 0, 8)
