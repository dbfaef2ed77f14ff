"""Splits, and how many shares of now a share of then has become."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

import numpy as np

from stockjobs.domain.market.bars import PRICES, Bars, CorporateAction, Prices, Seconds
from stockjobs.domain.market.days import first_bar
from stockjobs.domain.market.intervals import Interval

_DAY = 86_400
_ALIKE = 1e-2


@dataclass(frozen=True, order=True)
class Split:
    """A split: the open of its ex-day in epoch seconds, and new shares per old share (4.0 for 4:1, 0.1 for 1:10).

    `first` is the earliest second of a bar of its day, in the series against which it is held; None for `at`.
    """

    at: int
    ratio: float
    first: int | None = field(default=None, compare=False)

    @property
    def since(self) -> int:
        """Bars from this second on are in new shares by themselves."""
        return self.at if self.first is None else self.first


def splits_in(actions: Iterable[CorporateAction]) -> tuple[Split, ...]:
    """The splits among corporate actions, oldest first; one without a meaning is left out."""
    found = (Split(int(one.at.timestamp()), one.value) for one in actions if one.kind == "split")
    return tuple(sorted(split for split in found if split.ratio > 0 and split.ratio != 1))


def together(known: Sequence[Split], told: Sequence[Split]) -> tuple[Split, ...]:
    """The splits that were known and those that were told of since; where both tell of a day, the latter."""
    return tuple(sorted((({split.at: split for split in known}) | {split.at: split for split in told}).values()))


def placed(splits: Iterable[Split], interval: Interval, zone: tzinfo) -> tuple[Split, ...]:
    """Splits as the bars of an interval see them, wherever in their day, week or month these stand."""
    return tuple(replace(one, first=first_bar(datetime.fromtimestamp(one.at, UTC), interval, zone)) for one in splits)


def as_of_days(splits: Iterable[Split]) -> tuple[Split, ...]:
    """Splits as other events see them, which stand at the same second of a day."""
    return tuple(replace(one, first=None) for one in splits)


def factors(at: Seconds, splits: Sequence[Split]) -> Prices:
    """The product of the ratios of all splits after each bar: by so much its shares have become more."""
    found = np.ones(len(at), dtype=np.float64)
    for split in splits:
        found[at < split.since] *= split.ratio
    return found


def in_price(at: Seconds, stored_at: Seconds, stored_factor: Prices, splits: Sequence[Split]) -> Prices:
    """The splits that are in the prices of bars: those that are known, as far as the stored ones beside them have them.

    Of the stored bars there are their times, oldest first, and the splits that are in the price of each.
    """
    found = factors(at, splits)
    if not len(stored_at):
        return found
    share = _share(stored_at, stored_factor, splits)
    place = np.minimum(np.searchsorted(stored_at, at), len(stored_at) - 1)
    return np.where(at <= stored_at[-1], found * share[place], found)


def _share(at: Seconds, factor: Prices, splits: Sequence[Split]) -> Prices:
    """What part bars have of the splits that are after them."""
    found = factor / factors(at, splits)
    for split in splits:
        # A bar of its day, week or month that was told anew before anybody knew why counts it, and is after it by now.
        counts = (split.since <= at) & (at < split.at) & (np.abs(found / split.ratio - 1) < _ALIKE)
        found[counts] /= split.ratio
    return found


@dataclass(frozen=True, eq=False)
class InPrices:
    """The splits that are in the prices of a series: when its bars open, oldest first, and the factor of each.

    `splits` are all that are known, `zone` says of which day a bar is.
    """

    at: Seconds
    factor: Prices
    splits: Sequence[Split]
    interval: Interval
    zone: tzinfo

    def reaches(self, at: int) -> bool:
        """True up to the day, week or month of the last bar."""
        return len(self.at) > 0 and self._first(at, self.interval) <= int(self.at[-1])

    def of(self, at: int) -> float:
        """The splits that are in an amount of an instant, as far as the bar has them in which it lies.

        Before the first bar, as the first one has them; after the last one, all that are known.
        """
        known = float(factors(np.array([at]), as_of_days(self.splits))[0])
        if not self.reaches(at):
            return known
        daily = self.interval if self.interval.is_intraday else Interval.D1
        place = max(int(np.searchsorted(self.at, self._first(at, daily) + _DAY)) - 1, 0)
        share = _share(self.at[place : place + 1], self.factor[place : place + 1], self.splits)[0]
        return float(known * share)

    def _first(self, at: int, interval: Interval) -> int:
        return first_bar(datetime.fromtimestamp(at, UTC), interval, self.zone)


def in_new_shares(bars: Bars, ratio: Prices) -> Bars:
    """Bars told in other shares, `ratio` new ones for an old one of each: prices are divided by it, volumes multiplied."""
    prices = {name: getattr(bars, name) / ratio for name in PRICES}
    volume = np.where(bars.volume > 0, np.rint(bars.volume * ratio), bars.volume).astype(np.int64)
    return replace(bars, **prices, volume=volume)
