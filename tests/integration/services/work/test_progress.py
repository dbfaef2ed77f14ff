"""How far an occurrence is, and an end time that holds, on both databases."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from stockjobs.domain.asking.pricing import Basis
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.pace import Work
from stockjobs.errors import ProviderDown
from stockjobs.services.work.reports import OccurrenceReport
from stockjobs.store.ledger import workers
from tests.fixtures.house import House, spec

pytestmark = pytest.mark.integration

LATENCY = timedelta(milliseconds=200)
SYMBOLS = [f"S{number:03d}" for number in range(120)]
MONTH = WindowSpec.model_validate({"period": "P1M"})


def slow(house: House) -> None:
    """Let every request take as long as the others."""
    house.provider.before = lambda request: house.clock.advance(LATENCY)


def test_after_a_tenth_the_end_that_is_told_holds(house: House) -> None:
    slow(house)
    house.define(symbols=SYMBOLS, batchSize=3)
    occurrence = house.trigger(window=MONTH)
    told: list[OccurrenceReport] = []
    house.dispatch.tick()
    for task, number in house.knocks(Lane.HISTORICAL):
        told.append(house.reports.occurrence(str(occurrence.id)))
        house.collect.run(UUID(task), number, Lane.HISTORICAL, worker="w@test")
    report = house.reports.occurrence(str(occurrence.id))
    assert len(told) == 40
    began, ended = report.occurrence.started_at, report.occurrence.finished_at
    assert began is not None
    assert ended is not None
    assert told[0].progress is not None
    assert told[0].progress.work == Work(0, 120)
    for one in told[4:]:
        assert one.progress is not None
        assert one.progress.ends_at is not None
        now = began + (ended - began) * one.progress.work.done / 120
        assert abs(one.progress.ends_at - ended) <= 0.25 * (ended - now)
    assert report.progress is None


def test_symbols_that_landed_before_another_try_are_done(house: House) -> None:
    house.provider.errors["MSFT"] = [ProviderDown("502")]
    house.define(symbols=["AAPL", "MSFT"])
    occurrence = house.trigger(window=MONTH)
    house.dispatch.tick()
    house.work(Lane.HISTORICAL)
    progress = house.reports.occurrence(str(occurrence.id)).progress
    assert progress is not None
    assert progress.work == Work(1, 2)


def test_a_price_without_a_budget_follows_from_what_attempts_took(house: House) -> None:
    slow(house)
    house.define(symbols=SYMBOLS[:6], batchSize=3)
    assert house.requests.estimate(spec(symbols=SYMBOLS), MONTH).duration is None
    house.trigger(window=MONTH)
    house.dispatch.tick()
    house.work(Lane.HISTORICAL)
    with house.database.begin() as connection:
        now = house.clock.now
        lanes = (Lane.HISTORICAL,)
        workers.show(connection, workers.Worker("w@a", lanes, "prefork", 4, 0, None, None, "1", 1, now, now))
        workers.show(connection, workers.Worker("w@b", (Lane.REALTIME,), "prefork", 4, 0, None, None, "1", 2, now, now))
    duration = house.requests.estimate(spec(symbols=SYMBOLS), MONTH).duration
    assert duration is not None
    assert duration.basis is Basis.MEASURED
    assert duration.length == LATENCY * 120 / 4
