"""Lacking: which splits are not in the price of a bar yet, as its factor tells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import Prices, Seconds
from stockjobs.domain.market.splits import Split

SPREAD = 1e-3
"""Ratios that differ by less than this part are one ratio: sources round prices."""

LOOK_BACK = 6
"""Of so many of the newest splits it is tried which of them are meant."""


def missing(factor: float, at: int, splits: Sequence[Split]) -> tuple[Split, ...]:
    """The splits after a bar that are not in its price yet; the fewest and newest that explain its factor."""
    return _explaining(factor, at, splits) or ()


def missing_of_all(at: Seconds, factor: Prices, splits: Sequence[Split]) -> tuple[Split, ...]:
    """The splits that are not yet in the price of one bar or another."""
    found: set[Split] = set()
    later = np.searchsorted([one.since for one in splits], at, side="right")
    for count, value in {*zip(later.tolist(), factor.tolist(), strict=True)}:
        place = int(np.flatnonzero((later == count) & (factor == value))[0])
        found.update(missing(value, int(at[place]), splits))
    return tuple(sorted(found))


def lacks(at: Seconds, factor: Prices, split: Split, splits: Sequence[Split]) -> NDArray[np.bool_]:
    """Of which bars a split is not in the price, as far as their factors tell."""
    later = np.searchsorted([one.since for one in splits], at, side="right")
    found = np.zeros(len(at), dtype=np.bool_)
    # Most bars of a series have the same splits after them, and in their prices.
    for count, value in {*zip(later.tolist(), factor.tolist(), strict=True)}:
        alike = (later == count) & (factor == value)
        found[alike] = _is_lacking(value, int(at[alike][0]), split, splits)
    return found


def are_explained(at: Seconds, factor: Prices, splits: Sequence[Split]) -> NDArray[np.bool_]:
    """Which bars have factors that known splits explain: others were told anew by a ratio of which nobody has told."""
    later = np.searchsorted([one.since for one in splits], at, side="right")
    found = np.zeros(len(at), dtype=np.bool_)
    for count, value in {*zip(later.tolist(), factor.tolist(), strict=True)}:
        alike = (later == count) & (factor == value)
        found[alike] = _explaining(value, int(at[alike][0]), splits) is not None
    return found


def _explaining(factor: float, at: int, splits: Sequence[Split]) -> tuple[Split, ...] | None:
    """As `missing`; None if none explain it."""
    later = [split for split in splits if split.since > at][-LOOK_BACK:]
    lacks = math.prod(split.ratio for split in splits if split.since > at) / factor
    for count in range(len(later) + 1):
        for chosen in reversed(list(combinations(later, count))):
            if abs(math.prod(split.ratio for split in chosen) / lacks - 1) < SPREAD:
                return chosen
    return None


def _is_lacking(factor: float, at: int, split: Split, splits: Sequence[Split]) -> bool:
    if at >= split.since:
        return False
    explaining = _explaining(factor, at, splits)
    if explaining is not None:
        return split in explaining
    whole = math.prod(one.ratio for one in splits if one.since > at)
    # What is missing grows or shrinks by the ratio: a factor is much nearer to the whole one with the split than without.
    return abs(math.log(whole / factor / split.ratio)) < abs(math.log(whole / factor)) / 2 - SPREAD
