"""Attempts that run out of time, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest

from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import Interrupted, InvalidInput
from stockjobs.providers import registry
from stockjobs.services.collecting import collect as collect_module
from stockjobs.services.collecting.collect import Collect, CollectConfig
from stockjobs.services.collecting.conclusion import Outcome, Verdict
from stockjobs.services.work.instances import Instances
from tests.fixtures.house import House, spec
from tests.fixtures.redis import eventually

pytestmark = pytest.mark.integration


def start(house: House, collect: Collect | None = None, **fields: object) -> tuple[str, Outcome]:
    """Run the one task of a new job; returns its occurrence and its outcome."""
    house.define(symbols=["AAPL"], **fields)
    occurrence = str(house.trigger().id)
    house.dispatch.tick()
    [(task, number)] = house.knocks(Lane.REALTIME)
    house.purge(Lane.REALTIME)
    return occurrence, (collect or house.collect).run(UUID(task), number, Lane.REALTIME, worker="w@test")


def attempts(house: House, occurrence: str) -> list[State]:
    report = house.reports.occurrence(occurrence, with_tasks=1)
    return [attempt.state for _, attempts in report.details for attempt in attempts]


def test_without_retries_a_job_out_of_time_is_a_timeout(house: House) -> None:
    house.provider.errors["AAPL"] = [Interrupted("The download has used up its time.")]
    occurrence, outcome = start(house, retry={"maxRetries": 0})
    assert outcome.verdict is Verdict.TIMEOUT
    assert house.reports.occurrence(occurrence).occurrence.state is State.TIMEOUT


def test_retries_are_made_before_a_job_is_a_timeout(house: House) -> None:
    house.provider.errors["AAPL"] = [Interrupted("The download has used up its time.")] * 2
    occurrence, outcome = start(house, retry={"maxRetries": 1, "initial": "PT1S", "cap": "PT1S"})
    assert outcome.verdict is Verdict.RETRIED
    house.clock.advance(timedelta(seconds=2))
    house.dispatch.tick()
    house.work(Lane.REALTIME)
    assert attempts(house, occurrence) == [State.RETRIED, State.TIMEOUT]
    assert house.reports.occurrence(occurrence).occurrence.state is State.TIMEOUT


def test_the_ledger_goes_on_without_code_that_heeds_no_deadline(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect_module, "OVERRUN", timedelta(seconds=0.1))
    ended = threading.Event()

    def hang(_: object) -> None:
        eventually(lambda: house.tasks()[0].state is State.TIMEOUT)
        ended.set()

    house.provider.before = hang
    occurrence, outcome = start(house, timeout="PT0.1S", retry={"maxRetries": 0})
    assert ended.is_set()
    assert outcome.verdict is Verdict.TIMEOUT
    assert house.reports.holdings() == []
    assert attempts(house, occurrence) == [State.TIMEOUT]


def test_the_setting_is_a_ceiling_for_every_job(house: House) -> None:
    given: list[float] = []
    config = CollectConfig(max_timeout=timedelta(seconds=30))
    provider = house.provider

    class Watching:
        name, limits, facts, close = provider.name, provider.limits, provider.facts, provider.close

        def bars(self, request: object, *, now: object, patience: object) -> object:
            given.append(patience.remaining())  # type: ignore[attr-defined]
            return provider.bars(request, now=now, patience=patience)  # type: ignore[arg-type]

    _, outcome = start(house, Collect(house.database, lambda _: Watching(), config), timeout="PT10M")  # type: ignore[arg-type, return-value]
    assert outcome.verdict is Verdict.COMPLETED
    assert 25 < given[0] <= 30


def test_a_timeout_above_the_maximum_is_refused_with_its_place_and_the_cure() -> None:
    checking = Instances(registry.limits, timedelta(minutes=30))
    checking.check(spec(timeout="PT30M"), "LONG")
    with pytest.raises(InvalidInput) as raised:
        checking.check(spec(timeout="PT31M"), "LONG")
    assert str(raised.value).startswith("LONG: spec.timeout: ")
    assert "PT31M is above the maximum of 1800 s" in str(raised.value)
    assert "max_timeout" in str(raised.value)


def test_a_dead_attempt_that_is_given_back_is_offered_again_at_once(house: House) -> None:
    seen: list[bool] = []

    def die(_: object) -> None:
        house.provider.before = lambda request: None
        [task] = house.tasks()
        seen.append(house.collect.give_back(task.id, 7))
        seen.append(house.collect.give_back(task.id, 1))
        assert house.dispatch.tick().lost == 1

    house.provider.before = die
    occurrence, outcome = start(house)
    assert seen == [False, True]
    assert outcome.verdict is Verdict.LOST
    assert [one.verdict for one in house.work(Lane.REALTIME)] == [Verdict.COMPLETED]
    assert attempts(house, occurrence) == [State.LOST, State.COMPLETED]
    assert house.collect.give_back(house.tasks()[0].id, 2) is False
