"""A job with a target is stale once the source has had a newer bar for longer than that, and never for a closed market."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.events import EventName
from stockjobs.domain.work.lanes import Lane
from stockjobs.services.market.freshness import FreshnessService
from stockjobs.services.work.health import Health
from stockjobs.store import tables
from stockjobs.store.ledger import definitions, events
from stockjobs.store.market import freshness
from stockjobs.store.market.freshness import Kept
from tests.fixtures.database import Beginning
from tests.fixtures.exchange import MarketProvider, keep_calendars, keep_new_york
from tests.fixtures.house import House, beginning_in_house, manifest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def beginning(redis_server: EmbeddedRedis) -> Beginning:
    return beginning_in_house(redis_server, keep_new_york)


def collect(house: House) -> None:
    house.trigger()
    house.dispatch.tick()
    house.work(Lane.REALTIME)


@pytest.fixture
def service(house: House, market: MarketProvider) -> FreshnessService:
    """Daily bars of Tuesday, collected on Tuesday night; the target is two hours."""
    house.clock.now = datetime(2026, 3, 3, 22, tzinfo=UTC)
    keep_calendars(house, "AAPL")
    house.define(symbols=["AAPL"], freshness="PT2H")
    collect(house)
    return FreshnessService(house.database)


def told(house: House) -> list[EventName]:
    with house.database.read() as connection:
        return [one.name for one in events.latest(connection, 100) if one.name in (EventName.STALE, EventName.FRESH)]


def test_a_job_whose_market_is_closed_or_open_since_its_newest_bar_is_fresh(
    house: House, service: FreshnessService
) -> None:
    for hour in (22, 28, 40, 44):  # at 44 the next session has 56 minutes to go
        house.clock.now = datetime(2026, 3, 3, tzinfo=UTC) + timedelta(hours=hour)
        [found] = service.report()
        assert (found.is_stale, found.behind) == (False, timedelta(0))


def test_it_is_stale_once_the_next_bar_has_been_there_for_longer_than_the_target(
    house: House, service: FreshnessService
) -> None:
    house.clock.now = datetime(2026, 3, 4, 22, 30, tzinfo=UTC)
    [found] = service.report()
    assert (found.is_stale, found.behind) == (False, timedelta(hours=1, minutes=30))
    house.clock.advance(timedelta(hours=1))
    [found] = service.report()
    assert found.is_stale
    assert (found.worst.symbol, found.worst.newest_at) == ("AAPL", datetime(2026, 3, 3, 14, 30, tzinfo=UTC))


def test_a_day_that_was_collected_before_its_close_is_overdue_since_the_close(
    house: House, service: FreshnessService
) -> None:
    house.clock.now = datetime(2026, 3, 4, 16, tzinfo=UTC)
    collect(house)
    house.clock.now = datetime(2026, 3, 4, 20, 30, tzinfo=UTC)
    [found] = service.report()
    assert found.behind == timedelta(0)
    house.clock.now = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
    [found] = service.report()
    assert (found.is_stale, found.behind) == (True, timedelta(hours=2, minutes=30))
    assert found.worst.newest_at == datetime(2026, 3, 4, 14, 30, tzinfo=UTC)
    collect(house)
    assert not service.report()[0].is_stale


def test_it_is_told_once_that_it_became_stale_and_once_that_it_is_fresh_again(
    house: House, service: FreshnessService
) -> None:
    service.check()
    assert told(house) == []
    house.clock.now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    assert [one.job for one in service.check()] == ["DAILY"]
    assert service.check() == []
    assert service.report()[0].stale_since == house.clock.now
    collect(house)
    assert [one.is_stale for one in service.check()] == [False]
    assert told(house) == [EventName.STALE, EventName.FRESH]


def test_looking_where_nothing_has_changed_waits_for_no_writer(house: House, service: FreshnessService) -> None:
    service.check()
    with house.database.begin() as connection:
        connection.execute(update(tables.freshness).values(checked_at=house.clock.now))
        assert service.check() == []


def test_of_two_looks_the_later_stays_whichever_is_written_first(house: House, service: FreshnessService) -> None:
    earlier, later = house.clock.now, house.clock.now + timedelta(seconds=5)
    with house.database.begin() as connection:
        job = definitions.get(connection, "DAILY").id
        assert freshness.put(connection, Kept(job, True, None, later, later))
        assert not freshness.put(connection, Kept(job, False, None, earlier, earlier))
        assert freshness.stored(connection)[job].is_stale


def test_status_fails_while_a_job_is_stale(house: House, service: FreshnessService) -> None:
    health = Health(house.database, house.inspector)
    service.check()
    [part] = [one for one in health.check() if one.name == "freshness"]
    assert part.is_well
    house.clock.now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    service.check()
    [part] = [one for one in health.check() if one.name == "freshness"]
    assert (part.is_well, part.since) == (False, house.clock.now)


def test_a_symbol_that_was_never_collected_makes_its_job_stale(house: House, service: FreshnessService) -> None:
    house.define("OTHER", symbols=["MSFT"], freshness="PT2H")
    house.clock.advance(timedelta(days=3))
    worst = {one.job: one.worst for one in service.report()}
    assert (worst["OTHER"].symbol, worst["OTHER"].newest_at) == ("MSFT", None)


def test_a_paused_job_and_one_without_a_target_are_not_looked_at(house: House, service: FreshnessService) -> None:
    house.define("PLAIN", symbols=["AAPL"])
    house.administration.pause("DAILY", by="test")
    assert service.report() == []


@pytest.mark.parametrize("spec", [{"mode": "backfill"}, {"type": "fundamentals"}])
def test_a_target_is_refused_where_there_is_nothing_to_be_fresh(spec: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="freshness is the target of an incremental job"):
        manifest(freshness="PT2H", **spec)
