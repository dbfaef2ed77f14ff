"""Bars that were stored while nothing told yet that they are bad: out of the series once the evidence comes, and kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest, Identity
from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.services.market.calendars import Calendars
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.store import tables
from stockjobs.store.market import gaps, instruments
from tests.fixtures.history import LAST, Telling, collect, findings, stored
from tests.fixtures.house import House

pytestmark = pytest.mark.integration

DAYS = 12
LONDON = Identity("AAPL", "LSE", "Europe/London", "GBP", "EQUITY", "", 0.01)


class Pence(Telling):
    """Tells of an instrument in London, where prices are in pence."""

    def bars(self, request: BarsRequest, *, now: object, patience: object) -> BarsReply:
        told = super().bars(request, now=now, patience=patience)  # type: ignore[arg-type]
        return replace(told, identity=LONDON)


def quoted(pounds: list[int], traded: int = 7) -> Bars:
    """Days at 14.55 pence, some told in pounds, and traded on one only."""
    price = np.full(DAYS, 14.55)
    price[pounds] = 0.1455
    volume = np.where(np.arange(DAYS) == traded, 500_000, 0)
    days = np.busday_offset(np.datetime64(LAST, "s").astype("datetime64[D]"), np.arange(1 - DAYS, 1))
    at = days.astype("datetime64[s]").astype(np.int64)
    return Bars(at, price, price.copy(), price.copy(), price.copy(), volume, np.zeros(DAYS, dtype=np.bool_))


@pytest.fixture
def source(house: House) -> Pence:
    house.provider = Pence()
    house.define(symbols=["AAPL"])
    return house.provider


def collect_daily(house: House, source: Pence, bars: Bars) -> None:
    """Runs on some evenings, as the first days come, the first one in pence, one with trades and those in pounds again."""
    for day in (3, 4, 8, DAYS - 1, DAYS):
        house.clock.now = datetime.fromtimestamp(int(bars.at[day - 1]), UTC) + timedelta(hours=30)
        source.history = bars.where(np.arange(DAYS) < day)
        collect(house)


def test_days_in_pounds_that_were_stored_leave_the_series_and_come_back_in_pence(house: House, source: Pence) -> None:
    with house.database.begin() as connection:
        instruments.ensure(connection, "yahoo", LONDON, house.clock.now)
    Calendars(house.database).refresh()
    collect_daily(house, source, quoted([0, 1, 2, 10, 11]))
    assert {row["close"] for row in stored(house)} == {14.55}
    assert len(stored(house)) == 7
    held = findings(house, FindingKind.REJECTED_BAR)
    assert [(row["rule"], row["state"]) for row in held] == [("unit-jump", FindingState.OPEN)] * 5
    assert findings(house, FindingKind.NO_ROWS) == []
    with house.database.read() as connection:
        found = gaps.of_symbols(connection, "yahoo", ["AAPL"], Interval.D1)
    assert [one.cause for one in found[1].values()] == [Cause.SET_ASIDE] * 5
    # What was stored is kept as it was.
    assert [row["close"] for row in stored(house, "bar_versions")] == [0.1455] * 3
    source.history = quoted([])
    house.define("AGAIN", symbols=["AAPL"], mode="backfill", window={"period": "P1M", "refetch": True})
    collect(house, "AGAIN")
    assert [row["close"] for row in stored(house)] == [14.55] * DAYS
    assert {row["state"] for row in findings(house, FindingKind.REJECTED_BAR)} == {FindingState.MENDED}


def test_the_newest_bar_leaves_as_well_and_is_asked_for_again(house: House, source: Pence) -> None:
    bars = quoted([DAYS - 1])
    source.history = bars.where(np.arange(DAYS) == DAYS - 1)
    collect(house)
    assert [row["close"] for row in stored(house)] == [0.1455]
    house.define("ALL", symbols=["AAPL"], mode="backfill", window={"period": "P1M", "refetch": True})
    source.history = bars
    collect(house, "ALL")
    assert [row["close"] for row in stored(house)] == [14.55] * (DAYS - 1)
    source.history = quoted([])
    collect(house)
    assert [row["close"] for row in stored(house)] == [14.55] * DAYS


def test_a_bar_that_somebody_has_released_stays(house: House, source: Pence) -> None:
    collect_daily(house, source, quoted([0, 1, 2]))
    quarantine = Quarantine(house.database)
    names = [str(row["id"]) for row in findings(house, FindingKind.REJECTED_BAR)]
    assert quarantine.release(names, by="ann").written == 3
    house.define("AGAIN", symbols=["AAPL"], mode="backfill", window={"period": "P1M", "refetch": True})
    collect(house, "AGAIN")
    assert len(stored(house)) == DAYS


def test_what_is_stored_stays_where_the_answer_is_wrong(house: House, source: Pence) -> None:
    source.history = quoted([])
    collect(house)
    source.history = quoted([5, 6])
    house.define("AGAIN", symbols=["AAPL"], mode="backfill", window={"period": "P1M", "refetch": True})
    collect(house, "AGAIN")
    assert [row["close"] for row in stored(house)] == [14.55] * DAYS
    with house.database.read() as connection:
        assert connection.execute(select(tables.bar_versions)).all() == []


def test_a_part_in_another_unit_is_set_aside_and_a_whole_series_that_was_asked_for_anew_is_not(
    house: House, source: Pence
) -> None:
    """So one series never has prices in two units."""
    source.history = quoted([])
    collect(house)
    source.history = quoted(list(range(DAYS)))
    for name, period in (("PART", "P5D"), ("WHOLE", "P1M")):
        house.define(name, symbols=["AAPL"], mode="backfill", window={"period": period, "refetch": True})
    collect(house, "PART")
    assert [row["close"] for row in stored(house)] == [14.55] * DAYS
    collect(house, "WHOLE")
    assert [(row["close"], row["split_factor"]) for row in stored(house)] == [(0.1455, 1.0)] * DAYS
    assert [row["close"] for row in stored(house, "bar_versions")] == [14.55] * DAYS
