"""Holes at the source, from the answer of the local Yahoo server to the repaired series, as the clock goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.domain.work.lanes import Lane
from stockjobs.providers import registry
from stockjobs.services.collecting.conclusion import Verdict
from stockjobs.services.market.calendars import Calendars
from stockjobs.services.market.coverage import CoverageService
from stockjobs.services.market.covered import Coverage, Wanted
from stockjobs.services.market.repair import Repair
from stockjobs.simulator.client import SimulatorClient
from tests.fixtures.database import Beginning
from tests.fixtures.house import House, beginning_in_house
from tests.integration.providers.asking import opened

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SYMBOLS = ("AAPL", "7203.T", "TEVA.TA", "BTC-USD", "EURUSD=X")


@pytest.fixture(scope="module")
def beginning(redis_server: EmbeddedRedis, yahoo_process: SimulatorClient) -> Beginning:
    def collect(house: House) -> None:
        with asking(house, yahoo_process):
            house.define(symbols=list(SYMBOLS))
            house.trigger(window=WindowSpec(start="2026-03-01", end="2026-03-03"))
            work(house)
            Calendars(house.database).refresh()

    return beginning_in_house(redis_server, collect)


@pytest.fixture
def collected(house: House, yahoo: SimulatorClient) -> Iterator[House]:
    """Daily bars of five markets since the first of March, collected when their calendars were at hand."""
    with asking(house, yahoo):
        yield house


@contextmanager
def asking(house: House, yahoo: SimulatorClient) -> Iterator[None]:
    """At noon of the fourth, with the real provider."""
    move(house, yahoo, NOW)
    with opened(yahoo.url, timeout=60) as provider:
        house.provider = provider  # type: ignore[assignment]
        yield


def move(house: House, yahoo: SimulatorClient, now: datetime) -> None:
    house.clock.now = now
    yahoo.set_clock(now)


def work(house: House) -> None:
    house.dispatch.tick()
    outcomes = [outcome for lane in Lane for outcome in house.work(lane)]
    assert [outcome.error for outcome in outcomes if outcome.verdict is not Verdict.COMPLETED] == []


def backfill(house: House) -> None:
    house.trigger(window=WindowSpec(start="2025-12-01", end="2026-03-03"))
    work(house)


def looked(house: House, interval: Interval = Interval.D1) -> dict[str, Coverage]:
    wanted = Wanted("yahoo", SYMBOLS, interval)
    return {one.series.symbol: one for one in CoverageService(house.database, registry.limits).look(wanted)}


def charts(yahoo: SimulatorClient) -> int:
    return len(yahoo.requests(endpoint="chart"))


def test_the_series_of_every_market_are_whole(collected: House) -> None:
    backfill(collected)
    found = looked(collected)
    # The third of March is over in Tokyo; nobody has asked for it.
    holes = {
        symbol: {hole.day for hole in one.holes if hole.cause is not Cause.NOT_YET} for symbol, one in found.items()
    }
    assert holes == {symbol: {date(2026, 3, 3)} for symbol in SYMBOLS} | {
        "7203.T": {date(2026, 3, 3), date(2026, 3, 4)}
    }
    assert all(one.expected > 40 for one in found.values())


def test_holes_are_the_sources_rest_for_a_night_and_are_mended_by_repair(
    collected: House, yahoo: SimulatorClient
) -> None:
    yahoo.holes("AAPL", 7)
    backfill(collected)
    [nulls] = [one for symbol, one in looked(collected).items() if symbol == "AAPL"]
    holes = [hole for hole in nulls.holes if hole.cause is Cause.SOURCE_NULL]
    assert len(holes) >= 5
    coverage = CoverageService(collected.database, registry.limits)
    repair = Repair(collected.database, coverage, collected.instances, collected.administration, registry.limits)
    until = datetime(2026, 3, 3, tzinfo=UTC)
    wanted = [Wanted("yahoo", ("AAPL",), Interval.D1, end=until)]
    asked = charts(yahoo)
    assert repair.plan(wanted).parts == ()
    backfill(collected)
    of_symbol = [one for one in yahoo.requests(endpoint="chart")[asked:] if "AAPL" in str(one)]
    assert of_symbol == []
    yahoo.holes("AAPL", 0)
    move(collected, yahoo, NOW + timedelta(days=1, minutes=1))
    plan = repair.plan(wanted)
    assert {hole.day for hole in plan.holes} == {hole.day for hole in holes}
    repair.submit(plan, submitter="test")
    work(collected)
    [mended] = list(coverage.look(wanted[0]))
    assert mended.holes == ()


def test_minutes_of_a_lunch_break_a_short_week_and_a_currency_are_as_expected(collected: House) -> None:
    collected.define("MINUTES", symbols=list(SYMBOLS), intervals=["1h"])
    collected.trigger("MINUTES", window=WindowSpec(start="2026-02-23", end="2026-03-03"))
    work(collected)
    found = looked(collected, Interval.H1)
    until = date(2026, 3, 3)
    left = {symbol: [hole for hole in one.holes if hole.day < until] for symbol, one in found.items()}
    assert left == {symbol: [] for symbol in SYMBOLS}
