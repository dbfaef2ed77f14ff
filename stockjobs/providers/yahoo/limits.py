"""How much Yahoo serves of each interval. Importing this costs nothing, so that planning may use it anywhere."""

from __future__ import annotations

from datetime import timedelta

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.market.intervals import Interval

# Each a day less than what Yahoo allows: a request is planned some time before it is sent, and its clock is not ours.
_MINUTE = Limits(max_span=timedelta(days=7), reach_back=timedelta(days=29))
_MINUTES = Limits(max_span=timedelta(days=59), reach_back=timedelta(days=59))
_HOUR = Limits(max_span=timedelta(days=729), reach_back=timedelta(days=729))
_WHOLE_HISTORY = Limits()

_TABLE = {
    Interval.M1: _MINUTE,
    Interval.M2: _MINUTES,
    Interval.M5: _MINUTES,
    Interval.M15: _MINUTES,
    Interval.M30: _MINUTES,
    Interval.H1: _HOUR,
    Interval.M90: _MINUTES,
    Interval.D1: _WHOLE_HISTORY,
    Interval.W1: _WHOLE_HISTORY,
    Interval.MO1: _WHOLE_HISTORY,
}


def limits(interval: Interval) -> Limits:
    """The limits of one interval; beyond them Yahoo answers with an error."""
    return _TABLE[interval]
