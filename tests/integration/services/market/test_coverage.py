"""Coverage: what is expected by the sessions against what is stored, with the cause of each hole."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import NotFound
from stockjobs.providers import registry
from stockjobs.services.market.coverage import CoverageService
from stockjobs.services.market.covered import Coverage, Wanted
from tests.fixtures.database import Beginning
from tests.fixtures.exchange import MarketProvider, keep_calendars, keep_new_york
from tests.fixtures.house import House, beginning_in_house, day

pytestmark = pytest.mark.integration

FRIDAY, MONDAY, TUESDAY = date(2026, 2, 27), date(2026, 3, 2), date(2026, 3, 3)


@pytest.fixture(scope="module")
def beginning(redis_server: EmbeddedRedis) -> Beginning:
    return beginning_in_house(redis_server, keep_new_york)


def looked(
    house: House,
    interval: Interval = Interval.D1,
    start: str | None = None,
    end: str | None = None,
    symbols: tuple[str, ...] = ("AAPL",),
) -> list[Coverage]:
    service = CoverageService(house.database, registry.limits)
    window = (day(start) if start else None, day(end) if end else None)
    return list(service.look(Wanted("yahoo", symbols, interval, *window)))


def collect(house: House, start: str, end: str, **spec: object) -> None:
    """Collect a window of the past."""
    keep_calendars(house, "AAPL")
    house.define(symbols=["AAPL"], **spec)
    house.trigger(window=WindowSpec(start=start, end=end))
    house.dispatch.tick()
    house.work(Lane.HISTORICAL)


def test_a_series_that_has_every_session_is_whole(house: House, market: MarketProvider) -> None:
    collect(house, "2024-01-01", "2026-03-04")
    [found] = looked(house)
    assert (found.stored, found.holes, found.percent) == (found.expected, (), 100)
    assert [(one.year, one.expected) for one in found.years] == [(2024, 252), (2025, 250), (2026, 41)]


def test_holes_have_the_cause_that_the_source_gave(house: House, market: MarketProvider) -> None:
    market.null, market.absent = {MONDAY}, {TUESDAY}
    collect(house, "2026-01-01", "2026-03-04")
    [found] = looked(house)
    assert {hole.day: hole.cause for hole in found.holes} == {MONDAY: Cause.SOURCE_NULL, TUESDAY: Cause.SOURCE_ABSENT}
    assert found.expected - found.stored == 2


def test_what_nobody_asked_for_is_unknown_and_a_session_under_way_is_not_yet_due(
    house: House, market: MarketProvider
) -> None:
    house.clock.now = datetime(2026, 3, 4, 16, tzinfo=UTC)
    collect(house, "2026-02-01", "2026-02-28")
    [found] = looked(house)
    assert {hole.day: hole.cause for hole in found.holes} == {
        MONDAY: Cause.UNKNOWN,
        TUESDAY: Cause.UNKNOWN,
        date(2026, 3, 4): Cause.NOT_YET,
    }
    assert (found.expected, found.stored) == (21, 19)


def test_a_half_day_expects_the_minutes_until_its_early_close(house: House, market: MarketProvider) -> None:
    house.clock.now = datetime(2025, 12, 1, 12, tzinfo=UTC)
    collect(house, "2025-11-26", "2025-11-29", intervals=["5m"])
    [found] = looked(house, Interval.M5)
    assert (found.expected, found.stored) == (78 + 42, 78 + 42)


def test_minutes_before_what_the_source_keeps_are_beyond_retention(house: House, market: MarketProvider) -> None:
    collect(house, "2026-03-02", "2026-03-04", intervals=["1m"])
    [found] = looked(house, Interval.M1, start="2026-01-26")
    causes = {hole.day: hole.cause for hole in found.holes}
    assert causes[date(2026, 1, 26)] is Cause.BEYOND_RETENTION
    assert causes[FRIDAY] is Cause.UNKNOWN
    assert MONDAY not in causes


def test_minutes_of_a_day_whose_daily_bar_has_no_volume_were_halted(house: House, market: MarketProvider) -> None:
    market.untraded = {TUESDAY}
    collect(house, "2026-03-02", "2026-03-04")
    market.absent = {TUESDAY}
    collect(house, "2026-03-02", "2026-03-04", intervals=["5m"])
    [found] = looked(house, Interval.M5)
    assert [(hole.day, hole.cause, hole.missing) for hole in found.holes] == [(TUESDAY, Cause.HALTED, 78)]


def test_nothing_is_expected_before_the_first_trade(house: House, market: MarketProvider) -> None:
    market.first_trade_at = datetime(2026, 2, 27, 14, 30, tzinfo=UTC)
    collect(house, "2026-02-27", "2026-03-04")
    house.clock.advance(timedelta(minutes=1))
    [found] = looked(house, start="2020-01-01")
    assert (found.expected, found.stored, found.holes) == (3, 3, ())


def test_a_symbol_that_was_never_collected_is_named_and_an_unknown_one_alone_is_refused(
    house: House, market: MarketProvider
) -> None:
    collect(house, "2026-02-27", "2026-03-04")
    assert [one.note for one in looked(house, symbols=("AAPL", "MSFT"))] == ["", "never collected"]
    with pytest.raises(NotFound, match="nothing is stored for 'MSFT'"):
        looked(house, symbols=("MSFT",))


def test_weeks_and_months_are_expected_where_there_was_a_session(house: House, market: MarketProvider) -> None:
    collect(house, "2026-01-01", "2026-03-04", intervals=["1wk"])
    [found] = looked(house, Interval.W1)
    assert found.holes == ()
    assert found.stored == found.expected >= 9


def test_every_stored_series_is_looked_at_when_no_symbol_is_named(house: House, market: MarketProvider) -> None:
    collect(house, "2026-02-02", "2026-03-04")
    assert [one.series.symbol for one in looked(house, symbols=())] == ["AAPL"]
