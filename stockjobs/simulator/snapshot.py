"""Where a listing stands at one instant: its session, its last price, and today's unfinished bar."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stockjobs.simulator.history import History
from stockjobs.simulator.minutes import minutes, until
from stockjobs.simulator.rows import Rows

YEAR = 365 * 86_400


@dataclass(frozen=True)
class Snapshot:
    """A listing at `now`, in epoch seconds; `factor` turns today's shares of the price path into those of `now`."""

    history: History
    now: float
    factor: float = 1.0

    @cached_property
    def sessions(self) -> int:
        """How many sessions have opened; at least one, since nothing is asked before the first trade."""
        return max(self.history.days.started(self.now), 1)

    @property
    def session(self) -> int:
        """The index of the session that is open, or was last."""
        return self.sessions - 1

    @cached_property
    def is_open(self) -> bool:
        """True while the session trades or pauses for lunch."""
        return bool(self.now < self.history.days.close[self.session])

    @cached_property
    def time(self) -> int:
        """When the last trade was: now, or the close of the last session."""
        return int(self.now if self.is_open else self.history.days.close[self.session])

    @cached_property
    def today(self) -> Rows:
        """The bar of the session so far, in the shares of the price path."""
        if not self.is_open:
            return self.days(slice(self.session, self.session + 1))
        so_far = until(self.history, minutes(self.history, self.session, self.session + 1), self.now)
        return so_far.rows.gathered(so_far.session)

    def days(self, chosen: slice) -> Rows:
        """The bars of whole sessions, in the shares of the price path."""
        past = self.history
        adjusted = past.close[chosen] * past.later_payouts[chosen] / past.later_payouts[self.session]
        opened, high, low, close = past.open[chosen], past.high[chosen], past.low[chosen], past.close[chosen]
        return Rows(past.days.open[chosen], opened, high, low, close, past.volume[chosen], adjusted)

    @property
    def price(self) -> float:
        """The last price."""
        return single(self.today.close[0] * self.factor)

    @property
    def previous_close(self) -> float:
        """The close of the session before."""
        if self.session == 0:
            return single(self.history.open[0] * self.factor)
        return single(self.history.close[self.session - 1] * self.factor)

    def year(self) -> tuple[float, float]:
        """The lowest and the highest price of the last 365 days."""
        first = int(np.searchsorted(self.history.days.open, self.now - YEAR))
        chosen = slice(min(first, self.session), self.session + 1)
        low, high = self.history.low[chosen].min(), self.history.high[chosen].max()
        return single(low * self.factor), single(high * self.factor)


def single(value: float) -> float:
    """A number as Yahoo keeps it: rounded to single precision and written out as a double."""
    return float(np.float32(value))
