"""Bars of 30 minutes, made from two of 15: asked for 30 minutes, Yahoo has been seen to serve an hour."""

from __future__ import annotations

import numpy as np

from stockjobs.domain.market.bars import Bars, Prices, Seconds
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.yahoo.meta import Meta

_LENGTH = Interval.M30.seconds


def joined(rows: Bars, meta: Meta) -> Bars:
    """The rows of 15 minutes as bars of 30, counted from the open of the day, or from the hour where it is unknown."""
    if not len(rows):
        return rows
    anchor = _anchors(rows.at, meta)
    starts = anchor + (rows.at - anchor) // _LENGTH * _LENGTH
    heads = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    return Bars(
        starts[heads],
        _first(rows.open, heads),
        np.fmax.reduceat(rows.high, heads),
        np.fmin.reduceat(rows.low, heads),
        _last(rows.close, heads),
        _sum(rows.volume, heads),
        np.zeros(len(heads), dtype=np.bool_),
    )


def _anchors(at: Seconds, meta: Meta) -> Seconds:
    if not len(meta.periods):
        return np.zeros_like(at)
    index = np.searchsorted(meta.periods[:, 0], at, side="right") - 1
    inside = (index >= 0) & (at < meta.periods[np.maximum(index, 0), 1])
    return np.where(inside, meta.periods[np.maximum(index, 0), 0], 0)


def _first(values: Prices, heads: Seconds) -> Prices:
    tails = np.append(heads[1:], len(values)) - 1
    return np.where(np.isnan(values[heads]), values[tails], values[heads])


def _last(values: Prices, heads: Seconds) -> Prices:
    tails = np.append(heads[1:], len(values)) - 1
    return np.where(np.isnan(values[tails]), values[heads], values[tails])


def _sum(volumes: Seconds, heads: Seconds) -> Seconds:
    known = np.maximum.reduceat(volumes, heads) >= 0
    sums: Seconds = np.where(known, np.add.reduceat(np.maximum(volumes, 0), heads), -1)
    return sums
