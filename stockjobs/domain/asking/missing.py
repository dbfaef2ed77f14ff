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

from stockjobs.domain.asking.planning import Window
from stockjobs.domain.clocks import instant, midnight
from stockjobs.domain.market.coverage import Slots, filled, is_missing, keys, slots
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Days, Seconds, Spans
from stockjobs.domain.scheduling.zones import offset_at

Runs = NDArray[np.int64]
"""Rows of two places, first ≤ place < last, in order: the slots of each run are missing."""

_DAY, _DAY_S = np.timedelta64(1, "D"), 86_400


@dataclass(frozen=True)
class Extent:
    """What is stored of a series inside a window: how many bars, the first and the last (epoch seconds), and the sum of
    their numbers (`Expected.number`).

    An unfinished last bar is not stored yet, for whoever asks what is missing: the others still have its time and number.
    """

    count: int
    first: int
    last: int
    sum: int
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

    @cached_property
    def ahead(self) -> int:
        """Seconds that make the days of UTC those of `zone`, for bars of a day and longer; 0 within the day.

        Those of its summer: at them a winter's midnight is one o'clock, and no bar stands in the last hour of a day.
        """
        if self.interval.is_intraday or not len(self.slots):
            return 0
        year = instant(self.slots.at[-1]).year
        halves = (datetime(year, month, 1, tzinfo=UTC) for month in (1, 7))
        return max(int(offset_at(self.zone, half).total_seconds()) for half in halves)

    def number(self, at: Seconds) -> Seconds:
        """A number for each bar, so that bars are those that there should be if there are as many and the sums are the same.

        Within the day its time, else its day: sources put a day's bar at its midnight, at the open, or elsewhere.
        """
        return at if self.interval.is_intraday else (at + self.ahead) // _DAY_S

    @cached_property
    def numbers(self) -> Seconds:
        """The number of each slot."""
        if self.interval.is_intraday:
            return self.slots.at
        return np.asarray(_period_start(self.days, self.interval).astype(np.int64))

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
            return Window(instant(self.slots.at[first]), instant(self.slots.at[last - 1]) + self.interval.length)
        start, end = self._first_day(first), self.days[last - 1] + _DAY
        return Window(instant(_midnight(self.zone, start)), instant(_midnight(self.zone, end)))

    def _first_day(self, place: int) -> np.datetime64:
        [start] = _period_start(self.days[place : place + 1], self.interval)
        return start  # type: ignore[no-any-return]  # of a column of days


def expected(spans: Spans, interval: Interval, zone: tzinfo, window: Window, now: datetime) -> Expected:
    """The bars that should be there in a window, as far as they have begun."""
    found = slots(spans, interval)
    at = found.at
    if interval.seconds > Interval.D1.seconds:
        # The bar of a week or a month stands at its first midnight, whichever day trading begins.
        starts = _period_start(spans.day[found.session], interval)
        at = np.array([_midnight(zone, day) for day in starts], dtype=np.int64)
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
    """What is missing of a series by the count and the sum of its bars; None where they have to be looked at one by one.

    `since` is when it first traded. A count alone would take a bar outside of the sessions for one that is missing.
    """
    begin = _begin(of, since)
    if extent is None:
        return Missing(of, _runs_without(of, [(begin, len(of.slots))], gaps))
    [first] = of.places(np.array([extent.first]))
    [last] = of.places(np.array([extent.last]), "left" if extent.is_last_provisional else "right")
    first, last = max(int(first), begin), max(int(last), begin)
    if not _is_whole(of, extent, gaps, slice(first, last)):
        return None
    return Missing(of, _runs_without(of, [(begin, first), (last, len(of.slots))], gaps))


def _is_whole(of: Expected, extent: Extent, gaps: Collection[KnownGap], inside: slice) -> bool:
    """True if what is stored are the bars of these slots, save sessions that the source lacks altogether."""
    wanted = of.numbers[inside]
    if gaps:
        lacks = _are_of(of, gaps)[inside]
        periods, slots_of = np.unique(_period_start(of.days[inside][lacks], of.interval), return_counts=True)
        missing = {
            _period_start(np.array([gap.day], dtype="datetime64[D]"), of.interval)[0]: gap.missing for gap in gaps
        }
        if any(missing[period] != count for period, count in zip(periods, slots_of.tolist(), strict=True)):
            return False
        wanted = wanted[~lacks]
    count, total = extent.count, extent.sum
    if extent.is_last_provisional:
        count, total = count - 1, total - int(of.number(np.array([extent.last]))[0])
    return (count, total) == (len(wanted), int(wanted.sum()))


def by_bars(of: Expected, stored: Seconds, gaps: Collection[KnownGap], since: datetime | None) -> Missing:
    """What is missing of a series beside its settled bars (epoch seconds)."""
    lacks = is_missing(of.slots, filled(stored, of.spans, of.interval, of.zone))
    lacks[: _begin(of, since)] = False
    return Missing(of, _runs(_without(of, lacks, gaps)))


def _begin(of: Expected, since: datetime | None) -> int:
    """The place of the first bar that a series can have."""
    if since is None or not len(of.slots):
        return 0
    return int(of.places(np.array([int(since.timestamp())], dtype=np.int64))[0])


def _runs_without(of: Expected, ranges: list[tuple[int, int]], gaps: Collection[KnownGap]) -> Runs:
    if not gaps:
        return np.array([one for one in ranges if one[0] < one[1]], dtype=np.int64).reshape(-1, 2)
    lacks = np.zeros(len(of.slots), dtype=np.bool_)
    for first, last in ranges:
        lacks[first:last] = True
    return _runs(_without(of, lacks, gaps))


def _without(of: Expected, lacks: NDArray[np.bool_], gaps: Collection[KnownGap]) -> NDArray[np.bool_]:
    return lacks & ~_are_of(of, gaps) if gaps else lacks


def _are_of(of: Expected, gaps: Collection[KnownGap]) -> NDArray[np.bool_]:
    """Which slots lie in the sessions, weeks or months of some gaps."""
    days = np.array([gap.day for gap in gaps], dtype="datetime64[D]")
    return np.isin(_period_start(of.days, of.interval), _period_start(days, of.interval))


def _runs(lacks: NDArray[np.bool_]) -> Runs:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], lacks, [False])).astype(np.int8)))
    return edges.reshape(-1, 2).astype(np.int64)


def _period_start(days: Days, interval: Interval) -> Days:
    if interval is Interval.W1:
        weekday = (days.astype(np.int64) + 3) % 7
        return np.asarray(days - weekday.astype("timedelta64[D]"))
    unit = "datetime64[M]" if interval is Interval.MO1 else "datetime64[D]"
    starts: Days = days.astype(unit).astype("datetime64[D]")
    return starts


def _midnight(zone: tzinfo, day: np.datetime64) -> int:
    return midnight(zone, int(day.astype(np.int64)))
