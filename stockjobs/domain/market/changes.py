"""What has changed of stored bars in an answer: which are new, which differ, which are as they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import PRICES, Bars

SAME = 2.0**-22
"""Prices that differ by less than this part are the same: two steps of the float32 that sources count in."""


Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Overlap:
    """The bars that are stored and came again: their places among the stored and among those that came."""

    stored: NDArray[np.intp]
    came: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.stored)


@dataclass(frozen=True, eq=False)
class Changes:
    """Of the bars that came: which are new, and which replace a stored one that differs."""

    new: Mask
    changed: Mask


def overlap(stored: Bars, came: Bars) -> Overlap:
    """Where two runs of bars tell of the same times. Both are in order, each time once."""
    if not len(stored) or not len(came):
        nothing = np.empty(0, dtype=np.intp)
        return Overlap(nothing, nothing)
    place = np.minimum(np.searchsorted(stored.at, came.at), len(stored) - 1)
    again = np.flatnonzero(stored.at[place] == came.at)
    return Overlap(place[again], again)


def changes(stored: Bars, came: Bars) -> Changes:
    """What is to be written. A bar that is final is not replaced by a provisional one, which must be older news."""
    both = overlap(stored, came)
    new = np.ones(len(came), dtype=np.bool_)
    new[both.came] = False
    old, now = stored.where(both.stored), came.where(both.came)
    changed = np.zeros(len(came), dtype=np.bool_)
    changed[both.came] = differs(old, now) & (old.provisional | ~now.provisional)
    return Changes(new, changed)


def differs(old: Bars, now: Bars) -> Mask:
    """Which bars of the same times are not the same: prices by more than noise, volume or the mark by anything."""
    return np.asarray(prices_differ(old, now) | (old.volume != now.volume) | (old.provisional != now.provisional))


def prices_differ(old: Bars, now: Bars, by: float = SAME) -> Mask:
    """Which bars of the same times have a price that differs by more than this part."""
    found = np.zeros(len(old), dtype=np.bool_)
    for name in PRICES:
        before, after = getattr(old, name), getattr(now, name)
        # Most come again to the last bit, which is seen much sooner than how little they differ.
        if before.tobytes() != after.tobytes():
            found |= np.abs(after - before) > by * np.abs(before)
    return found
