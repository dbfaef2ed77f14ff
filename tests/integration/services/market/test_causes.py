"""Every cause for which a bar may be missing in one series, and what becomes of each night after night."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.market.bars import BarsReply, BarsRequest
from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.domain.work.lanes import Lane
from stockjobs.providers import registry
from stockjobs.providers.base import Patience
from stockjobs.services.market.coverage import CoverageService
from stockjobs.services.market.covered import Hole, Wanted
from stockjobs.services.market.repair import Repair
from tests.fixtures.database import Beginning
from tests.fixtures.exchange import MarketProvider, keep_calendars, keep_new_york
from tests.fixtures.house import House, beginning_in_house, day

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 4, 16, tzinfo=UTC)
"""A Wednesday, while New York trades."""

HALTED, NULL, ABSENT, ASIDE = (date(2026, 2, number) for number in (24, 25, 26, 27))
MONDAY, TODAY = date(2026, 3, 2), date(2026, 3, 4)
WEEK = Wanted("yahoo", ("AAPL",), Interval.M5, day("2026-02-23"), day("2026-03-05"))


@dataclass
class Spoiling(MarketProvider):
    """Serves minutes that cannot be on some days."""

    spoiled: set[date] = field(default_factory=set)

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        reply = super().bars(request, now=now, patience=patience)
        if not request.interval.is_intraday:
            return reply
        days = reply.bars.at.astype("datetime64[s]").astype("datetime64[D]")
        is_bad = np.isin(days, np.array(sorted(self.spoiled), dtype="datetime64[D]"))
        return replace(reply, bars=replace(reply.bars, high=np.where(is_bad, 1.0, reply.bars.high)))


@pytest.fixture(scope="module")
def beginning(redis_server: EmbeddedRedis) -> Beginning:
    return beginning_in_house(redis_server, keep_new_york)


@pytest.fixture
def source(house: House) -> Spoiling:
    """A provider of which two parts of a week were asked for, with something missing from each day of the first."""
    house.clock.now = NOW
    house.provider = found = Spoiling(untraded={HALTED})
    keep_calendars(house, "AAPL")
    collect(house, "DAYS", "1d", "2026-02-23", "2026-03-04")
    found.absent, found.null, found.spoiled = {HALTED, ABSENT}, {NULL}, {ASIDE}
    collect(house, "FIRST", "5m", "2026-02-23", "2026-02-28")
    collect(house, "SECOND", "5m", "2026-03-03", "2026-03-04")
    found.asked.clear()
    return found


def collect(house: House, job: str, interval: str, start: str, end: str) -> None:
    house.define(job, symbols=["AAPL"], intervals=[interval])
    house.trigger(job, window=WindowSpec(start=start, end=end))
    work(house)


def work(house: House) -> None:
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)


def holes(house: House, wanted: Wanted = WEEK) -> list[Hole]:
    [found] = CoverageService(house.database, registry.limits).look(wanted)
    return list(found.holes)


def repair(house: House, *, force: bool = False) -> list[date]:
    """Ask for what is worth it, and work it off. Gives the days that were asked for."""
    service = CoverageService(house.database, registry.limits)
    repairs = Repair(house.database, service, house.instances, house.administration, registry.limits)
    plan = repairs.plan([WEEK], force=force)
    if plan.parts:
        repairs.submit(plan, submitter="test")
        work(house)
    return sorted({hole.day for hole in plan.holes})


def test_each_bar_that_is_missing_has_its_cause(house: House, source: Spoiling) -> None:
    assert [(hole.day, hole.cause, hole.missing) for hole in holes(house)] == [
        (HALTED, Cause.HALTED, 78),
        (NULL, Cause.SOURCE_NULL, 78),
        (ABSENT, Cause.SOURCE_ABSENT, 78),
        (ASIDE, Cause.SET_ASIDE, 78),
        (MONDAY, Cause.UNKNOWN, 78),
        (TODAY, Cause.NOT_YET, 78),
    ]
    before = holes(house, replace(WEEK, start=day("2025-12-29"), end=day("2026-01-07")))
    assert [(hole.day.isoformat(), hole.cause) for hole in before] == [
        *((f"2025-12-{number}", Cause.BEYOND_RETENTION) for number in (29, 30, 31)),
        ("2026-01-02", Cause.BEYOND_RETENTION),
        *((f"2026-01-0{number}", Cause.UNKNOWN) for number in (5, 6)),
    ]


def test_repair_asks_for_what_nobody_asked_for_and_for_what_the_source_lacks_after_growing_pauses(
    house: House, source: Spoiling
) -> None:
    assert repair(house) == [MONDAY]
    [request] = source.asked
    assert (request.start.date(), request.end.date()) == (MONDAY, MONDAY)
    lacking = [NULL, ABSENT, ASIDE]
    asked = {}
    for nights in (0.5, 1.1, 2, 4, 4.2, 10, 11.3, 40, 41.4, 50):
        house.clock.now = NOW + timedelta(days=nights)
        source.asked.clear()
        if days := [one for one in repair(house) if one != TODAY]:
            asked[nights] = days
            assert source.asked
    assert asked == dict.fromkeys((1.1, 4.2, 11.3, 41.4), lacking)


def test_what_the_source_has_at_last_closes_its_hole(house: House, source: Spoiling) -> None:
    source.absent, source.null, source.spoiled = set(), set(), set()
    house.clock.now = NOW + timedelta(days=1.1)
    assert repair(house) == [NULL, ABSENT, ASIDE, MONDAY, TODAY]
    assert [(hole.day, hole.cause) for hole in holes(house)] == [(HALTED, Cause.HALTED)]
    assert repair(house, force=True) == [HALTED]
    assert holes(house) == []
