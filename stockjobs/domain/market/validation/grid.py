"""The rule about the grid of an interval: where its bars begin.

Sources count from different points: Yahoo's hours from 9:30 in New York, but from 4:00 before the market opens; its 5 minutes
from 9:59 in Tel Aviv; its days from the open of the session, or from midnight. So a bar is on the grid if it is a whole number of
steps from midnight, from the open, or from the end of a lunch break, or if a good part of its companions stand where it stands.
Where the sessions are not known, nobody can tell but by the second.
"""

from __future__ import annotations

import numpy as np

from stockjobs.domain.clocks import offsets
from stockjobs.domain.market.bars import Bars, Seconds
from stockjobs.domain.market.validation.context import Context, Mask
from stockjobs.domain.market.validation.view import View

_DAY, _MINUTE = 86_400, 60
_SHARE = 0.2
"""A place where so much of an answer stands is one where the source puts bars."""


def off_grid(view: View) -> Mask:
    """The bars that begin where none should. One that is still unfinished may stand at its last trade."""
    if view.context.interval is None:
        return view.none()
    phase, off = plainly_off(view.bars, view.context)
    if len(view) > 1 and (phase == phase[0]).all():
        # Wherever a source puts all of its bars is its grid.
        return view.none()
    return _unexplained(view, off, phase) if off.any() else off


def plainly_off(bars: Bars, context: Context) -> tuple[Seconds, Mask]:
    """How long after a whole number of steps from midnight each bar begins, and those that are off that grid."""
    at, step = bars.at, _step(context)
    local = at + offsets(at, context.zone)
    phase = local % step
    off = (phase != 0) & ~bars.provisional
    if step == _DAY:
        # A source may know only days, or no summer.
        off &= (at % _DAY != 0) & (local % _DAY != _DAY - 3_600)
    return phase, off


def _step(context: Context) -> int:
    return min(context.interval.seconds, _DAY) if context.interval else _DAY


def _unexplained(view: View, off: Mask, phase: Seconds) -> Mask:
    """Those off the plain grid that neither a session nor the habit of the source explains."""
    step = _step(view.context)
    sessions = view.context.sessions
    if sessions is not None and len(sessions):
        place = np.maximum(np.searchsorted(sessions.open, view.bars.at, side="right") - 1, 0)
        for start in (sessions.open, sessions.break_end):
            off = off & ((view.bars.at - start[place]) % step != 0)
    _, which, count = np.unique(phase, return_inverse=True, return_counts=True)
    is_habit = (count > 1) & (count >= _SHARE * len(view))
    if step == _DAY:
        # Exchanges have opened at other hours; two bars at an hour of their own may be an error, more are a habit.
        is_habit |= count > 2
    off = off & ~is_habit[which]
    is_sure = sessions is not None and len(sessions) > 0
    # Without the sessions any full minute may be the end of a lunch break.
    return off if is_sure else off & (view.bars.at % _MINUTE != 0)
