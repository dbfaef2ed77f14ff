"""What a listing is: `/v10/finance/quoteSummary/{symbol}` and its modules."""

from __future__ import annotations

from collections.abc import Callable

from stockjobs.simulator.history import effective
from stockjobs.simulator.market import Market
from stockjobs.simulator.replies import Query, Refused, Reply, json_reply, refusal
from stockjobs.simulator.snapshot import Snapshot
from stockjobs.simulator.statements import files_accounts

Module = dict[str, object]

_PLACES = {
    "USD": ("United States", "New York"),
    "GBp": ("United Kingdom", "London"),
    "EUR": ("Germany", "Berlin"),
    "JPY": ("Japan", "Tokyo"),
    "HKD": ("Hong Kong", "Hong Kong"),
    "BRL": ("Brazil", "São Paulo"),
    "AUD": ("Australia", "Sydney"),
    "ILA": ("Israel", "Tel Aviv"),
    "CAD": ("Canada", "Toronto"),
    "CHF": ("Switzerland", "Zürich"),
}
_SECTORS = {
    ("Technology", "Consumer Electronics"): "AAPL 6758.T",
    ("Technology", "Software - Infrastructure"): "MSFT SAP.DE SHOP",
    ("Technology", "Semiconductors"): "NVDA AVGO AMD INTC ASML.AS",
    ("Communication Services", "Internet Content & Information"): "GOOGL GOOG META 0700.HK",
    ("Communication Services", "Entertainment"): "NFLX DIS",
    ("Communication Services", "Telecom Services"): "T VOD.L",
    ("Consumer Cyclical", "Auto Manufacturers"): "TSLA F 7203.T",
    ("Financial Services", "Banks - Diversified"): "JPM BAC C HSBA.L 0005.HK RY.TO CBA.AX LUMI.TA",
    ("Energy", "Oil & Gas Integrated"): "XOM BP.L PETR4.SA ENI.MI",
    ("Healthcare", "Drug Manufacturers - General"): "JNJ PFE TEVA.TA",
    ("Consumer Defensive", "Household & Personal Products"): "PG KO PEP WMT COST NESN.SW",
}
_OTHER_SECTOR = ("Industrials", "Conglomerates")
_SECTOR_OF = {symbol: sector for sector, symbols in _SECTORS.items() for symbol in symbols.split()}


def quote_summary(query: Query, market: Market) -> Reply:
    """The answer to one request: those of the modules asked for that the listing has."""
    snapshot = market.snapshot(query.symbol)
    if snapshot is None:
        text = f"Quote not found for symbol: {query.symbol.upper()[:40]}"
        return refusal("quoteSummary", Refused(404, "Not Found", text))
    asked = [name for name in query.get("modules").split(",") if name in _MODULES]
    found = {name: _MODULES[name](snapshot) for name in asked}
    found = {name: {"maxAge": 1} | module for name, module in found.items() if module}
    if not found:
        text = f"No fundamentals data found for symbol: {query.symbol.upper()[:40]}"
        return refusal("quoteSummary", Refused(404, "Not Found", text))
    return json_reply({"quoteSummary": {"result": [found], "error": None}})


def market_value(snapshot: Snapshot) -> int | None:
    """Price times shares, in the major unit of the currency; None without shares."""
    listed = snapshot.history.listing
    if not listed.shares:
        return None
    unit = 0.01 if listed.currency in ("GBp", "ILA") else 1.0
    return round(snapshot.price / snapshot.factor * listed.shares * unit)


def _asset_profile(snapshot: Snapshot) -> Module:
    if not files_accounts(snapshot.history):
        return {}
    listed = snapshot.history.listing
    country, city = _PLACES.get(listed.currency, ("United States", "New York"))
    sector, industry = _SECTOR_OF.get(listed.symbol, _OTHER_SECTOR)
    return {
        "address1": "1 Main Street",
        "city": city,
        "country": country,
        "website": f"https://www.{listed.symbol.split('.')[0].lower()}.example",
        "industry": industry,
        "sector": sector,
        "longBusinessSummary": f"{listed.name} does what it does, in simulation, from {city}.",
        "fullTimeEmployees": 1_000 + snapshot.history.seed % 200_000,
        "companyOfficers": [{"maxAge": 1, "name": "Ms. Ada Example", "title": "CEO & Director", "fiscalYear": 2024}],
    }


def _quote_type(snapshot: Snapshot) -> Module:
    listed = snapshot.history.listing
    return {
        "exchange": listed.exchange,
        "quoteType": listed.kind,
        "symbol": listed.symbol,
        "underlyingSymbol": listed.symbol,
        "shortName": listed.name[:31],
        "longName": listed.name,
        "firstTradeDateEpochUtc": int(snapshot.history.days.open[0]),
        "timeZoneFullName": listed.venue.zone,
    }


def _price(snapshot: Snapshot) -> Module:
    listed = snapshot.history.listing
    return {
        "regularMarketPrice": snapshot.price,
        "regularMarketTime": snapshot.time,
        "regularMarketPreviousClose": snapshot.previous_close,
        "currency": listed.currency,
        "exchange": listed.exchange,
        "exchangeName": listed.venue.name,
        "quoteType": listed.kind,
        "symbol": listed.symbol,
        "shortName": listed.name[:31],
        "longName": listed.name,
        "marketCap": market_value(snapshot),
    }


def _summary_detail(snapshot: Snapshot) -> Module:
    low, high = snapshot.year()
    return {
        "previousClose": snapshot.previous_close,
        "fiftyTwoWeekLow": low,
        "fiftyTwoWeekHigh": high,
        "dividendYield": snapshot.history.listing.payout or None,
        "marketCap": market_value(snapshot),
        "currency": snapshot.history.listing.currency,
        "tradeable": False,
    }


def _key_statistics(snapshot: Snapshot) -> Module:
    listed = snapshot.history.listing
    if not listed.shares:
        return {}
    past = [split for at, split in effective(listed.splits, snapshot.history.days) if at <= snapshot.now]
    last_split = f"{past[-1].numerator:g}:{past[-1].denominator:g}" if past else None
    shares = round(listed.shares / snapshot.factor)
    return {
        "sharesOutstanding": shares,
        "floatShares": shares,
        "lastSplitFactor": last_split,
        "enterpriseValue": market_value(snapshot),
    }


def _financial_data(snapshot: Snapshot) -> Module:
    if not files_accounts(snapshot.history):
        return {}
    return {"currentPrice": snapshot.price, "financialCurrency": snapshot.history.listing.currency}


_MODULES: dict[str, Callable[[Snapshot], Module]] = {
    "assetProfile": _asset_profile,
    "summaryProfile": _asset_profile,
    "quoteType": _quote_type,
    "price": _price,
    "summaryDetail": _summary_detail,
    "defaultKeyStatistics": _key_statistics,
    "financialData": _financial_data,
}
