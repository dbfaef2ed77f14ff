"""Health on both databases and a real Redis."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.domain.lanes import Lane
from stockjobs.services.health import Component, Health
from stockjobs.store import workers
from stockjobs.store.workers import Worker
from tests.fixtures.house import House

pytestmark = pytest.mark.integration


def check(house: House) -> dict[str, Component]:
    return {part.name: part for part in Health(house.database, house.inspector).check()}


def test_all_is_well_where_nothing_is_left_undone(house: House) -> None:
    house.define()
    house.trigger()
    worker = Worker("w@host", (Lane.REALTIME,), "prefork", 4, 0, None, "1", 1, house.clock.now, house.clock.now)
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
