"""What is read back after a collection against what yfinance itself gives of the same server, value by value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery
from stockjobs.domain.work.lanes import Lane
from stockjobs.services.market.reading import Reading
from stockjobs.simulator.client import SimulatorClient
from stockjobs.store.database import Database
from tests.fixtures.database import ManualClock
from tests.fixtures.house import House
from tests.integration.providers.asking import opened
from tests.integration.simulator.test_yfinance import run_yfinance

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

NOW = datetime(2026, 6, 13, 12, tzinfo=UTC)
SYMBOLS = ("AAPL", "VOD.L", "BTC-USD", "EURUSD=X")
"""One with a split and dividends, one in pence with dividends, a coin and a currency."""
SINCE = {
    Interval.D1: datetime(2020, 6, 1, tzinfo=UTC),
    Interval.W1: datetime(2020, 6, 1, tzinfo=UTC),
    Interval.MO1: datetime(2020, 6, 1, tzinfo=UTC),
    Interval.H1: datetime(2026, 5, 25, tzinfo=UTC),
    Interval.M5: datetime(2026, 6, 1, tzinfo=UTC),
}
UNTIL = datetime(2026, 6, 6, tzinfo=UTC)
"""What is compared; it is all settled by now. What is paid out later is known as well."""
EARLIER = timedelta(days=31)
"""So much more is collected: the first week or month begins before midnight UTC in some zones."""
PRICES = ("open", "high", "low", "close")


@pytest.fixture
def collected(sqlite_url: str, redis_url: str, yahoo: SimulatorClient) -> Iterator[Reading]:
    """All of it, as jobs have collected it."""
    yahoo.set_clock(NOW)
    clock = ManualClock(NOW)
    database = Database(sqlite_url, clock=clock)
    house = House(database, redis_url, clock)
    with opened(yahoo.url, max_body=2**24) as provider:
        house.provider = provider  # type: ignore[assignment]
        for interval, since in SINCE.items():
            name = f"J{interval.seconds}"
            house.define(
                name,
                symbols=list(SYMBOLS),
                intervals=[interval.value],
                mode="backfill",
                window={"start": str((since - EARLIER).date()), "end": "2026-06-13"},
            )
            house.trigger(name)
            house.dispatch.tick()
            while any(house.knocks(lane) for lane in Lane):
                for lane in Lane:
                    house.work(lane)
                house.dispatch.tick()
    reading = Reading(database)
    yield reading
    reading.close()
    house.publisher.close()
    database.dispose()


def told_by_yfinance(yahoo: SimulatorClient, folder: Path) -> Any:
    """The prices by symbol, interval and adjustment, each by its day, or by its second within days."""
    spans = {interval.value: str(since.date()) for interval, since in SINCE.items()}
    return run_yfinance(
        yahoo,
        folder,
        f"""
        def place(at, interval):
            return str(at.date() if interval in ("1d", "1wk", "1mo") else int(at.timestamp()))

        for symbol in {SYMBOLS}:
            for interval, start in {spans}.items():
                for adjusted in (False, True):
                    rows = yf.Ticker(symbol).history(
                        start=start, end="{UNTIL.date()}", interval=interval, auto_adjust=adjusted, repair=False)
                    prices = rows[["Open", "High", "Low", "Close"]].dropna()
                    found[f"{{symbol}} {{interval}} {{adjusted}}"] = {{
                        place(at, interval): row for at, *row in prices.itertuples()}}
        """,
    )


def read_back(reading: Reading, query: BarsQuery) -> dict[str, list[float]]:
    """The prices that are stored, in the same places."""
    [symbol] = query.symbols
    zone, rows = ZoneInfo(reading.known("yahoo", [symbol])[symbol].zone), reading.table(query)
    times = rows["at"].to_pylist()
    is_intraday = query.interval.is_intraday
    places = [str(int(at.timestamp()) if is_intraday else at.astimezone(zone).date()) for at in times]
    columns = (rows[name].to_pylist() for name in PRICES)
    return dict(zip(places, map(list, zip(*columns, strict=True)), strict=True))


def test_what_is_stored_is_what_yfinance_tells(collected: Reading, yahoo: SimulatorClient, tmp_path: Path) -> None:
    theirs = told_by_yfinance(yahoo, tmp_path)
    for symbol in SYMBOLS:
        for interval, since in SINCE.items():
            plain = read_back(
                collected, BarsQuery((symbol,), interval, start=since - EARLIER, end=UNTIL, adjusted=Adjusted.SPLITS)
            )
            what, expected = f"{symbol} {interval.value}", theirs[f"{symbol} {interval.value} False"]
            assert {place for place in plain if place >= min(expected)} == expected.keys(), what
            assert len(expected) > 50 or interval is Interval.H1, what
            found = np.array([np.float32(plain[place]) for place in expected])
            np.testing.assert_array_equal(found, np.float32(list(expected.values())), what)
            adjusted = read_back(
                collected, BarsQuery((symbol,), interval, start=since - EARLIER, end=UNTIL, adjusted=Adjusted.ALL)
            )
            expected = theirs[f"{symbol} {interval.value} True"]
            found = np.array([np.float32(adjusted[place]) for place in expected])
            # The factors that they divide by are rounded to single precision themselves.
            np.testing.assert_allclose(found, np.float32(list(expected.values())), rtol=2.5e-7, err_msg=what)
            is_paying = symbol in ("AAPL", "VOD.L") and not interval.is_intraday
            assert (adjusted != plain) is is_paying, what
