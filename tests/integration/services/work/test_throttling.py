"""What beat offers while a provider's budget is short, or the provider closed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.domain.asking.budgets import Budget
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import RateLimited
from stockjobs.services.work.offering import Offering
from stockjobs.services.work.throttling import Throttle, throttles
from stockjobs.transport.budget import Budgets, Place
from tests.fixtures.house import House

pytestmark = pytest.mark.integration
NOTHING = timedelta(0)


def place(egress: str = "default", budget: Budget = Budget(per_minute=60)) -> Place:  # noqa: B008 - frozen
    return Place("yahoo", egress, budget, 0.5, timedelta(seconds=20))


def ask(budgets: Budgets, where: Place, times: int, lane: Lane = Lane.REALTIME) -> None:
    for number in range(times):
        budgets.enter(where, f"{where.egress}{number}", lane, most=NOTHING)
        budgets.leave(where, f"{where.egress}{number}", None)


@pytest.fixture
def budgets(redis_url: str) -> Budgets:
    return Budgets(redis_url)


def offered(house: House, budgets: Budgets, name: str = "DAILY") -> int:
    """How many of twenty tasks of today are offered."""
    house.define(name, symbols=[f"SIM{number:04d}" for number in range(1, 21)], batchSize=1)
    house.trigger(name)
    offering = Offering(house.database, house.publisher, 64, throttles_now=lambda: throttles(budgets.usages()))
    return sum(offering.offer() for _ in range(3))


def test_a_provider_that_nobody_has_asked_yet_is_offered_in_full(house: House, budgets: Budgets) -> None:
    assert offered(house, budgets) == 20


def test_no_more_is_offered_than_the_budget_feeds(house: House, budgets: Budgets) -> None:
    ask(budgets, place(), 1)
    assert offered(house, budgets) == Budget(per_minute=60).parallel == 2


def test_historical_work_in_flight_takes_no_place_from_realtime_work(house: House, budgets: Budgets) -> None:
    ask(budgets, place(), 1)
    house.define("PAST", symbols=["AAPL", "MSFT", "KO"], batchSize=1, mode="backfill", window={"period": "P30D"})
    house.trigger("PAST")
    assert offered(house, budgets) == 4
    assert [len(house.knocks(lane)) for lane in Lane] == [2, 2]


def test_nothing_is_offered_of_a_closed_provider_until_it_may_be_asked_again(house: House, budgets: Budgets) -> None:
    budgets.enter(place(), "a", Lane.REALTIME, most=NOTHING)
    budgets.leave(place(), "a", RateLimited("429"))
    assert offered(house, budgets) == 0
    budgets.open("yahoo", "default")
    assert offered(house, budgets, "LATER") > 0


def test_historical_work_waits_in_the_ledger_when_its_share_is_used_up(budgets: Budgets, redis_url: str) -> None:
    ask(budgets, place(), 30, Lane.HISTORICAL)
    assert throttles(budgets.usages()) == {"yahoo": Throttle(2, frozenset({Lane.HISTORICAL}))}


def test_a_lane_is_open_as_long_as_one_egress_has_room(budgets: Budgets, redis_url: str) -> None:
    ask(budgets, place(), 60)
    ask(budgets, place("tokyo"), 1)
    assert throttles(budgets.usages()) == {"yahoo": Throttle(4, frozenset())}


def test_of_a_provider_that_nobody_has_asked_yet_its_own_budget_tells(budgets: Budgets, redis_url: str) -> None:
    own = {"yahoo": Budget(per_second=2), "files": Budget()}
    assert throttles(budgets.usages(), own) == {"yahoo": Throttle(2, frozenset())}
    ask(budgets, place(budget=Budget(per_second=8)), 1)
    assert throttles(budgets.usages(), own) == {"yahoo": Throttle(8, frozenset())}
