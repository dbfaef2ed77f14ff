"""What is asked for when stored bars are read, and the factors by which prices are adjusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

import numpy as np

from stockjobs.domain.market.bars import Prices, Seconds
from stockjobs.domain.market.days import days_of, first_bar, period_numbers
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.splits import Split, placed
from stockjobs.errors import InvalidInput

USUAL_PROVIDER = "yahoo"
"""Whose data is meant where nobody says."""


def named_in_command(provider: str | None) -> str:
    """The option with which a command names a provider, to be put behind the others; nothing for the usual one."""
    return f" --provider {provider}" if provider not in (None, USUAL_PROVIDER) else ""


class Adjusted(StrEnum):
    """What prices are adjusted for."""

    NONE = "none"
    """As traded: what was paid then, and the shares that changed hands then."""
    SPLITS = "splits"
    """For splits, as the source gives them and as they are stored."""
    ALL = "all"
    """For splits, dividends and capital gains: the ratio of two prices is what a holder earned."""


@dataclass(frozen=True)
class BarsQuery:
    """Which bars are asked for: those of some symbols of a provider with start ≤ at < end, UTC.

    `as_of` is a moment: bars as they were known, and settled, then; None for what is known now.
    """

    symbols: tuple[str, ...]
    interval: Interval = Interval.D1
    start: datetime | None = None
    end: datetime | None = None
    adjusted: Adjusted = Adjusted.SPLITS
    as_of: datetime | None = None
    provider: str = USUAL_PROVIDER

    def check(self) -> None:
        """Raise InvalidInput for a window that ends before it begins."""
        if self.start and self.end and self.start > self.end:
            raise InvalidInput.because(
                "start", f"{self.start.isoformat()} is after the end {self.end.isoformat()}", "swap them"
            )


def refuse_future(as_of: datetime, now: datetime, where: str = "as_of") -> None:
    """Raise InvalidInput for a moment to come; clocks may differ by a minute."""
    if as_of > now + _CLOCKS_DIFFER:
        hint = "leave it away for what is known now"
        reason = f"{as_of.isoformat(timespec='seconds')} is in the future, and nobody knows what will be known then"
        raise InvalidInput.because(where, reason, hint)


_CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True)
class Payout:
    """What was paid for a share on an ex-day (`at`, the open of its session), and the close of the last session before it.

    Both in the unit of the prices and in the same shares. `close` is None where no bar before it is stored.
    """

    at: datetime
    amount: float
    close: float | None


@dataclass(frozen=True)
class Eve:
    """The last close before a payout, for a share of its day, with the time and the interval of its bar."""

    close: float
    at: datetime
    interval: Interval


def newer_of(daily: Eve | None, own: Eve | None, zone: tzinfo) -> Eve | None:
    """Of the last daily close before a payout and the last one of the interval that is read: the daily one, unless that is of an
    earlier day than the other, or of an earlier week or month. Daily bars may not be collected any more.
    """
    if daily is None or own is None:
        return daily or own
    coarse = own.interval if not own.interval.is_intraday else Interval.D1
    numbers = [
        int(period_numbers(days_of(np.array([int(one.at.timestamp())]), one.interval, zone), coarse)[0])
        for one in (daily, own)
    ]
    return own if numbers[0] < numbers[1] else daily


@dataclass(frozen=True)
class Paid:
    """What was paid for a share of an ex-day, and the last close before it.

    As traded, since intervals may be in different shares while a source applies a split to one after the other.
    """

    at: datetime
    amount: float
    eve: Eve | None = None

    def payout(self, splits: Sequence[Split], zone: tzinfo) -> Payout:
        """Both in shares of the ex-day: of the splits, oldest first, those since the close are taken out of it."""
        if self.eve is None:
            return Payout(self.at, self.amount, None)
        until = self.at.timestamp()
        later = placed((split for split in splits if split.at <= until), self.eve.interval, zone)
        ratio = math.prod(split.ratio for split in later if split.since > self.eve.at.timestamp())
        return Payout(self.at, self.amount, self.eve.close / ratio)


@dataclass(frozen=True)
class Factors:
    """By what prices are multiplied: those before `cuts[0]` (epoch seconds) by `values[0]`, and so on, later ones by 1."""

    cuts: Seconds
    values: Prices

    def at(self, seconds: Seconds) -> Prices:
        """The factor of each bar by its time."""
        found: Prices = np.append(self.values, 1.0)[np.searchsorted(self.cuts, seconds, side="right")]
        return found


def factors(payouts: Sequence[Payout], interval: Interval, zone: tzinfo) -> Factors:
    """The backward factors of payouts, which come oldest first.

    Every bar before an ex-day is multiplied by 1 - amount / close: the factor of the Center for Research in Security Prices, as
    Yahoo computes its `adjclose` with it (https://help.yahoo.com/kb/SLN28256.html). A payout that is not below the close, or has
    none before it, changes nothing.
    """
    counted = [one for one in payouts if one.close is not None and 0 < one.amount < one.close]
    # Each where the bar begins whose close is the first one without the payout.
    cuts = [first_bar(one.at, interval, zone) for one in counted]
    each = np.array([1 - one.amount / one.close for one in counted if one.close], dtype=np.float64)
    # The price of a bar is lowered by all that was paid after it.
    values: Prices = np.cumprod(each[::-1])[::-1].astype(np.float64)
    return Factors(np.array(cuts, dtype=np.int64), values)
