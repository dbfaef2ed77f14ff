"""Applying: which landings of a series have a split in their prices, which lack it, and of which nothing tells.

What tells is, in this order: the comparison with what came, how landings join, and when they were made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from stockjobs.domain.market.bars import Bars, Prices
from stockjobs.domain.market.restatement import lacks
from stockjobs.domain.market.shares import LATE, THIS, Bound, Past, applied_to, by_time, in_old_shares, with_arrivals
from stockjobs.domain.market.splits import Split


@dataclass(frozen=True, eq=False)
class History:
    """The stored bars from before a split: the splits that are in the price of each, and when each landing was made."""

    past: Past
    factor: Prices
    landed: Mapping[int, datetime]


@dataclass(frozen=True, eq=False)
class Arrival:
    """What came of a series, when it was asked for, and all splits that are known by now, oldest first."""

    came: Bars
    asked_at: datetime
    splits: Sequence[Split]

    def is_applied(self, split: Split) -> bool:
        """True if a split is in all that came for sure: nothing came from before it, or a source has applied it by then."""
        return not (self.came.at < split.since).any() or self.is_late(split)

    def is_late(self, split: Split) -> bool:
        """True if it was asked for so long after the ex-day that a source has applied the split."""
        return self.asked_at >= _instant(split.at) + LATE

    def bound(self, since: int, stored: Bound | None) -> Bound | None:
        """The first bar from a second on, of what came and of what is stored."""
        after = self.came.where(self.came.at >= since)
        came = Bound(int(after.at[0]), float(after.open[0])) if len(after) else None
        return min((one for one in (came, stored) if one), key=lambda one: one.at, default=None)


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
    first bar of which nothing tells. What came has the split unless it `is_pending`.
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


def by_ratio(evidence: Evidence, ratio: float, sure: Mapping[int, bool]) -> Applied:
    """By a ratio that no known split explains: all is in old shares that is not known to be in new ones."""
    past = with_arrivals(evidence.history.past, evidence.arrival.came, None)
    told = in_old_shares(past, ratio, sure={**sure, THIS: False})
    landings = {int(landing) for landing in evidence.history.past.landing}
    new = frozenset(landing for landing in landings if told[landing] is False)
    return Applied(ratio, None, frozenset(landings - new), new)


def by_split(evidence: Evidence, split: Split, sure: Mapping[int, bool], *, is_as_stored: bool = False) -> Applied:
    """By a split; `sure` are the landings of which the comparison told whether they are in old shares.

    Where what came `is_as_stored`, nothing is to be told anew.
    """
    history, arrival = evidence.history, evidence.arrival
    past = history.past
    lacking = lacks(past.at, history.factor, split, arrival.splits)
    done = frozenset(past.landing[~lacking].tolist())
    in_rest = lacking & np.isin(past.landing, sorted(done))
    # What came in one landing is in one kind of shares.
    rest, with_rest = tuple(past.at[in_rest].tolist()), frozenset(past.landing[in_rest].tolist())
    known_of = Applied(split.ratio, split, done=done, rest=rest, with_rest=with_rest)
    known = {**sure, **dict.fromkeys(done, False)}
    if not is_as_stored:
        # What came lies between what was stored at other times, in new shares where the overlap shows it.
        past = with_arrivals(past, arrival.came, split.since)
        known |= {THIS: False} if sure or arrival.is_applied(split) else {}
    told = in_old_shares(past, split.ratio, sure=known, bound=evidence.bound)
    if told.pop(THIS, False) is not False:
        # The source may not have applied it yet; which of the landings it is in is seen when they all come again.
        return replace(known_of, ask_from=int(past.at[0]), is_pending=True)
    if None in told.values():
        told = by_time(told, history.landed, _instant(split.at))
    old, new, unclear = (
        frozenset(one for one, is_old in told.items() if is_old is what) for what in (True, False, None)
    )
    if is_as_stored:
        done, old = done | old, frozenset()
    return replace(known_of, old=old, new=new - done, done=done, unclear=unclear, ask_from=_first(past, unclear))


def by_several(evidence: Evidence, splits: Sequence[Split], sure: Mapping[int, int]) -> tuple[Applied, ...]:
    """By several splits at once, oldest first: one alone would not tell in which shares a landing is.

    `sure` are the landings of which the comparison told how many of them they have.
    """
    history, every = evidence.history, evidence.arrival.splits
    past, count = history.past, len(splits)
    lacking = [lacks(past.at, history.factor, split, every) for split in splits]
    ready = dict.fromkeys(past.landing[~np.logical_or.reduce(lacking)].tolist(), count)
    whole = with_arrivals(past, evidence.arrival.came, splits[-1].since)
    told = applied_to(whole, splits, sure={**ready, **sure, THIS: count}, bound=evidence.bound)
    told.pop(THIS, None)
    applied, unclear = _timed(told, splits, history.landed)
    found = []
    for number, split in enumerate(splits):
        done = frozenset(past.landing[~lacking[number] & (past.at < split.since)].tolist())
        old = frozenset(landing for landing, has in applied.items() if has <= number) - done
        found.append(Applied(split.ratio, split, old, frozenset(applied) - old - done, done, unclear))
    return (*found[:-1], replace(found[-1], ask_from=_first(past, unclear)))


def _timed(
    told: Mapping[int, int | None], splits: Sequence[Split], landed: Mapping[int, datetime]
) -> tuple[dict[int, int], frozenset[int]]:
    """How many splits are in each landing; where the prices do not tell, by when it was made. And of which nothing tells."""
    known = {landing: count for landing, count in told.items() if count is not None}
    unknown: dict[int, bool | None] = {landing: None for landing in told if landing not in known}
    at = {landing: landed[landing] for landing in unknown if landing in landed}
    each = [by_time(unknown, at, _instant(split.at)) for split in splits]
    unclear = frozenset(landing for landing in unknown if any(one[landing] is None for one in each))
    counted = {one: sum(not is_old[one] for is_old in each) for one in unknown if one not in unclear}
    return known | counted, unclear


def _first(past: Past, landings: Collection[int]) -> int | None:
    places = np.flatnonzero(np.isin(past.landing, sorted(landings)))
    return int(past.at[places[0]]) if len(places) else None


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
