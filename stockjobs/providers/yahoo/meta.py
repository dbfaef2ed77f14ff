"""The head of a chart: whom it is about, and when that trades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import Identity
from stockjobs.errors import MalformedReply
from stockjobs.providers.currencies import currency_of
from stockjobs.providers.yahoo.replies import Json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Hours:
    """Regular trading from `start` to `end`, in epoch seconds."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Meta:
    """The head of a chart.

    `market_time` is the time of the last trade, `session` the present or next session, `periods` the regular hours of
    each day as rows of start and end (charts within the day only).
    """

    identity: Identity
    granularity: str
    zone: ZoneInfo
    market_time: int | None
    session: Hours | None
    periods: NDArray[np.int64]


def read_meta(head: dict[str, Json]) -> Meta:
    """The head as a value. Raises `MalformedReply` when it lacks what identifies it."""
    zone = _zone(_text(head, "exchangeTimezoneName"))
    currency, unit = currency_of(_text(head, "currency"))
    first_trade = _whole(head.get("firstTradeDate"))
    identity = Identity(
        symbol=_text(head, "symbol"),
        exchange=_text(head, "exchangeName"),
        zone=zone.key,
        currency=currency,
        kind=_text(head, "instrumentType"),
        name=_text(head, "longName") or _text(head, "shortName"),
        unit=unit,
        first_trade_at=None if first_trade is None else instant(first_trade),
    )
    return Meta(
        identity=identity,
        granularity=_text(head, "dataGranularity"),
        zone=zone,
        market_time=_whole(head.get("regularMarketTime")),
        session=_session(head.get("currentTradingPeriod")),
        periods=_periods(head.get("tradingPeriods")),
    )


def instant(seconds: int) -> datetime:
    """Epoch seconds as a time; also those before 1970, and those that the platform's clock cannot tell."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError as error:
        raise MalformedReply(f"Yahoo's answer holds an impossible time: {seconds}") from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MalformedReply(f"Yahoo's answer names an unknown time zone: {name[:40]!r}") from error


def _text(head: dict[str, Json], key: str) -> str:
    value = head.get(key)
    return value if isinstance(value, str) else ""


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _session(value: Json) -> Hours | None:
    return _hours(value.get("regular")) if isinstance(value, dict) else None


def _hours(value: Json) -> Hours | None:
    if not isinstance(value, dict):
        return None
    start, end = _whole(value.get("start")), _whole(value.get("end"))
    return None if start is None or end is None else Hours(start, end)


def _periods(value: Json) -> NDArray[np.int64]:
    days = value.get("regular") if isinstance(value, dict) else value
    found = _flat(days) if isinstance(days, list) else []
    rows = sorted((hours.start, hours.end) for hours in found)
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def _flat(days: list[Json]) -> list[Hours]:
    periods = [period for day in days for period in (day if isinstance(day, list) else [day])]
    return [hours for period in periods if (hours := _hours(period)) is not None]
