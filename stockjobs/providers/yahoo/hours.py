"""Rows outside regular trading, which Yahoo serves unasked now and then: before the open, after an early close."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import Bars, Seconds
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.yahoo.meta import Meta, instant


def inside_hours(rows: Bars, interval: Interval, meta: Meta) -> Bars:
    """The rows that overlap the regular hours of their day; those of a day whose hours are unknown are kept."""
    if not len(rows) or not len(meta.periods) or not interval.is_intraday:
        return rows
    outside = ~_overlaps(rows.at, interval, meta.periods)
    if not outside.any():
        return rows
    known = {instant(int(start)).astimezone(meta.zone).date() for start in meta.periods[:, 0]}
    for index in np.flatnonzero(outside):
        outside[index] = instant(int(rows.at[index])).astimezone(meta.zone).date() in known
    return rows.where(~outside)


def _overlaps(at: Seconds, interval: Interval, periods: NDArray[np.int64]) -> NDArray[np.bool_]:
    # The last period that begins before the row ends is the only one that it can overlap.
    index = np.searchsorted(periods[:, 0], at + interval.seconds, side="left") - 1
    overlaps: NDArray[np.bool_] = (index >= 0) & (at < periods[np.maximum(index, 0), 1])
    return overlaps
