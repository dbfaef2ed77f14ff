"""A Redis that dies while attempts ask a provider that has a budget: nobody can say what is left of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.work.states import State
from stockjobs.settings import Settings
from stockjobs.simulator.client import SimulatorClient
from tests.fixtures.fleet import Fleet
from tests.fixtures.redis import eventually

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

SYMBOLS = [f"SIM{number:04d}" for number in range(1, 25)]


def test_attempts_land_what_they_have_and_go_on_when_it_is_back(
    database_url: str, own_redis: EmbeddedRedis, yahoo: SimulatorClient, tmp_path: Path
) -> None:
    yahoo.fault("latency", seconds=0.3)
    settings = Settings(
        database_url=database_url, redis_url=own_redis.url, provider_url=yahoo.url, lease=30.0, resend_after=2.0
    )
    fleet = Fleet(settings, tmp_path)
    try:
        fleet.beat()
        fleet.worker(STOCKJOBS_BUDGET_PER_SECOND="4", STOCKJOBS_PROVIDER_TIMEOUT="1")
        fleet.define("CUT", symbols=SYMBOLS, batchSize=12, timeout="PT12S", retry={"maxRetries": 0})
        occurrence = fleet.trigger("CUT")
        eventually(lambda: yahoo.counters()["total"] >= 3, within=90, tell=fleet.logs)
        os.kill(own_redis.pid or 0, signal.SIGKILL)
        eventually(lambda: State.DEFERRED in fleet.attempts(occurrence), within=60, tell=fleet.logs)
        asked = yahoo.counters()["total"]
        assert 0 < len(fleet.container.reports.holdings()) <= asked < len(SYMBOLS)
        own_redis.start()
        report = fleet.ended(occurrence, within=90)
        assert report.occurrence.state is State.COMPLETED
        assert {held.symbol for held in fleet.container.reports.holdings()} == set(SYMBOLS)
        assert all(task.failures == 0 for task, _ in report.details)
        assert set(fleet.attempts(occurrence)) == {State.DEFERRED, State.COMPLETED}
        # What had landed was not asked for again.
        assert yahoo.counters()["total"] <= len(SYMBOLS) + 2
    finally:
        for member in fleet.members:
            member.kill()
        fleet.stop()
