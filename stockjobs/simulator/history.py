"""The daily history of a listing: one price path, in today's shares, from its first day to the end of the calendar.

Logarithms of the closes swing round a straight line between two known prices (an Ornstein-Uhlenbeck process), so
charts look like charts and prices stay sensible for decades. As-traded prices are rounded to the tick of the listing
before the splits are divided out, as those of a real source are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stockjobs.simulator.listings import Listing, Split, listing
from stockjobs.simulator.noise import normal, seed_of
from stockjobs.simulator.trading import TradingDays, trades_round_the_clock, trading_days

Prices = NDArray[np.float64]

_KNOWN_UNTIL = date(2024, 12, 31)
_REVERSION = 0.995
_LATER_GROWTH = 0.06 / 252
_QUARTERLY_PAYERS = frozenset({"USD", "CAD"})


@dataclass(frozen=True, eq=False)
class Dividend:
    """A dividend: the index of its ex-day among the sessions, and the amount per share in today's shares."""

    index: int
    amount: float


@dataclass(frozen=True, eq=False)
class History:
    """The sessions of one listing and their columns, of equal length.

    `as_traded` is the factor from today's shares to those of each day. `later_payouts` is the part of the close
    that remains when all later dividends are taken off, which gives adjusted closes.
    """

    listing: Listing
    days: TradingDays
    open: Prices
    high: Prices
    low: Prices
    close: Prices
    volume: Prices
    as_traded: Prices
    dividends: tuple[Dividend, ...]
    later_payouts: Prices

    @property
    def seed(self) -> int:
        """The seed of everything about this listing."""
        return seed_of("listing", self.listing.symbol)


def effective(splits: tuple[Split, ...], days: TradingDays) -> list[tuple[int, Split]]:
    """The splits with the opening of the session in which each takes effect, those beyond the calendar left out."""
    found = ((days.on(split.day), split) for split in splits)
    return [(int(days.open[index]), split) for index, split in found if index < len(days)]


def history(symbol: str, until: datetime) -> History:
    """The history of a symbol, which must be listed, to the end of the year after `until`, at least of 2026.

    The path is drawn to the price of 2024, so it needs those days even while the clock stands before them.
    """
    return _history(symbol, max(until.year, _KNOWN_UNTIL.year + 1))


@lru_cache(maxsize=512)
def _history(symbol: str, year: int) -> History:
    known = listing(symbol)
    if known is None:
        raise KeyError(symbol)
    days = _since(trading_days(known.venue, datetime(year, 1, 1, tzinfo=UTC)), known.first_day)
    seed = seed_of("listing", symbol)
    close = _closes(known, days, seed)
    gap = 0.05 if trades_round_the_clock(known.venue) else 0.35
    previous = np.concatenate([[known.first_price], close[:-1]])
    opened = previous * np.exp(gap * known.volatility * normal(seed + 1, days.ordinal))
    reach = 0.5 * known.volatility
    high = np.maximum(opened, close) * np.exp(reach * np.abs(normal(seed + 2, days.ordinal)))
    low = np.minimum(opened, close) * np.exp(-reach * np.abs(normal(seed + 3, days.ordinal)))
    factor = _as_traded(known, days)
    opened, high, low, close = (to_tick(prices, factor, known.decimals) for prices in (opened, high, low, close))
    dividends = _dividends(known, days, close, seed)
    payouts = _later_payouts(close, dividends)
    volume = _volumes(known, days, seed)
    return History(known, days, opened, high, low, close, volume, factor, dividends, payouts)


def to_tick(prices: Prices, as_traded: Prices, decimals: int) -> Prices:
    """Prices as they would be quoted in the shares of their day, at least one tick, given back in today's shares."""
    quoted = np.maximum(np.round(prices * as_traded, decimals), 10.0**-decimals)
    return np.asarray(quoted / as_traded)


def _since(days: TradingDays, first: date) -> TradingDays:
    start = days.on(first)
    return TradingDays(*(column[start:] for column in (days.ordinal, days.open, days.close, days.pause, days.resume)))


def _closes(known: Listing, days: TradingDays, seed: int) -> Prices:
    steps = np.arange(len(days), dtype=np.float64)
    anchor = max(days.on(_KNOWN_UNTIL), 1)
    growth = np.log(known.late_price / known.first_price) / anchor
    line = np.log(known.first_price) + growth * np.minimum(steps, anchor)
    line += min(growth, _LATER_GROWTH) * np.maximum(steps - anchor, 0)
    shocks = known.volatility * normal(seed, days.ordinal)
    shocks[0] = 0.0
    swing = _REVERSION**steps * np.cumsum(shocks * _REVERSION**-steps)
    return np.asarray(np.exp(line + swing))


def _as_traded(known: Listing, days: TradingDays) -> Prices:
    factor = np.ones(len(days))
    for split in known.splits:
        factor[: days.on(split.day)] *= split.ratio
    return factor


def _volumes(known: Listing, days: TradingDays, seed: int) -> Prices:
    usual = {"CURRENCY": 0.0, "INDEX": 3.5e9, "CRYPTOCURRENCY": 3e10}.get(known.kind, known.shares * 0.004)
    return np.asarray(np.round(usual * np.exp(0.35 * normal(seed + 4, days.ordinal))))


def _dividends(known: Listing, days: TradingDays, close: Prices, seed: int) -> tuple[Dividend, ...]:
    if not known.payout:
        return ()
    every = 3 if known.currency in _QUARTERLY_PAYERS else 6
    indexes = (days.on(day) for day in _ex_days(known.first_day, days, every, seed))
    return tuple(
        Dividend(index, round(float(close[index - 1]) * known.payout * every / 12, 6))
        for index in indexes
        if 0 < index < len(days)
    )


def _ex_days(first: date, days: TradingDays, every: int, seed: int) -> list[date]:
    last = date.fromordinal(int(days.ordinal[-1])) - timedelta(days=10)
    day_of_month, offset = 5 + seed % 12, (seed >> 8) % every
    months = range(first.year * 12 + offset, last.year * 12 + 12, every)
    found = (date(month // 12, month % 12 + 1, day_of_month) for month in months)
    return [day for day in found if first < day <= last]


def _later_payouts(close: Prices, dividends: tuple[Dividend, ...]) -> Prices:
    kept = np.ones(len(close) + 1)
    for dividend in dividends:
        kept[dividend.index - 1] *= 1.0 - dividend.amount / close[dividend.index - 1]
    return np.asarray(np.cumprod(kept[::-1])[::-1][:-1])
