"""Running downloads that are cancelled, or run out of time, through real workers."""

from __future__ import annotations

import time

import pytest

from stockjobs.domain.ids import attempt_id
from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.simulator.client import SimulatorClient
from tests.fixtures.fleet import Fleet
from tests.fixtures.redis import eventually

pytestmark = pytest.mark.integration
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POOLS = pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])

WITHIN = 5.0
"""Seconds within which running work that was cancelled makes room."""


def hanging(fleet: Fleet, yahoo: SimulatorClient, name: str) -> str:
    """An occurrence whose download hangs."""
    fleet.define(name, symbols=["AAPL"])
    occurrence = fleet.trigger(name)
    eventually(lambda: len(yahoo.requests()) > 0, tell=fleet.logs)
    return occurrence


@on_sqlite
@POOLS
@pytest.mark.parametrize("fault", ["latency", "drip"])
def test_a_cancelled_download_makes_room_within_seconds(
    fleet: Fleet, yahoo: SimulatorClient, pool: str, fault: str
) -> None:
    number = yahoo.fault(fault, seconds=25.0, symbol="AAPL")
    fleet.beat()
    fleet.worker(pool=pool, slots=1)
    cancelled = hanging(fleet, yahoo, "HANGS")
    fleet.define("NEXT", symbols=["MSFT"])
    waiting = fleet.trigger("NEXT")
    at = time.monotonic()
    fleet.container.steering.cancel(cancelled, by="test")
    report = fleet.ended(waiting, within=20)
    took = time.monotonic() - at
    assert report.occurrence.state is State.COMPLETED
    assert took < WITHIN
    assert fleet.attempts(cancelled) == [State.CANCELLED]
    yahoo.disarm(number)


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_what_was_cancelled_stays_cancelled_when_the_worker_is_killed_and_everything_is_sent_again(
    fleet: Fleet, yahoo: SimulatorClient, pool: str
) -> None:
    yahoo.fault("latency", seconds=25.0, symbol="AAPL")
    fleet.beat()
    worker = fleet.worker(pool=pool, slots=1)
    occurrence = hanging(fleet, yahoo, "HANGS")
    fleet.container.steering.cancel(occurrence, by="test")
    worker.kill()
    yahoo.disarm()
    # The message comes once more, as a broker's redelivery would bring it.
    knock_again(fleet, occurrence)
    fleet.worker(pool=pool, slots=1)
    assert fleet.collect("NEXT", symbols=["MSFT"]).occurrence.state is State.COMPLETED
    assert fleet.attempts(occurrence) == [State.CANCELLED]
    assert fleet.container.reports.occurrence(occurrence).occurrence.state is State.CANCELLED
    assert [held.symbol for held in fleet.container.reports.holdings()] == ["MSFT"]


def knock_again(fleet: Fleet, occurrence: str) -> None:
    """Send the message of an occurrence's first attempt, and that of a second one, into both lanes."""
    [(task, _)] = fleet.container.reports.occurrence(occurrence, with_tasks=1).details
    fleet.container.publisher.publish(
        [
            Knock(task.id, attempt_id(task.id, number), number, lane, "0" * 36, "HANGS", "again")
            for number in (1, 2)
            for lane in Lane
        ]
    )


@on_sqlite
@POOLS
def test_a_download_out_of_time_ends_as_timeout_at_its_deadline(
    fleet: Fleet, yahoo: SimulatorClient, pool: str
) -> None:
    yahoo.fault("latency", seconds=25.0)
    fleet.beat()
    fleet.worker(pool=pool, slots=1)
    report = fleet.collect("SLOW", symbols=["AAPL"], timeout="PT2S", retry={"maxRetries": 0})
    [(task, [attempt])] = report.details
    assert (report.occurrence.state, task.state, attempt.state) == (State.TIMEOUT,) * 3
    assert attempt.finished_at is not None
    assert 1.9 < (attempt.finished_at - attempt.started_at).total_seconds() < 4


@on_sqlite
def test_a_time_out_is_retried_like_any_passing_error(fleet: Fleet, yahoo: SimulatorClient) -> None:
    yahoo.fault("latency", seconds=25.0, times=1)
    fleet.beat()
    fleet.worker(slots=1)
    retry = {"maxRetries": 1, "initial": "PT0.1S", "cap": "PT0.1S"}
    report = fleet.collect("SLOW", symbols=["AAPL"], timeout="PT2S", retry=retry)
    assert report.occurrence.state is State.COMPLETED
    assert fleet.attempts(str(report.occurrence.id)) == [State.RETRIED, State.COMPLETED]


@on_sqlite
def test_the_setting_shortens_a_job_that_was_applied_before_it_was_lowered(
    fleet: Fleet, yahoo: SimulatorClient
) -> None:
    yahoo.fault("latency", seconds=25.0)
    fleet.beat()
    fleet.worker(slots=1, STOCKJOBS_MAX_TIMEOUT="2")
    report = fleet.collect("SLOW", symbols=["AAPL"], timeout="PT5M", retry={"maxRetries": 0})
    assert report.occurrence.state is State.TIMEOUT


def test_the_task_of_a_child_that_dies_is_taken_up_again_before_its_lease_ends(
    fleet: Fleet, yahoo: SimulatorClient
) -> None:
    yahoo.fault("latency", seconds=25.0, times=1)
    fleet.beat(STOCKJOBS_LEASE="600")
    worker = fleet.worker(slots=1, STOCKJOBS_LEASE="600")
    occurrence = hanging(fleet, yahoo, "DIES")
    worker.kill_children()
    report = fleet.ended(occurrence, within=60)
    assert report.occurrence.state is State.COMPLETED
    assert fleet.attempts(occurrence) == [State.LOST, State.COMPLETED]
