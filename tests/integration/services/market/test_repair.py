"""Repair asks for what is missing and may be had, and for nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.providers import registry
from stockjobs.services.market.coverage import CoverageService
from stockjobs.services.market.covered import Wanted
from stockjobs.services.market.repair import Repair
from stockjobs.store import tables
from tests.fixtures.database import Beginning
from tests.fixtures.exchange import MarketProvider, keep_calendars, keep_new_york
from tests.fixtures.house import House, beginning_in_house, day
from tests.fixtures.market import add_bars, bar

pytestmark = pytest.mark.integration

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
WANTED = [Wanted("yahoo", ("AAPL",), Interval.D1)]


@pytest.fixture(scope="module")
def beginning(redis_server: EmbeddedRedis) -> Beginning:
    return beginning_in_house(redis_server, keep_new_york)


@pytest.fixture
def repair(house: House) -> Repair:
    coverage = CoverageService(house.database, registry.limits)
    return Repair(house.database, coverage, house.instances, house.administration, registry.limits)


def collect(house: House, start: str, end: str) -> None:
    house.trigger(window=WindowSpec(start=start, end=end))
    house.dispatch.tick()
    house.work(Lane.HISTORICAL)


def begin(house: House) -> None:
    keep_calendars(house, "AAPL")
    house.define(symbols=["AAPL"])


def work(house: House, repair: Repair, wanted: Sequence[Wanted] = WANTED, *, force: bool = False) -> State:
    """Repair what can be, and work it off."""
    occurrence = repair.submit(repair.plan(wanted, force=force), submitter="test")
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)
    return house.reports.occurrence(str(occurrence.id)).state


def test_what_nobody_asked_for_is_asked_for_in_one_request_and_then_whole(
    house: House, market: MarketProvider, repair: Repair
) -> None:
    begin(house)
    collect(house, "2026-02-01", "2026-02-10")
    collect(house, "2026-02-20", "2026-03-04")
    plan = repair.plan(WANTED)
    assert (plan.bars, plan.requests, plan.left) == (7, 1, 0)
    market.asked.clear()
    assert work(house, repair) is State.COMPLETED
    assert len(market.asked) == 1
    assert repair.plan(WANTED).parts == ()


def test_the_sources_gap_is_left_alone_that_night_and_asked_for_the_next(
    house: House, market: MarketProvider, repair: Repair
) -> None:
    market.absent = {TUESDAY}
    begin(house)
    collect(house, "2026-02-01", "2026-03-04")
    rests = repair.plan(WANTED)
    assert (rests.parts, rests.left) == ((), 1)
    house.clock.advance(timedelta(days=1, minutes=1))
    due = repair.plan(WANTED)
    assert [hole.day for hole in due.holes if hole.cause is Cause.SOURCE_ABSENT] == [TUESDAY]


def test_force_asks_again_at_once_and_closes_what_the_source_has_got_meanwhile(
    house: House, market: MarketProvider, repair: Repair
) -> None:
    market.null, market.absent = {MONDAY}, {TUESDAY}
    begin(house)
    collect(house, "2026-02-01", "2026-03-04")
    market.null.clear()
    assert work(house, repair, force=True) is State.COMPLETED
    left = [hole for one in CoverageService(house.database, registry.limits).look(WANTED[0]) for hole in one.holes]
    assert [(hole.day, hole.cause) for hole in left] == [(TUESDAY, Cause.SOURCE_ABSENT)]


def test_holes_of_several_symbols_go_into_one_occurrence_with_a_task_for_each_window(
    house: House, market: MarketProvider, repair: Repair
) -> None:
    keep_calendars(house, "AAPL", "MSFT")
    house.define("ONE", symbols=["AAPL", "MSFT"])
    house.trigger("ONE", window=WindowSpec(start="2026-02-01", end="2026-02-10"))
    house.define("TWO", symbols=["MSFT"])
    house.trigger("TWO", window=WindowSpec(start="2026-02-01", end="2026-02-20"))
    house.dispatch.tick()
    house.work(Lane.HISTORICAL)
    plan = repair.plan([Wanted("yahoo", ("AAPL", "MSFT"), Interval.D1)])
    assert [part.symbols for part in plan.parts] == [("AAPL",), ("MSFT",)]
    occurrence = repair.submit(plan, submitter="test")
    assert sum(house.reports.occurrence(str(occurrence.id)).tasks.values()) == 2


def test_a_bar_after_the_close_does_not_stand_for_one_that_is_missing(
    house: House, market: MarketProvider, repair: Repair
) -> None:
    keep_calendars(house, "AAPL")
    house.define(symbols=["AAPL"], intervals=["1h"])
    collect(house, "2026-02-01", "2026-02-11")
    hole, late = datetime(2026, 2, 9, 16, 30, tzinfo=UTC), datetime(2026, 2, 9, 21, 30, tzinfo=UTC)
    with house.database.begin() as connection:
        connection.execute(delete(tables.bars).where(tables.bars.c.at == hole))
        add_bars(connection, 1, [bar(late, 100.0)], interval=Interval.H1)
    wanted = [Wanted("yahoo", ("AAPL",), Interval.H1, day("2026-02-01"), day("2026-02-11"))]
    market.asked.clear()
    assert work(house, repair, wanted, force=True) is State.COMPLETED
    assert [request.start <= hole < request.end for request in market.asked] == [True]
    assert repair.plan(wanted, force=True).parts == ()
