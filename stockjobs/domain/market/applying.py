"""Applying: which landings of a series have a split in their prices, which lack it, and of which nothing tells.

What tells is, in this order: the comparison with what came, how landings join, and when they were made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import Bars, Prices, Seconds
from stockjobs.domain.market.changes import SAME, overlap
from stockjobs.domain.market.lacking import are_explained, lacks
from stockjobs.domain.market.restatement import Known
from stockjobs.domain.market.shares import (
    EARLY,
    LATE,
    THIS,
    Bound,
    Past,
    applied_to,
    by_time,
    in_old_shares,
    with_arrivals,
)
from stockjobs.domain.market.splits import Split


@dataclass(frozen=True, eq=False)
class History:
    """The stored bars from before a split: the splits that are in the price of each, and when each landing was made.

    Landings that are `silent` tell nothing by their time: what they wrote did not come from the source just then.
    """

    past: Past
    factor: Prices
    landed: Mapping[int, datetime]
    silent: Collection[int] = frozenset()

    def has_come(self, landings: Collection[int], before: datetime) -> bool:
        """True if one of some landings came from the source before an instant."""
        return any(self.landed[one] < before for one in landings if one in self.landed and one not in self.silent)


@dataclass(frozen=True, eq=False)
class Again:
    """The settled bars that are stored and came again: when they open, the splits in the price of each, their landings."""

    at: Seconds
    factor: Prices
    landing: NDArray[np.int64]

    @classmethod
    def of(cls, stored: Known, came: Bars, *, with_opened: bool = False) -> Again:
        """Those of the stored bars of a span; `with_opened` also the unfinished ones that open as they are stored, which says in
        which shares they came as well.
        """
        both = overlap(stored.bars, came)
        old, now = stored.bars.where(both.stored), came.where(both.came)
        counts = ~old.provisional & ~now.provisional
        if with_opened:
            counts |= np.abs(now.open - old.open) <= SAME * np.abs(old.open)
        places = both.stored[counts]
        return cls(stored.bars.at[places], stored.split_factor[places], stored.landing[places])


@dataclass(frozen=True, eq=False)
class Arrival:
    """What came of a series, when it was asked for, which stored bars came again, and all splits that are known by now,
    oldest first.
    """

    came: Bars
    asked_at: datetime
    splits: Sequence[Split]
    again: Again

    def is_applied(self, split: Split) -> bool:
        """True if a split is in all that came for sure, as far as this tells by itself.

        Nothing came from before it, or stored bars came again that have it, or every source has applied it by then.
        """
        return not self.tells_of(split) or self.has_shown(split) or self.is_late(split)

    def tells_of(self, split: Split) -> bool:
        """True if bars from before a split came."""
        return bool((self.came.at < split.since).any())

    def has_shown(self, split: Split) -> bool:
        """True if stored bars came again that have a split in their prices: all of an answer is in the same shares."""
        return bool(((self.again.at < split.since) & ~self._lacks(split)).any())

    def is_late(self, split: Split) -> bool:
        """True if it was asked for so long after the ex-day that a source has applied the split."""
        return self.asked_at >= _instant(split.at) + LATE

    def as_stored(self, split: Split) -> frozenset[int]:
        """The landings of stored bars that came again as they are and are not known to have a split."""
        return frozenset(self.again.landing[self._lacks(split)].tolist())

    def bound(self, since: int, stored: Bound | None) -> Bound | None:
        """The first bar from a second on, of what came and of what is stored."""
        after = self.came.where(self.came.at >= since)
        came = Bound(int(after.at[0]), float(after.open[0])) if len(after) else None
        return min((one for one in (came, stored) if one), key=lambda one: one.at, default=None)

    def _lacks(self, split: Split) -> NDArray[np.bool_]:
        return lacks(self.again.at, self.again.factor, split, self.splits)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What tells about the landings of a series: its history, what came, and the first bar after the split."""

    history: History
    arrival: Arrival
    bound: Bound | None = None


@dataclass(frozen=True)
class Applied:
    """The landings of a series, by a split (or a ratio that none explains): `old` are to be told anew by it, `new` were found
    to have it in their prices, `done` are known to have it, and of the `unclear` nothing tells.

    `rest` are the bars of landings that are done which lack it, by their times, and `with_rest` these landings; `ask_from` is the
    first bar of which nothing tells. What came has the split unless it `is_pending`; where it `is_shown`, bars from before the
    split have come in new shares.
    """

    ratio: float
    split: Split | None
    old: frozenset[int] = frozenset()
    new: frozenset[int] = frozenset()
    done: frozenset[int] = frozenset()
    unclear: frozenset[int] = frozenset()
    rest: tuple[int, ...] = ()
    with_rest: frozenset[int] = frozenset()
    ask_from: int | None = None
    is_pending: bool = False
    is_shown: bool = True


def by_ratio(evidence: Evidence, ratio: float, sure: Mapping[int, bool]) -> Applied:
    """By a ratio that no known split explains: all is in old shares that is not known to be in new ones.

    What landed later than all that was seen in old shares may be in either.
    """
    history = evidence.history
    past = with_arrivals(history.past, evidence.arrival.came, None)
    told = in_old_shares(past, ratio, sure={**sure, THIS: False})
    seen = [history.landed[one] for one, is_old in sure.items() if is_old and one in history.landed]
    landings = frozenset(history.past.landing.tolist())
    new = frozenset(one for one in landings if told[one] is False)
    unclear = frozenset(
        one
        for one in landings
        if told[one] is None and one in history.landed and seen and history.landed[one] > max(seen)
    )
    return Applied(ratio, None, landings - new - unclear, new, unclear=unclear, ask_from=_first(past, unclear))


def by_split(evidence: Evidence, split: Split, sure: Mapping[int, bool] = MappingProxyType({})) -> Applied:
    """By a split; `sure` are the landings of which the comparison told whether they are in old shares.

    Where stored bars came again as they are, and nothing tells that the source had applied the split by then, nothing is told
    anew: either it had not yet, or they have it already.
    """
    history, arrival = evidence.history, evidence.arrival
    lacking = _lacking(history, split, arrival.splits)
    if sure:
        lacking |= _is_from_before(history, split, arrival.splits)
    known_of = _by_factors(history.past, split, lacking)
    done = known_of.done
    as_stored = frozenset() if sure else arrival.as_stored(split)
    is_applied = bool(sure) or arrival.is_applied(split) or history.has_come(done, arrival.asked_at)
    known = {**sure, **dict.fromkeys(done | as_stored if is_applied else done, False)}
    past = with_arrivals(history.past, arrival.came, split.since)
    known |= {THIS: False} if is_applied else {}
    told = in_old_shares(past, split.ratio, sure=known, bound=evidence.bound)
    has_old = told.pop(THIS, False)
    is_pending = has_old is not False
    if is_pending and not as_stored:
        # The source may not have applied it yet; which of the landings it is in is seen when they all come again.
        return replace(known_of, ask_from=_first(past, {THIS, *told} - done), is_pending=True)
    told = by_time(told, history.landed, _instant(split.at), silent=history.silent)
    old, new, unclear = (
        frozenset(one for one, is_old in told.items() if is_old is what) for what in (True, False, None)
    )
    doubtful = {THIS, *unclear} if has_old is None else {*unclear}
    if as_stored & new and not is_applied:
        # Prices step by the ratio some days before the split: the source has told these anew meanwhile, or has them wrong.
        doubtful |= old - as_stored
    if as_stored and not is_applied and done:
        # Others have it already: once the source has applied it, no comparison with those would show what these lack.
        doubtful |= old
    ask_from = _first(past, doubtful)
    if as_stored and not is_applied:
        done, old = done | old, frozenset()
    found = replace(known_of, old=old, new=new - done, done=done, unclear=unclear, ask_from=ask_from)
    return replace(found, is_pending=is_pending, is_shown=arrival.tells_of(split) and not is_pending)


def _by_factors(past: Past, split: Split, lacking: NDArray[np.bool_]) -> Applied:
    """What is known by the bars that lack a split, and those that do not: what came in one landing is in one kind of shares."""
    done = frozenset(past.landing[~lacking].tolist())
    in_rest = lacking & np.isin(past.landing, sorted(done))
    rest, with_rest = tuple(past.at[in_rest].tolist()), frozenset(past.landing[in_rest].tolist())
    return Applied(split.ratio, split, done=done, rest=rest, with_rest=with_rest)


def by_several(
    evidence: Evidence, splits: Sequence[Split], sure: Mapping[int, int] = MappingProxyType({})
) -> tuple[Applied, ...]:
    """By several splits at once, oldest first: one alone would not tell in which shares a landing is.

    `sure` are the landings of which the comparison told how many of them they have.
    """
    history, arrival = evidence.history, evidence.arrival
    past, count = history.past, len(splits)
    lacking = [_lacking(history, split, arrival.splits) for split in splits]
    ready = dict.fromkeys(past.landing[~np.logical_or.reduce(lacking)].tolist(), count)
    whole = with_arrivals(past, arrival.came, splits[-1].since)
    known = {**ready, **sure, **({THIS: count} if sure or all(map(arrival.is_applied, splits)) else {})}
    told = applied_to(whole, splits, sure=known, bound=evidence.bound)
    has = told.pop(THIS, count)
    if has is None:
        asked = replace(Applied(splits[-1].ratio, splits[-1]), ask_from=_first(whole, {THIS, *told} - ready.keys()))
        return (
            *(Applied(split.ratio, split, is_pending=True) for split in splits[:-1]),
            replace(asked, is_pending=True),
        )
    applied, unclear = _timed(told, splits, history)
    found = []
    for number, split in enumerate(splits):
        done = frozenset(past.landing[~lacking[number] & (past.at < split.since)].tolist())
        old = frozenset(landing for landing, had in applied.items() if had <= number) - done
        new = frozenset(applied) - old - done
        one = Applied(split.ratio, split, old, new, done, unclear, is_pending=number >= has)
        found.append(replace(one, is_shown=arrival.tells_of(split) and not one.is_pending))
    # What the source has not applied yet is not told anew before it has.
    found = [replace(one, old=frozenset(), done=one.done | one.old) if one.is_pending else one for one in found]
    return (*found[:-1], replace(found[-1], ask_from=_first(past, unclear)))


def _lacking(history: History, split: Split, splits: Sequence[Split]) -> NDArray[np.bool_]:
    """Which stored bars lack a split. Of factors that splits do not explain, the other bars of their landings tell."""
    past = history.past
    found = lacks(past.at, history.factor, split, splits)
    is_told = are_explained(past.at, history.factor, splits) & (past.at < split.since)
    has, lack = ({*past.landing[is_told & which].tolist()} for which in (~found, found))
    return np.asarray(found | (~is_told & (past.at < split.since) & np.isin(past.landing, sorted(lack - has))))


def _is_from_before(history: History, split: Split, splits: Sequence[Split]) -> NDArray[np.bool_]:
    """Which stored bars landed before any source has applied a split, where their factors do not tell whether they have it."""
    early = [landing for landing, at in history.landed.items() if at <= _instant(split.at) - EARLY]
    is_told = are_explained(history.past.at, history.factor, splits)
    return np.asarray(~is_told & (history.past.at < split.since) & np.isin(history.past.landing, early))


def _timed(
    told: Mapping[int, int | None], splits: Sequence[Split], history: History
) -> tuple[dict[int, int], frozenset[int]]:
    """How many splits are in each landing; where the prices do not tell, by when it was made. And of which nothing tells."""
    known = {landing: count for landing, count in told.items() if count is not None}
    unknown: dict[int, bool | None] = {landing: None for landing in told if landing not in known}
    at = {landing: history.landed[landing] for landing in unknown if landing in history.landed}
    each = [by_time(unknown, at, _instant(split.at)) for split in splits]
    unclear = frozenset(landing for landing in unknown if any(one[landing] is None for one in each))
    counted = {one: sum(not is_old[one] for is_old in each) for one in unknown if one not in unclear}
    return known | counted, unclear


def _first(past: Past, landings: Collection[int]) -> int | None:
    places = np.flatnonzero(np.isin(past.landing, sorted(landings)))
    return int(past.at[places[0]]) if len(places) else None


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
