"""Bars in columns, and how fine ones are gathered into coarse ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import PRICES

Seconds = NDArray[np.int64]
Prices = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Bars of equal length, oldest first. `at` is when each opened; `adjusted` is the close less later dividends."""

    at: Seconds
    open: Prices
    high: Prices
    low: Prices
    close: Prices
    volume: Prices
    adjusted: Prices

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, chosen: slice | Seconds | NDArray[np.bool_]) -> Rows:
        return Rows(*(getattr(self, name)[chosen] for name in COLUMNS))

    def __add__(self, other: Rows) -> Rows:
        return Rows(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in COLUMNS))

    @classmethod
    def empty(cls) -> Rows:
        """No bars at all."""
        none = np.empty(0)
        return cls(np.empty(0, np.int64), none, none, none, none, none, none)

    def dated(self, at: Seconds) -> Rows:
        """The same bars under other times."""
        return replace(self, at=at)

    def scaled(self, factor: float) -> Rows:
        """The same bars in other shares: prices times the factor, volumes divided by it."""
        if factor == 1.0:
            return self
        return Rows(
            self.at,
            self.open * factor,
            self.high * factor,
            self.low * factor,
            self.close * factor,
            np.round(self.volume / factor),
            self.adjusted * factor,
        )

    def gathered(self, groups: Seconds) -> Rows:
        """One bar per run of equal numbers in `groups`, standing at the time of the run's first bar."""
        if not len(self):
            return self
        starts = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
        ends = np.concatenate([starts[1:], [len(self)]]) - 1
        return Rows(
            self.at[starts],
            self.open[starts],
            np.maximum.reduceat(self.high, starts),
            np.minimum.reduceat(self.low, starts),
            self.close[ends],
            np.add.reduceat(self.volume, starts),
            self.adjusted[ends],
        )


VALUES = (*PRICES, "volume", "adjusted")
COLUMNS = ("at", *VALUES)
