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


def in_new_shares(bars: Bars, ratio: Prices) -> Bars:
    """Bars told in other shares, `ratio` new ones for an old one of each: prices are divided by it, volumes multiplied."""
    prices = {name: getattr(bars, name) / ratio for name in ("open", "high", "low", "close")}
    volume = np.where(bars.volume > 0, np.rint(bars.volume * ratio), bars.volume).astype(np.int64)
    return replace(bars, **prices, volume=volume)
