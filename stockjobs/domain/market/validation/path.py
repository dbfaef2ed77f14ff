"""The path of prices: closes from bar to bar in logarithms, which moves look like a factor, and the levels that they lead to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import Bars, CorporateAction, Prices, Seconds
from stockjobs.domain.market.validation.context import NO_TAIL, Context, Mask, Tail

RESTLESS = 1.35
"""Only moves beyond this factor are looked at."""

Levels = NDArray[np.int64]

_CALM = float(np.log(RESTLESS))
_LEAST_TOLERANCE, _MOST_TOLERANCE, _USUAL_MOVES = 0.12, 0.25, 8.0
_FEW = 4
_SPREAD_OF_FEW = 0.02
_STALE_S, _STALE_BARS = 30 * 86_400, 20


@dataclass(frozen=True, eq=False)
class Path:
    """The closes of bars, between those of the `stored` bars before them and the `after` bars after them; move `i` leads from
    close `i` to the next.

    A move is a logarithm; one that a dividend explains is 0.
    """

    at: Seconds
    close: Prices
    stored: int
    moves: Prices
    after: int = 0

    @property
    def came(self) -> slice:
        """The places of the bars themselves."""
        return slice(self.stored, len(self.at) - self.after)

    @cached_property
    def spread(self) -> float:
        """The usual size of a move."""
        return _SPREAD_OF_FEW if len(self.moves) < _FEW else 1.4826 * float(np.median(np.abs(self.moves)))

    @cached_property
    def tolerance(self) -> float:
        """How far a move may be from the factor that it is: prices move as well."""
        return min(max(_LEAST_TOLERANCE, _USUAL_MOVES * self.spread), _MOST_TOLERANCE)

    def like(self, size: float, tolerance: float) -> Levels:
        """Each move as a step up (1) or down (-1) by a factor with this logarithm, or as none (0)."""
        near = np.abs(np.abs(self.moves) - abs(size)) <= tolerance
        return (np.sign(self.moves) * near).astype(np.int64)

    @property
    def is_anchored(self) -> bool:
        """True if there are stored bars before, whose level is known to be right."""
        return self.stored > 0


def is_calm(bars: Bars, context: Context) -> bool:
    """True if no move is worth a look: not between two bars, nor inside of one, nor from or to the stored bars beside them."""
    close, last, next_ = bars.close, context.before.close[-1:], context.after.close[:1]
    with np.errstate(all="ignore"):
        moves = np.concatenate((close[1:] / close[:-1], bars.high / bars.low, close[:1] / last, next_ / close[-1:]))
    # No comparison with what is no number holds.
    return bool(moves.max() < RESTLESS and moves.min() > 1 / RESTLESS)


def path_of(bars: Bars, context: Context) -> Path:
    """The path over bars with positive prices, oldest first, from the stored ones before them."""
    return _path(bars, context, NO_TAIL)


def path_through(bars: Bars, context: Context) -> Path:
    """The same on to the stored bars after them."""
    return _path(bars, context, context.after)


def _path(bars: Bars, context: Context, after: Tail) -> Path:
    stale = _stale_after(context)
    before = context.before
    if len(before) and bars.at[0] - before.at[-1] > stale:
        before = NO_TAIL
    if len(after) and after.at[0] - bars.at[-1] > stale:
        after = NO_TAIL
    at = np.concatenate((before.at, bars.at, after.at))
    close = np.concatenate((before.close, bars.close, after.close))
    moves = np.diff(np.log(close))
    for action in context.actions:
        if action.kind != "split":
            _allow_for_dividend(moves, at, close, action)
    return Path(at, close, len(before), moves, len(after))


def _stale_after(context: Context) -> int:
    return max(_STALE_S, _STALE_BARS * (context.interval.seconds if context.interval else 0))


def _allow_for_dividend(moves: Prices, at: Seconds, close: Prices, action: CorporateAction) -> None:
    """Take a move for none that a dividend of its day explains."""
    place = int(np.searchsorted(at, action.at.timestamp()))
    if 0 < place < len(at) and 0 < action.value < close[place - 1]:
        without = np.log(close[place] / (close[place - 1] - action.value))
        if abs(without) < min(_CALM, abs(moves[place - 1])):
            moves[place - 1] = 0.0


def levels_of(steps: Levels) -> Levels:
    """The level of each close, from 0 for the first, where each step leads to the next level."""
    return np.concatenate(([0], np.cumsum(steps)))


def runs(mask: Mask) -> Iterator[slice]:
    """The stretches over which a mask holds."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    for first, last in edges.reshape(-1, 2).tolist():
        yield slice(first, last)


def returning(mask: Mask) -> Mask:
    """The stretches of a mask before and after which it does not hold: what went away and came back."""
    found = np.zeros(len(mask), dtype=np.bool_)
    for run in runs(mask):
        found[run] = run.start > 0 and run.stop < len(mask)
    return found


def most_common(levels: Levels) -> int:
    """The level at which most closes stand; of several, the one that is seen last."""
    found, last, count = np.unique(levels[::-1], return_index=True, return_counts=True)
    best = np.flatnonzero(count == count.max())
    return int(found[best[np.argmin(last[best])]])
