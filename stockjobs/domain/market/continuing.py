"""Continuing: one look at several answers tells which of them go on from what is stored, and need no look of their own.

Most answers of each night are such: a few bars that came again as they were, and then new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import Bars, Prices, chained
from stockjobs.domain.market.changes import overlap_of_all, prices_differ
from stockjobs.domain.market.days import apart
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.runs import Runs


@dataclass(frozen=True, eq=False)
class Following:
    """The good bars of an answer, of which there must be some, and what is stored of their days and the time between, with the
    splits that are in its prices. No split may be known that is later than the first of them."""

    stored: Bars
    split_factor: Prices
    came: Bars
    interval: Interval


def continued(answers: Sequence[Following]) -> list[Prices | None]:
    """Of each answer that goes on from what is stored the splits that are in the prices of its bars; None of the others.

    One goes on if its settled bars that are stored, and settled, have the same prices there, and all others come after what is
    stored, each of another time, or another day, week or month. Then `days.in_place` moves none of them,
    `restatement.compared` finds them unchanged, and `splits.in_price` gives them these splits.
    """
    if not answers:
        return []
    runs = Runs.of([one.came for one in answers])
    stored, came = chained([one.stored for one in answers]), runs.bars
    both = overlap_of_all([one.stored for one in answers], [one.came for one in answers])
    old, now = stored.where(both.stored), came.where(both.came)
    near = np.repeat(np.array([apart(one.interval) for one in answers]), runs.length)
    good = came.at >= near + np.repeat(_ends(answers), runs.length)
    good[both.came] = old.provisional | now.provisional | ~prices_differ(old, now)
    factor = np.ones(len(came.at))
    factor[both.came] = np.concatenate([one.split_factor for one in answers])[both.stored]
    goes_on = runs.all_of(good & runs.are_apart(near))
    return [
        factor[first : last + 1] if is_so else None
        for is_so, first, last in zip(goes_on.tolist(), runs.first.tolist(), runs.last.tolist(), strict=True)
    ]


def _ends(answers: Sequence[Following]) -> NDArray[np.int64]:
    """When the last stored bar beside each answer opens; where there is none, long before it."""
    return np.array(
        [one.stored.at[-1] if len(one.stored.at) else one.came.at[0] - apart(one.interval) for one in answers],
        dtype=np.int64,
    )
