"""Bars that were set aside while nobody knew of a split: which of its splits explain them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stockjobs.domain.market.bars import Bars, Seconds
from stockjobs.domain.market.coverage import Places
from stockjobs.domain.market.splits import Split, factors

TOLERANCE = 0.25
"""So far, in logarithms, bars may stand from the stored ones nearest to them: prices move as well."""

NEAR_S = 30 * 86_400
"""Stored bars further away say nothing."""


def lacked(aside: Bars, stored: Bars, splits: Sequence[Split]) -> tuple[Split, ...] | None:
    """The splits that are to be applied to bars that came in one go, until they are in the shares of the stored ones beside them.

    They came after none, some or all of the splits (oldest first) had been applied. None where nothing of that leads to
    where the stored ones stand, or a bar begins in one kind of shares and ends in another.
    """
    if not len(stored) or not len(aside) or not (aside.close > 0).all() or _are_mixed(aside):
        return None
    place = _nearest(stored.at, aside.at)
    if np.abs(stored.at[place] - aside.at).min() > NEAR_S:
        return None
    ways = [factors(aside.at, splits[applied:]) for applied in range(len(splits) + 1)]
    apart = [abs(float(np.median(np.log(aside.close / way / stored.close[place])))) for way in ways]
    best = int(np.argmin(apart))
    return tuple(splits[best:]) if apart[best] <= TOLERANCE else None


def _are_mixed(bars: Bars) -> bool:
    """True if a bar has prices so far from its close as it may not stand from its neighbours."""
    prices = np.stack([bars.open, bars.high, bars.low])
    return bool((np.abs(np.log(prices / bars.close)) > TOLERANCE).any())


def _nearest(at: Seconds, wanted: Seconds) -> Places:
    after = np.clip(np.searchsorted(at, wanted), 1, max(len(at) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(at) - 1)
    return np.where(wanted - at[before] <= at[after] - wanted, before, after)
