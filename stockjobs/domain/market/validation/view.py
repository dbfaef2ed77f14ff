"""What rules look at: the bars of an answer, oldest first, with what is known around them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stockjobs.domain.market.bars import PRICES, Bars, Prices
from stockjobs.domain.market.days import same_as_before
from stockjobs.domain.market.validation import hours, levels
from stockjobs.domain.market.validation.context import Context, Mask


@dataclass(frozen=True, eq=False)
class View:
    """Bars in the order of their times, and their context; `disorder` is how many came before one that they should follow."""

    bars: Bars
    context: Context
    disorder: int = 0

    def __len__(self) -> int:
        return len(self.bars)

    @cached_property
    def prices(self) -> Prices:
        """Open, high, low and close as the rows of one array."""
        return np.stack([getattr(self.bars, name) for name in PRICES])

    @cached_property
    def outside(self) -> Mask:
        """The bars outside of every session, where the sessions are known."""
        return hours.outside(self.bars, self.context)

    @cached_property
    def levels(self) -> levels.Levels:
        """The bars whose prices stand at another level than they should, and why."""
        return levels.examine(self.bars, self.context)

    @cached_property
    def repeats(self) -> Mask:
        """The bars that are of the same time, day, week or month as the one before them."""
        return same_as_before(self.bars.at, self.context.interval, self.context.zone)

    def none(self) -> Mask:
        """No bar at all."""
        return np.zeros(len(self), dtype=np.bool_)
