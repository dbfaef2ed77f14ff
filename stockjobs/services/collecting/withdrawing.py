"""Withdrawing: a bar that was stored while nothing told yet that it is bad leaves the series once the evidence has come."""

from __future__ import annotations

import numpy as np

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.changes import overlap, prices_differ
from stockjobs.services.collecting.series import Series, Step
from stockjobs.store.market import bars, withdrawals

_AT_ONCE = 5_000


def withdraw_held(step: Step, series: Series) -> int:
    """Take those stored bars out of a series that came again just as they are stored, and are set aside now.

    What is stored otherwise stays: it is the answer that is wrong. Bars that somebody has released stay as well. To be asked
    once stored history was told anew. Returns how many bars.
    """
    at = [at for one in series.judged for at in _stored_as_held(step, series, one.held)]
    instrument, interval = series.instrument.id, series.interval
    written = 0
    for first in range(0, len(at), _AT_ONCE):
        some = at[first : first + _AT_ONCE]
        kept = withdrawals.released_at(step.connection, instrument, interval, some)
        gone = [one for one in some if one not in kept]
        if gone:
            written += withdrawals.withdraw(step.connection, instrument, interval, gone, step.landing())
    return written


def _stored_as_held(step: Step, series: Series, held: Bars) -> list[int]:
    if not len(held):
        return []
    [stored] = bars.stored(step.connection, [bars.span_of(series.instrument.id, series.interval, held)])
    both = overlap(stored.bars, held)
    old, now = stored.bars.where(both.stored), held.where(both.came)
    with np.errstate(invalid="ignore"):
        is_same = np.isfinite(now.open + now.high + now.low + now.close) & ~prices_differ(old, now)
    return [int(at) for at in old.at[is_same]]
