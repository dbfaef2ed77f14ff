"""Short ways to ask a provider."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from stockjobs.domain.market.bars import BarsReply, BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.base import Patience, Provider
from stockjobs.providers.registry import open_provider
from stockjobs.providers.yahoo.options import Engine, YahooOptions

START = datetime(2026, 6, 1, tzinfo=UTC)
END = datetime(2026, 6, 9, tzinfo=UTC)
NOW = datetime(2026, 6, 10, tzinfo=UTC)


def patient(seconds: float = 20) -> Patience:
    """So many seconds from now."""
    return Patience(time.monotonic() + seconds)


@contextmanager
def opened(
    base_url: str, *, engine: Engine = "chart", timeout: float = 10, max_body: int = 2**20
) -> Iterator[Provider]:
    """The provider at a local server, closed at the end."""
    options = YahooOptions(engine, base_url, timedelta(seconds=timeout), max_body)
    provider = open_provider("yahoo", options)
    try:
        yield provider
    finally:
        provider.close()


def days(provider: Provider, symbol: str = "AAPL", patience: Patience | None = None) -> BarsReply:
    """The daily bars of the first days of June 2026."""
    return provider.bars(BarsRequest(symbol, Interval.D1, START, END), now=NOW, patience=patience or patient())
