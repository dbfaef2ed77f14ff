"""Splits, and how many shares of now a share of then has become."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stockjobs.domain.market.bars import Bars, CorporateAction, Prices, Seconds


@dataclass(frozen=True, order=True)
class Split:
    """A split: the open of its ex-day in epoch seconds, and new shares per old share (4.0 for 4:1, 0.1 for 1:10)."""

    at: int
    ratio: float


def splits_in(actions: Iterable[CorporateAction]) -> tuple[Split, ...]:
    """The splits among corporate actions, oldest first; one without a meaning is left out."""
    found = (Split(int(one.at.timestamp()), one.value) for one in actions if one.kind == "split")
    return tuple(sorted(split for split in found if split.ratio > 0 and split.ratio != 1))


def together(known: Sequence[Split], told: Sequence[Split]) -> tuple[Split, ...]:
    """The splits that were known and those that were told of since; where both tell of a day, the latter."""
    return tuple(sorted((({split.at: split for split in known}) | {split.at: split for split in told}).values()))


def factors(at: Seconds, splits: Sequence[Split]) -> Prices:
    """The product of the ratios of all splits after each bar: by so much its shares have become more."""
    found = np.ones(len(at), dtype=np.float64)
    for split in splits:
        found[at < split.at] *= split.ratio
    return found


@dataclass(frozen=True, eq=False)
class InPrices:
    """The splits that are in the prices of a series: when its bars open, oldest first, and the factor of each.

    `splits` are all that are known, `length` is how long a bar lasts, in seconds.
    """

    at: Seconds
    factor: Prices
    splits: Sequence[Split]
    length: int

    def reaches(self, at: int) -> bool:
        """True up to the end of the last bar."""
        return len(self.at) > 0 and at < int(self.at[-1]) + self.length

    def of(self, at: int) -> float:
        """The splits that are in an amount of an instant, as far as the bar has them in which it lies.

        Before the first bar, as the first one has them; after the last one, all that are known.
        """
        known = float(factors(np.array([at]), self.splits)[0])
        if not self.reaches(at):
            return known
        place = max(int(np.searchsorted(self.at, at, side="right")) - 1, 0)
        share = self.factor[place] / factors(self.at[place : place + 1], self.splits)[0]
        return float(known * share)


def in_new_shares(bars: Bars, ratio: Prices) -> Bars:
    """Bars told in other shares, `ratio` new ones for an old one of each: prices are divided by it, volumes multiplied."""
    prices = {name: getattr(bars, name) / ratio for name in ("open", "high", "low", "close")}
    volume = np.where(bars.volume > 0, np.rint(bars.volume * ratio), bars.volume).astype(np.int64)
    return replace(bars, **prices, volume=volume)
