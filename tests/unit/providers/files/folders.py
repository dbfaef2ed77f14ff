"""Folders of files as tests write them, and short ways to ask for what is in them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from stockjobs.domain.market.bars import BarsReply, BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.base import Patience, Provider
from stockjobs.providers.registry import open_provider

HEADER = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits"
NOW = datetime(2024, 6, 1, tzinfo=UTC)


def write(folder: Path, name: str, *lines: str) -> Path:
    """A file with these lines."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def row(at: str, close: float = 10.0, volume: str = "100", dividend: str = "0.0", split: str = "0.0") -> str:
    """A good bar as yfinance writes it."""
    return f"{at},{close},{close + 1},{close - 1},{close},{close / 2},{volume},{dividend},{split}"


def opened(root: Path, **options: object) -> Provider:
    """The provider of a folder."""
    return open_provider("files", {"root": str(root), **options})


def patient() -> Patience:
    """Ten seconds from now."""
    return Patience(time.monotonic() + 10)


def asked(
    provider: Provider,
    symbol: str,
    interval: str = "1d",
    *,
    start: str = "2020-01-01",
    end: str = "2024-06-01",
    now: datetime = NOW,
) -> BarsReply:
    """The bars between two days."""
    first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (start, end))
    return provider.bars(BarsRequest(symbol, Interval(interval), first, last), now=now, patience=patient())


def times(reply: BarsReply) -> list[str]:
    """The times of an answer's bars, in UTC."""
    return [datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M") for at in reply.bars.at.tolist()]
