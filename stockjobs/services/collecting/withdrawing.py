"""Withdrawing: a bar that was stored while nothing told yet that it is bad leaves the series once the evidence has come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stockjobs.domain.market.bars import Bars, Seconds
from stockjobs.domain.market.changes import overlap, prices_differ
from stockjobs.domain.market.days import in_place
from stockjobs.services.collecting.checking import Judged
from stockjobs.services.collecting.series import Series, Step
from stockjobs.services.market.calendars import zone_of
from stockjobs.store.market import bars, withdrawals

UNSPLIT = "unsplit"
"""The rule about bars in the prices of before a split."""

_AT_ONCE = 5_000


def withdraw_held(step: Step, series: Series) -> int:
    """Take those stored bars out of a series that came again just as they are stored, and are set aside now.

    What is stored otherwise stays: it is the answer that is wrong. Only an unfinished bar of a split's day leaves as well: it
    was stored before anybody knew of the split. Bars that somebody has released stay, and so does one that another job has
    landed again after it left: by the rules of that job it is good, and it would go and come each night. To be asked once
    stored history was told anew. Returns how many bars.
    """
    at = {stored: told for one in series.judged for stored, told in _to_leave(step, series, one)}
    instrument, interval = series.instrument.id, series.interval
    written, times = 0, list(at)
    for first in range(0, len(times), _AT_ONCE):
        some = times[first : first + _AT_ONCE]
        each_way = [*some, *(at[one] for one in some)]
        released = withdrawals.released_at(step.connection, instrument, interval, each_way)
        kept = withdrawals.landed_again(step.connection, (instrument, interval), some, besides=step.claim.job)
        gone = [one for one in some if not {one, at[one]} & released and one not in kept]
        if gone:
            written += withdrawals.withdraw(step.connection, instrument, interval, gone, step.landing())
    return written


def _to_leave(step: Step, series: Series, judged: Judged) -> list[tuple[int, int]]:
    """When the bars that are to leave are stored, and when the source puts them."""
    held = judged.held
    if not len(held):
        return []
    [stored] = bars.stored(step.connection, [bars.around(series.instrument.id, series.interval, held)])
    old, now, told = _pairs(series, stored.bars, held)
    unsplit = np.isin(told, [one.at for one in judged.checked.rejected if one.rule == UNSPLIT])
    with np.errstate(invalid="ignore"):
        is_same = np.isfinite(now.open + now.high + now.low + now.close) & ~prices_differ(old, now)
    # What has come as good for the same time is about to be landed.
    leaves = (is_same | (old.provisional & unsplit)) & ~np.isin(old.at, series.came.at)
    return list(zip(old.at[leaves].tolist(), told[leaves].tolist(), strict=True))


def _pairs(series: Series, stored: Bars, held: Bars) -> tuple[Bars, Bars, Seconds]:
    """Stored bars, those of the same times, days, weeks or months that are set aside now, and when the source puts these."""
    # Where they came is carried along as a volume is.
    marked = in_place(stored, replace(held, volume=held.at), series.interval, zone_of(series.instrument))
    both = overlap(stored, marked)
    now = marked.where(both.came)
    return stored.where(both.stored), now, now.volume
