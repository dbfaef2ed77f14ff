"""The real yfinance, unpatched, in a process of its own, led here by nothing but the proxy variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from stockjobs.simulator.client import SimulatorClient

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def run_yfinance(yahoo: SimulatorClient, folder: Path, code: str) -> Any:
    """Run code that fills a dict `found`, with yfinance as `yf`; gives the dict."""
    head = "import json, yfinance as yf\nyf.config.debug.hide_exceptions = False\nfound = {}\n"
    program = head + dedent(code) + "\nprint(json.dumps(found, default=str))"
    environment = os.environ | yahoo.environment | {"XDG_CACHE_HOME": str(folder), "NO_PROXY": "", "no_proxy": ""}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_prices_come_through_the_proxy(yahoo: SimulatorClient, tmp_path: Path) -> None:
    found = run_yfinance(
        yahoo,
        tmp_path,
        """
        apple = yf.Ticker("AAPL")
        days = apple.history(start="2020-08-24", end="2020-09-05", auto_adjust=False, actions=True)
        found["days"] = [str(day.date()) for day in days.index]
        found["split"] = days["Stock Splits"]["2020-08-31"]
        found["columns"] = list(days.columns)
        for interval in ("1m", "5m", "30m", "1h", "1wk", "1mo", "3mo"):
            found[interval] = len(apple.history(period="5d" if interval[-1] in "mh" else "1y", interval=interval))
        found["outside"] = len(apple.history(period="1d", interval="5m", prepost=True))
        found["many"] = yf.download(["MSFT", "7203.T", "VOD.L", "SIM0001", "EURUSD=X"], period="1mo", progress=False,
                                    auto_adjust=False, actions=True)["Close"].notna().sum().to_dict()
        """,
    )
    assert found["days"] == [f"2020-08-{day}" for day in (24, 25, 26, 27, 28, 31)] + [
        f"2020-09-0{day}" for day in (1, 2, 3, 4)
    ]
    assert found["split"] == 4.0
    assert found["columns"][:6] == ["Open", "High", "Low", "Close", "Adj Close", "Volume"]
    assert all(found[interval] > 0 for interval in ("1m", "5m", "30m", "1h", "1wk", "1mo", "3mo", "outside"))
    assert all(rows >= 15 for rows in found["many"].values())
    counters = yahoo.counters()
    assert counters["tunnels"] >= 1
    assert set(counters["by_endpoint"]) == {"cookie", "crumb", "chart"}


def test_companies_come_through_the_proxy(yahoo: SimulatorClient, tmp_path: Path) -> None:
    found = run_yfinance(
        yahoo,
        tmp_path,
        """
        apple = yf.Ticker("AAPL")
        found["quarters"] = list(apple.quarterly_income_stmt.loc["Total Revenue"])
        found["years"] = len(apple.balance_sheet.columns)
        found["cash"] = float(apple.ttm_cash_flow.loc["Operating Cash Flow"].iloc[0])
        found["shares"] = int(apple.get_shares_full(start="2024-01-01").iloc[-1])
        found["name"] = apple.info["longName"]
        found["cap"] = apple.info["marketCap"]
        found["expirations"] = apple.options
        found["search"] = yf.Search("apple").quotes[0]["symbol"]
        """,
    )
    assert len(found["quarters"]) == 5
    assert found["years"] == 4
    assert found["cash"] > 0
    assert (found["shares"], found["name"], found["search"]) == (15_100_000_000, "Apple Inc.", "AAPL")
    assert found["cap"] > 1e12
    assert found["expirations"] == []


def test_errors_come_through_as_yfinance_raises_them(yahoo: SimulatorClient, tmp_path: Path) -> None:
    yahoo.fault("status", status=429, symbol="KO")
    yahoo.fault("status", status=502, symbol="DIS")
    found = run_yfinance(
        yahoo,
        tmp_path,
        """
        def outcome(symbol, **window):
            ticker = yf.Ticker(symbol)
            ticker._tz = "America/New_York"
            try:
                return len(ticker.history(**window))
            except Exception as error:
                return f"{type(error).__name__}: {error}"

        found["unknown"] = outcome("NOPE", period="5d")
        found["limited"] = outcome("KO", period="5d")
        found["down"] = outcome("DIS", period="5d")
        found["beyond"] = outcome("AAPL", start="2020-01-01", end="2020-01-10", interval="5m")
        """,
    )
    assert found["unknown"].startswith("YFPricesMissingError")
    assert "may be delisted" in found["unknown"]
    assert found["limited"].startswith("YFRateLimitError")
    assert found["down"].startswith("JSONDecodeError")
    assert "must be within the last 60 days" in found["beyond"]


def test_a_tunnel_to_any_other_host_is_refused(yahoo: SimulatorClient, tmp_path: Path) -> None:
    found = run_yfinance(
        yahoo,
        tmp_path,
        """
        from curl_cffi import requests
        for url in ("https://example.com/", "https://yahoo.com.example.com/", "https://query1.finance.yahoo.com/__control__/"):
            try:
                found[url] = requests.get(url, timeout=5).status_code
            except requests.exceptions.RequestException as error:
                found[url] = "403" in str(error)
        """,
    )
    assert found == {
        "https://example.com/": True,
        "https://yahoo.com.example.com/": True,
        "https://query1.finance.yahoo.com/__control__/": 404,
    }
