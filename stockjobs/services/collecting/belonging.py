"""Belonging: with the bars of which interval a payment is told anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stockjobs.domain.market.actions import Action
from stockjobs.domain.market.bars import Prices
from stockjobs.domain.market.days import first_bar, of_day
from stockjobs.domain.market.shares import Past
from stockjobs.services.collecting.series import Series, Step
from stockjobs.services.market.calendars import zone_of
from stockjobs.store.market import bar_versions
from stockjobs.store.market.bar_versions import Part

_DAY = timedelta(days=1)
_AROUND = timedelta(days=31)
"""So far before a payment the week or the month begins in which it was made."""


def is_of_others(step: Step, series: Series, past: Past, payment: Action, ratio: float) -> bool:
    """True for a payment that came beside bars of another interval and is told anew with these.

    Where bars of both stand on its day, it is one of the series' own if those of the other are off by `ratio`, by which the
    series was told anew: then it is in old shares, as they are. `past` are the bars of the series as they are now.
    """
    span = (payment.at - _AROUND, payment.at + _DAY)
    interval = bar_versions.interval_of(step.connection, series.instrument.id, payment.landing, span)
    if interval is None or interval is series.interval:
        return False
    zone = zone_of(series.instrument)
    ends = first_bar(payment.at, interval, zone) + max(interval.seconds, int(_DAY.total_seconds()))
    part = Part(series.instrument.id, interval, datetime.fromtimestamp(ends, UTC))
    theirs = bar_versions.close_before(step.connection, part)
    return theirs is None or _is_with(theirs, past.close[of_day(past.at, payment.at, series.interval, zone)], ratio)


def _is_with(theirs: float, mine: Prices, ratio: float) -> bool:
    """True if a close is nearer to the last one of the same day than to what that was before it was told anew."""
    return not len(mine) or abs(theirs - mine[-1]) < abs(theirs - mine[-1] * ratio)
