"""Whether a correction makes a series smoother: a price that stood far from its neighbours came back to them."""

from __future__ import annotations

import numpy as np

from stockjobs.domain.market.bars import PRICES, Bars, Prices

CALM = float(np.log(1.2))
"""Prices so near to what the neighbours span, in logarithms, are at their level."""

IMPOSSIBLE = float(np.log(3.0))
"""Prices so far from it are at none that a market has put them to."""

ONE_RATIO = 0.01
"""Ratios that differ by less, in logarithms, are one ratio: prices are rounded."""


def are_mended(old: Bars, now: Bars, kept: Bars) -> bool:
    """True if each bar that changed by much, from `old` to `now`, stands with its neighbours now, and did not before.

    The neighbours are the nearest of the stored bars that were `kept`. Where there are such on one side alone, only a price is
    known to be mended that stood where no market had put it.
    """
    if not len(kept):
        return False
    place = np.searchsorted(kept.at, now.at)
    is_between = (place > 0) & (place < len(kept))
    before, after = _log(kept.close[np.maximum(place - 1, 0)]), _log(kept.open[np.minimum(place, len(kept) - 1)])
    before, after = np.where(place > 0, before, after), np.where(place < len(kept), after, before)
    lowest, highest = np.minimum(before, after), np.maximum(before, after)
    far, far_before = _distance(now, lowest, highest), _distance(old, lowest, highest)
    return bool(((far <= CALM) & (far_before > np.where(is_between, far, IMPOSSIBLE))).all())


def _distance(bars: Bars, lowest: Prices, highest: Prices) -> Prices:
    """By how much the prices of each bar lie outside of a range, at the most; one that is not positive as far as can be."""
    prices = _log(np.stack([getattr(bars, name) for name in PRICES]))
    far = np.where(np.isnan(prices), np.inf, np.maximum(lowest - prices, prices - highest))
    return np.asarray(np.maximum(far, 0.0).max(axis=0))


def _log(prices: Prices) -> Prices:
    """Prices in logarithms, without a number where they have none."""
    return np.log(np.where(prices > 0, prices, np.nan))


def are_joined(old: Bars, now: Bars) -> bool:
    """True if whole runs of bars were changed, each by one ratio, so that they join what is beside them: `old` and `now` are
    all bars that came again.

    What the changes amount to has to be gone, for the greater part, from the steps where one run meets the next, and where
    several do they have to meet closely. A run at either end, which has a neighbour on one side alone, is of two bars at least.
    """
    ratio = _log(now.close) - _log(old.close)
    apart = [np.abs(_log(getattr(now, name)) - _log(getattr(old, name)) - ratio) for name in ("open", "high", "low")]
    change = np.abs(np.diff(ratio))
    edges = np.flatnonzero(change > ONE_RATIO)
    if not len(edges) or not np.max(apart) <= ONE_RATIO:
        return False
    is_single = (edges[0] == 0 and abs(ratio[0]) > ONE_RATIO, edges[-1] == len(now) - 2 and abs(ratio[-1]) > ONE_RATIO)
    before, after = _steps(old)[edges], _steps(now)[edges]
    is_near = after.max() <= (CALM if len(edges) > 1 else IMPOSSIBLE)
    return not any(is_single) and bool(is_near and (before - after).sum() > change[edges].sum() / 2)


def is_torn(before: float, old: float, now: float) -> bool:
    """True if a price that was changed by much stood nearer to the one `before` it when it was `old` than it does `now`."""
    if min(before, old, now) <= 0:
        return False
    return bool(abs(np.log(now / old)) > CALM and abs(np.log(old / before)) < abs(np.log(now / before)))


def _steps(bars: Bars) -> Prices:
    """By how much the price moves from each bar to the next."""
    return np.asarray(np.abs(_log(bars.open[1:]) - _log(bars.close[:-1])))
