"""The small endpoints: `/v7/finance/quote`, `/v7/finance/options/{symbol}` and `/v1/finance/search`."""

from __future__ import annotations

from stockjobs.simulator.listings import known_symbols, listing
from stockjobs.simulator.market import Market
from stockjobs.simulator.profiles import market_value
from stockjobs.simulator.replies import Query, Refused, Reply, json_reply, refusal
from stockjobs.simulator.snapshot import Snapshot

_MOST_QUOTES = 99


def quote(query: Query, market: Market) -> Reply:
    """The last prices of up to 99 symbols; unknown ones are left out."""
    symbols = [symbol for symbol in query.get("symbols").split(",") if symbol]
    if not symbols:
        return refusal("quoteResponse", Refused(400, "Bad Request", "Missing value for the symbols argument"))
    if len(symbols) > _MOST_QUOTES:
        return refusal("quoteResponse", Refused(400, "Bad Request", f"Too many symbols, at most {_MOST_QUOTES}"))
    snapshots = (market.snapshot(symbol) for symbol in symbols)
    return json_reply({"quoteResponse": {"result": [_quote(one) for one in snapshots if one], "error": None}})


def _quote(snapshot: Snapshot) -> dict[str, object]:
    listed, today = snapshot.history.listing, snapshot.today
    price, previous = snapshot.price, snapshot.previous_close
    return {
        "language": "en-US",
        "region": "US",
        "quoteType": listed.kind,
        "quoteSourceName": "Simulated Quote",
        "currency": listed.currency,
        "marketState": "REGULAR" if snapshot.is_open else "CLOSED",
        "exchange": listed.exchange,
        "fullExchangeName": listed.venue.name,
        "exchangeTimezoneName": listed.venue.zone,
        "symbol": listed.symbol,
        "shortName": listed.name[:31],
        "longName": listed.name,
        "firstTradeDateMilliseconds": int(snapshot.history.days.open[0]) * 1000,
        "priceHint": listed.price_hint,
        "regularMarketPrice": price,
        "regularMarketChange": price - previous,
        "regularMarketChangePercent": (price / previous - 1) * 100,
        "regularMarketTime": snapshot.time,
        "regularMarketPreviousClose": previous,
        "regularMarketVolume": int(today.volume[0] / snapshot.factor),
        "marketCap": market_value(snapshot),
        "sharesOutstanding": round(listed.shares / snapshot.factor) or None,
    }


def options(query: Query, market: Market) -> Reply:
    """A valid chain without any contracts."""
    snapshot = market.snapshot(query.symbol)
    if snapshot is None:
        return json_reply({"optionChain": {"result": [], "error": None}})
    chain = {
        "underlyingSymbol": snapshot.history.listing.symbol,
        "expirationDates": [],
        "strikes": [],
        "hasMiniOptions": False,
        "quote": _quote(snapshot),
        "options": [],
    }
    return json_reply({"optionChain": {"result": [chain], "error": None}})


def search(query: Query, market: Market) -> Reply:
    """The listings whose symbol or name contains the words asked for."""
    words = query.get("q").strip().upper()
    limit = int(query.get("quotesCount")) if query.get("quotesCount").isdecimal() else 7
    found = [symbol for symbol in known_symbols() if words and _matches(symbol, words) and market.snapshot(symbol)]
    quotes = [_found(symbol) for symbol in found[:limit]]
    return json_reply({"explains": [], "count": len(quotes), "quotes": quotes, "news": [], "nav": [], "lists": []})


def _matches(symbol: str, words: str) -> bool:
    listed = listing(symbol)
    return listed is not None and (symbol.startswith(words) or words in listed.name.upper())


def _found(symbol: str) -> dict[str, object]:
    listed = listing(symbol)
    if listed is None:
        return {}
    return {
        "exchange": listed.exchange,
        "shortname": listed.name[:31],
        "longname": listed.name,
        "quoteType": listed.kind,
        "symbol": symbol,
        "exchDisp": listed.venue.name,
        "isYahooFinance": True,
    }
