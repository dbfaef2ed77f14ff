"""The minutes inside a session: a path that starts at the day's open, ends at its close and touches its high and low.

So minutes gathered into a day give exactly that day's bar, and minutes need not be made to know the day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stockjobs.simulator.history import History, to_tick
from stockjobs.simulator.noise import normal, uniform
from stockjobs.simulator.rows import Prices, Rows, Seconds

MINUTE = 60


@dataclass(frozen=True, eq=False)
class Minutes:
    """One-minute bars in today's shares, with the index of the session that each belongs to."""

    rows: Rows
    session: Seconds


def minutes(history: History, first: int, last: int) -> Minutes:
    """The minutes of the sessions with first ≤ index < last."""
    chosen = np.arange(first, last)
    lengths = history.days.minutes[first:last]
    parts = [_equally_long(history, chosen[lengths == length], int(length)) for length in np.unique(lengths)]
    rows, session = Rows.empty(), np.empty(0, np.int64)
    for more, its_session in parts:
        rows, session = rows + more, np.concatenate([session, its_session])
    order = np.argsort(rows.at, kind="stable")
    return Minutes(rows[order], session[order])


def _equally_long(history: History, sessions: Seconds, length: int) -> tuple[Rows, Seconds]:
    """The minutes of sessions that trade for the same number of minutes, computed as one matrix."""
    closes = _path(history, sessions, length)
    opens = np.concatenate([history.open[sessions, None], closes[:, :-1]], axis=1)
    high, low = _reach(history, sessions, opens, closes)
    volume = _spread(history, sessions, length)
    at = _times(history, sessions, length)
    prices = (prices.reshape(-1) for prices in (opens, high, low, closes, volume, closes))
    return Rows(at.reshape(-1), *prices), np.repeat(sessions, length)


def _times(history: History, sessions: Seconds, length: int) -> Seconds:
    offset = np.arange(length, dtype=np.int64) * MINUTE
    at = history.days.open[sessions, None] + offset
    lunch = history.days.resume[sessions, None] - history.days.pause[sessions, None]
    return np.asarray(np.where(at >= history.days.pause[sessions, None], at + lunch, at))


def _path(history: History, sessions: Seconds, length: int) -> Prices:
    """The close of each minute: a Brownian bridge from the day's open to its close, kept between its low and high."""
    opened, closed = history.open[sessions, None], history.close[sessions, None]
    part = np.arange(1, length + 1) / length
    walk = np.cumsum(normal(history.seed + 5, sessions[:, None], np.arange(length)), axis=1)
    bridge = (walk - part * walk[:, -1:]) * history.listing.volatility * 0.6 / np.sqrt(length)
    prices = np.exp(np.log(opened) * (1 - part) + np.log(closed) * part + bridge)
    ticked = to_tick(prices, history.as_traded[sessions, None], history.listing.decimals)
    ticked = np.clip(ticked, history.low[sessions, None], history.high[sessions, None])
    ticked[:, -1] = history.close[sessions]
    return np.asarray(ticked)


def _reach(history: History, sessions: Seconds, opens: Prices, closes: Prices) -> tuple[Prices, Prices]:
    top, bottom = np.maximum(opens, closes), np.minimum(opens, closes)
    spread = history.listing.volatility * 0.4 / np.sqrt(opens.shape[1])
    noise = uniform(history.seed + 6, sessions[:, None], np.arange(opens.shape[1])) * spread
    ticks = (history.as_traded[sessions, None], history.listing.decimals)
    high = np.clip(to_tick(top * (1 + noise), *ticks), top, history.high[sessions, None])
    low = np.clip(to_tick(bottom * (1 - noise), *ticks), history.low[sessions, None], bottom)
    each = np.arange(len(sessions))
    high[each, np.argmax(top, axis=1)] = history.high[sessions]
    low[each, np.argmin(bottom, axis=1)] = history.low[sessions]
    return high, low


def _spread(history: History, sessions: Seconds, length: int) -> Prices:
    """The day's volume over its minutes, busiest at both ends, adding up exactly."""
    place = np.linspace(-1.0, 1.0, length)
    weight = (0.5 + place**2) * (0.5 + uniform(history.seed + 7, sessions[:, None], np.arange(length)))
    part = np.cumsum(weight, axis=1)
    reached = np.floor(part / part[:, -1:] * history.volume[sessions, None])
    reached[:, -1] = history.volume[sessions]
    return np.diff(reached, axis=1, prepend=0.0)


def until(history: History, bars: Minutes, now: float) -> Minutes:
    """The minutes that have begun; the one that `now` falls into is cut short."""
    begun = int(np.searchsorted(bars.rows.at, now, side="right"))
    rows, session = bars.rows[:begun], bars.session[:begun]
    if not begun or now >= rows.at[-1] + MINUTE:
        return Minutes(rows, session)
    return Minutes(rows[:-1] + _cut_short(history, rows[-1:], session[-1:], now), session)


def _cut_short(history: History, minute: Rows, session: Seconds, now: float) -> Rows:
    part = (now - minute.at) / MINUTE
    price = minute.open + (minute.close - minute.open) * part
    price = to_tick(price, history.as_traded[session], history.listing.decimals)
    high, low = np.maximum(minute.open, price), np.minimum(minute.open, price)
    return Rows(minute.at, minute.open, high, low, price, np.floor(minute.volume * part), price)
