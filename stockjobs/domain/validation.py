"""Validation: impossible bars are set aside whole, with a reason; nothing is mended and nothing is dropped unseen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.bars import Bars

AHEAD = timedelta(minutes=5)
"""How far a bar may lie in the future before it is impossible: clocks differ."""

_PRICES = ("open", "high", "low", "close")
# Prices are float32 at the source; widened to double, a close may exceed the high by its last bit.
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Rejected:
    """A bar that was set aside: when it is, why, and its values as they came."""

    at: int
    reason: str
    values: dict[str, float | None]


@dataclass(frozen=True)
class Checked:
    """Bars after validation, oldest first; `nulls` counts the times at which the source had no prices at all."""

    good: Bars
    rejected: tuple[Rejected, ...]
    nulls: int


def validate(bars: Bars, now: datetime) -> Checked:
    """Tell good bars from impossible ones."""
    prices = np.stack([getattr(bars, name) for name in _PRICES]) if len(bars) else np.empty((4, 0))
    null = np.isnan(prices).all(axis=0)
    reasons = _reasons(bars, prices, now)
    reasons[null] = ""
    bad = reasons != ""
    rejected = tuple(_rejected(bars, int(index), str(reasons[index])) for index in np.flatnonzero(bad))
    good = bars.where(~bad & ~null)
    order = np.argsort(good.at, kind="stable")
    return Checked(good.where(order) if len(order) else good, rejected, int(null.sum()))


def _reasons(bars: Bars, prices: NDArray[np.float64], now: datetime) -> NDArray[np.str_]:
    opened, high, low, close = prices
    latest = int((now + AHEAD).timestamp())
    slack = np.abs(high) * _TOLERANCE
    with np.errstate(invalid="ignore"):
        rules = (
            (~np.isfinite(prices).all(axis=0), "a price is missing or not finite"),
            ((prices <= 0).any(axis=0), "a price is zero or negative"),
            (high < low - slack, "high is below low"),
            ((opened > high + slack) | (opened < low - slack), "open is outside of low and high"),
            ((close > high + slack) | (close < low - slack), "close is outside of low and high"),
            (bars.at > latest, "its time is in the future"),
            (_repeated(bars.at), "its time occurs twice"),
        )
    reasons = np.full(len(bars), "", dtype="<U40")
    for broken, reason in rules:
        reasons[broken & (reasons == "")] = reason
    return reasons


def _repeated(at: NDArray[np.int64]) -> NDArray[np.bool_]:
    _, place, count = np.unique(at, return_inverse=True, return_counts=True)
    return np.asarray(count[place] > 1)


def _rejected(bars: Bars, index: int, reason: str) -> Rejected:
    values = {name: _finite(float(getattr(bars, name)[index])) for name in (*_PRICES, "volume")}
    return Rejected(int(bars.at[index]), reason, values)


def _finite(value: float) -> float | None:
    # JSON has no NaN and no infinity.
    return value if np.isfinite(value) else None
