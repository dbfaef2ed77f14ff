"""Weeks, months and quarters: which of them a trading day belongs to, and when each begins."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from stockjobs.simulator.rows import Seconds

_UNIX_DAY = date(1970, 1, 1).toordinal()
_MONTHS = {"1mo": 1, "3mo": 3}
_FIVE_DAYS = 5
_WEEK = 7


def bucket_of(grain: str, ordinal: Seconds, index: Seconds) -> Seconds:
    """The number of the week (Monday first), month or quarter of each day, or of each five sessions."""
    if grain == "1wk":
        return (ordinal - 1) // _WEEK
    if grain in _MONTHS:
        months = (ordinal - _UNIX_DAY).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        return np.asarray(months // _MONTHS[grain])
    return index // _FIVE_DAYS if grain == "5d" else index


def bucket_starts(grain: str, buckets: Seconds, zone: ZoneInfo) -> Seconds:
    """Midnight, in the zone of the exchange, of the first day of each week, month or quarter."""
    return np.array([_midnight(_first_day(grain, int(bucket)), zone) for bucket in buckets], dtype=np.int64)


def _first_day(grain: str, bucket: int) -> date:
    if grain == "1wk":
        return date.fromordinal(bucket * _WEEK + 1)
    month = bucket * _MONTHS[grain]
    return date(1970 + month // 12, month % 12 + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())
