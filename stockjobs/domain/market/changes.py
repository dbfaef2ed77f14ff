"""What has changed of stored bars in an answer: which are new, which differ, which are as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import PRICES, Bars, Seconds

SAME = 2.0**-22
"""Prices that differ by less than this part are the same: two steps of the float32 that sources count in."""

_FAR = 2**40
"""No two times are so many seconds apart."""

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
    return _overlap(stored.at, came.at)


def overlap_of_all(stored: Sequence[Bars], came: Sequence[Bars]) -> Overlap:
    """The same of several pairs of runs in one look; the places are those in all of the runs, one after another."""
    return _overlap(_in_a_row(stored), _in_a_row(came))


def _overlap(stored: Seconds, came: Seconds) -> Overlap:
    if not len(stored) or not len(came):
        nothing = np.empty(0, dtype=np.intp)
        return Overlap(nothing, nothing)
    place = np.minimum(np.searchsorted(stored, came), len(stored) - 1)
    again = np.flatnonzero(stored[place] == came)
    return Overlap(place[again], again)


def _in_a_row(runs: Sequence[Bars]) -> Seconds:
    """The times of several runs, those of each far after those of the one before."""
    far = np.repeat(np.arange(len(runs)) * _FAR, [len(one.at) for one in runs])
    return np.asarray(np.concatenate([one.at for one in runs]) + far)


def changes(stored: Bars, came: Bars, both: Overlap | None = None) -> Changes:
    """What is to be written. A bar that is final is not replaced by a provisional one, which must be older news.

    `both` is where they tell of the same times, where that is known; that of several runs must be.
    """
    both = overlap(stored, came) if both is None else both
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
