"""The `meta` of a chart: what it is about, where the market stands, and its trading periods."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from stockjobs.simulator.asking import RANGES, Ask
from stockjobs.simulator.extended import AFTER, BEFORE, has_extended_hours
from stockjobs.simulator.minutes import MINUTE
from stockjobs.simulator.rows import Rows
from stockjobs.simulator.series import sessions_in
from stockjobs.simulator.snapshot import Snapshot, single

Period = dict[str, object]


def meta(snapshot: Snapshot, ask: Ask, first_close: float) -> dict[str, object]:
    """All of it; `first_close` is the close before the first bar of the chart."""
    listed, low_high = snapshot.history.listing, snapshot.year()
    zone = ZoneInfo(listed.venue.zone)
    local = datetime.fromtimestamp(snapshot.now, zone)
    found: dict[str, object] = {
        "currency": listed.currency,
        "symbol": listed.symbol,
        "exchangeName": listed.exchange,
        "fullExchangeName": listed.venue.name,
        "instrumentType": listed.kind,
        "firstTradeDate": int(snapshot.history.days.open[0]),
        "regularMarketTime": snapshot.time,
        "hasPrePostMarketData": has_extended_hours(snapshot.history),
        "gmtoffset": _offset(local),
        "timezone": local.tzname(),
        "exchangeTimezoneName": listed.venue.zone,
        "regularMarketPrice": snapshot.price,
        "fiftyTwoWeekHigh": low_high[1],
        "fiftyTwoWeekLow": low_high[0],
        **_today(snapshot),
        "longName": listed.name,
        "shortName": listed.name[:31],
        "chartPreviousClose": first_close,
        "priceHint": listed.price_hint,
        "currentTradingPeriod": _periods_of(snapshot, snapshot.session, zone),
        "dataGranularity": ask.grain.name,
        "range": ask.range,
        "validRanges": list(RANGES),
    }
    if ask.grain.is_intraday:
        found |= {
            "previousClose": snapshot.previous_close,
            "scale": 3,
            "tradingPeriods": _all_periods(snapshot, ask, zone),
        }
    return found


def _today(snapshot: Snapshot) -> dict[str, object]:
    today: Rows = snapshot.today
    return {
        "regularMarketDayHigh": single(today.high[0] * snapshot.factor),
        "regularMarketDayLow": single(today.low[0] * snapshot.factor),
        "regularMarketVolume": int(today.volume[0] / snapshot.factor),
    }


def _all_periods(snapshot: Snapshot, ask: Ask, zone: ZoneInfo) -> object:
    days = [_periods_of(snapshot, index, zone) for index in range(*sessions_in(snapshot, ask))]
    if ask.extended:
        return {name: [[day[name]] for day in days] for name in ("pre", "regular", "post")}
    return [[day["regular"]] for day in days]


def _periods_of(snapshot: Snapshot, index: int, zone: ZoneInfo) -> dict[str, Period]:
    opened, closed = int(snapshot.history.days.open[index]), int(snapshot.history.days.close[index])
    extended = has_extended_hours(snapshot.history)
    before, after = (BEFORE * MINUTE, AFTER * MINUTE) if extended else (0, 0)
    return {
        "pre": _period(opened - before, opened, zone),
        "regular": _period(opened, closed, zone),
        "post": _period(closed, closed + after, zone),
    }


def _period(start: int, end: int, zone: ZoneInfo) -> Period:
    local = datetime.fromtimestamp(start, zone)
    return {"timezone": local.tzname(), "start": start, "end": end, "gmtoffset": _offset(local)}


def _offset(local: datetime) -> int:
    offset = local.utcoffset()
    return int(offset.total_seconds()) if offset else 0


def close_before(snapshot: Snapshot, start: float) -> float:
    """The close of the session before an instant, or the first open."""
    index = int(np.searchsorted(snapshot.history.days.open, start)) - 1
    value = snapshot.history.close[index] if index >= 0 else snapshot.history.open[0]
    return single(value * snapshot.factor)
