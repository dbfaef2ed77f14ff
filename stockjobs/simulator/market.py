"""The simulated market: what is listed, what was declared by hand, and what time it is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from stockjobs.simulator.clock import Clock
from stockjobs.simulator.edits import Edits
from stockjobs.simulator.history import History, history
from stockjobs.simulator.listings import listing
from stockjobs.simulator.session import Crumbs
from stockjobs.simulator.snapshot import Snapshot


@dataclass
class Market:
    """Everything that the endpoints answer from."""

    clock: Clock = field(default_factory=Clock)
    edits: Edits = field(default_factory=Edits)
    crumbs: Crumbs = field(default_factory=Crumbs)

    def snapshot(self, symbol: str) -> Snapshot | None:
        """Where a symbol stands now, None for one that nothing trades under, or not yet."""
        known = listing(symbol.upper())
        if known is None:
            return None
        now = self.clock.now()
        past = history(known.symbol, datetime.fromtimestamp(now, UTC))
        if not len(past.days) or past.days.open[0] > now:
            return None
        return Snapshot(past, now, self.edits.factor(past, now))

    def past(self, symbol: str) -> History | None:
        """The history of a symbol, None for one that does not trade."""
        snapshot = self.snapshot(symbol)
        return snapshot.history if snapshot else None
