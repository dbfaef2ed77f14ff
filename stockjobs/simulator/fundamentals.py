"""`/ws/fundamentals-timeseries/…/timeseries/{symbol}`: statements by metric and period, and share counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from stockjobs.simulator.history import History
from stockjobs.simulator.market import Market
from stockjobs.simulator.replies import Query, Reply, json_reply
from stockjobs.simulator.statements import PUBLISHED_AFTER, Books, books, files_accounts, quarter_ends

Row = dict[str, object]

_YEARS_SERVED = 4
_QUARTERS_SERVED = 5
_QUARTERS_A_YEAR = 4
_PER_SHARE = frozenset({"BasicEPS", "DilutedEPS"})
_PERIOD = {"annual": "12M", "quarterly": "3M", "trailing": "TTM"}
_COUNTS = frozenset({"OrdinarySharesNumber", "ShareIssued", "BasicAverageShares", "DilutedAverageShares"})


def timeseries(query: Query, market: Market) -> Reply:
    """The answer to one request: a row per type asked for, without values where there are none."""
    symbol = query.symbol.upper()
    past = market.past(symbol)
    types = [text for text in query.get("type").split(",") if text]
    if not types:
        result = [_shares(past, query, market) if past else {"meta": {"symbol": [symbol]}}]
    else:
        result = [_row(past, name, query, market, symbol) for name in types]
    return json_reply({"timeseries": {"result": result, "error": None}})


def _row(past: History | None, name: str, query: Query, market: Market, symbol: str) -> Row:
    row: Row = {"meta": {"symbol": [symbol], "type": [name]}}
    match = re.fullmatch(r"(annual|quarterly|trailing)(\w+)", name)
    if past is None or match is None or not files_accounts(past):
        return row
    facts = [fact for fact in _facts(past, match[1], match[2], market) if _within(fact, query)]
    if not facts:
        return row
    money = "" if match[2] in _COUNTS else major_currency(past)
    told = [_fact(name, _PERIOD[match[1]], money, fact) for fact in facts]
    return row | {"timestamp": [_midnight(end) for end, _ in facts], name: told}


def _facts(past: History, period: str, metric: str, market: Market) -> list[tuple[date, float]]:
    """The published values of a metric, oldest first, as far back as Yahoo serves them."""
    today = datetime.fromtimestamp(market.clock.now(), UTC).date()
    ends = quarter_ends(max(past.listing.first_day, today - timedelta(days=365 * 6)), today - PUBLISHED_AFTER)
    quarters = [books(past, end) for end in ends]
    value = _reader(metric, quarters[-1]) if len(quarters) >= _QUARTERS_A_YEAR else None
    if value is None:
        return []
    if period == "quarterly":
        return [(quarter.end, value([quarter])) for quarter in quarters[-_QUARTERS_SERVED:]]
    if period == "trailing":
        return [(quarters[-1].end, value(quarters[-_QUARTERS_A_YEAR:]))]
    lasts = [n for n, quarter in enumerate(quarters) if quarter.end.month == 12 and n >= _QUARTERS_A_YEAR - 1]
    years = [quarters[n - _QUARTERS_A_YEAR + 1 : n + 1] for n in lasts[-_YEARS_SERVED:]]
    return [(year[-1].end, value(year)) for year in years]


def _reader(metric: str, sample: Books) -> Callable[[list[Books]], float] | None:
    """How a metric is read from the quarters of a period: flows are added up, levels are those of the last."""
    if metric in sample.flows:
        digits = 4 if metric in _PER_SHARE else 0
        return lambda quarters: round(sum(quarter.flows[metric] for quarter in quarters), digits)
    if metric in sample.levels:
        return lambda quarters: round(quarters[-1].levels[metric])
    return None


def _within(fact: tuple[date, float], query: Query) -> bool:
    first, last = query.get("period1") or "0", query.get("period2") or "99999999999"
    try:
        return float(first) <= _midnight(fact[0]) <= float(last)
    except ValueError:
        return True


def _fact(name: str, period: str, money: str, fact: tuple[date, float]) -> Row:
    end, value = fact
    return {
        "dataId": 20_000 + sum(name.encode()) % 10_000,
        "asOfDate": end.isoformat(),
        "periodType": period,
        "currencyCode": money,
        "reportedValue": {"raw": value, "fmt": short(value)},
    }


def major_currency(past: History) -> str:
    """The currency that accounts are kept in: pounds and shekels where prices are in pence and agorot."""
    return {"GBp": "GBP", "ILA": "ILS"}.get(past.listing.currency, past.listing.currency)


def _shares(past: History, query: Query, market: Market) -> Row:
    """The number of shares at the end of each published quarter inside the window."""
    meta: Row = {"meta": {"symbol": [past.listing.symbol], "type": ["shares_out"]}}
    today = datetime.fromtimestamp(market.clock.now(), UTC).date()
    ends = quarter_ends(past.listing.first_day, today)
    facts = [(end, past.listing.shares) for end in ends if _within((end, 0.0), query)]
    if not facts or not files_accounts(past):
        return meta
    factor = market.edits.factor(past, market.clock.now())
    stamps = [_midnight(end) for end, _ in facts]
    return meta | {"timestamp": stamps, "shares_out": [round(shares / factor) for _, shares in facts]}


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def short(value: float) -> str:
    """A number as people read it: 1.53T, 97.00B, 3.10."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.2f}{letter}"
    return f"{value:.2f}"
