"""Runs: the bars of several answers one after another, to be looked at all at once.

Answers are often of a few bars each, and then a look at each takes much longer than what it computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import Bars, chained


@dataclass(frozen=True, eq=False)
class Runs:
    """The bars of all answers, of each of which there must be some, with where those of each begin, and how many they are."""

    bars: Bars
    first: NDArray[np.intp]
    length: NDArray[np.intp]

    @classmethod
    def of(cls, bars: Sequence[Bars]) -> Runs:
        """The bars of some answers."""
        length = np.array([len(one.at) for one in bars], dtype=np.intp)
        return cls(chained(bars), np.cumsum(length) - length, length)

    @property
    def last(self) -> NDArray[np.intp]:
        """Where the bars of each answer end."""
        return self.first + self.length - 1

    def all_of(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of each answer whether it holds of all of its bars."""
        return np.logical_and.reduceat(mask, self.first)

    def are_apart(self, seconds: NDArray[np.int64] | int) -> NDArray[np.bool_]:
        """The bars that are so many seconds or more after the one before in their answer; the first ones are."""
        at = self.bars.at
        found = np.empty(len(at), dtype=np.bool_)
        found[1:] = at[1:] - at[:-1] >= (seconds if isinstance(seconds, int) else seconds[1:])
        found[self.first] = True
        return found
