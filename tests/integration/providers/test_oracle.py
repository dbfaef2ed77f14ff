"""Both engines against each other, and against yfinance alone, on the same served data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest

from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.yahoo.chart import read_chart
from stockjobs.simulator.client import SimulatorClient
from tests.integration.providers.asking import opened, patient

pytestmark = pytest.mark.integration

SATURDAY = datetime(2026, 6, 13, 12, 0, tzinfo=UTC)
# New York, London, crypto and currencies are open.
AFTERNOON = datetime(2026, 6, 10, 15, 7, 31, tzinfo=UTC)
# Tokyo is open.
NIGHT = datetime(2026, 6, 10, 5, 3, 11, tzinfo=UTC)
# Tel Aviv and London are open.
MORNING = datetime(2026, 6, 10, 9, 22, 5, tzinfo=UTC)

CASES = [
    *((symbol, SATURDAY) for symbol in ("AAPL", "NVDA", "VOD.L", "7203.T", "TEVA.TA", "BTC-USD", "EURUSD=X")),
    *((symbol, AFTERNOON) for symbol in ("AAPL", "VOD.L", "BTC-USD", "EURUSD=X")),
    *((symbol, MORNING) for symbol in ("AAPL", "TEVA.TA")),
    ("7203.T", NIGHT),
]
SPANS = {
    Interval.M1: 6,
    Interval.M2: 20,
    Interval.M5: 40,
    Interval.M15: 50,
    Interval.M30: 50,
    Interval.H1: 300,
    Interval.M90: 50,
    Interval.D1: 2_500,
    Interval.W1: 2_500,
    Interval.MO1: 4_000,
}


def ask(server: SimulatorClient, symbol: str, interval: Interval, now: datetime) -> tuple[BarsReply, BarsReply]:
    """What the two engines say, in the order chart, history."""
    request = BarsRequest(symbol, interval, now - timedelta(days=SPANS[interval]), now + timedelta(days=1))
    with opened(server.url, max_body=2**24) as chart, opened(server.url, engine="history", max_body=2**24) as history:
        replies = [engine.bars(request, now=now, patience=patient()) for engine in (chart, history)]
    return replies[0], replies[1]


def assert_same_bars(ours: Bars, theirs: Bars) -> None:
    """Equal at the precision of the source, which is single."""
    assert len(ours) > 0
    assert ours.at.tolist() == theirs.at.tolist()
    for name in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(np.float32(getattr(ours, name)), np.float32(getattr(theirs, name)), name)
    assert ours.volume.tolist() == theirs.volume.tolist()
    assert ours.provisional.tolist() == theirs.provisional.tolist()


@pytest.mark.parametrize("interval", [*Interval])
@pytest.mark.parametrize(("symbol", "now"), CASES, ids=lambda case: str(case)[:16])
def test_both_engines_give_the_same_bars_and_actions(
    yahoo: SimulatorClient, symbol: str, interval: Interval, now: datetime
) -> None:
    if symbol == "TEVA.TA" and interval is Interval.M30:
        # yfinance counts half hours from the full hour, but Tel Aviv opens at 9:59; see the test of half hours below.
        return
    yahoo.set_clock(now)
    chart, history = ask(yahoo, symbol, interval, now)
    assert_same_bars(chart.bars, history.bars)
    assert chart.actions == history.actions
    assert chart.identity == history.identity


@pytest.mark.parametrize("interval", [Interval.M5, Interval.M30, Interval.D1])
def test_both_engines_keep_the_same_null_rows(yahoo: SimulatorClient, interval: Interval) -> None:
    yahoo.set_clock(SATURDAY)
    yahoo.holes("AAPL", 3)
    chart, history = ask(yahoo, "AAPL", interval, SATURDAY)
    assert_same_bars(chart.bars, history.bars)
    if interval is not Interval.M30:
        nulls = np.isnan(chart.bars.close)
        assert 0.2 < nulls.mean() < 0.5
        assert (chart.bars.volume[nulls] == -1).all()


def test_both_engines_take_a_number_that_is_none_for_nan(yahoo: SimulatorClient) -> None:
    yahoo.set_clock(SATURDAY)
    yahoo.fault("bad_bar", flaw="nan")
    chart, history = ask(yahoo, "AAPL", Interval.D1, SATURDAY)
    columns = [chart.bars.open, chart.bars.high, chart.bars.low, chart.bars.close]
    assert np.isnan(columns).any()
    assert_same_bars(chart.bars, history.bars)


def test_actions_are_among_what_is_compared(yahoo: SimulatorClient) -> None:
    yahoo.set_clock(SATURDAY)
    chart, _ = ask(yahoo, "NVDA", Interval.D1, SATURDAY)
    assert {action.kind for action in chart.actions} == {"dividend", "split"}


@pytest.mark.parametrize("symbol", ["TEVA.TA", "AAPL", "0700.HK"])
def test_half_hours_equal_those_that_the_server_makes_itself(yahoo: SimulatorClient, symbol: str) -> None:
    yahoo.set_clock(SATURDAY)
    chart, _ = ask(yahoo, symbol, Interval.M30, SATURDAY)
    start, end = int((SATURDAY - timedelta(days=50)).timestamp()), int(SATURDAY.timestamp())
    with urlopen(f"{yahoo.url}/v8/finance/chart/{symbol}?interval=30m&period1={start}&period2={end}") as answer:
        served = read_chart(answer.read(), symbol, "30m").rows
    assert_same_bars(chart.bars, served)


def test_todays_bar_is_provisional_while_it_is_live(yahoo: SimulatorClient) -> None:
    yahoo.set_clock(AFTERNOON)
    chart, _ = ask(yahoo, "AAPL", Interval.D1, AFTERNOON)
    opening = datetime(2026, 6, 10, 13, 30, tzinfo=UTC)
    assert chart.bars.at[-1] == opening.timestamp()
    assert chart.bars.provisional.tolist()[-2:] == [False, True]


def test_a_bar_keeps_its_time_from_live_to_final(yahoo: SimulatorClient) -> None:
    for interval in Interval:
        yahoo.set_clock(AFTERNOON)
        live, _ = ask(yahoo, "AAPL", interval, AFTERNOON)
        yahoo.set_clock(SATURDAY)
        final, _ = ask(yahoo, "AAPL", interval, SATURDAY)
        assert live.bars.at[-1] in final.bars.at


ALONE = """
import json, sys, time, yfinance as yf
from datetime import datetime, timedelta, UTC
from stockjobs.domain.market.bars import BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.base import Patience
from stockjobs.providers.registry import open_provider
now = datetime.fromisoformat(sys.argv[1])
start = now - timedelta(days=50)
frame = yf.Ticker("VOD.L").history(start=start, end=now, interval="1h", auto_adjust=False, keepna=True)
income = yf.Ticker("AAPL").income_stmt.loc["Net Income"]
provider = open_provider("yahoo")
patience = Patience(time.monotonic() + 30)
bars = provider.bars(BarsRequest("VOD.L", Interval.H1, start, now), now=now, patience=patience).bars
facts = provider.facts("AAPL", now=now, patience=patience).facts
print(json.dumps({
    "frame": [[int(at.timestamp()), *row] for at, row in zip(frame.index, frame[["Open", "Close"]].values.tolist())],
    "bars": [list(row) for row in zip(bars.at.tolist(), bars.open.tolist(), bars.close.tolist())],
    "income": sorted([at.date().isoformat(), value] for at, value in income.items()),
    "facts": [[f.as_of.isoformat(), f.value] for f in facts if (f.metric, f.period) == ("NetIncome", "annual")],
}))
"""


def test_through_the_proxy_the_provider_says_what_yfinance_alone_says(yahoo: SimulatorClient, tmp_path: Path) -> None:
    yahoo.set_clock(SATURDAY)
    environment = os.environ | yahoo.environment | {"XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-c", ALONE, SATURDAY.isoformat()]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    said = json.loads(done.stdout)
    assert len(said["bars"]) > 200
    assert said["bars"] == said["frame"]
    assert len(said["facts"]) == 4
    assert said["facts"] == said["income"]
