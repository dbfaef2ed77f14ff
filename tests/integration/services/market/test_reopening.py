"""Reopening a provider by hand lets go what waits for it, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.domain.asking.budgets import Budget
from stockjobs.domain.events import EventName
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import MalformedReply, RateLimited
from stockjobs.services.market.reopening import Reopened, Reopening
from stockjobs.transport.budget import Budgets, Place
from tests.fixtures.house import House

pytestmark = pytest.mark.integration
LIMITED = RateLimited("429", retry_after=timedelta(minutes=15))
PLACE = Place("yahoo", "default", Budget(per_minute=60), 0.5, timedelta(seconds=20))


@pytest.fixture
def reopening(house: House) -> Reopening:
    """Of a provider that is closed by a limit."""
    budgets = Budgets(house.redis_url)
    budgets.enter(PLACE, "a ticket", Lane.REALTIME, most=timedelta(0))
    budgets.leave(PLACE, "a ticket", LIMITED)
    return Reopening(house.database, budgets)


def limited(house: House) -> None:
    """Two tasks are deferred, and a third waits after an answer that was no good."""
    symbols = ["AAPL", "KO", "MSFT"]
    house.define(symbols=symbols, batchSize=1, retry={"jitter": False, "initial": "PT1M"})
    errors = (LIMITED, LIMITED, MalformedReply("no JSON"))
    house.provider.errors = {symbol: [error] for symbol, error in zip(symbols, errors, strict=True)}
    house.trigger()
    house.dispatch.tick()
    house.work(Lane.REALTIME)


def test_what_was_deferred_for_a_provider_goes_on_when_it_is_reopened(house: House, reopening: Reopening) -> None:
    limited(house)
    assert [task.state for task in house.tasks()] == [State.SCHEDULED] * 3
    assert reopening.reopen("yahoo", "default", by="ann") == Reopened(was_closed=True, tasks=2)
    [told] = [one for one in house.feed.last(20) if one.name is EventName.PROVIDER_REOPENED]
    assert (told.data["was"], told.data["by"], told.data["tasks"]) == ("limited", "ann", 2)
    house.dispatch.tick()
    house.work(Lane.REALTIME)
    states = {task.symbols: task.state for task in house.tasks()}
    assert states == {("AAPL",): State.COMPLETED, ("KO",): State.COMPLETED, ("MSFT",): State.SCHEDULED}
    assert reopening.reopen("yahoo", "default", by="ann") == Reopened(was_closed=False, tasks=0)


def test_what_was_deferred_after_all_is_let_go_though_the_provider_is_open(house: House, reopening: Reopening) -> None:
    reopening.reopen("yahoo", "default", by="ann")
    limited(house)
    assert reopening.reopen("yahoo", "default", by="ann") == Reopened(was_closed=False, tasks=2)
    assert [one.data["tasks"] for one in house.feed.last(50) if one.name is EventName.PROVIDER_REOPENED] == [0, 2]
