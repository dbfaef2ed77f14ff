"""Moves beyond what markets do: away and back again, or away for good without an event."""

from __future__ import annotations

import math

import numpy as np

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.validation.context import Context, Mask
from stockjobs.domain.market.validation.path import path_through
from stockjobs.domain.market.validation.splits import explains
from stockjobs.domain.market.validation.units import CENT

JUMP = 3.0
"""A price that goes up or down by this factor between two bars has jumped."""

_JUMP = math.log(JUMP)
_LONGEST = 3
_BACK = 0.25


def spikes(bars: Bars, context: Context) -> tuple[Mask, Mask]:
    """The bars, up to three in a row, far from what the bars before and after agree upon; and those to which a price jumps
    without coming back, or that hold such a jump."""
    path = path_through(bars, context)
    moves = path.moves.copy()
    if path.is_anchored and explains(context, path):
        moves[path.stored - 1] = 0
    spike, jump = (np.zeros(len(path.at), dtype=np.bool_) for _ in range(2))
    for place in np.flatnonzero(np.abs(moves) >= _JUMP).tolist():
        if spike[place]:
            # The way back.
            continue
        is_cheap = min(path.close[place], path.close[place + 1]) < CENT
        stop = None if is_cheap else _back_at(moves, place)
        if stop is None:
            jump[place + 1] = True
        else:
            spike[place + 1 : stop + 1] = True
    spike, jump = spike[path.came], jump[path.came]
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    jump |= (bars.high > JUMP * top) | (bars.low * JUMP < bottom)
    return spike, jump & ~spike


def _back_at(moves: np.typing.NDArray[np.float64], place: int) -> int | None:
    """The move that leads back to where a move led away from, if one does so soon."""
    total = moves[place]
    for other in range(place + 1, min(place + 1 + _LONGEST, len(moves))):
        total += moves[other]
        if abs(total) < _BACK:
            return other
    return None
