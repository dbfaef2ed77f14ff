"""Validation: impossible bars are set aside whole, with a reason; nothing is mended and nothing is dropped unseen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.bars import COLUMNS, NO_VOLUME, Bars, Seconds

AHEAD = timedelta(minutes=5)
"""How far a bar may lie in the future before it is impossible: clocks differ."""

_PRICES = ("open", "high", "low", "close")
# Prices are float32 at the source; widened to double, a close may exceed the high by its last bit.
_TOLERANCE = 1e-6
_NONE = -1


@dataclass(frozen=True)
class Rejected:
    """A bar that was set aside: when it is, why, and its values as they came."""

    at: int
    reason: str
    values: dict[str, float | None]


@dataclass(frozen=True)
class Checked:
    """Bars after validation, oldest first; `null_at` are the times at which the source had no prices at all."""

    good: Bars
    rejected: tuple[Rejected, ...]
    null_at: Seconds

    @property
    def nulls(self) -> int:
        """How many times the source had no prices."""
        return len(self.null_at)


def validate(bars: Bars, now: datetime) -> Checked:
    """Tell good bars from impossible ones. A bar that was served twice alike is one bar."""
    null = np.asarray(np.isnan(_prices(bars)).all(axis=0))
    served = _each_once(bars.where(~null))
    rules = _rules(served, now)
    broken = np.select([mask for _, mask in rules], range(len(rules)), default=_NONE)
    rejected = tuple(
        _rejected(served, int(index), rules[broken[index]][0]) for index in np.flatnonzero(broken != _NONE)
    )
    good = served.where(broken == _NONE)
    return Checked(good.where(np.argsort(good.at, kind="stable")), rejected, bars.at[null])


def _prices(bars: Bars) -> NDArray[np.float64]:
    return np.stack([getattr(bars, name) for name in _PRICES])


def _each_once(bars: Bars) -> Bars:
    if not _repeated(bars.at).any():
        return bars
    rows = zip(*(getattr(bars, name).tolist() for name in COLUMNS), strict=True)
    places = {row: place for place, row in enumerate(rows)}
    return bars.where(np.array(sorted(places.values()), dtype=np.intp))


def _rules(bars: Bars, now: datetime) -> tuple[tuple[str, NDArray[np.bool_]], ...]:
    """Each rule with the bars that break it; the first that a bar breaks is the reason for which it is set aside."""
    prices = _prices(bars)
    opened, high, low, close = prices
    latest = int((now + AHEAD).timestamp())
    slack = np.abs(high) * _TOLERANCE
    with np.errstate(invalid="ignore"):
        return (
            ("a price is missing or not finite", np.asarray((~np.isfinite(prices)).any(axis=0))),
            ("a price is zero or negative", np.asarray((prices <= 0).any(axis=0))),
            ("high is below low", high < low - slack),
            ("open is outside of low and high", (opened > high + slack) | (opened < low - slack)),
            ("close is outside of low and high", (close > high + slack) | (close < low - slack)),
            ("its volume is negative", bars.volume < NO_VOLUME),
            ("its time is in the future", bars.at > latest),
            ("its time occurs twice", _repeated(bars.at)),
        )


def _repeated(at: NDArray[np.int64]) -> NDArray[np.bool_]:
    _, place, count = np.unique(at, return_inverse=True, return_counts=True)
    return np.asarray(count[place] > 1)


def _rejected(bars: Bars, index: int, reason: str) -> Rejected:
    values = {name: _finite(float(getattr(bars, name)[index])) for name in (*_PRICES, "volume")}
    return Rejected(int(bars.at[index]), reason, values)


def _finite(value: float) -> float | None:
    # JSON has no NaN and no infinity.
    return value if np.isfinite(value) else None
