"""Trading before and after the bell: thin, without volume, and for American shares only."""

from __future__ import annotations

import numpy as np

from stockjobs.simulator.history import History, to_tick
from stockjobs.simulator.minutes import MINUTE, Minutes, minutes
from stockjobs.simulator.noise import normal
from stockjobs.simulator.rows import Prices, Rows, Seconds

BEFORE = 330
"""Minutes from 4:00 to the opening bell in New York."""

AFTER = 240
"""Minutes after the closing bell."""


def has_extended_hours(history: History) -> bool:
    """True for shares and funds listed in the United States."""
    return history.listing.venue.mic == "XNYS" and history.listing.kind in ("EQUITY", "ETF")


def extended_minutes(history: History, first: int, last: int) -> Minutes:
    """The minutes of the sessions with first ≤ index < last, those before and after the bell included."""
    regular = minutes(history, first, last)
    if not has_extended_hours(history) or first >= last:
        return regular
    chosen = np.arange(first, last)
    opens, closes = history.days.open[chosen, None], history.days.close[chosen, None]
    before = opens + (np.arange(BEFORE) - BEFORE) * MINUTE
    after = closes + np.arange(AFTER) * MINUTE
    yesterday = history.close[np.maximum(chosen - 1, 0)]
    early = _thin(history, chosen, yesterday, history.open[chosen], before, 8)
    late = _thin(
        history, chosen, history.close[chosen], history.open[np.minimum(chosen + 1, len(history.days) - 1)], after, 9
    )
    rows = regular.rows + early + late
    session = np.concatenate([regular.session, np.repeat(chosen, BEFORE), np.repeat(chosen, AFTER)])
    order = np.argsort(rows.at, kind="stable")
    return Minutes(rows[order], session[order])


def _thin(history: History, chosen: Seconds, start: Prices, end: Prices, at: Seconds, salt: int) -> Rows:
    length = at.shape[1]
    part = np.arange(1, length + 1) / length
    noise = 0.05 * history.listing.volatility * normal(history.seed + salt, chosen[:, None], np.arange(length))
    prices = np.exp(np.log(start[:, None]) * (1 - part) + np.log(end[:, None]) * part + noise)
    prices = to_tick(prices, history.as_traded[chosen, None], history.listing.decimals)
    opens = np.concatenate([start[:, None], prices[:, :-1]], axis=1)
    high, low = np.maximum(opens, prices), np.minimum(opens, prices)
    columns = (column.reshape(-1) for column in (opens, high, low, prices, np.zeros_like(prices), prices))
    return Rows(at.reshape(-1), *columns)
