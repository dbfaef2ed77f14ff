"""Bars that a split was not applied to, or twice, by the source: prices are split-adjusted, and theirs are off by its ratio."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations

import numpy as np

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.days import first_bar
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.shares import LATE
from stockjobs.domain.market.validation.context import Context, Mask
from stockjobs.domain.market.validation.path import Levels, Path, levels_of, most_common, path_of, returning

_LEAST = math.log(1.4)
"""Smaller splits cannot be told from a day's move."""
_UNMISTAKABLE = math.log(3) - 1e-9
"""By so much no price goes up or down for good overnight."""
_TWICE_TOLERANCE = 0.05
_EXACTLY = 0.002
"""No market moves so exactly by the ratio of a split that comes within days."""
_GREAT = math.log(6)
"""A price that moves by so much in a day near a split has not only moved: the ratio is in it, and the market may have
halved or doubled the rest."""
_REST = math.log(2)
_LATE_TOLERANCE = 0.12
_SEVERAL = 2
"""So many bars after a step some days after a split say that it stays."""
_AT_ONCE = 6
"""So many new splits are looked at together."""
_DAY_S = 86_400
_LATE_S = LATE.total_seconds()


@dataclass(frozen=True)
class Unsplit:
    """By which split bars are off: its ratio, the earliest second of its day, by which factor, and the first bar after the last
    step of prices by it (None where the step is within bars)."""

    ratio: float
    ex: int
    factor: float
    step: int | None = None


def unsplit(bars: Bars, context: Context) -> tuple[Mask, Mapping[int, Unsplit]]:
    """The bars in the prices of before a split that the source has told of, and for each place by which it is off."""
    found: dict[int, Unsplit] = {}
    for ex, size in _splits(context):
        left = np.setdiff1d(np.arange(len(bars)), list(found))
        if not len(left):
            break
        some = bars.where(left)
        bad, sign, step = _at_wrong_level(context, path_of(some, context), ex, size)
        mixed = _mixed(some, ex, size)
        factor = math.exp(sign * abs(size)) if bad.any() else math.exp(size)
        how = Unsplit(math.exp(size), ex, factor, step if bad.any() else None)
        found |= dict.fromkeys(left[bad | mixed].tolist(), how)
    mask = np.zeros(len(bars), dtype=np.bool_)
    mask[list(found)] = True
    return mask, found


def explains(context: Context, path: Path) -> bool:
    """True if the move from the stored bars to an answer is a split that the stored ones have not in their prices yet, or
    several together."""
    if not path.is_anchored:
        return False
    move = path.moves[path.stored - 1]
    news = [size for ex, size in _splits(context, least=0.0) if _is_news(path, ex)][-_AT_ONCE:]
    return any(abs(move + math.fsum(sizes)) <= path.tolerance for sizes in _together(news))


def explains_onward(context: Context, path: Path) -> bool:
    """True if the move from an answer to the stored bars after it is a split, or several together, that the ones have in their
    prices and the others have not."""
    if not path.after:
        return False
    last = path.came.stop - 1
    later = [size for ex, size in _splits(context, least=0.0) if ex > path.at[last]][-_AT_ONCE:]
    return any(abs(abs(path.moves[last]) - abs(math.fsum(sizes))) <= path.tolerance for sizes in _together(later))


def _together(sizes: Sequence[float]) -> Iterator[tuple[float, ...]]:
    return chain.from_iterable(combinations(sizes, count) for count in range(1, len(sizes) + 1))


def _is_news(path: Path, ex: int) -> bool:
    """True if what is stored may be from before the source applied a split."""
    return path.is_anchored and ex > path.at[path.stored - 1] - _LATE_S


def _splits(context: Context, least: float = _LEAST) -> Iterator[tuple[int, float]]:
    """The earliest second of a bar of each split's day, and the logarithm of its ratio; smaller ones are left out."""
    for action in context.actions:
        if action.kind == "split" and action.value > 0 and abs(math.log(action.value)) >= least:
            yield first_bar(action.at, context.interval or Interval.D1, context.zone), math.log(action.value)


def _at_wrong_level(context: Context, path: Path, ex: int, size: float) -> tuple[Mask, float, int]:
    """Which bars stand off the level of the bars after the split, whether above (1) or below (-1), and the first bar after the
    last step."""
    none = np.zeros(len(path.at) - path.stored, dtype=np.bool_)
    steps = _steps(path, ex, size)
    if explains(context, path):
        # What is stored is from before the split; that is put right elsewhere.
        steps[path.stored - 1] = 0
    if not steps.any():
        return none, 0.0, 0
    stairs = _Stairs(path, steps, ex, size)
    levels, base = stairs.levels, _base(stairs)
    last = int(path.at[np.flatnonzero(steps)[-1] + 1])
    off = levels != base
    if base == levels[-1]:
        off &= path.at < max(ex + _DAY_S, last)
    else:
        # The newest bars are the ones that are off, up to the day of the split or some days later.
        off &= path.at < max(ex, last) + _DAY_S
    off &= _credible(stairs, off)
    bad = off[path.stored :]
    return bad, float(np.sign((levels[path.stored :] - base)[bad].sum())) if bad.any() else 0.0, last


@dataclass(frozen=True, eq=False)
class _Stairs:
    """Prices around a split: which moves are steps by its ratio, the earliest second of its day, the logarithm of its ratio."""

    path: Path
    steps: Levels
    ex: int
    size: float

    @cached_property
    def levels(self) -> Levels:
        """On which step each bar stands."""
        return levels_of(self.steps)


def _steps(path: Path, ex: int, size: float) -> Levels:
    """Which moves are by the ratio of a split: any up to its day and from it; of the two weeks after it such as no market makes,
    and those that may be the way back."""
    apart, from_ = np.abs(np.abs(path.moves) - abs(size)), path.at[:-1]
    is_near = (path.at[1:] >= ex - _LATE_S) & (from_ < ex + _LATE_S)
    is_great = is_near & (np.abs(path.moves) >= _GREAT) & (apart <= _REST)
    steps = path.like(size, _tolerance(path, size))
    steps = np.where(is_great, np.sign(path.moves).astype(np.int64), steps)
    is_early = from_ < ex + _DAY_S
    is_sure = is_great | ((apart <= _LATE_TOLERANCE) & (np.sign(path.moves) == -np.sign(size)))
    is_late = is_near & (abs(size) >= _UNMISTAKABLE) & (is_sure | steps[is_early].any())
    return np.where(is_early | is_late, steps, 0)


def _is_late_and_alone(stairs: _Stairs) -> bool:
    """True if the last step is days after the split, with too few bars after it to say that it stays."""
    at, place = stairs.path.at, int(np.flatnonzero(stairs.steps)[-1])
    return bool(at[place] >= stairs.ex + _DAY_S) and len(at) - place - 1 < _SEVERAL


def _tolerance(path: Path, size: float) -> float:
    """How far a move may be from a split's ratio: prices of a few ticks are rounded most where the ratio is large."""
    return min(max(path.tolerance, abs(size) / 10), abs(size) / 4)


def _base(stairs: _Stairs) -> int:
    path, steps, levels = stairs.path, stairs.steps, stairs.levels
    if _is_late_and_alone(stairs) and (steps != 0).sum() == 1:
        return 0 if path.is_anchored else most_common(levels)
    last_step = steps[np.flatnonzero(steps)[-1]]
    is_after = path.at[-1] >= stairs.ex + _DAY_S
    if is_after or last_step == -np.sign(stairs.size) or len(returning(levels != levels[-1]).nonzero()[0]):
        return int(levels[-1])
    # The newest bars are those of the split's day, and may be the ones in the old prices.
    return 0 if path.is_anchored else most_common(levels)


def _credible(stairs: _Stairs, off: Mask) -> Mask:
    """Of the bars off the level those that a market cannot have put there."""
    path, steps, levels = stairs.path, stairs.steps, stairs.levels
    ex, size = stairs.ex, stairs.size
    if abs(size) >= _UNMISTAKABLE:
        return off
    on_the_day = (steps != 0) & (path.at[1:] >= ex) & (path.at[:-1] < ex + _DAY_S)
    falls = np.sign(path.moves) == -np.sign(size)
    exact = np.abs(np.abs(path.moves) - abs(size)) <= _TWICE_TOLERANCE
    is_soon = (steps != 0) & (path.at[1:] < ex) & (path.at[1:] >= ex - _LATE_S)
    is_soon &= falls & (np.abs(np.abs(path.moves) - abs(size)) <= _EXACTLY)
    found = returning(off)
    for place in np.flatnonzero((on_the_day & (falls | exact)) | is_soon).tolist():
        first = np.flatnonzero(levels[: place + 1] != levels[place])
        found[(first[-1] + 1 if len(first) else 0) : place + 1] = True
        found[place + 1 :] |= levels[place + 1 :] == levels[place + 1]
    return found


def _mixed(bars: Bars, ex: int, size: float) -> Mask:
    """The bars of the split's day that begin in the old prices and end in the new ones."""
    is_near = (bars.at < ex + _DAY_S) & (bars.at >= ex)
    if not is_near.any():
        return is_near
    apart = [np.abs(np.log(getattr(bars, name) / bars.close)) for name in ("open", "high", "low")]
    off = [np.abs(one - abs(size)) <= min(0.12, abs(size) / 4) for one in apart]
    return np.asarray(is_near & np.logical_or.reduce(off))
