"""The statements and the profile of a company, read from Yahoo's JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from yfinance.const import fundamentals_keys

from stockjobs.domain.market.bars import Fact, FactsReply, Identity
from stockjobs.errors import IdentityMismatch, MalformedReply, SymbolUnknown
from stockjobs.providers.base import Patience
from stockjobs.providers.currencies import currency_of
from stockjobs.providers.yahoo.connection import Connection, quoted
from stockjobs.providers.yahoo.meta import instant
from stockjobs.providers.yahoo.replies import Json, document

_METRICS: dict[str, list[str]] = fundamentals_keys
_PERIODS = ("annual", "quarterly", "trailing")
# Balances are of a day: nothing of them is the sum of twelve months.
_NOT_TRAILING = "balance-sheet"
# No longer than the longest question that yfinance itself asks, because some networks drop longer ones silently.
_MAX_TYPES = 4_800
# Yahoo serves four years or five quarters whatever is asked for; yfinance asks from this day on.
_SINCE = int(datetime.fromisoformat("2016-12-31T00:00:00+00:00").timestamp())
_MODULES = ("assetProfile", "quoteType", "price")
_PROFILE = {
    "assetProfile": ("sector", "industry", "country", "city", "website", "fullTimeEmployees", "longBusinessSummary"),
    "quoteType": ("quoteType", "exchange", "longName", "shortName", "timeZoneFullName"),
    "price": ("currency", "exchangeName"),
}


def read_company(connection: Connection, symbol: str, *, now: datetime, patience: Patience) -> FactsReply:
    """All facts of a company; none for a symbol that Yahoo no longer follows. Raises a `ProviderError`."""
    # First, because it alone needs the crumb: without one the rest need not be asked for in vain.
    profile, identity = _profile(connection, symbol, patience)
    facts = [
        fact
        for types in _questions()
        for fact in read_facts(connection.get(*_timeseries(symbol, types, now), patience), symbol)
    ]
    return FactsReply(symbol, tuple(sorted(facts, key=_place)), profile, identity)


def _place(fact: Fact) -> tuple[str, str, date]:
    return fact.metric, fact.period, fact.as_of


def _questions() -> Iterator[str]:
    """The names of all figures, cut into questions of a bearable length."""
    types: list[str] = []
    length = 0
    for name in _types():
        if length + len(name) > _MAX_TYPES:
            yield ",".join(types)
            types, length = [], 0
        types.append(name)
        length += len(name) + 1
    yield ",".join(types)


def _types() -> Iterator[str]:
    for period in _PERIODS:
        for statement, metrics in _METRICS.items():
            if period != "trailing" or statement != _NOT_TRAILING:
                yield from (f"{period}{metric}" for metric in metrics)


def _timeseries(symbol: str, types: str, now: datetime) -> tuple[str, dict[str, str | int]]:
    path = f"/ws/fundamentals-timeseries/v1/finance/timeseries/{quoted(symbol)}"
    return path, {"symbol": symbol, "type": types, "period1": _SINCE, "period2": math.ceil(now.timestamp())}


def read_facts(body: bytes, symbol: str) -> tuple[Fact, ...]:
    """The facts in an answer. Raises `IdentityMismatch` when it is about another symbol."""
    rows = document(body, "timeseries").get("result")
    return tuple(fact for row in (rows if isinstance(rows, list) else []) for fact in _row(row, symbol))


def _row(row: Json, symbol: str) -> Iterator[Fact]:
    meta = row.get("meta") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(meta, dict):
        raise MalformedReply("A row of Yahoo's statements has no meta.")
    about = _first(meta.get("symbol"))
    if about.casefold() != symbol.casefold():
        raise IdentityMismatch(f"Asked Yahoo for the statements of {symbol}, a row is about {about[:40] or 'nobody'}.")
    name = _first(meta.get("type"))
    figures = row.get(name)
    for figure in figures if isinstance(figures, list) else []:
        if figure is not None:
            yield _fact(name, figure)


def _fact(name: str, figure: Json) -> Fact:
    period = next((period for period in _PERIODS if name.startswith(period)), None)
    try:
        if period is None or not isinstance(figure, dict):
            raise MalformedReply(f"A figure of Yahoo's statements has an unknown form: {name[:60]!r}")
        reported: Any = figure["reportedValue"]
        value = float(reported["raw"])
        if not math.isfinite(value):
            raise ValueError(value)
        as_of = date.fromisoformat(str(figure["asOfDate"]))
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedReply(f"The figure {name[:60]!r} of Yahoo's statements cannot be read.") from error
    return Fact(name.removeprefix(period), period, as_of, value, str(figure.get("currencyCode") or ""))


def _first(value: Json) -> str:
    single = value[0] if isinstance(value, list) and value else value
    return single if isinstance(single, str) else ""


def _profile(connection: Connection, symbol: str, patience: Patience) -> tuple[dict[str, str], Identity | None]:
    path = f"/v10/finance/quoteSummary/{quoted(symbol)}"
    params = {"modules": ",".join(_MODULES), "formatted": "false", "symbol": symbol}
    try:
        body = connection.get(path, params, patience, needs_crumb=True)
    except SymbolUnknown:
        # So it says of everything that has no such page, funds and currencies among them.
        return {}, None
    return read_profile(body), read_company_identity(body, symbol)


def read_profile(body: bytes) -> dict[str, str]:
    """The profile in an answer, as text."""
    modules = _modules(body)
    return {key: text for name in _MODULES for key, text in _texts(modules.get(name), name)}


def read_company_identity(body: bytes, symbol: str) -> Identity | None:
    """Of whom a profile is, as far as that tells one company from another; the rest is for charts to say.

    None for one without a currency.
    """
    modules = _modules(body)
    price, quote = modules.get("price"), modules.get("quoteType")
    text = price.get("currency") if isinstance(price, dict) else None
    if not isinstance(text, str) or not text:
        return None
    currency, unit = currency_of(text)
    born = quote.get("firstTradeDateEpochUtc") if isinstance(quote, dict) else None
    first_trade_at = instant(born) if isinstance(born, int) and not isinstance(born, bool) else None
    return Identity(symbol, "", "", currency, "", unit=unit, first_trade_at=first_trade_at)


def _modules(body: bytes) -> dict[str, Json]:
    results = document(body, "quoteSummary").get("result")
    modules = results[0] if isinstance(results, list) and results else {}
    return modules if isinstance(modules, dict) else {}


def _texts(module: Json, name: str) -> Iterator[tuple[str, str]]:
    for key in _PROFILE[name] if isinstance(module, dict) else ():
        value = module.get(key) if isinstance(module, dict) else None
        plain = value.get("raw") if isinstance(value, dict) else value
        if isinstance(plain, str | int | float) and plain != "":
            yield key, str(plain)
