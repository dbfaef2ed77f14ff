"""Reopening: somebody ends a cool-down or a break by hand, and the ledger knows who did."""

from __future__ import annotations

from stockjobs.domain.asking.budgets import Usage
from stockjobs.domain.events import Event, EventName
from stockjobs.errors import NotFound
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.store.database import Database
from stockjobs.store.ledger import events
from stockjobs.transport.budget import Budgets


class Reopening:
    """Lets a provider be asked again before its time."""

    def __init__(self, database: Database, budgets: Budgets) -> None:
        self._database = database
        self._budgets = budgets

    def reopen(self, provider: str, egress: str, *, by: str) -> bool:
        """End a cool-down or a break now. False if there was none. Raises NotFound, or Unreachable.

        It is written down before it is done: what cannot be accounted for is not done.
        """
        found = [one for one in self._budgets.usages() if (one.provider, one.egress) == (provider, egress)]
        if not found:
            raise NotFound(f"there is no budget/{provider}/{egress}; `stockctl budget` lists those that there are")
        if found[0].closure is not None:
            self._tell(found[0], by)
        return self._budgets.open(provider, egress) and found[0].closure is not None

    @taken_twice_if_busy
    def _tell(self, usage: Usage, by: str) -> None:
        data = {"provider": usage.provider, "egress": usage.egress, "was": usage.closure, "by": by}
        with self._database.begin() as connection:
            events.append(connection, Event(EventName.PROVIDER_REOPENED, self._database.now(connection), data=data))
