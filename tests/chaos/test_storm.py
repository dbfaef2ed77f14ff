"""A storm: workers, beats and Redis are killed at random while work goes on. Nothing is lost and nothing is doubled."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.work.states import State
from stockjobs.settings import Settings
from stockjobs.simulator.client import SimulatorClient
from stockjobs.store import tables
from tests.fixtures.fleet import Fleet, Member
from tests.fixtures.redis import eventually, redis_client

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.timeout(300)]

SYMBOLS = [f"SIM{number:04d}" for number in range(1, 121)]
DEEDS = 14


class Storm:
    """Kills something every second or so, and starts it again, as a supervisor would."""

    def __init__(self, fleet: Fleet, redis: EmbeddedRedis, seed: int) -> None:
        self._fleet, self._redis, self._random = fleet, redis, random.Random(seed)
        self._workers: list[Member] = [fleet.worker(), fleet.worker()]
        self._beats: list[Member] = [fleet.beat(), fleet.beat()]
        self.deeds: Counter[str] = Counter()

    def blow(self) -> None:
        """One deed."""
        deeds = [self._kill_worker, self._kill_beat, self._flush, self._restart_redis, self._garbage]
        deed = self._random.choices(deeds, weights=[4, 2, 1, 1, 2])[0]
        deed()
        self.deeds[deed.__name__] += 1

    def calm(self) -> None:
        """Start again whatever has ended."""
        for members, start in ((self._workers, self._fleet.worker), (self._beats, self._fleet.beat)):
            for place, member in enumerate(members):
                if member.process.poll() is not None:
                    members[place] = start()

    def _kill_worker(self) -> None:
        place = self._random.randrange(len(self._workers))
        self._workers[place].kill()
        self._workers[place] = self._fleet.worker()

    def _kill_beat(self) -> None:
        place = self._random.randrange(len(self._beats))
        self._beats[place].kill()
        self._beats[place] = self._fleet.beat()

    def _flush(self) -> None:
        with redis_client(self._redis.url) as client:
            client.flushall()

    def _restart_redis(self) -> None:
        self._redis.stop()
        self._redis.start()

    def _garbage(self) -> None:
        with redis_client(self._redis.url) as client:
            client.lpush("historical", "not JSON", "{}", "null")


def test_a_storm_loses_and_doubles_nothing(
    database_url: str, own_redis: EmbeddedRedis, yahoo: SimulatorClient, tmp_path: Path
) -> None:
    yahoo.fault("latency", seconds=0.15)
    yahoo.fault("status", status=503, probability=0.05, seed=7)
    settings = Settings(
        database_url=database_url, redis_url=own_redis.url, provider_url=yahoo.url, lease=4.0, resend_after=2.0
    )
    fleet = Fleet(settings, tmp_path)
    try:
        retry = {"initial": "PT0.2S", "cap": "PT1S", "maxRetries": 20}
        fleet.define("STORM", symbols=SYMBOLS, batchSize=2, mode="backfill", window={"period": "P1Y"}, retry=retry)
        occurrence = fleet.trigger("STORM")
        storm = Storm(fleet, own_redis, seed=20260308)
        eventually(lambda: State.RUNNING in fleet.attempts(occurrence), within=40, tell=fleet.logs)
        while sum(storm.deeds.values()) < DEEDS:
            storm.blow()
            next_deed = time.monotonic() + 1.2
            eventually(lambda at=next_deed: time.monotonic() > at)  # type: ignore[misc]
        report = _ended(fleet, storm, occurrence)
        assert sum(storm.deeds.values()) >= 10
        assert len(storm.deeds) == 5
        assert report == State.COMPLETED, fleet.logs()
        _check_nothing_lost_or_doubled(fleet, occurrence)
    finally:
        fleet.stop()


def _ended(fleet: Fleet, storm: Storm, occurrence: str) -> State:
    def has_ended() -> bool:
        storm.calm()
        return fleet.container.reports.occurrence(occurrence).has_ended

    eventually(has_ended, within=150, tell=lambda: f"{storm.deeds}\n{fleet.logs()}")
    return fleet.container.reports.occurrence(occurrence).occurrence.state


def _check_nothing_lost_or_doubled(fleet: Fleet, occurrence: str) -> None:
    report = fleet.container.reports.occurrence(occurrence, with_tasks=1_000)
    completed = [[attempt.state for attempt in tried].count(State.COMPLETED) for _, tried in report.details]
    assert completed == [1] * 60
    assert {held.symbol for held in fleet.container.reports.holdings()} == set(SYMBOLS)
    with fleet.container.database.read() as connection:
        stored = connection.execute(select(func.count()).select_from(tables.bars)).scalar_one()
        actions = connection.execute(select(func.count()).select_from(tables.corporate_actions)).scalar_one()
    # Every row was written by exactly one attempt, and every attempt that wrote is on record.
    assert report.rows_written == stored + actions
    assert stored > 250 * len(SYMBOLS) * 0.95
