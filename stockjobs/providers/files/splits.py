"""Prices as they were paid, brought to the shares of today as Yahoo has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stockjobs.domain.market.bars import NO_VOLUME, Bars, CorporateAction, Prices, Seconds


def as_of_today(bars: Bars, actions: Sequence[CorporateAction]) -> tuple[Bars, tuple[CorporateAction, ...]]:
    """Bars and amounts in today's shares: divided by every split after them, volumes multiplied.

    A split counts from its own time on: a bar at that time or later is in new shares already.
    """
    splits = sorted({(int(one.at.timestamp()), one.value) for one in actions if one.kind == "split" and one.value > 0})
    factor = _factor(bars.at, splits)
    prices = {name: getattr(bars, name) / factor for name in ("open", "high", "low", "close")}
    volume = np.where(bars.volume == NO_VOLUME, NO_VOLUME, np.round(bars.volume * factor)).astype(np.int64)
    return replace(bars, **prices, volume=volume), tuple(_restated(one, splits) for one in actions)


def _factor(at: Seconds, splits: Sequence[tuple[int, float]]) -> Prices:
    """Shares of today for one share at each time."""
    factor = np.ones(len(at), dtype=np.float64)
    for when, ratio in splits:
        factor = np.where(at < when, factor * ratio, factor)
    return factor


def _restated(action: CorporateAction, splits: Sequence[tuple[int, float]]) -> CorporateAction:
    if action.kind == "split":
        return action
    (factor,) = _factor(np.array([int(action.at.timestamp())], dtype=np.int64), splits)
    return replace(action, value=action.value / float(factor))
