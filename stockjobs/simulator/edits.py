"""What was declared by hand: splits, restated bars and holes, laid over the data that would be served."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import PRICES
from stockjobs.simulator.asking import Grain
from stockjobs.simulator.history import History, effective
from stockjobs.simulator.rows import VALUES, Rows


@dataclass(frozen=True)
class DeclaredSplit:
    """A split that takes effect at an instant: from then on the whole history is told in the new shares."""

    at: float
    numerator: float
    denominator: float


@dataclass(frozen=True)
class Restated:
    """A bar told otherwise than before: of a day at intervals from a day on, or at an instant at shorter ones.

    `values` replace columns, None makes a null. `factor` multiplies the prices.
    """

    day: str = ""
    at: int = 0
    values: tuple[tuple[str, float | None], ...] = ()
    factor: float = 1.0


@dataclass
class Edits:
    """All that was declared, by symbol."""

    splits: dict[str, list[DeclaredSplit]] = field(default_factory=lambda: defaultdict(list))
    restated: dict[str, list[Restated]] = field(default_factory=lambda: defaultdict(list))
    holes: dict[str, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget everything that was declared."""
        self.splits.clear()
        self.restated.clear()
        self.holes.clear()

    def factor(self, history: History, now: float) -> float:
        """From the shares of the price path to those that trade at `now`."""
        factor = 1.0
        for at, split in effective(history.listing.splits, history.days):
            if at > now:
                factor *= split.ratio
        for declared in self.splits.get(history.listing.symbol, ()):
            if declared.at <= now:
                factor *= declared.denominator / declared.numerator
        return factor

    def lay_over(self, rows: Rows, history: History, grain: Grain) -> Rows:
        """The bars as they are told: restated ones replaced, every n-th one null where holes were declared."""
        symbol = history.listing.symbol
        for restated in self.restated.get(symbol, ()):
            rows = _restate(rows, restated, _matches(rows, restated, history.listing.venue.zone, grain))
        if symbol in self.holes:
            rows = _empty_out(rows, rows.at // (grain.minutes * 60 or 86_400) % self.holes[symbol] == 0)
        return rows


def _matches(rows: Rows, restated: Restated, zone: str, grain: Grain) -> NDArray[np.bool_]:
    if restated.at or grain.is_intraday:
        return np.asarray(rows.at == restated.at)
    days = [datetime.fromtimestamp(at, ZoneInfo(zone)).date().isoformat() for at in rows.at.tolist()]
    return np.array([day == restated.day for day in days], dtype=bool)


def _restate(rows: Rows, restated: Restated, chosen: NDArray[np.bool_]) -> Rows:
    if not chosen.any():
        return rows
    for name in (*PRICES, "adjusted"):
        rows = _put(rows, name, chosen, getattr(rows, name)[chosen] * restated.factor)
    for name, value in restated.values:
        rows = _put(rows, name, chosen, np.nan if value is None else value)
    return rows


def _empty_out(rows: Rows, chosen: NDArray[np.bool_]) -> Rows:
    for name in VALUES:
        rows = _put(rows, name, chosen, np.nan)
    return rows


def _put(rows: Rows, name: str, chosen: NDArray[np.bool_], value: float | NDArray[np.float64]) -> Rows:
    column = getattr(rows, name).copy()
    column[chosen] = value
    return replace(rows, **{name: column})
