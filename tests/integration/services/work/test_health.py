"""Health on both databases and a real Redis."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.domain.asking.budgets import BREAK_AFTER, NO_BUDGET
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import ProviderDown, ProviderError, RateLimited
from stockjobs.services.work.health import Component, Condition, Health
from stockjobs.store.ledger import workers
from stockjobs.store.ledger.workers import Worker
from stockjobs.transport.budget import Budgets, Place
from tests.fixtures.house import House

pytestmark = pytest.mark.integration


def check(house: House) -> dict[str, Component]:
    return {part.name: part for part in Health(house.database, house.inspector).check()}


def test_all_is_well_where_nothing_is_left_undone(house: House) -> None:
    house.define()
    house.trigger()
    worker = Worker("w@host", (Lane.REALTIME,), "prefork", 4, 0, None, None, "1", 1, house.clock.now, house.clock.now)
    with house.database.begin() as connection:
        workers.show(connection, worker)
    house.dispatch.tick()
    found = check(house)
    assert all(part.is_well for part in found.values()), found
    assert found["redis"].about == "messages: 1 in realtime, 0 in historical"
    assert found["workers"].about == "1 with 4 slots"


def test_a_beat_that_is_away_is_seen_by_what_is_overdue(house: House) -> None:
    house.define(schedule={"cron": "*/5 * * * *"})
    house.clock.advance(timedelta(minutes=6))
    found = check(house)
    assert not found["beat"].is_well
    assert "overdue for 60 s" in found["beat"].about
    house.dispatch.tick()
    assert check(house)["beat"].is_well


CLOSED = [
    ([RateLimited("429", retry_after=timedelta(minutes=7))], Condition.NOTED, "yahoo has asked us to slow down"),
    ([ProviderDown("502")] * BREAK_AFTER, Condition.FAILED, "yahoo is down"),
]


@pytest.mark.parametrize(("errors", "condition", "why"), CLOSED, ids=["limited", "down"])
def test_a_closed_provider_is_told_with_why_and_until_when(
    house: House, errors: list[ProviderError], condition: Condition, why: str
) -> None:
    budgets = Budgets(house.redis_url, clock=lambda: "1800000000000")
    for number, error in enumerate(errors):
        budgets.leave(place := Place("yahoo", "tokyo", NO_BUDGET, 0.0, timedelta(seconds=20)), f"t{number}", error)
    budgets.enter(place, "last", Lane.REALTIME, most=timedelta(0))
    [told] = [one for one in Health(house.database, house.inspector, budgets.usages).check() if one.name == "provider"]
    until = "2027-01-15 08:07:00" if condition is Condition.NOTED else "2027-01-15 08:00:15"
    assert (told.condition, told.about) == (condition, f"{why} (egress tokyo): nobody asks it until {until} UTC")
    budgets.open("yahoo", "tokyo")
    assert "provider" not in {one.name for one in Health(house.database, house.inspector, budgets.usages).check()}
    budgets.close()
