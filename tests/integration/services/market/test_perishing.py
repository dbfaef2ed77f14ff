"""An alarm tells how many bars a source will soon no longer keep, and when; collecting them ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, insert, select, update

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.events import EventName
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.work.lanes import Lane
from stockjobs.providers import registry
from stockjobs.services.market.perishing import PerishingService
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.store import tables
from stockjobs.store.ledger import events
from tests.fixtures.database import Beginning
from tests.fixtures.exchange import MarketProvider, keep_calendars
from tests.fixtures.house import House, beginning_in_house
from tests.fixtures.market import add_instrument

pytestmark = pytest.mark.integration

REACH = timedelta(days=29)
EVENING = datetime(2026, 3, 3, 22, tzinfo=UTC)


def collect(house: House) -> None:
    house.trigger()
    house.dispatch.tick()
    house.work(Lane.REALTIME)


@pytest.fixture(scope="module")
def beginning(redis_server: EmbeddedRedis) -> Beginning:
    return beginning_in_house(redis_server, collect_minutes)


def collect_minutes(house: House) -> None:
    house.provider = MarketProvider()
    house.clock.now = EVENING
    keep_calendars(house, "AAPL")
    house.define(symbols=["AAPL"], intervals=["1m"])
    collect(house)


@pytest.fixture
def service(house: House, market: MarketProvider) -> PerishingService:
    """Minutes until the evening of Tuesday the third."""
    house.clock.now = EVENING
    return PerishingService(house.database, registry.limits)


def states(house: House) -> list[str]:
    query = select(tables.findings.c.state).where(tables.findings.c.kind == FindingKind.PERISHING.value)
    with house.database.read() as connection:
        return list(connection.execute(query).scalars())


def test_nothing_is_told_while_there_is_time(house: House, service: PerishingService) -> None:
    house.clock.advance(timedelta(days=21))
    assert service.check() == []


def test_a_series_that_is_not_collected_is_told_once_with_how_many_bars_and_when(
    house: House, service: PerishingService
) -> None:
    house.clock.advance(timedelta(days=25))
    [found] = service.check()
    # A week before it is lost: Wednesday the fourth and Thursday the fifth, whose first minute opened at 14:30.
    assert found.loss.bars == 2 * 390
    assert found.loss.begins_at == datetime(2026, 3, 4, 14, 30, tzinfo=UTC) + REACH
    assert service.check() == []
    assert states(house) == [FindingState.OPEN]
    with house.database.read() as connection:
        [told] = [one for one in events.latest(connection, 100) if one.name is EventName.PERISHING]
    assert (told.data["symbol"], told.data["bars"]) == ("AAPL", 780)


def test_collecting_mends_it(house: House, service: PerishingService) -> None:
    house.clock.advance(timedelta(days=25))
    service.check()
    collect(house)
    assert service.check() == []
    assert states(house) == [FindingState.MENDED]


def test_what_no_enabled_job_collects_is_not_missed(house: House, service: PerishingService) -> None:
    house.administration.set_enabled("DAILY", enabled=False, by="test")
    house.clock.advance(timedelta(days=25))
    assert service.check() == []


def test_what_somebody_has_rejected_is_not_told_again_the_next_day(house: House, service: PerishingService) -> None:
    house.clock.advance(timedelta(days=25))
    assert len(service.check()) == 1
    with house.database.read() as connection:
        [finding] = connection.execute(select(tables.findings.c.id)).scalars()
    Quarantine(house.database).reject([str(finding)], by="test")
    for _ in range(3):
        house.clock.advance(timedelta(days=1))
        assert service.check() == []
    assert states(house) == [FindingState.REJECTED]


def test_one_that_was_mended_and_perishes_again_is_told_again(house: House, service: PerishingService) -> None:
    house.clock.advance(timedelta(days=25))
    service.check()
    house.administration.set_enabled("DAILY", enabled=False, by="test")
    assert (service.check(), states(house)) == ([], [FindingState.MENDED])
    house.administration.set_enabled("DAILY", enabled=True, by="test")
    assert (len(service.check()), states(house)) == (1, [FindingState.OPEN])
    with house.database.read() as connection:
        told = [one for one in events.latest(connection, 100) if one.name is EventName.PERISHING]
    assert len(told) == 2


def test_looking_where_nothing_is_new_waits_for_no_writer(house: House, service: PerishingService) -> None:
    house.clock.advance(timedelta(days=25))
    service.check()
    with house.database.begin() as connection:
        connection.execute(update(tables.findings).values(reason="held"))
        assert service.check() == []


def test_many_new_ones_are_written_by_few_statements(house: House, service: PerishingService) -> None:
    symbols = [f"S{number:02}" for number in range(40)]
    with house.database.begin() as connection:
        rows = [
            {"instrument_id": add_instrument(connection, symbol), "interval_s": 60, "newest_at": house.clock.now}
            for symbol in symbols
        ]
        connection.execute(insert(tables.positions), [{**row, "updated_at": house.clock.now} for row in rows])
    house.define("MANY", symbols=symbols, intervals=["1m"])
    house.clock.advance(timedelta(days=25))
    statements: list[str] = []
    event.listen(house.database.engine, "before_cursor_execute", lambda *found: statements.append(found[2]))
    assert len(service.check()) == 41
    assert len(statements) < 41
