"""`/ws/fundamentals-timeseries/…/timeseries/{symbol}`: statements by metric and period, and share counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from stockjobs.simulator.history import History
from stockjobs.simulator.market import Market
from stockjobs.simulator.replies import Query, Reply, json_reply
from stockjobs.simulator.statements import PUBLISHED_AFTER, Books, books, files_accounts, quarter_ends

Row = dict[str, object]
Value = tuple[date, float]

_YEARS_SERVED = 4
_QUARTERS_SERVED = 5
_QUARTERS_A_YEAR = 4
_DECEMBER = 12
_REMEMBERED = timedelta(days=365 * 6)
_PER_SHARE = frozenset({"BasicEPS", "DilutedEPS"})
_PERIOD = {"annual": "12M", "quarterly": "3M", "trailing": "TTM"}
_COUNTS = frozenset({"OrdinarySharesNumber", "ShareIssued", "BasicAverageShares", "DilutedAverageShares"})


@dataclass(frozen=True)
class _Published:
    """The quarters that a company has published, oldest first, and the part of them that a request is about."""

    currency: str
    quarters: tuple[Books, ...]
    first: float
    last: float


def timeseries(query: Query, market: Market) -> Reply:
    """The answer to one request: a row per type asked for, without values where there are none."""
    symbol = query.symbol.upper()
    past = market.past(symbol)
    types = [text for text in query.get("type").split(",") if text]
    published = _published(past, query, market) if past and files_accounts(past) else None
    if types:
        result = [_row(published, name, symbol) for name in types]
    else:
        result = [_shares(past, published, market) if past and published else {"meta": {"symbol": [symbol]}}]
    return json_reply({"timeseries": {"result": result, "error": None}})


def _published(past: History, query: Query, market: Market) -> _Published:
    today = _today(market)
    ends = quarter_ends(max(past.listing.first_day, today - _REMEMBERED), today - PUBLISHED_AFTER)
    quarters = tuple(books(past, end) for end in ends)
    first, last = _number(query.get("period1"), 0.0), _number(query.get("period2"), 1e12)
    return _Published(major_currency(past), quarters, first, last)


def _row(published: _Published | None, name: str, symbol: str) -> Row:
    row: Row = {"meta": {"symbol": [symbol], "type": [name]}}
    match = re.fullmatch(r"(annual|quarterly|trailing)(\w+)", name)
    facts = _facts(published, match[1], match[2]) if published and match else []
    if published is None or match is None or not facts:
        return row
    money = "" if match[2] in _COUNTS else published.currency
    told = [_fact(name, _PERIOD[match[1]], money, fact) for fact in facts]
    return row | {"timestamp": [_midnight(end) for end, _ in facts], name: told}


def _facts(published: _Published, period: str, metric: str) -> list[Value]:
    """The values of a metric inside the window, oldest first, as far back as Yahoo serves them."""
    quarters = published.quarters
    value = _reader(metric, quarters[-1]) if len(quarters) >= _QUARTERS_A_YEAR else None
    if value is None:
        return []
    if period == "quarterly":
        found = [(quarter.end, value([quarter])) for quarter in quarters[-_QUARTERS_SERVED:]]
    elif period == "trailing":
        found = [(quarters[-1].end, value(quarters[-_QUARTERS_A_YEAR:]))]
    else:
        found = [(year[-1].end, value(year)) for year in _years(quarters)[-_YEARS_SERVED:]]
    return [(end, number) for end, number in found if published.first <= _midnight(end) <= published.last]


def _years(quarters: Sequence[Books]) -> list[Sequence[Books]]:
    lasts = [n for n, quarter in enumerate(quarters) if quarter.end.month == _DECEMBER and n >= _QUARTERS_A_YEAR - 1]
    return [quarters[n - _QUARTERS_A_YEAR + 1 : n + 1] for n in lasts]


def _reader(metric: str, sample: Books) -> Callable[[Sequence[Books]], float] | None:
    """How a metric is read from the quarters of a period: flows are added up, levels are those of the last."""
    if metric in sample.flows:
        digits = 4 if metric in _PER_SHARE else 0
        return lambda quarters: round(sum(quarter.flows[metric] for quarter in quarters), digits)
    if metric in sample.levels:
        return lambda quarters: round(quarters[-1].levels[metric])
    return None


def _fact(name: str, period: str, money: str, fact: Value) -> Row:
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


def _shares(past: History, published: _Published, market: Market) -> Row:
    """The number of shares at the end of each quarter inside the window."""
    meta: Row = {"meta": {"symbol": [past.listing.symbol], "type": ["shares_out"]}}
    stamps = [_midnight(end) for end in quarter_ends(past.listing.first_day, _today(market))]
    stamps = [at for at in stamps if published.first <= at <= published.last]
    if not stamps:
        return meta
    shares = round(past.listing.shares / market.edits.factor(past, market.clock.now()))
    return meta | {"timestamp": stamps, "shares_out": [shares] * len(stamps)}


def _number(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default


def _today(market: Market) -> date:
    return datetime.fromtimestamp(market.clock.now(), UTC).date()


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def short(value: float) -> str:
    """A number as people read it: 1.53T, 97.00B, 3.10."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.2f}{letter}"
    return f"{value:.2f}"
