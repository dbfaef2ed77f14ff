"""Whatever is done to caps and pauses meanwhile: no cap is exceeded, nothing starts in a pause, and in the end all is done."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.pauses import Scope
from stockjobs.domain.work.states import ENDED, State
from stockjobs.errors import Conflict, ProviderDown
from stockjobs.services.work.dispatch import Dispatch
from stockjobs.store import tables
from tests.fixtures.house import House

pytestmark = pytest.mark.integration

STEPS = 60


class Storm:
    """Does one thing after another at random to a job and to the lanes."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.random = house, random.Random(seed)
        self.dispatchers: list[Dispatch] = [house.dispatcher(lane_window=6, provider_parallel=5) for _ in range(2)]
        self.cap: int | None = 2
        self.is_paused = False
        self._define()

    def _define(self) -> None:
        past = {"mode": "backfill", "window": {"period": "P5D"}} if self.random.random() < 0.4 else {}
        self.house.define(
            "JOB",
            symbols=[f"SIM{number:04d}" for number in range(8)],
            batchSize=1,
            maxParallel=self.cap,
            schedule={"concurrency": "allow"},
            retry={"initial": "PT1S", "jitter": False},
            **past,
        )

    def step(self) -> None:
        deeds = [self.tick, self.tick, self.tick, self.work, self.work, self.trigger, self.edit, self.pause, self.fail]
        self.random.choice(deeds)()
        self.house.clock.advance(timedelta(seconds=self.random.choice([0, 1, 12])))

    def tick(self) -> None:
        self.random.choice(self.dispatchers).tick()

    def work(self) -> None:
        lane = self.random.choice(list(Lane))
        before = self.started()
        done = [outcome for outcome in self.house.work(lane) if outcome.verdict != "nothing"]
        if self.is_stopped(lane):
            assert self.started() == before
            assert not done

    def started(self) -> int:
        with self.house.database.read() as connection:
            return connection.execute(select(func.count()).select_from(tables.attempts)).scalar_one()

    def is_stopped(self, lane: Lane) -> bool:
        return self.is_paused or any(lane in pause.scope.lanes for pause in self.house.holding.pauses())

    def trigger(self) -> None:
        try:
            self.house.trigger("JOB")
        except Conflict:
            assert self.is_paused

    def edit(self) -> None:
        self.cap = self.random.choice([None, 1, 2, 4])
        self._define()

    def pause(self) -> None:
        if self.random.random() < 0.3:
            self.is_paused = not self.is_paused
            change = self.house.administration.pause if self.is_paused else self.house.administration.resume
            change("JOB", by="test")
            return
        scope = self.random.choice(list(Scope))
        change_lane = self.random.choice([self.house.holding.pause, self.house.holding.resume])
        change_lane(scope, by="test")

    def fail(self) -> None:
        self.house.provider.errors.setdefault(f"SIM{self.random.randrange(8):04d}", []).append(ProviderDown("down"))

    def check(self) -> None:
        with self.house.database.read() as connection:
            tasks = tables.tasks
            out = select(func.count()).where(tasks.c.offered_at.is_not(None))
            in_flight = connection.execute(out).scalar_one()
        assert in_flight <= min(5, self.cap or 5)

    def calm(self) -> None:
        """Lift everything, and let the work be done."""
        for scope in Scope:
            self.house.holding.resume(scope, by="test")
        if self.is_paused:
            self.house.administration.resume("JOB", by="test")
        self.house.provider.errors.clear()
        for _ in range(400):
            if all(task.state in ENDED for task in self.house.tasks()):
                return
            self.dispatchers[0].tick()
            for lane in Lane:
                self.house.work(lane)
            self.house.clock.advance(timedelta(seconds=2))


@pytest.mark.parametrize("seed", range(4))
def test_caps_and_pauses_hold_whatever_is_done_and_no_task_stays_behind(house: House, seed: int) -> None:
    storm = Storm(house, seed)
    storm.trigger()
    for _ in range(STEPS):
        storm.step()
        storm.check()
    storm.calm()
    assert {task.state for task in house.tasks()} == {State.COMPLETED}
