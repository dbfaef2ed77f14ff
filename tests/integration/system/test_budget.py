"""One budget for a real fleet: what the server itself counts while ten processes ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stockjobs.domain.asking.budgets import Closure
from stockjobs.domain.events import EventName
from stockjobs.domain.work.states import State
from stockjobs.simulator.client import SimulatorClient
from tests.fixtures.fleet import Fleet
from tests.fixtures.redis import eventually

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


# On a busy machine a worker may be silent for some seconds, and who owns what is not the matter here.
PATIENT = {"STOCKJOBS_LEASE": "30"}


@pytest.fixture
def fleet(fleet: Fleet) -> Iterator[Fleet]:
    """A fleet that does not stop gently: the seconds that this takes would tell nothing here."""
    yield fleet
    for member in fleet.members:
        member.kill()


def symbols(count: int) -> list[str]:
    return [f"SIM{number:04d}" for number in range(1, count + 1)]


def test_ten_processes_never_ask_for_more_than_the_budget(fleet: Fleet, yahoo: SimulatorClient) -> None:
    yahoo.budget(per_second=10, per_window=70, window_seconds=60.0)
    yahoo.fault("latency", seconds=0.15, probability=0.5)
    fleet.define("MANY", symbols=symbols(36), batchSize=2)
    occurrence = fleet.trigger("MANY")
    for _ in range(2):
        fleet.worker(slots=5, **PATIENT, STOCKJOBS_BUDGET_PER_SECOND="10", STOCKJOBS_BUDGET_PER_MINUTE="70")
    eventually(lambda: len(fleet.container.reports.workers()) == 2, within=90, tell=fleet.logs)
    # Nothing was offered before: all ten begin at once.
    fleet.beat()
    report = fleet.ended(occurrence, within=90)
    counted = yahoo.counters()
    assert report.occurrence.state is State.COMPLETED
    assert (counted["total"], counted["by_status"]) == (36, {"200": 36})
    assert counted["peak_per_second"] <= 10
    assert all(task.failures == 0 for task, _ in report.details)


def test_one_limit_silences_the_fleet_and_one_probe_ends_it(fleet: Fleet, yahoo: SimulatorClient) -> None:
    yahoo.fault("status", status=429, retry_after=2, after=8, times=1)
    yahoo.fault("latency", seconds=0.3)
    fleet.beat()
    fleet.worker(slots=6, **PATIENT, STOCKJOBS_BUDGET_PER_SECOND="20")
    report = fleet.collect("LIMITED", symbols=symbols(24), batchSize=2, within=90)
    assert report.occurrence.state is State.COMPLETED
    assert all(task.failures == 0 for task, _ in report.details)
    asked = yahoo.requests()
    [limited] = [one["at"] for one in asked if one["status"] == 429]
    # What was under way is answered; then nobody asks.
    later = [one["at"] for one in asked if one["at"] > limited + 0.5]
    assert later[0] >= limited + 2.0
    assert [at for at in later[1:] if at < later[0] + 0.3] == []
    told = [event.name for event in fleet.container.feed.last(1_000) if event.name.startswith("provider.")]
    assert told == [EventName.PROVIDER_LIMITED, EventName.PROVIDER_RECOVERED]


def test_a_probing_worker_that_is_killed_holds_nobody_up(fleet: Fleet, yahoo: SimulatorClient) -> None:
    yahoo.fault("status", status=429, retry_after=1, times=1)
    hangs = yahoo.fault("latency", seconds=30.0, after=1)
    fleet.beat()
    environment = {"STOCKJOBS_BUDGET_PER_SECOND": "20", "STOCKJOBS_PROVIDER_TIMEOUT": "1"}
    first = fleet.worker(pool="solo", **environment)
    fleet.define("PROBED", symbols=["AAPL"])
    occurrence = fleet.trigger("PROBED")
    budgets = fleet.container.budgets
    eventually(lambda: any(one.is_probing for one in budgets.usages()), within=60, tell=fleet.logs)
    first.kill()
    yahoo.disarm(hangs)
    assert [one.closure for one in budgets.usages()] == [Closure.LIMITED]
    fleet.worker(pool="solo", **environment)
    report = fleet.ended(occurrence, within=60)
    assert (report.occurrence.state, budgets.usages()[0].closure) == (State.COMPLETED, None)


FLOOD, AHEAD = 100, 15


def test_realtime_work_gets_through_while_historical_work_floods(fleet: Fleet, yahoo: SimulatorClient) -> None:
    # Beat has the same settings, as it should: it offers to the worker no more of the flood than is fed.
    fleet.beat(STOCKJOBS_BUDGET_PER_SECOND="2")
    fleet.worker(slots=4, **PATIENT, STOCKJOBS_BUDGET_PER_SECOND="2")
    fleet.define("FLOOD", symbols=symbols(FLOOD), batchSize=10, mode="backfill", window={"period": "P30D"})
    flood = fleet.trigger("FLOOD")
    eventually(lambda: yahoo.counters()["total"] >= 2, within=90, tell=fleet.logs)
    before = len(yahoo.requests())
    report = fleet.collect("NOW", within=90, symbols=["AAPL", "MSFT", "NVDA"], batchSize=1)
    assert report.occurrence.state is State.COMPLETED
    since = [one["symbol"].startswith("SIM") for one in yahoo.requests()[before:]]
    last = len(since) - 1 - since[::-1].index(False)
    # Behind the flood there would be nearly all of it; before its turn only what is sent until the work is found and begun.
    assert sum(since[:last]) <= AHEAD
    assert yahoo.counters()["peak_per_second"] <= 2
    assert not fleet.container.reports.occurrence(flood).has_ended
    fleet.container.steering.cancel(flood, by="test")
