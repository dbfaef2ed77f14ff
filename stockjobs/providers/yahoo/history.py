"""The engine `history`: bars read by yfinance itself, to compare with and to fall back on.

It is the code behind `Ticker.history`, given our connection in the place of yfinance's. A `Ticker` is not made: making
one changes the process-wide session, and looks symbols up that resemble an ISIN.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from yfinance.exceptions import YFException, YFRateLimitError
from yfinance.scrapers.history import PriceHistory

from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest, CorporateAction, Seconds
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import MalformedReply, ProviderError
from stockjobs.providers.base import Patience
from stockjobs.providers.yahoo.actions import in_order
from stockjobs.providers.yahoo.chart import Chart, read_chart
from stockjobs.providers.yahoo.connection import Connection
from stockjobs.providers.yahoo.live import mark_provisional, settle
from stockjobs.providers.yahoo.meta import Meta, instant
from stockjobs.providers.yahoo.query import Query, query_for, reply_to
from stockjobs.providers.yahoo.replies import Json, NoRows, loads

_PRICES = ("Open", "High", "Low", "Close")
_KINDS = (
    ("_dividends", "Dividends", "dividend"),
    ("_splits", "Stock Splits", "split"),
    ("_capital_gains", "Capital Gains", "capital_gain"),
)
_LATE_HOUR = 22
_NOWHERE = np.iinfo(np.int64).min


class HistoryEngine:
    """Reads bars as `Ticker.history(auto_adjust=False, actions=True, keepna=True)` does."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        """The bars of a window. Raises a `stockjobs.errors.ProviderError`."""
        call = _Call(self._connection, query_for(request), patience)
        try:
            frame, actions = _history(call)
        except _Empty:
            chart = call.chart
            return reply_to(request, chart.meta, Bars.empty(), chart.actions)
        except NoRows:
            return BarsReply(None, Bars.empty())
        chart = call.chart
        rows = settle(_bars(frame, chart, request.interval), request.interval, chart.meta)
        return reply_to(request, chart.meta, mark_provisional(rows, request.interval, chart.meta, now), actions)


def _history(call: _Call) -> tuple[pd.DataFrame, tuple[CorporateAction, ...]]:
    request = call.query.request
    # yfinance 1.7 calls pandas 3.1 in a way that pandas 4 will refuse; the pins keep that apart.
    warnings.filterwarnings("ignore", "The inplace keyword in DataFrame", DeprecationWarning, module="yfinance")
    # Any zone will do for aware times; without one yfinance would ask Yahoo for it first.
    prices = PriceHistory(call, request.symbol, "UTC", session=call)
    try:
        frame = prices.history(
            start=instant(call.query.start),
            end=instant(call.query.end),
            interval=request.interval.value,
            auto_adjust=False,
            actions=True,
            keepna=True,
        )
        return frame, tuple(sorted(_actions(prices), key=in_order))
    except _CarriedError as stopped:
        raise stopped.cause from stopped.__cause__
    except (YFException, LookupError, TypeError, ValueError, AttributeError) as error:
        raise MalformedReply(f"yfinance cannot read Yahoo's chart: {type(error).__name__}: {error}") from error


class _Empty(NoRows):
    """Yahoo answered with a chart that has no rows, for which yfinance has but an error and a guess."""


class _CarriedError(YFRateLimitError):  # type: ignore[misc]  # yfinance has no types
    """Our error on its way through yfinance, which lets this one class pass and swallows all others."""

    def __init__(self, cause: ProviderError) -> None:
        super().__init__()
        self.cause = cause


class _Call:
    """Stands in for yfinance's data object during one call of history; `chart` is what was fetched."""

    chart: Chart

    def __init__(self, connection: Connection, query: Query, patience: Patience) -> None:
        self.query = query
        self._connection = connection
        self._patience = patience

    def get(self, *, params: Mapping[str, object], **_: object) -> _Answer:
        """Fetch the chart with yfinance's parameters, by a path in which the symbol is quoted."""
        asked = {name: value if isinstance(value, int) else str(value) for name, value in params.items()}
        try:
            body = self._connection.get(self.query.path, asked, self._patience)
            self.chart = read_chart(body, self.query.request.symbol, self.query.granularity.value)
            if not len(self.chart.rows):
                raise _Empty("Yahoo has no rows for this window.")
        except ProviderError as error:
            raise _CarriedError(error) from error
        return _Answer(body)

    # yfinance's own keeps every answer for good, those that are errors included.
    cache_get = get


class _Answer:
    """What yfinance wants of a response."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.text = body.decode("utf-8", errors="replace")

    def json(self) -> Json:
        return loads(self._body)


def _actions(prices: Any) -> Iterator[CorporateAction]:
    for attribute, column, kind in _KINDS:
        events = getattr(prices, attribute)
        values = events[column] if isinstance(events, pd.DataFrame) else events
        for at, value in zip(values.index, values, strict=True):
            yield CorporateAction(kind, pd.Timestamp(at).to_pydatetime().astimezone(UTC), float(value))


def _bars(frame: pd.DataFrame, chart: Chart, interval: Interval) -> Bars:
    if frame.empty:
        return Bars.empty()
    at = pd.DatetimeIndex(frame.index).as_unit("s").asi8
    opened = at if interval.is_intraday else _opens(at, chart, interval)
    first, high, low, last = (frame[name].to_numpy(dtype=np.float64) for name in _PRICES)
    # yfinance has 0 where there was no volume; where there was no price either, that is known.
    traded = frame["Volume"].to_numpy(dtype=np.int64)
    priceless = np.isnan([first, high, low, last]).all(axis=0)
    volume = np.where(priceless & (traded == 0), -1, traded)
    bars = Bars(opened, first, high, low, last, volume, np.zeros(len(at), dtype=np.bool_))
    return bars.where((opened != _NOWHERE) & _served(at, chart, interval))


def _opens(at: Seconds, chart: Chart, interval: Interval) -> Seconds:
    """The times that Yahoo served for days: yfinance puts midnight in their place."""
    raw = chart.rows.at
    served = dict(zip(_days(raw[::-1], chart.meta, interval), raw[::-1].tolist(), strict=True))
    return np.array([served.get(day, _NOWHERE) for day in _days(at, chart.meta, interval)], dtype=np.int64)


def _days(at: Seconds, meta: Meta, interval: Interval) -> list[int]:
    """The local day of each time, counted from 1970."""
    local = pd.to_datetime(at, unit="s", utc=True).tz_convert(meta.zone.key).tz_localize(None)
    # Where clocks have changed, Yahoo's days begin an hour or two early; yfinance moves these to the next midnight.
    early = (interval in (Interval.D1, Interval.W1)) & (local.hour >= _LATE_HOUR) & (local.minute == 0)
    moved = local + pd.to_timedelta(np.where(early, 24 - local.hour, 0), "h")
    days: list[int] = (moved.as_unit("s").asi8 // Interval.D1.seconds).tolist()
    return days


def _served(at: Seconds, chart: Chart, interval: Interval) -> NDArray[np.bool_]:
    """Which rows stand for something served: bars of 30 minutes come with one for every half hour of the night."""
    if interval is not Interval.M30:
        return np.ones(len(at), dtype=np.bool_)
    raw = chart.rows.at
    return np.searchsorted(raw, at) < np.searchsorted(raw, at + interval.seconds)
