"""Withdrawing: a bar that was stored while nothing told yet that it is bad leaves the series once the evidence has come."""

from __future__ import annotations

import numpy as np

from stockjobs.domain.market.changes import overlap, prices_differ
from stockjobs.services.collecting.checking import Judged
from stockjobs.services.collecting.series import Series, Step
from stockjobs.store.market import bars, withdrawals

UNSPLIT = "unsplit"
"""The rule about bars in the prices of before a split."""

_AT_ONCE = 5_000


def withdraw_held(step: Step, series: Series) -> int:
    """Take those stored bars out of a series that came again just as they are stored, and are set aside now.

    What is stored otherwise stays: it is the answer that is wrong. Only an unfinished bar of a split's day leaves as well: it
    was stored before anybody knew of the split. Bars that somebody has released stay. To be asked once stored history was told
    anew. Returns how many bars.
    """
    at = [at for one in series.judged for at in _to_leave(step, series, one)]
    instrument, interval = series.instrument.id, series.interval
    written = 0
    for first in range(0, len(at), _AT_ONCE):
        some = at[first : first + _AT_ONCE]
        kept = withdrawals.released_at(step.connection, instrument, interval, some)
        gone = [one for one in some if one not in kept]
        if gone:
            written += withdrawals.withdraw(step.connection, instrument, interval, gone, step.landing())
    return written


def _to_leave(step: Step, series: Series, judged: Judged) -> list[int]:
    held = judged.held
    if not len(held):
        return []
    [stored] = bars.stored(step.connection, [bars.span_of(series.instrument.id, series.interval, held)])
    both = overlap(stored.bars, held)
    old, now = stored.bars.where(both.stored), held.where(both.came)
    unsplit = np.isin(old.at, [one.at for one in judged.checked.rejected if one.rule == UNSPLIT])
    with np.errstate(invalid="ignore"):
        is_same = np.isfinite(now.open + now.high + now.low + now.close) & ~prices_differ(old, now)
    return [int(at) for at in old.at[is_same | (old.provisional & unsplit)]]
