"""The JSON of a chart, read into columns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stockjobs.domain.market.bars import PRICES, Bars, CorporateAction, Prices, Seconds
from stockjobs.errors import IdentityMismatch, MalformedReply
from stockjobs.providers.yahoo.actions import read_actions
from stockjobs.providers.yahoo.meta import Meta, read_meta
from stockjobs.providers.yahoo.replies import Json, document

_NO_VOLUME = -1
# Yahoo says the one or the other for the same bars.
_SAME_GRANULARITY = {"60m": "1h"}


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart as it was served: rows in order of time, the last of them perhaps under the time of a trade."""

    meta: Meta
    rows: Bars
    actions: tuple[CorporateAction, ...]


def read_chart(body: bytes, symbol: str, granularity: str) -> Chart:
    """The chart in an answer.

    Raises `MalformedReply` for what cannot be read, and `IdentityMismatch` when it is about another symbol or interval.
    """
    result = _result(body)
    head = result.get("meta")
    if not isinstance(head, dict):
        raise MalformedReply("Yahoo's chart has no meta.")
    meta = read_meta(head)
    _check_identity(meta, symbol, granularity)
    return Chart(meta, _rows(result), read_actions(result.get("events")))


def _result(body: bytes) -> dict[str, Json]:
    results = document(body, "chart").get("result")
    first = results[0] if isinstance(results, list) and results else None
    if not isinstance(first, dict):
        raise MalformedReply("Yahoo's chart has no result.")
    return first


def _check_identity(meta: Meta, symbol: str, granularity: str) -> None:
    came = meta.identity.symbol
    if came.casefold() != symbol.casefold():
        raise IdentityMismatch(f"Asked Yahoo for {symbol}, the answer is about {came[:40] or 'nobody'}.")
    served = _SAME_GRANULARITY.get(meta.granularity, meta.granularity)
    if served != granularity:
        raise IdentityMismatch(f"Asked Yahoo for {symbol} at {granularity}, the answer is at {served[:20] or '?'}.")


def _rows(result: dict[str, Json]) -> Bars:
    times = result.get("timestamp")
    if not times:
        return Bars.empty()
    quote = _quote(result.get("indicators"))
    try:
        at = np.array(times, dtype=np.int64)
        opened, high, low, close = (_prices(quote, name) for name in PRICES)
        volume = _volumes(quote.get("volume"), len(at))
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedReply(f"A column of Yahoo's chart cannot be read: {error}") from error
    if any(column.shape != at.shape for column in (opened, high, low, close, volume)):
        raise MalformedReply("The columns of Yahoo's chart are of different lengths.")
    return _in_order(Bars(at, opened, high, low, close, volume, np.zeros(len(at), dtype=np.bool_)))


def _quote(indicators: Json) -> dict[str, Json]:
    quotes = indicators.get("quote") if isinstance(indicators, dict) else None
    first = quotes[0] if isinstance(quotes, list) and quotes else None
    if not isinstance(first, dict):
        raise MalformedReply("Yahoo's chart has times without prices.")
    return first


def _prices(quote: dict[str, Json], name: str) -> Prices:
    # NumPy turns null into NaN.
    return np.array(quote.get(name), dtype=np.float64)


def _volumes(values: Json, length: int) -> Seconds:
    if values is None:
        return np.full(length, _NO_VOLUME, dtype=np.int64)
    plain = np.array(values)
    if plain.dtype == np.int64:
        return plain
    return np.array([_volume(value) for value in plain.tolist()], dtype=np.int64)


def _volume(value: float | None) -> int:
    return int(value) if value is not None and math.isfinite(value) else _NO_VOLUME


def _in_order(rows: Bars) -> Bars:
    if not (rows.at[1:] < rows.at[:-1]).any():
        return rows
    return rows.where(np.argsort(rows.at, kind="stable"))
