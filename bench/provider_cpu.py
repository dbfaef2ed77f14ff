"""CPU time per symbol: the chart engine, the history engine, and `yfinance.Ticker.history` as a program would use it.

Run it with `python bench/provider_cpu.py`. It starts the local Yahoo server, so it needs no network. What counts are
the ratios; the server's own time is not in the figures, since it is another process.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import yfinance
from rich.console import Console
from rich.table import Table
from yfinance.data import YfData

from stockjobs.domain.market.bars import BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.base import Patience
from stockjobs.providers.registry import open_provider
from stockjobs.providers.yahoo.options import Engine, YahooOptions
from stockjobs.providers.yahoo.session import YahooSession
from stockjobs.simulator.client import running_simulator

SYMBOLS = ("AAPL", "MSFT", "NVDA", "AMZN", "JPM", "XOM", "KO", "IBM", "WMT", "PFE")
ROUNDS = 7

Fetch = Callable[[BarsRequest], object]


@dataclass(frozen=True)
class Case:
    """A kind of download."""

    name: str
    interval: Interval
    days: int


CASES = (
    Case("1d × 10 years", Interval.D1, 3_652),
    Case("5m × 20 days", Interval.M5, 20),
    Case("6 new days", Interval.D1, 8),
)


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    warnings.filterwarnings("ignore", "The inplace keyword", DeprecationWarning, module="yfinance")
    with tempfile.TemporaryDirectory() as folder, running_simulator(Path(folder)) as server:
        fetches: dict[str, Fetch] = {
            "chart": _engine("chart", server.url),
            "history": _engine("history", server.url),
            "Ticker.history": _ticker(server.url),
        }
        table = Table("download", *(f"{name}, ms" for name in fetches), "Ticker.history / chart")
        for case in CASES:
            spent = _measured(case, fetches)
            ratio = f"{spent['Ticker.history'] / spent['chart']:.1f}"
            table.add_row(case.name, *(f"{spent[name] * 1_000:.2f}" for name in fetches), ratio)
        Console(width=100, file=sys.stdout).print(table)


def _engine(engine: Engine, url: str) -> Fetch:
    provider = open_provider("yahoo", YahooOptions(engine, url))
    return lambda request: provider.bars(request, now=request.end, patience=Patience(time.monotonic() + 60))


def _ticker(url: str) -> Fetch:
    session = YahooSession(YahooOptions(base_url=url))
    data = YfData(session=session)
    data._cookie, data._crumb = True, "crumb"

    def fetch(request: BarsRequest) -> object:
        ticker = yfinance.Ticker(request.symbol, session=session)
        ticker._tz = "America/New_York"
        return ticker.history(
            start=request.start, end=request.end, interval=request.interval.value, auto_adjust=False, keepna=True
        )

    return fetch


def _measured(case: Case, fetches: dict[str, Fetch]) -> dict[str, float]:
    """The median CPU seconds per symbol of some rounds that take turns, after one that warms everything up."""
    spent: dict[str, list[float]] = {name: [] for name in fetches}
    for _ in range(ROUNDS + 1):
        for name, fetch in fetches.items():
            spent[name].append(_round(case, fetch))
    return {name: median(rounds[1:]) for name, rounds in spent.items()}


def _round(case: Case, fetch: Fetch) -> float:
    now = datetime.now(UTC)
    started = time.process_time()
    for symbol in SYMBOLS:
        fetch(BarsRequest(symbol, case.interval, now - timedelta(days=case.days), now))
    return (time.process_time() - started) / len(SYMBOLS)


if __name__ == "__main__":
    main()
