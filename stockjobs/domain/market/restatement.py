"""Restatement: what it means that a source tells history otherwise than it did.

A split makes a source tell all earlier prices in new shares: every stored bar is off by one ratio, and is restated. Ordinary
revisions touch few bars, and those a little. Whatever else changes history is a fault, and nothing of it is stored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import PRICES, Bars, Prices, Seconds
from stockjobs.domain.market.changes import SAME, overlap, prices_differ
from stockjobs.domain.market.lacking import LOOK_BACK, SPREAD, missing, missing_of_all
from stockjobs.domain.market.smoothness import are_joined, are_mended
from stockjobs.domain.market.splits import Split, factors

EXPLAINED = 1e-2
"""By less than this part a ratio may miss a split's, prices of small shares being rounded more."""

LARGE = 0.2
"""No ordinary revision moves a price by more than this part, unless it puts one right that stood apart."""

UNITS = (100.0, 1_000.0)
"""Ratios between a currency and its parts: pounds and pence, rial and dinar."""

LEAST_BARS = 2
"""So many bars must agree on a ratio that no split explains."""

LEAST_REVISED = 3
"""From so many bars on, more than half of them revised is no revision any more."""

FROM_ZERO = 1e6
"""What the ratio of a price to zero is taken for."""

_NONE: Seconds = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Known:
    """The stored bars that an answer overlaps, with the splits that are in their prices and the landing of each."""

    bars: Bars
    split_factor: Prices
    landing: NDArray[np.int64]

    def where(self, which: NDArray[Any]) -> Known:
        """Those of a mask or of some places."""
        return Known(self.bars.where(which), self.split_factor[which], self.landing[which])


@dataclass(frozen=True)
class Unchanged:
    """What is stored and came again is the same, or nothing came again."""


@dataclass(frozen=True)
class Restated:
    """The source now tells history in other shares: `ratio` new ones for an old one, so prices are divided by it.

    `splits` are those that explain it, none where none is known. `is_old` tells of landings in the overlap whether their
    prices are in the old shares.
    """

    ratio: float
    splits: tuple[Split, ...] = ()
    is_old: Mapping[int, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Revised:
    """The source has changed a few bars a little: how many, the first of them, and by which part at the most."""

    bars: int
    first: int
    largest: float


@dataclass(frozen=True)
class Varies:
    """History came back changed in a way that no restatement explains: why, and the ratios of new to old prices."""

    reason: str
    first: int
    lowest: float
    highest: float
    is_other_unit: bool = False


Verdict = Unchanged | Restated | Revised | Varies


def compared(known: Known, came: Bars, splits: Sequence[Split], accepted: Seconds = _NONE) -> Verdict:
    """What an answer says of stored history, `splits` being all that are known, those in the answer among them.

    Only bars that were settled and are settled are compared. Those of the times in `accepted` somebody has found good as they
    came: they say nothing of the others, and are a revision at the most.
    """
    both = _settled(known, came)
    if not len(accepted):
        return _of_settled(both, splits)
    is_accepted = np.isin(both.now.at, accepted)
    verdict = _of_settled(both.where(~is_accepted), splits)
    if not isinstance(verdict, Unchanged):
        return verdict
    good = both.where(is_accepted)
    return _changed(good.old.bars, good.ratios) if good.has_changed() else verdict


@dataclass(frozen=True, eq=False)
class _Both:
    """The bars that are stored and came again, as they were and as they are now, and all that came."""

    old: Known
    now: Bars
    came: Bars

    def where(self, which: NDArray[Any]) -> _Both:
        return replace(self, old=self.old.where(which), now=self.now.where(which))

    def has_changed(self) -> bool:
        return bool(prices_differ(self.old.bars, self.now).any())

    @cached_property
    def ratios(self) -> Prices:
        """Of new prices to old ones. Zero is zero in whatever shares: it is off as the first of the others of its bar."""
        now, old = (np.stack([getattr(bars, name) for name in PRICES]) for bars in (self.now, self.old.bars))
        found = np.divide(now, old, out=np.full_like(now, FROM_ZERO), where=old != 0)
        is_nothing = (now == 0) & (old == 0)
        beside = found[is_nothing.argmin(axis=0), np.arange(found.shape[1])]
        return np.asarray(np.where(is_nothing, beside, found))


def _settled(known: Known, came: Bars) -> _Both:
    """The bars that both have, as far as they were settled and are settled."""
    both = overlap(known.bars, came)
    old, now = known.bars.where(both.stored), came.where(both.came)
    # A bar that is zero in all its prices says nothing of shares.
    is_nothing = np.logical_and.reduce([getattr(bars, name) == 0 for bars in (old, now) for name in PRICES])
    settled = ~old.provisional & ~now.provisional & ~is_nothing
    return _Both(known.where(both.stored[settled]), now.where(settled), came)


def _of_settled(both: _Both, splits: Sequence[Split]) -> Verdict:
    if not both.has_changed():
        return Unchanged()
    by_split = _by_split(both, splits) or _by_one_ratio(both.old, both.ratios, splits)
    return by_split or _revised(both.old.bars, both.now, both.ratios)


def are_told_alike(came: Prices, stored: Prices, ratios: Sequence[float]) -> NDArray[np.bool_]:
    """Which bars are stored as they came, or in the shares after a split of one of some ratios; prices are in rows."""
    return np.asarray(_near(came, stored, SAME) | are_in_new_shares(came, stored, ratios))


def are_in_new_shares(came: Prices, stored: Prices, ratios: Sequence[float]) -> NDArray[np.bool_]:
    """Which bars are stored in the shares after a split of one of some ratios, and came in those before it."""
    found = np.zeros(came.shape[1], dtype=np.bool_)
    for ratio in ratios:
        found |= _near(came, stored * ratio, SPREAD)
    return found


def _by_split(both: _Both, splits: Sequence[Split]) -> Verdict | None:
    old, now, ratios = both.old, both.now, both.ratios
    expected = old.split_factor / factors(old.bars.at, splits)
    is_restated = _near(ratios, expected, EXPLAINED)
    is_same = _near(ratios, np.ones(len(now)), SPREAD) | _is_of_a_split(old.bars.at, ratios, splits)
    can_tell = np.abs(expected - 1) > EXPLAINED
    restated = is_restated & can_tell
    if not restated.any() or not (is_restated | is_same).all():
        return None
    if not _goes_on(both, restated):
        place = int(np.flatnonzero(restated)[0])
        return _varies("a split has been applied to a part of the bars", old.bars, ratios, place)
    landings = {int(landing): True for landing in old.landing[restated]}
    landings |= {int(landing): False for landing in old.landing[can_tell & ~restated]}
    lacking = missing_of_all(old.bars.at[restated], old.split_factor[restated], splits)
    return Restated(math.prod(split.ratio for split in lacking), lacking, landings) if lacking else None


def _is_of_a_split(at: Seconds, ratios: Prices, splits: Sequence[Split]) -> NDArray[np.bool_]:
    """Which bars are of the week or month of a split, and were told before the source applied it: they come in new shares.

    One told before the ex-day does so like the bars before it; one told since had opened in old shares and closed in new ones.
    """
    found = np.zeros(len(at), dtype=np.bool_)
    for split in splits:
        is_of_its_week = (split.since <= at) & (at < split.at)
        if is_of_its_week.any():
            whole = np.full(len(at), 1 / split.ratio)
            found |= is_of_its_week & (_near(ratios, whole, EXPLAINED) | _opened_in_old_shares(ratios, 1 / split.ratio))
    return found


def _opened_in_old_shares(ratios: Prices, by: float) -> NDArray[np.bool_]:
    """Which bars come with another open and the same close; the high and the low are of the one or of the other."""
    opened, close = ratios[PRICES.index("open")], ratios[PRICES.index("close")]
    lowest, highest = min(by, 1.0) * (1 - EXPLAINED), max(by, 1.0) * (1 + EXPLAINED)
    is_between = ((lowest <= ratios) & (ratios <= highest)).all(axis=0)
    return np.asarray((np.abs(opened / by - 1) <= EXPLAINED) & (np.abs(close - 1) <= SPREAD) & is_between)


def _goes_on(both: _Both, restated: NDArray[np.bool_]) -> bool:
    """True if the new prices go on where some bars were restated and the next were not: else the source is half done."""
    for place in np.flatnonzero(restated[1:] != restated[:-1]):
        ratio = both.ratios[-1, place if restated[place] else place + 1]
        if _jump(both.came, int(both.now.at[place]), int(both.now.at[place + 1])) > abs(math.log(ratio)) / 2:
            return False
    return True


def _jump(came: Bars, first: int, last: int) -> float:
    """By how much the price jumps between two bars: at one of those between at the most, and no more than from first to last.

    To and from prices that are not positive it is none.
    """
    start, end = np.searchsorted(came.at, [first, last])
    steps = _moves(came.close[start:end], came.open[start + 1 : end + 1])
    whole = _moves(came.close[start : start + 1], came.open[end : end + 1])
    most = np.fmax.reduce(steps, initial=0.0)
    return float(np.fmin(most, whole[0]))


def _moves(before: Prices, after: Prices) -> Prices:
    can_tell = (before > 0) & (after > 0)
    return np.abs(np.log(np.divide(after, before, out=np.full_like(after, np.nan), where=can_tell)))


def _by_one_ratio(old: Known, ratios: Prices, splits: Sequence[Split]) -> Verdict | None:
    ratio = float(np.median(ratios))
    if ratios.shape[1] < LEAST_BARS or abs(ratio - 1) <= SPREAD or not (np.abs(ratios / ratio - 1) <= SPREAD).all():
        return None
    for unit in UNITS:
        if abs(ratio / unit - 1) < EXPLAINED or abs(ratio * unit - 1) < EXPLAINED:
            reason = f"prices came in another unit: {ratio:g} times what they were"
            return replace(_varies(reason, old.bars, ratios, 0), is_other_unit=True)
    first = int(old.bars.at[0])
    if _is_taken_back(ratio, first, splits) and not missing(float(old.split_factor[0]), first, splits):
        return _varies("prices came as they were before a split that had been applied", old.bars, ratios, 0)
    return Restated(1 / ratio, (), {int(landing): True for landing in old.landing})


def _is_taken_back(ratio: float, at: int, splits: Sequence[Split]) -> bool:
    """True if prices are off as they are without one of the splits after a bar, or without several of the newest."""
    later = [split.ratio for split in splits if split.since > at]
    newest = later[-LOOK_BACK:]
    several = (math.prod(some) for count in range(2, len(newest) + 1) for some in combinations(newest, count))
    return any(abs(ratio / one - 1) < EXPLAINED for one in (*later, *several))


def _revised(old: Bars, now: Bars, ratios: Prices) -> Verdict:
    moved = np.abs(ratios - 1).max(axis=0)
    place, largest = int(moved.argmax()), float(moved.max())
    is_large = moved > LARGE
    if largest > LARGE and not _is_put_right(old, now, is_large):
        return _varies("some bars came back changed by much, and others not", old, ratios, place)
    shifted = (moved > SPREAD) & ~is_large
    if shifted.sum() >= LEAST_REVISED and shifted.sum() * 2 > len(moved):
        return _varies("most bars came back changed, each by another ratio", old, ratios, int(shifted.argmax()))
    return _changed(old, ratios)


def _changed(old: Bars, ratios: Prices) -> Revised:
    moved = np.abs(ratios - 1).max(axis=0)
    changed = np.flatnonzero(moved > SAME)
    return Revised(len(changed), int(old.at[changed[0]]), float(moved.max()))


def _is_put_right(old: Bars, now: Bars, is_large: NDArray[np.bool_]) -> bool:
    return are_mended(old.where(is_large), now.where(is_large), now.where(~is_large)) or are_joined(old, now)


def _varies(reason: str, old: Bars, ratios: Prices, place: int) -> Varies:
    return Varies(reason, int(old.at[place]), float(ratios.min()), float(ratios.max()))


def _near(ratios: Prices, expected: Prices, by: float) -> NDArray[np.bool_]:
    return np.asarray((np.abs(ratios - expected) <= by * np.abs(expected)).all(axis=0))
