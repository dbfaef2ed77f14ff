"""Prices as they were paid, brought to the shares of today as Yahoo has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

from stockjobs.domain.market.actions import each_once, session_day
from stockjobs.domain.market.bars import Bars, CorporateAction
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.splits import factors, in_new_shares, placed, splits_in

Actions = tuple[CorporateAction, ...]


def as_of_today(bars: Bars, actions: Actions, interval: Interval, zone: tzinfo) -> tuple[Bars, Actions]:
    """Bars and amounts in today's shares: divided by every split of a later day, volumes multiplied.

    Bars of the ex-day, or of its week or month, are in new shares already, wherever in the day they and the split stand.
    """
    splits = each_once([one for one in actions if one.kind == "split" and one.value > 0], (), bars, zone)
    factor = factors(bars.at, placed(splits_in(splits), interval, zone))
    return in_new_shares(bars, factor), tuple(_restated(one, splits, zone) for one in actions)


def _restated(action: CorporateAction, splits: Sequence[CorporateAction], zone: tzinfo) -> CorporateAction:
    if action.kind == "split":
        return action
    day = session_day(action.at, zone)
    later = (one.value for one in splits if session_day(one.at, zone) > day)
    return replace(action, value=action.value / math.prod(later))
