"""Everything that a running server holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from stockjobs.simulator.budget import Allowance, Budget
from stockjobs.simulator.counters import Counters
from stockjobs.simulator.faults import FaultBook
from stockjobs.simulator.market import Market


@dataclass
class State:
    """The market, what goes wrong in it, and what was asked of it."""

    market: Market = field(default_factory=Market)
    faults: FaultBook = field(default_factory=FaultBook)
    budget: Budget = field(default_factory=Budget)
    counters: Counters = field(default_factory=Counters)
    _connections: WeakKeyDictionary[object, int] = field(default_factory=WeakKeyDictionary)
    _last_connection: int = 0

    def number_of(self, connection: object) -> int:
        """A small number for a connection, the same for all its requests."""
        if connection not in self._connections:
            self._last_connection += 1
            self._connections[connection] = self._last_connection
        return self._connections[connection]

    def count_tunnel(self) -> None:
        """Count one tunnel."""
        self.counters.tunnels += 1

    def allow(self, allowance: Allowance) -> None:
        """Set what each address may ask for; what it has asked for so far is forgotten."""
        self.budget = Budget(allowance)

    def reset(self) -> None:
        """Back to a market without faults, edits, counts and limits, at the real time."""
        self.market.clock.reset()
        self.market.edits.clear()
        self.faults.disarm()
        self.allow(Allowance())
        self.counters = Counters()
