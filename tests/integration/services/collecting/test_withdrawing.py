"""Bars that were stored while nothing told yet that they are bad: out of the series once the evidence comes, and kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest, Identity
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.store import tables
from tests.fixtures.history import DAY, LAST, Telling, collect, findings, stored
from tests.fixtures.house import House

pytestmark = pytest.mark.integration

DAYS = 12


class Pence(Telling):
    """Tells of an instrument in London, where prices are in pence."""

    def bars(self, request: BarsRequest, *, now: object, patience: object) -> BarsReply:
        told = super().bars(request, now=now, patience=patience)  # type: ignore[arg-type]
        return replace(told, identity=Identity(request.symbol, "LSE", "Europe/London", "GBP", "EQUITY", "", 0.01))


def quoted(pounds: list[int], traded: int = 7) -> Bars:
    """Days at 14.55 pence, some told in pounds, and traded on one only."""
    price = np.full(DAYS, 14.55)
    price[pounds] = 0.1455
    volume = np.where(np.arange(DAYS) == traded, 500_000, 0)
    at = LAST - DAY * np.arange(DAYS, dtype=np.int64)[::-1]
    return Bars(at, price, price.copy(), price.copy(), price.copy(), volume, np.zeros(DAYS, dtype=np.bool_))


@pytest.fixture
def source(house: House) -> Pence:
    house.provider = Pence()
    house.define(symbols=["AAPL"])
    return house.provider


def collect_daily(house: House, source: Pence, bars: Bars) -> None:
    """One run an evening, each of which finds one bar more."""
    end = house.clock.now
    for day in range(3, DAYS + 1):
        house.clock.now = end - timedelta(days=DAYS - day)
        source.history = bars.where(np.arange(DAYS) < day)
        collect(house)


def test_days_in_pounds_that_were_stored_leave_the_series_and_come_back_in_pence(house: House, source: Pence) -> None:
    collect_daily(house, source, quoted([0, 1, 2, 10, 11]))
    assert {row["close"] for row in stored(house)} == {14.55}
    assert len(stored(house)) == 7
    held = findings(house, FindingKind.REJECTED_BAR)
    assert [(row["rule"], row["state"]) for row in held] == [("unit-jump", FindingState.OPEN)] * 5
    assert findings(house, FindingKind.NO_ROWS) == []
    # What was stored is kept as it was, and the gaps say why it is not there.
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
