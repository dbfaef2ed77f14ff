"""What is missing of a window: which of the bars that there should be are not stored, as far as they can be asked for. Pure.

A request costs the same whether it is long or short. So what is missing inside a span that one request may cover is asked
for as one window, from the first missing bar to the last.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.coverage import Slots, is_missing, keys, midnight, slots
from stockjobs.domain.intervals import Interval
from stockjobs.domain.planning import Window
from stockjobs.domain.sessions import Days, Seconds, Spans

Runs = NDArray[np.int64]
"""Rows of two places, first ≤ place < last, in order: the slots of each run are missing."""

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Extent:
    """What is stored of a series inside a window: how many bars, and the first and the last (epoch seconds).

    An unfinished last bar is not stored yet, for whoever asks what is missing: `last` is then still its time.
    """

    count: int
    first: int
    last: int
    is_last_provisional: bool = False


@dataclass(frozen=True)
class KnownGap:
    """So many bars of a session that the source does not have, and is not asked for again now."""

    day: date
    missing: int


@dataclass(frozen=True, eq=False)
class Expected:
    """The bars that the series of one exchange should have in a window.

    Bars of a day and longer are dated by the clocks of `zone`.
    """

    spans: Spans
    interval: Interval
    zone: tzinfo
    slots: Slots

    @cached_property
    def days(self) -> Days:
        """The session of each slot."""
        return self.spans.day[self.slots.session]

    def places(self, at: Seconds, side: str = "left") -> Seconds:
        """Where bars stand among the slots; `right` gives the place behind them."""
        found = keys(at, self.spans, self.interval, self.zone)
        # A bar outside of every session stands where its time would.
        outside = found < 0
        places = np.searchsorted(self.slots.key, found, side="right" if side == "right" else "left")
        places[outside] = np.searchsorted(self.slots.at, at[outside], side="left")
        return places.astype(np.int64)

    def window(self, first: int, last: int) -> Window:
        """The span of time in which the slots first ≤ place < last lie, wherever in its day a source puts a day's bar."""
        if self.interval.is_intraday:
            return Window(_instant(self.slots.at[first]), _instant(self.slots.at[last - 1]) + self.interval.length)
        start, end = self._first_day(first), self.days[last - 1] + _DAY
        return Window(_instant(_midnight(self.zone, start)), _instant(_midnight(self.zone, end)))

    def _first_day(self, place: int) -> np.datetime64:
        return _period_start(self.days[place], self.interval)


def expected(spans: Spans, interval: Interval, zone: tzinfo, window: Window, now: datetime) -> Expected:
    """The bars that should be there in a window, as far as they have begun."""
    found = slots(spans, interval)
    at = found.at
    if interval.seconds > Interval.D1.seconds:
        # The bar of a week or a month stands at its first midnight, whichever day trading begins.
        days = spans.day[found.session]
        at = np.array([_midnight(zone, _period_start(day, interval)) for day in days], dtype=np.int64)
    inside = (at >= window.start.timestamp()) & (at < min(window.end, now).timestamp())
    return Expected(spans, interval, zone, Slots(found.at[inside], found.session[inside], found.key[inside]))


@dataclass(frozen=True, eq=False)
class Missing:
    """The bars of one series that are missing."""

    expected: Expected
    runs: Runs

    def within(self, span: Window) -> Window | None:
        """The window that has all that is missing inside a span, None if nothing is."""
        first, last = np.searchsorted(self.expected.slots.at, [span.start.timestamp(), span.end.timestamp()])
        touched = self.runs[(self.runs[:, 1] > first) & (self.runs[:, 0] < last)]
        if not len(touched):
            return None
        found = self.expected.window(int(max(touched[0, 0], first)), int(min(touched[-1, 1], last)))
        return Window(max(found.start, span.start), min(found.end, span.end))


@dataclass(frozen=True)
class AllOf:
    """A series of which nothing is known but the window that is asked for."""

    window: Window

    def within(self, span: Window) -> Window | None:
        """The part of the window inside a span, None if there is none."""
        start, end = max(span.start, self.window.start), min(span.end, self.window.end)
        return Window(start, end) if start < end else None


def all_of(of: Expected) -> Missing:
    """A series of which every bar counts as missing."""
    return Missing(of, _runs_without(of, [(0, len(of.slots))], ()))


def by_extent(
    of: Expected, extent: Extent | None, gaps: Collection[KnownGap], since: datetime | None
) -> Missing | None:
    """What is missing of a series by the number of its bars alone; None where the bars have to be looked at one by one.

    `since` is when it first traded.
    """
    begin = _begin(of, since)
    if extent is None:
        return Missing(of, _runs_without(of, [(begin, len(of.slots))], gaps))
    [first] = of.places(np.array([extent.first]))
    [last] = of.places(np.array([extent.last]), "left" if extent.is_last_provisional else "right")
    first = max(int(first), begin)
    inside = sum(gap.missing for gap in gaps if _is_between(of, gap.day, first, int(last)))
    if extent.count - extent.is_last_provisional + inside < last - first:
        return None
    return Missing(of, _runs_without(of, [(begin, first), (max(int(last), begin), len(of.slots))], gaps))


def by_bars(of: Expected, stored: Seconds, gaps: Collection[KnownGap], since: datetime | None) -> Missing:
    """What is missing of a series beside its settled bars (epoch seconds)."""
    lacks = is_missing(of.slots, keys(stored, of.spans, of.interval, of.zone))
    lacks[: _begin(of, since)] = False
    return Missing(of, _runs(_without(of, lacks, gaps)))


def _begin(of: Expected, since: datetime | None) -> int:
    """The place of the first bar that a series can have."""
    if since is None or not len(of.slots):
        return 0
    return int(of.places(np.array([int(since.timestamp())], dtype=np.int64))[0])


def _is_between(of: Expected, day: date, first: int, last: int) -> bool:
    place = int(np.searchsorted(of.days, np.datetime64(day)))
    return first <= place < last


def _runs_without(of: Expected, ranges: list[tuple[int, int]], gaps: Collection[KnownGap]) -> Runs:
    if not gaps:
        return np.array([one for one in ranges if one[0] < one[1]], dtype=np.int64).reshape(-1, 2)
    lacks = np.zeros(len(of.slots), dtype=np.bool_)
    for first, last in ranges:
        lacks[first:last] = True
    return _runs(_without(of, lacks, gaps))


def _without(of: Expected, lacks: NDArray[np.bool_], gaps: Collection[KnownGap]) -> NDArray[np.bool_]:
    days = np.array([gap.day for gap in gaps], dtype="datetime64[D]")
    return lacks & np.isin(of.days, days, invert=True) if len(days) else lacks


def _runs(lacks: NDArray[np.bool_]) -> Runs:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], lacks, [False])).astype(np.int8)))
    return edges.reshape(-1, 2).astype(np.int64)


def _period_start(day: np.datetime64, interval: Interval) -> np.datetime64:
    if interval is Interval.W1:
        return day - np.timedelta64((int(day.astype(np.int64)) + 3) % 7, "D")
    return day.astype("datetime64[M]").astype("datetime64[D]") if interval is Interval.MO1 else day


def _midnight(zone: tzinfo, day: np.datetime64) -> int:
    return midnight(zone, int(day.astype(np.int64)))


def _instant(second: float) -> datetime:
    return datetime.fromtimestamp(int(second), UTC)
