"""What a provider gives, as values: bars in columns, corporate actions, facts, and whom they are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stockjobs.domain.market.intervals import Interval

Seconds = NDArray[np.int64]
Prices = NDArray[np.float64]


@dataclass(frozen=True)
class Bars:
    """Bars of one symbol at one interval, in columns of equal length, oldest first.

    `at` is the open of each bar in epoch seconds, UTC; a daily bar stands at the open of its session as the
    provider gives it. Prices are in the instrument's currency and unit, as the provider gave them; a value that the
    source served as null is NaN. `volume` is in shares (contracts, coins), -1 where the source gave none.
    `provisional` marks bars that the provider may still change, as today's unfinished one.
    """

    at: Seconds
    open: Prices
    high: Prices
    low: Prices
    close: Prices
    volume: Seconds
    provisional: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.at)

    def where(self, mask: NDArray[np.bool_] | NDArray[np.intp]) -> Bars:
        """The bars for which the mask holds, or those at these places."""
        # Written out: it is done several times for each answer, most of them short.
        return Bars(
            self.at[mask],
            self.open[mask],
            self.high[mask],
            self.low[mask],
            self.close[mask],
            self.volume[mask],
            self.provisional[mask],
        )

    def part(self, first: int, end: int) -> Bars:
        """The bars from one place to another, that one left out: a look at the same columns."""
        return Bars(*(getattr(self, name)[first:end] for name in COLUMNS))

    @classmethod
    def of(cls, columns: Iterable[ArrayLike]) -> Bars:
        """Bars made of columns as lists or as arrays of other types, in the order of `COLUMNS`."""
        return cls(*(np.asarray(column, dtype=kind) for column, kind in zip(columns, _KINDS, strict=True)))

    @classmethod
    def empty(cls) -> Bars:
        """No bars at all."""
        no_prices = np.empty(0, dtype=np.float64)
        no_seconds = np.empty(0, dtype=np.int64)
        return cls(no_seconds, no_prices, no_prices, no_prices, no_prices, no_seconds, np.empty(0, dtype=np.bool_))


NO_VOLUME = -1
"""The volume of a bar for which the source gave none."""

PRICES = ("open", "high", "low", "close")
COLUMNS = ("at", *PRICES, "volume", "provisional")
_KINDS = (np.int64, *(np.float64 for _ in PRICES), np.int64, np.bool_)


def chained(parts: Sequence[Bars]) -> Bars:
    """Several runs of bars as one, in the order in which they are given."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Bars.empty()
    return Bars(*(np.concatenate([getattr(bars, name) for bars in parts]) for name in COLUMNS))


ACTION_KINDS = ("split", "dividend", "capital_gain")


@dataclass(frozen=True)
class CorporateAction:
    """A split or a dividend: `kind` is split, dividend or capital_gain.

    `at` is the open of the ex-day's session, UTC. For a split `value` is new shares per old share (4.0 for 4:1, 0.1
    for 1:10); else it is the amount per share in the currency of the instrument, split-adjusted as the provider
    gives it.
    """

    kind: str
    at: datetime
    value: float


@dataclass(frozen=True)
class Identity:
    """Whom an answer is about, in the provider's own words.

    `zone` is an IANA name, `currency` an ISO code; prices count in `unit` of it, 0.01 for pence and the like.
    """

    symbol: str
    exchange: str
    zone: str
    currency: str
    kind: str
    name: str = ""
    unit: float = 1.0
    first_trade_at: datetime | None = None


@dataclass(frozen=True)
class BarsRequest:
    """One question to a provider: bars of a symbol with start ≤ at < end, UTC."""

    symbol: str
    interval: Interval
    start: datetime
    end: datetime


@dataclass(frozen=True)
class BarsReply:
    """The answer to a `BarsRequest`: whom it is about, the bars inside the window, the actions inside it.

    `identity` is None when the provider said only that it has nothing for this window.
    """

    identity: Identity | None
    bars: Bars
    actions: tuple[CorporateAction, ...] = ()


@dataclass(frozen=True)
class Fact:
    """One reported figure of a company.

    `metric` is the provider's name without its period (`NetIncome`), `period` one of annual, quarterly, trailing,
    `as_of` the last day of the period, `currency` an ISO code or empty for counts.
    """

    metric: str
    period: str
    as_of: date
    value: float
    currency: str = ""


@dataclass(frozen=True)
class FactsReply:
    """The fundamentals of one symbol: figures, and the profile as text fields.

    `identity` is None where the provider did not say whom they are about.
    """

    symbol: str
    facts: tuple[Fact, ...]
    profile: dict[str, str] = field(default_factory=dict)
    identity: Identity | None = None
