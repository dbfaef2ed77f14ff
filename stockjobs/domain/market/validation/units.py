"""Bars in another unit than their neighbours: pounds among pence, thousandths among wholes."""

from __future__ import annotations

import math

import numpy as np

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.validation.context import Context, Mask
from stockjobs.domain.market.validation.path import Levels, Path, levels_of, most_common, path_through, returning
from stockjobs.domain.market.validation.splits import explains, explains_onward

_EXPONENTS = (1, 2, 3)
_TEN = math.log(10)
_WILD = 0.08
"""Where prices usually move by more than this, one that goes up tenfold may just have done so."""
CENT = 0.01
"""Prices below it go up and down manifold by a tick or two."""
_TOLERANCE_WITHIN = 0.12


def off_by_unit(bars: Bars, context: Context) -> tuple[Mask, Levels]:
    """The bars whose prices are 10, 100 or 1000 times too high or too low, and the power of ten by which each is off."""
    path = path_through(bars, context)
    steps = np.zeros(len(path.moves), dtype=np.int64)
    for exponent in _EXPONENTS:
        steps += exponent * path.like(exponent * _TEN, path.tolerance)
    if path.is_anchored and explains(context, path):
        steps[path.stored - 1] = 0
    if path.after and explains_onward(context, path):
        steps[path.came.stop - 1] = 0
    levels = levels_of(steps)
    power = levels - _right(path, levels, bars.volume > 0, context.unit)
    off = power != 0
    is_cheap = bool(path.close.min() < CENT)
    if path.spread >= _WILD or is_cheap:
        off &= (np.abs(power) > 1) | (returning(off) & (not is_cheap))
    power = np.where(off, power, 0)[path.came]
    within = _within(bars, is_wild=path.spread >= _WILD or is_cheap)
    return (power != 0) | (within != 0), np.where(power != 0, power, within)


def _right(path: Path, levels: Levels, traded: Mask, unit: float) -> int:
    """The level that is right: that of the stored bars before, else of those after, else one of the answer's own."""
    if path.is_anchored:
        return 0
    return most_common(levels[path.came.stop :]) if path.after else _base(levels, traded, unit)


def _base(levels: Levels, traded: Mask, unit: float) -> int:
    """The level that is right: the only one with trades, as copies of a last price may be in any unit; where prices are in
    pence, the one that may not be in pounds; else that of most bars."""
    with_trades = set(levels[traded].tolist())
    if len(with_trades) == 1:
        return int(with_trades.pop())
    subunit = -round(math.log10(unit))
    if subunit in _EXPONENTS:
        found = set(levels.tolist())
        whole = [level for level in found if level - subunit in found]
        if whole:
            return int(max(whole))
    return most_common(levels)


def _within(bars: Bars, *, is_wild: bool) -> Levels:
    """The power of ten by which some prices of a bar are off its close."""
    found = np.zeros(len(bars), dtype=np.int64)
    for name in ("open", "high", "low"):
        apart = np.log(getattr(bars, name) / bars.close)
        for exponent in _EXPONENTS[1:] if is_wild else _EXPONENTS:
            near = np.abs(np.abs(apart) - exponent * _TEN) <= _TOLERANCE_WITHIN
            found = np.where(near, exponent * np.sign(apart).astype(np.int64), found)
    return found
