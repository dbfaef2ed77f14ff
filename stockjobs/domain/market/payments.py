"""Payments: in which shares an amount is that was told twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stockjobs.domain.market.actions import PAID_ALIKE, SAME, Action, is_close
from stockjobs.domain.market.splits import Split, as_of_days, factors


def in_shares_of(known: Sequence[Action], told: Sequence[Action], splits: Sequence[Split] = ()) -> tuple[Action, ...]:
    """The known payments of which an answer shows that splits are in their amounts that nobody knew of when they landed.

    The same number cannot be in two kinds of shares. What has all the known splits is right, else what is known of more.
    """
    current = {(one.kind, one.at): one for one in known if one.is_payment}
    return tuple(
        replace(there, split_factor=one.split_factor)
        for one in told
        if (there := current.get((one.kind, one.at))) is not None
        and is_close(there.value, one.value, SAME)
        and _knows_more(one, there, splits)
    )


def _knows_more(told: Action, known: Action, splits: Sequence[Split]) -> bool:
    [whole] = factors(np.array([int(known.at.timestamp())]), as_of_days(splits))
    if not is_close(whole, 1, PAID_ALIKE):
        # Of opposite splits the product says little about how many there are.
        if is_close(known.split_factor, whole, PAID_ALIKE):
            return False
        if is_close(told.split_factor, whole, PAID_ALIKE):
            return True
    return abs(math.log(told.split_factor)) > abs(math.log(known.split_factor)) + PAID_ALIKE
