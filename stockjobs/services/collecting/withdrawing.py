"""Withdrawing: a bar that was stored while nothing told yet that it is bad leaves the series once the evidence has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stockjobs.domain.market.bars import Bars, Seconds
from stockjobs.domain.market.changes import overlap, prices_differ
from stockjobs.domain.market.days import in_place
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.validation.levels import UNSPLIT
from stockjobs.services.collecting.checking import Judged
from stockjobs.services.collecting.series import Series, Step
from stockjobs.services.market.calendars import zone_of
from stockjobs.store.market import bars, withdrawals
from stockjobs.store.market.findings import Finding

_AT_ONCE = 5_000


@dataclass(frozen=True)
class Withdrawn:
    """How many bars have left a series, and when the source puts those (epoch seconds) that stay by the rules of another job."""

    bars: int = 0
    left_to_others: frozenset[int] = frozenset()

    def without_settled(self, found: Sequence[Finding]) -> tuple[Finding, ...]:
        """Findings without those about bars that stay: they were opened once, and would be opened and closed each night."""
        if not self.left_to_others:
            return tuple(found)
        return tuple(
            one
            for one in found
            if one.kind is not FindingKind.REJECTED_BAR
            or not one.at
            or int(one.at.timestamp()) not in self.left_to_others
        )


def withdraw_held(step: Step, series: Series) -> Withdrawn:
    """Take those stored bars out of a series that came again just as they are stored, and are set aside now.

    What is stored otherwise stays: it is the answer that is wrong. Only an unfinished bar of a split's day leaves as well: it
    was stored before anybody knew of the split. Bars that somebody has released stay, and so does one that another job has
    landed again after it left: by the rules of that job it is good, and it would go and come each night. To be asked once
    stored history was told anew.
    """
    at = {stored: told for one in series.judged for stored, told in _to_leave(step, series, one)}
    instrument, interval = series.instrument.id, series.interval
    written, times, others = 0, list(at), set[int]()
    for first in range(0, len(times), _AT_ONCE):
        some = times[first : first + _AT_ONCE]
        each_way = [*some, *(at[one] for one in some)]
        released = withdrawals.released_at(step.connection, instrument, interval, each_way)
        kept = withdrawals.landed_again(step.connection, (instrument, interval), some, besides=step.claim.job)
        others |= {at[one] for one in kept}
        gone = [one for one in some if not {one, at[one]} & released and one not in kept]
        if gone:
            written += withdrawals.withdraw(step.connection, instrument, interval, gone, step.landing())
    return Withdrawn(written, frozenset(others))


def _to_leave(step: Step, series: Series, judged: Judged) -> list[tuple[int, int]]:
    """When the bars that are to leave are stored, and when the source puts them."""
    held = judged.held if judged.checked.rejected else None
    if held is None or not len(held):
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
