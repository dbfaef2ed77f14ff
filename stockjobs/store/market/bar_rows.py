"""Rows of bars on their way into the database or out of it, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import NO_VOLUME, Bars, Prices, chained
from stockjobs.domain.market.intervals import Interval


@dataclass(frozen=True)
class Span:
    """The bars of an instrument at an interval with first ≤ at ≤ last, in epoch seconds."""

    instrument_id: int
    interval: Interval
    first: int
    last: int


def in_runs(spans: Sequence[Span], most: int) -> list[list[Span]]:
    """Spans in their order, in runs that may hold so many bars together; one that may hold more is a run of its own."""
    runs: list[list[Span]] = []
    room = 0
    for span in spans:
        bars = (span.last - span.first) // span.interval.seconds + 1
        if bars > room:
            runs.append([])
            room = most
        runs[-1].append(span)
        room -= bars
    return runs


@dataclass(frozen=True)
class Stored:
    """Stored bars, oldest first, with the splits that are in their prices (`split_factor`) and the landing that wrote each."""

    bars: Bars
    split_factor: Prices
    landing_id: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bars)

    def where(self, mask: NDArray[np.bool_] | NDArray[np.intp]) -> Stored:
        """The bars for which the mask holds, or those at these places."""
        return Stored(self.bars.where(mask), self.split_factor[mask], self.landing_id[mask])

    def part(self, first: int, end: int) -> Stored:
        """The bars from one place to another, that one left out."""
        return Stored(self.bars.part(first, end), self.split_factor[first:end], self.landing_id[first:end])

    def within(self, first: int, last: int) -> Stored:
        """The bars from one time to another, both included."""
        inside = (self.bars.at >= first) & (self.bars.at <= last)
        return self if inside.all() else self.where(inside)

    @classmethod
    def empty(cls) -> Stored:
        """No bars at all."""
        return cls(Bars.empty(), np.empty(0, dtype=np.float64), np.empty(0, dtype=np.int64))


Series = tuple[int, Interval, Bars, Prices]
"""An instrument, an interval, bars, and of each the splits that are in its price."""


@dataclass(frozen=True)
class Rows:
    """Bars of any instruments and intervals, to be written by one landing."""

    instrument_id: NDArray[np.int64]
    interval_s: NDArray[np.int64]
    bars: Bars
    split_factor: Prices

    def __len__(self) -> int:
        return len(self.bars)

    def where(self, mask: NDArray[np.bool_]) -> Rows:
        """The rows for which the mask holds."""
        if mask.all():
            return self
        places = np.flatnonzero(mask)
        bars = self.bars.where(places)
        return Rows(self.instrument_id[places], self.interval_s[places], bars, self.split_factor[places])

    @classmethod
    def of(cls, series: Sequence[Series]) -> Rows:
        """The rows of several series."""
        lengths = [len(bars) for _, _, bars, _ in series]
        return cls(
            np.repeat(np.array([instrument for instrument, *_ in series], dtype=np.int64), lengths),
            np.repeat(np.array([interval.seconds for _, interval, *_ in series], dtype=np.int64), lengths),
            chained([bars for _, _, bars, _ in series]),
            np.concatenate([factor for *_, factor in series]) if series else np.empty(0),
        )


def bars_of_rows(rows: Sequence[Sequence[Any]]) -> Bars:
    """Bars of rows with the values of `COLUMNS`, of which the first is an instant; a price or a volume may be None."""
    if not rows:
        return Bars.empty()
    at, *prices, volume, provisional = zip(*rows, strict=True)
    seconds = [int(one.timestamp()) for one in at]
    return Bars.of((seconds, *prices, [NO_VOLUME if one is None else one for one in volume], provisional))
