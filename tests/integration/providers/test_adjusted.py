"""Prices adjusted by us against those that yfinance adjusts, on the same served data."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import insert

from stockjobs.domain.market.bars import BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery
from stockjobs.services.market.reading import Reading
from stockjobs.simulator.client import SimulatorClient
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import instruments
from tests.fixtures import market
from tests.integration.providers.asking import opened, patient
from tests.integration.simulator.test_yfinance import run_yfinance

pytestmark = pytest.mark.integration

START, END = datetime(2012, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
"""What is compared; what was paid out later counts as well."""
INTERVALS = (Interval.D1, Interval.W1, Interval.MO1)


def store(database: Database, server: SimulatorClient, symbol: str) -> None:
    """All that our provider gives of a symbol, straight into the tables."""
    now = datetime.now(UTC)
    with opened(server.url, max_body=2**24) as provider:
        replies = [
            provider.bars(BarsRequest(symbol, one, START, now), now=now, patience=patient(60)) for one in INTERVALS
        ]
    with database.begin() as connection:
        identity = replies[0].identity
        assert identity is not None
        number = instruments.ensure(connection, "yahoo", identity, START).id
        for interval, reply in zip(INTERVALS, replies, strict=True):
            found = reply.bars
            columns = (found.open.tolist(), found.high.tolist(), found.low.tolist(), found.close.tolist())
            rows = [
                dict(zip(("open", "high", "low", "close"), prices, strict=True), at=datetime.fromtimestamp(at, UTC))
                for at, *prices in zip(found.at.tolist(), *columns, strict=True)
                if not np.isnan(prices).any()
            ]
            bars = [{**row, "volume": None, "provisional": False} for row in rows]
            market.add_bars(connection, number, bars, interval=interval)
        common = {"instrument_id": number, "landing_id": 0, "seen_at": START}
        connection.execute(insert(tables.corporate_actions), [{**common, **asdict(one)} for one in replies[0].actions])


@pytest.mark.timeout(180)
@pytest.mark.parametrize("symbol", ["AAPL", "VOD.L", "7203.T"])
def test_adjusted_closes_are_those_of_yfinance(
    sqlite_url: str, yahoo: SimulatorClient, tmp_path: Path, symbol: str
) -> None:
    database = Database(sqlite_url)
    store(database, yahoo, symbol)
    code = f"""
        for interval in ("1d", "1wk", "1mo"):
            rows = yf.Ticker("{symbol}").history(start="2012-01-01", interval=interval, auto_adjust=True)
            found[interval] = {{str(at.date()): close for at, close in rows["Close"].items()}}
        """
    theirs = run_yfinance(yahoo, tmp_path, code)
    reading = Reading(database)
    zone = ZoneInfo(reading.known("yahoo", [symbol])[symbol].zone)
    for interval in INTERVALS:
        query = BarsQuery((symbol,), interval, end=END)
        ours, raw = reading.table(replace(query, adjusted=Adjusted.ALL)), reading.table(query)
        days = [str(at.astimezone(zone).date()) for at in ours["at"].to_pylist()]
        expected = [theirs[interval.value].get(day, np.nan) for day in days]
        is_there = ~np.isnan(expected)
        assert is_there.mean() > 0.99, interval
        assert np.allclose(ours["close"].to_numpy()[is_there], np.array(expected)[is_there], rtol=2e-5), interval
        assert not np.allclose(ours["close"], raw["close"], rtol=1e-3), interval
    reading.close()
    database.dispose()
