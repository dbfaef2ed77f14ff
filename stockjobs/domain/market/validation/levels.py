"""Prices that stand at another level than they should, found by how they move from bar to bar."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from stockjobs.domain.market.bars import PRICES, Bars
from stockjobs.domain.market.validation.context import NO_TAIL, Context, Mask
from stockjobs.domain.market.validation.path import is_calm
from stockjobs.domain.market.validation.spikes import spikes
from stockjobs.domain.market.validation.splits import Unsplit, unsplit
from stockjobs.domain.market.validation.units import off_by_unit

UNSPLIT, UNIT_JUMP = "unsplit", "unit-jump"
"""The rules about bars in the prices of before a split, and about those in another unit."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Which bars are at a wrong level, by what is wrong with them; `factor` is by how much their prices are off, 1 if unknown.

    `by` says for the places of those that are off by a split by which one.
    """

    is_calm: bool
    unit: Mask
    unsplit: Mask
    spike: Mask
    jump: Mask
    factor: np.typing.NDArray[np.float64]
    by: dict[int, Unsplit] = field(default_factory=dict)


def examine(bars: Bars, context: Context) -> Levels:
    """Look at bars, oldest first. Those that are found are left out when the rest is looked at."""
    none = np.zeros(len(bars), dtype=np.bool_)
    calm = Levels(True, none, none, none, none, np.ones(len(bars)))
    if not len(bars) or is_calm(bars, context):
        return calm
    prices = np.stack([getattr(bars, name) for name in PRICES])
    left = np.flatnonzero(np.asarray((np.isfinite(prices) & (prices > 0)).all(axis=0)))
    if not len(left):
        return calm
    return _examined(bars, context, left)


def _examined(bars: Bars, context: Context, left: np.typing.NDArray[np.intp]) -> Levels:
    unit, split, spiked, jumped = (np.zeros(len(bars), dtype=np.bool_) for _ in range(4))
    found = Levels(False, unit, split, spiked, jumped, np.ones(len(bars)))
    bad, by = unsplit(bars.where(left), context)
    found.unsplit[left[bad]] = True
    for place, how in by.items():
        found.by[int(left[place])], found.factor[left[place]] = how, round(how.factor, 6)
    if 0 in by and by[0].step is not None:
        # What is stored before stands at their level.
        context = replace(context, before=NO_TAIL)
    left = left[~bad]
    if len(left):
        bad, power = off_by_unit(bars.where(left), context)
        found.unit[left[bad]], found.factor[left[bad]] = True, 10.0 ** power[bad]
        left = left[~bad]
    if len(left):
        spike, jump = spikes(bars.where(left), context)
        found.spike[left[spike]], found.jump[left[jump]] = True, True
    return found
