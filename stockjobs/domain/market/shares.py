"""Which landings of a series tell prices in the shares from before a split, told from how they join.

A run of bars that was fetched in one go is in one kind of shares. Where two runs meet, the price either goes on or jumps by
the ratio of the split; whichever is nearer in logarithms says whether both are in the same shares.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import Bars, Prices, Seconds
from stockjobs.domain.market.splits import Split

_DAY = 86_400
# By how much a price may well move in a day, three times over; it grows with the root of time.
_SWING_A_DAY = 0.06


@dataclass(frozen=True, eq=False)
class Past:
    """Stored bars in order of time: when each opened, its first and last price, and the number of its landing."""

    at: Seconds
    open: Prices
    close: Prices
    landing: NDArray[np.int64]


THIS = -1
"""The number that stands for the landing that is being made."""


def with_arrivals(past: Past, came: Bars, before: int | None) -> Past:
    """The past with what came and is not stored yet between it, as of the landing `THIS`."""
    is_new = ~np.isin(came.at, past.at) & (True if before is None else came.at < before)
    new = came.where(np.asarray(is_new))
    at = np.concatenate([past.at, new.at])
    order = np.argsort(at, kind="stable")
    landing = np.concatenate([past.landing, np.full(len(new), THIS)])
    opened, close = np.concatenate([past.open, new.open]), np.concatenate([past.close, new.close])
    return Past(at[order], opened[order], close[order], landing[order])


EARLY = timedelta(days=2)
"""So long before its ex-day sources have applied a split, and told of it: clocks and zones differ."""

LATE = timedelta(days=14)
"""So long after its ex-day sources have told earlier prices in old shares."""

FETCHED_WITHIN = timedelta(hours=2)
"""What was landed was asked for no longer before."""


def by_time(
    told: Mapping[int, bool | None],
    landed: Mapping[int, datetime],
    ex_day: datetime,
    *,
    silent: Collection[int] = frozenset(),
) -> dict[int, bool | None]:
    """As `in_old_shares`, with what the times tell at which the landings were made; None where these do not tell either.

    A source applies a split to all of history at once, about its ex-day. So what landed before an answer that was in old shares
    is in old ones, and what was asked for after one in new shares is in new ones. What nobody knows the time of is from long ago.
    Landings that are `silent` did not come from the source when they were made: their times tell nothing of others.
    """
    came = {landing: at for landing, at in landed.items() if landing not in silent}
    from_old = [at - FETCHED_WITHIN for landing, at in came.items() if told.get(landing) is True]
    from_new = [at for landing, at in came.items() if told.get(landing) is False]
    # Where prices from long before the ex-day are in new shares, that day tells nothing.
    is_told_by_day = min(from_new, default=ex_day) >= ex_day - EARLY
    old_until = max([*from_old, *([ex_day - EARLY] if is_told_by_day else [])], default=None)
    new_since = min([ex_day + LATE, *from_new]) + FETCHED_WITHIN

    def at_last(landing: int) -> bool | None:
        at = landed.get(landing)
        if at is None or (old_until is not None and at <= old_until):
            return True
        return False if at >= new_since else None

    return {landing: at_last(landing) if is_old is None else is_old for landing, is_old in told.items()}


@dataclass(frozen=True)
class Bound:
    """The first bar after the past, which is in the new shares for sure: when it opened, and at what price."""

    at: int
    open: float


def in_old_shares(
    past: Past, ratio: float, *, sure: Mapping[int, bool], bound: Bound | None = None
) -> dict[int, bool | None]:
    """For each landing whether its prices are in the shares from before a split of `ratio`; None where nothing tells.

    `sure` are the landings of which it is known. From a bar that is known it is followed to those beside it.
    """
    found: dict[int, bool | None] = dict(sure)
    ends = _ends(past)
    if bound is not None and len(past.at):
        _tell(found, int(past.landing[-1]), _follows(past, len(past.at), ratio, bound), is_old=False)
    joins = [
        (*one, jumped)
        for one, jumped in zip(_landings_at(past, ends), _jumps(past, ends, ratio), strict=True)
        if jumped is not None
    ]
    # Twice: what is found on the way back may tell of what was passed on the way there.
    for before, after, jumped in (*reversed(joins), *joins, *reversed(joins)):
        if (is_old := found.get(after)) is not None:
            _tell(found, before, jumped, is_old=is_old)
        if (is_old := found.get(before)) is not None:
            _tell(found, after, -jumped, is_old=is_old)
    return {landing: found.get(landing) for landing in np.unique(past.landing).tolist()}


def _ends(past: Past) -> NDArray[np.intp]:
    """The places of the bars behind which another landing begins."""
    return np.flatnonzero(past.landing[1:] != past.landing[:-1])


def _landings_at(past: Past, ends: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Which landings meet there: the one that ends and the one that begins."""
    return zip(past.landing[ends].tolist(), past.landing[ends + 1].tolist(), strict=True)


def applied_to(
    past: Past, splits: Sequence[Split], *, sure: Mapping[int, int], bound: Bound | None = None
) -> dict[int, int | None]:
    """For each landing how many of several splits (oldest first) are in its prices; None where nothing tells.

    A source applies splits one after the other, so the first ones are. `sure` are the landings of which it is known, `bound`
    comes after all splits.
    """
    found: dict[int, int | None] = dict(sure)
    ends = _ends(past)
    levels = _Levels.of(past, splits)
    if bound is not None and len(past.at) and found.get(int(past.landing[-1])) is None:
        found[int(past.landing[-1])] = levels.before(bound)
    joins = [(end, *landings) for end, landings in zip(ends.tolist(), _landings_at(past, ends), strict=True)]
    for end, before, after in (*reversed(joins), *joins, *reversed(joins)):
        if (applied := found.get(after)) is not None and found.get(before) is None:
            found[before] = levels.nearest(end + 1, end, applied)
        elif (applied := found.get(before)) is not None and found.get(after) is None:
            found[after] = levels.nearest(end, end + 1, applied)
    return {landing: found.get(landing) for landing in np.unique(past.landing).tolist()}


@dataclass(frozen=True)
class _Levels:
    """How high prices stand, by how many of the splits are in them."""

    past: Past
    splits: Sequence[Split]
    firsts: Mapping[int, int]
    """When the first bar of each landing opened."""

    @classmethod
    def of(cls, past: Past, splits: Sequence[Split]) -> _Levels:
        """How high the prices of a past stand."""
        landings, places = np.unique(past.landing, return_index=True)
        return cls(past, splits, dict(zip(landings.tolist(), past.at[places].tolist(), strict=True)))

    def before(self, bound: Bound) -> int | None:
        """How many splits are in the last bar, by the first bar that comes after them all."""
        last = len(self.past.at) - 1
        level = _rise(bound.open, self.past.close[last])
        return self._chosen(last, level, self._swing(bound.at - int(self.past.at[last])))

    def nearest(self, known: int, other: int, applied: int) -> int | None:
        """How many splits are in a bar, by the one beside it of which it is known."""
        past = self.past
        rise = _rise(past.close[min(known, other)], past.open[max(known, other)]) * (1 if other > known else -1)
        level = self._level(applied, int(past.at[known])) + rise
        return self._chosen(other, level, self._swing(abs(int(past.at[known] - past.at[other]))))

    def _chosen(self, place: int, level: float, swing: float) -> int | None:
        if math.isnan(level):
            return None
        first = self.firsts[int(self.past.landing[place])]
        # What was applied of splits from before the first bar of a landing makes no difference to it.
        least = sum(split.since <= first for split in self.splits)
        levels = {applied: self._level(applied, int(self.past.at[place])) for applied in self._all(least)}
        best = min(levels, key=lambda applied: abs(levels[applied] - level))
        apart = min((abs(levels[one] - levels[best]) for one in levels if one != best), default=math.inf)
        return best if swing < apart / 2 else None

    def _all(self, least: int) -> range:
        return range(least, len(self.splits) + 1)

    def _level(self, applied: int, at: int) -> float:
        return math.fsum(math.log(split.ratio) for split in self.splits[applied:] if split.since > at)

    @staticmethod
    def _swing(seconds: int) -> float:
        return _SWING_A_DAY * math.sqrt(max(seconds / _DAY, 1.0))


def _follows(past: Past, place: int, ratio: float, after: Bound) -> int | None:
    """What the price does between a bar and the next: 0 it goes on, 1 it falls by the ratio, -1 it rises; None if unclear."""
    jump = _rise(after.open, past.close[place - 1])
    days = (after.at - int(past.at[place - 1])) / _DAY
    [found] = _steps(np.array([jump]), np.array([days]), ratio)
    return found


def _rise(first: float, last: float) -> float:
    """From one price to another, in logarithms; of prices that are not positive nothing is told."""
    return math.log(last / first) if min(first, last) > 0 else math.nan


def _jumps(past: Past, ends: NDArray[np.intp], ratio: float) -> list[int | None]:
    """The same between the bars at these places and the next ones, of many at once."""
    with np.errstate(all="ignore"):
        # Of prices below zero nothing is told.
        jump = np.log(past.close[ends] / past.open[ends + 1])
    days = (past.at[ends + 1] - past.at[ends]) / _DAY
    return _steps(jump, days, ratio)


def _steps(jump: NDArray[np.float64], days: NDArray[np.float64], ratio: float) -> list[int | None]:
    times, step = np.array([0, 1, -1]), math.log(ratio)
    nearest = times[np.abs(jump[:, None] - times * step).argmin(axis=1)]
    is_clear = np.isfinite(jump) & (_SWING_A_DAY * np.sqrt(np.maximum(days, 1.0)) < abs(step) / 2)
    return [one if is_sure else None for one, is_sure in zip(nearest.tolist(), is_clear.tolist(), strict=True)]


def _tell(found: dict[int, bool | None], landing: int, jumped: int | None, *, is_old: bool) -> None:
    if found.get(landing) is not None or jumped is None:
        return
    if jumped == 0:
        found[landing] = is_old
    elif jumped == (-1 if is_old else 1):
        found[landing] = not is_old
