"""Charts in Yahoo's shape, written out for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson

NEW_YORK = "America/New_York"


def at(text: str) -> int:
    """Epoch seconds of an ISO time with its offset."""
    return int(datetime.fromisoformat(text).timestamp())


def meta(**changes: object) -> dict[str, object]:
    """The head of a chart of AAPL on a Tuesday, with changes."""
    return {
        "currency": "USD",
        "symbol": "AAPL",
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "firstTradeDate": 345479400,
        "regularMarketTime": at("2026-06-09T16:00:01-04:00"),
        "exchangeTimezoneName": NEW_YORK,
        "longName": "Apple Inc.",
        "shortName": "Apple",
        "currentTradingPeriod": {
            "regular": {"start": at("2026-06-09T09:30-04:00"), "end": at("2026-06-09T16:00-04:00")}
        },
        "dataGranularity": "1d",
    } | changes


def period(start: str, end: str) -> list[dict[str, int]]:
    """One day's regular hours, as `tradingPeriods` lists them."""
    return [{"start": at(start), "end": at(end)}]


def chart(times: Sequence[str], closes: Sequence[float | None], *, events: object = None, **changes: object) -> bytes:
    """A chart whose open, high, low and close are all the same, with a volume of 100 where there is a close."""
    quote: dict[str, object] = {name: list(closes) for name in ("open", "high", "low", "close")}
    quote["volume"] = [None if close is None else 100 for close in closes]
    result: dict[str, object] = {"meta": meta(**changes), "indicators": {"quote": [quote if times else {}]}}
    if times:
        result["timestamp"] = [at(time) for time in times]
    if events is not None:
        result["events"] = events
    return orjson.dumps({"chart": {"result": [result], "error": None}})
