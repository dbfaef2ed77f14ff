"""A job goes on naming the symbol that an instrument had; whoever asks about the job is told of the instrument."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.domain.work.lanes import Lane
from stockjobs.providers import registry
from stockjobs.services.collecting.standing import names_of
from stockjobs.services.market.coverage import CoverageService
from stockjobs.services.market.freshness import FreshnessService
from stockjobs.services.market.perishing import PerishingService
from stockjobs.services.market.symbols import Renaming, Symbols
from stockjobs.store.market import gaps
from tests.fixtures.database import Beginning
from tests.fixtures.exchange import MarketProvider, keep_calendars
from tests.fixtures.house import House, beginning_in_house, spec

pytestmark = pytest.mark.integration

TUESDAY = date(2026, 3, 3)
EVENING = datetime(2026, 3, 3, 22, tzinfo=UTC)
NULL = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def beginning(redis_server: EmbeddedRedis) -> Beginning:
    return beginning_in_house(redis_server, collect_and_rename)


def collect_and_rename(house: House) -> None:
    house.clock.now = EVENING
    house.provider = MarketProvider(null={NULL})
    keep_calendars(house, "OLD")
    house.define(symbols=["OLD"], intervals=["1m"], freshness="PT1H")
    collect(house)
    house.clock.advance(timedelta(hours=13))
    Symbols(house.database).rename(Renaming("yahoo", "OLD", "NEW"), by="test")


@pytest.fixture
def house_with_minutes(house: House, market: MarketProvider) -> House:
    """Minutes until the evening of Tuesday the third, of an instrument that bears another symbol since."""
    house.clock.now = EVENING + timedelta(hours=13)
    market.null = {NULL}
    return house


def collect(house: House) -> None:
    house.trigger()
    house.dispatch.tick()
    house.work(Lane.REALTIME)


def test_its_job_is_stale_by_the_bars_of_the_instrument(house_with_minutes: House) -> None:
    house_with_minutes.clock.advance(timedelta(days=20))
    [found] = FreshnessService(house_with_minutes.database).report()
    assert (found.worst.symbol, found.is_stale, found.worst.newest_at is not None) == ("NEW", True, True)


def test_its_bars_perish_for_its_job(house_with_minutes: House) -> None:
    house_with_minutes.clock.advance(timedelta(days=25))
    [found] = PerishingService(house_with_minutes.database, registry.limits).check()
    assert (found.series.symbol, found.job.name) == ("NEW", "DAILY")


def test_the_coverage_of_its_job_is_that_of_the_instrument(house_with_minutes: House) -> None:
    coverage = CoverageService(house_with_minutes.database, registry.limits)
    [wanted] = coverage.wanted_of_job("DAILY")
    [found] = coverage.look(wanted)
    assert (found.series.symbol, found.note, found.stored > 0) == ("NEW", "", True)


def test_a_backfill_by_its_old_symbol_asks_for_nothing_that_is_stored(house_with_minutes: House) -> None:
    window = WindowSpec(start="2026-03-03", end="2026-03-04")
    asked = spec(symbols=["OLD"], intervals=["1m"], mode="backfill", window=window)
    assert house_with_minutes.requests.estimate(asked).requests == 0


def test_its_gap_goes_once_its_bars_have_come(house_with_minutes: House, market: MarketProvider) -> None:
    assert gaps_of(house_with_minutes, "NEW") == {TUESDAY: 1}
    market.null.clear()
    house_with_minutes.trigger(window=WindowSpec(start="2026-03-03", end="2026-03-04", refetch=True))
    house_with_minutes.dispatch.tick()
    for lane in Lane:
        house_with_minutes.work(lane)
    assert {request.symbol for request in market.asked} == {"NEW"}
    assert gaps_of(house_with_minutes, "NEW") == {}


def gaps_of(house: House, symbol: str) -> dict[date, int]:
    with house.database.read() as connection:
        found = gaps.of_symbols(connection, "yahoo", [symbol], Interval.M1)
    return {day: gap.missing for days in found.values() for day, gap in days.items()}


def test_of_a_symbol_and_the_one_that_it_was_renamed_to_the_new_one_stands_for_both(house_with_minutes: House) -> None:
    with house_with_minutes.database.read() as connection:
        assert names_of(connection, "yahoo", ("OLD", "OTHER")) == {"OLD": "NEW", "OTHER": "OTHER"}
        assert names_of(connection, "yahoo", ("OLD", "NEW")) == {"NEW": "NEW"}
        assert names_of(connection, "yahoo", ("NEW", "OLD")) == {"NEW": "NEW"}
        assert names_of(connection, "files", ("OLD",)) == {"OLD": "OLD"}
