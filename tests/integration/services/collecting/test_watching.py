"""What is missing from an answer is written down: as gaps with their cause, and as findings where a trading day has no bar."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.bars import PRICES, BarsReply, BarsRequest
from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import WindowSpec
from stockjobs.domain.work.lanes import Lane
from stockjobs.providers import registry
from stockjobs.providers.base import Patience
from stockjobs.services.collecting.conclusion import Outcome
from stockjobs.services.market.coverage import CoverageService
from stockjobs.services.market.covered import Wanted
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.store import tables
from stockjobs.store.ledger import events
from stockjobs.store.market import gaps
from stockjobs.store.market.gaps import Gap
from tests.fixtures.exchange import MarketProvider, keep_calendars
from tests.fixtures.house import House

pytestmark = pytest.mark.integration

FRIDAY, MONDAY, TUESDAY = date(2026, 2, 27), date(2026, 3, 2), date(2026, 3, 3)


def collect(house: House, lane: Lane = Lane.REALTIME) -> list[Outcome]:
    """Run the job once."""
    house.trigger()
    house.dispatch.tick()
    return house.work(lane)


def begin(house: House, **spec: object) -> None:
    """A job of one symbol that has run once, with the calendar of its exchange at hand."""
    keep_calendars(house, "AAPL")
    house.define(symbols=["AAPL"], **spec)
    collect(house)


def stored_gaps(house: House, interval: Interval = Interval.D1) -> dict[date, Gap]:
    """The gaps of the one symbol."""
    with house.database.read() as connection:
        return gaps.of_symbols(connection, "yahoo", ["AAPL"], interval).get(1, {})


def no_rows(house: House) -> list[tuple[str, date]]:
    """State and day of the findings that a trading day had no rows."""
    table = tables.findings
    query = select(table.c.state, table.c.evidence).where(table.c.kind == FindingKind.NO_ROWS.value)
    with house.database.read() as connection:
        return sorted((row.state, date.fromisoformat(row.evidence["day"])) for row in connection.execute(query))


def told(house: House, name: EventName) -> list[Event]:
    with house.database.read() as connection:
        return [one for one in events.latest(connection, 1_000) if one.name is name]


def test_an_answer_that_has_everything_leaves_no_gap(house: House, market: MarketProvider) -> None:
    begin(house)
    house.clock.advance(timedelta(hours=3))
    collect(house)
    assert stored_gaps(house) == {}


def test_a_day_that_came_as_null_is_the_sources_gap(house: House, market: MarketProvider) -> None:
    market.null = {TUESDAY}
    begin(house)
    collect(house)
    gap = stored_gaps(house)[TUESDAY]
    assert (gap.cause, gap.missing, gap.asked) == (Cause.SOURCE_NULL, 1, 1)


def test_a_trading_day_without_rows_is_told_once_after_the_next_one_has_opened(
    house: House, market: MarketProvider
) -> None:
    market.absent = {TUESDAY}
    begin(house)
    collect(house)
    assert stored_gaps(house)[TUESDAY].cause is Cause.SOURCE_ABSENT
    assert no_rows(house) == []
    house.clock.advance(timedelta(hours=3))
    for _ in range(2):
        collect(house)
    assert no_rows(house) == [(FindingState.OPEN, TUESDAY)]
    [event] = told(house, EventName.NO_ROWS)
    assert (event.data["symbol"], event.data["day"], event.data["interval"]) == ("AAPL", "2026-03-03", "1d")


def test_bars_that_arrive_at_last_close_the_gap_and_mend_the_finding(house: House, market: MarketProvider) -> None:
    market.absent = {TUESDAY}
    begin(house)
    house.clock.advance(timedelta(hours=3))
    collect(house)
    assert no_rows(house) == [(FindingState.OPEN, TUESDAY)]
    market.absent.clear()
    collect(house)
    assert stored_gaps(house) == {}
    assert no_rows(house) == [(FindingState.MENDED, TUESDAY)]


def test_a_holiday_and_days_before_the_first_trade_are_no_gaps(house: House, market: MarketProvider) -> None:
    house.clock.now = datetime(2026, 2, 18, 16, tzinfo=UTC)  # Monday the 16th was Presidents' Day
    market.first_trade_at = datetime(2026, 2, 12, 14, 30, tzinfo=UTC)
    market.absent = {date(2026, 2, 10), date(2026, 2, 11)}
    begin(house)
    collect(house)
    assert stored_gaps(house) == {}
    assert no_rows(house) == []


def test_asking_again_the_same_night_counts_once_and_the_next_night_again(house: House, market: MarketProvider) -> None:
    market.absent = {MONDAY}
    begin(house)
    for _ in range(3):
        collect(house)
    assert stored_gaps(house)[MONDAY].asked == 1
    house.clock.advance(timedelta(hours=13))
    collect(house)
    assert stored_gaps(house)[MONDAY].asked == 2


def test_a_gap_rests_for_growing_pauses_and_in_the_end_for_ever(house: House, market: MarketProvider) -> None:
    market.absent = {FRIDAY}
    begin(house)
    collect(house)
    pauses = []
    with house.database.begin() as connection:
        for asked in range(1, 6):
            found = gaps.of_symbols(connection, "yahoo", ["AAPL"], Interval.D1)[1][FRIDAY]
            assert found.asked == asked
            again = found.ask_again_at
            pauses.append((again - found.asked_at).days if again else None)
            assert not found.is_due(house.clock.now)
            if again:
                assert found.is_due(again)
                house.clock.now = again
                gaps.land(connection, [Gap(1, Interval.D1, FRIDAY, 1, Cause.SOURCE_ABSENT, again, 1, again)])
    assert pauses == [1, 3, 7, 30, None]


def test_minutes_that_the_source_left_out_are_counted_by_session(house: House, market: MarketProvider) -> None:
    market.null = {datetime(2026, 3, 3, 15, 0, tzinfo=UTC), datetime(2026, 3, 3, 15, 5, tzinfo=UTC)}
    begin(house, intervals=["5m"])
    house.trigger(window=WindowSpec(start="2026-03-02", end="2026-03-04"))
    house.dispatch.tick()
    house.work(Lane.HISTORICAL)
    found = stored_gaps(house, Interval.M5)
    assert {when: (gap.missing, gap.cause) for when, gap in found.items()} == {TUESDAY: (2, Cause.SOURCE_NULL)}


def test_the_session_within_which_a_series_begins_has_no_gap_before_its_beginning(
    house: House, market: MarketProvider
) -> None:
    house.clock.now = datetime(2026, 3, 4, 18, tzinfo=UTC)
    begin(house, intervals=["5m"])
    assert market.asked[0].start.date() == FRIDAY
    assert stored_gaps(house, Interval.M5) == {}


def test_a_session_whose_beginning_came_with_the_window_before_has_no_gap(house: House, market: MarketProvider) -> None:
    house.clock.now = datetime(2026, 3, 4, 18, tzinfo=UTC)
    begin(house, intervals=["1m"])
    house.clock.advance(timedelta(days=10))
    collect(house)
    assert [request.start.date() for request in market.asked[-2:]] == [date(2026, 3, 4), date(2026, 3, 11)]
    assert stored_gaps(house, Interval.M1) == {}


def test_after_a_long_outage_the_session_that_is_out_of_reach_in_part_was_not_left_out_by_the_source(
    house: House, market: MarketProvider
) -> None:
    house.clock.now = datetime(2026, 3, 4, 18, tzinfo=UTC)
    begin(house, intervals=["1m"])
    house.clock.advance(timedelta(days=41))
    collect(house)
    cut = datetime(2026, 3, 16, 18, tzinfo=UTC)
    assert cut in [request.start for request in market.asked]
    assert stored_gaps(house, Interval.M1) == {}
    house.clock.advance(timedelta(hours=1))
    [found] = CoverageService(house.database, registry.limits).look(
        Wanted("yahoo", ("AAPL",), Interval.M1, datetime(2026, 3, 12, tzinfo=UTC), datetime(2026, 3, 18, tzinfo=UTC))
    )
    assert [(hole.day.day, hole.missing, hole.cause) for hole in found.holes] == [
        (12, 390, Cause.BEYOND_RETENTION),
        (13, 390, Cause.BEYOND_RETENTION),
        (16, 270, Cause.BEYOND_RETENTION),
    ]


def test_without_a_calendar_only_what_the_source_named_is_missing(house: House, market: MarketProvider) -> None:
    market.null, market.absent = {MONDAY}, {FRIDAY}
    house.define(symbols=["AAPL"])
    collect(house)
    assert set(stored_gaps(house)) == {MONDAY}
    market.null.clear()
    collect(house)
    assert stored_gaps(house) == {}


@dataclass
class Spoiling(MarketProvider):
    """Serves bars of some days that cannot be."""

    spoiled: set[date] = field(default_factory=set)

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        reply = super().bars(request, now=now, patience=patience)
        days = reply.bars.at.astype("datetime64[s]").astype("datetime64[D]")
        is_bad = np.isin(days, np.array(sorted(self.spoiled), dtype="datetime64[D]"))
        return replace(reply, bars=replace(reply.bars, high=np.where(is_bad, 1.0, reply.bars.high)))


@pytest.fixture
def spoiling(house: House) -> Spoiling:
    """The provider of the house, with an impossible bar of Tuesday."""
    house.provider = Spoiling(spoiled={TUESDAY})
    return house.provider


def fill(house: House) -> list[BarsRequest]:
    """Ask for what is missing of the week. Gives the requests."""
    house.provider.asked.clear()
    house.trigger(window=WindowSpec(start="2026-02-23", end="2026-03-04"))
    house.dispatch.tick()
    for lane in Lane:
        house.work(lane)
    return list(house.provider.asked)


def test_a_bar_that_was_set_aside_is_a_gap_that_rests_also_when_it_is_rejected(
    house: House, spoiling: Spoiling
) -> None:
    begin(house)
    house.clock.advance(timedelta(hours=3))
    collect(house)
    assert {day: gap.cause for day, gap in stored_gaps(house).items()} == {TUESDAY: Cause.SET_ASIDE}
    assert no_rows(house) == []
    quarantine = Quarantine(house.database)
    [finding] = quarantine.listed()
    quarantine.reject([str(finding.id)], by="ann")
    fill(house)
    assert fill(house) == []
    house.clock.advance(timedelta(days=1, minutes=1))
    assert len(fill(house)) == 1
    assert fill(house) == []
    assert stored_gaps(house)[TUESDAY].asked == 2


def test_a_good_bar_in_place_of_one_that_was_set_aside_closes_the_gap(house: House, spoiling: Spoiling) -> None:
    begin(house)
    spoiling.spoiled.clear()
    collect(house)
    assert stored_gaps(house) == {}
    assert [finding.state for finding in Quarantine(house.database).listed()] == [FindingState.MENDED]


def test_a_released_bar_is_no_gap_and_is_not_asked_for(house: House, spoiling: Spoiling) -> None:
    begin(house)
    fill(house)
    quarantine = Quarantine(house.database)
    quarantine.release([str(quarantine.listed()[0].id)], by="ann")
    assert stored_gaps(house) == {}
    assert fill(house) == []


@dataclass
class Wavering(MarketProvider):
    """Serves every other bar at half again its price, once it wavers."""

    wavers: bool = False

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        reply = super().bars(request, now=now, patience=patience)
        factor = np.where(np.arange(len(reply.bars)) % 2 == 0, 1.5, 1.0) if self.wavers else 1.0
        prices = {name: getattr(reply.bars, name) * factor for name in PRICES}
        return replace(reply, bars=replace(reply.bars, **prices))


def test_an_answer_that_is_set_aside_whole_fills_no_gap(house: House) -> None:
    house.provider = source = Wavering(absent={MONDAY})
    begin(house)
    house.clock.advance(timedelta(hours=3))
    collect(house)
    assert stored_gaps(house)[MONDAY].cause is Cause.SOURCE_ABSENT
    source.absent.clear()
    source.wavers = True
    collect(house)
    kinds = [finding.kind for finding in Quarantine(house.database).listed()]
    assert FindingKind.VARYING_RATIO in kinds
    assert {day: gap.cause for day, gap in stored_gaps(house).items()} == {MONDAY: Cause.SET_ASIDE}
    assert no_rows(house) == [(FindingState.OPEN, MONDAY)]
