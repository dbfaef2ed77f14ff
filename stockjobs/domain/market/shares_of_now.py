"""Bars that were set aside some time ago, told in the shares of now: history may have been told anew since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stockjobs.domain.market.bars import Bars, Prices
from stockjobs.domain.market.coverage import Places
from stockjobs.domain.market.explaining import lacked
from stockjobs.domain.market.lacking import lacks
from stockjobs.domain.market.restatement import EXPLAINED
from stockjobs.domain.market.splits import Split

_WEEK = 7 * 86_400


@dataclass(frozen=True, eq=False)
class Beside:
    """The stored bars near to some that were set aside, and the splits that are in the price of each."""

    bars: Bars
    split_factor: Prices


def lacked_now(aside: Bars, beside: Beside, known: Sequence[Split], since: Sequence[Split]) -> tuple[Split, ...]:
    """The splits that are to be applied to bars, until they are in the shares in which the stored ones beside them are told.

    `known` are the splits of the instrument; `since` what its history was told anew by since the bars were set aside: splits,
    and ratios that no split explains, oldest first. Where the prices of the stored bars do not tell (a spike stands with none
    of them), what is in those has come since.
    """
    if not since:
        return ()
    found = lacked(aside, beside.bars, since)
    return tuple(one for one in since if _is_in_price(one, beside, known)) if found is None else found


def with_unexplained(heard: Sequence[Split], restated: Sequence[Split], known: Sequence[Split]) -> tuple[Split, ...]:
    """The splits that were heard of and the ratios by which history was restated, without those that a known split explains."""
    alone = [one for one in restated if not any(_explains(split, one) for split in known)]
    return tuple(sorted((*heard, *alone)))


def _explains(split: Split, restated: Split) -> bool:
    # A source may apply a split some days late; the bars of those days are then restated with the others.
    return abs(split.ratio / restated.ratio - 1) < EXPLAINED and split.at > restated.at - _WEEK


def _is_in_price(one: Split, beside: Beside, known: Sequence[Split]) -> bool:
    if one not in known:
        return True
    before: Places = np.flatnonzero(beside.bars.at < one.since)[-1:]
    return not lacks(beside.bars.at[before], beside.split_factor[before], one, known).any()
