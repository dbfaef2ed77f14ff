"""Reopening: somebody ends a cool-down or a break by hand, and the ledger knows who did."""

from __future__ import annotations

from dataclasses import dataclass

from stockjobs.domain.asking.budgets import Usage
from stockjobs.domain.events import Event, EventName
from stockjobs.errors import NotFound
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.store.database import Database
from stockjobs.store.ledger import deferred, events
from stockjobs.transport.budget import Budgets


@dataclass(frozen=True)
class Reopened:
    """Whether a provider was closed, and how many tasks that were deferred for it go on."""

    was_closed: bool
    tasks: int


class Reopening:
    """Lets a provider be asked again before its time."""

    def __init__(self, database: Database, budgets: Budgets) -> None:
        self._database = database
        self._budgets = budgets

    def reopen(self, provider: str, egress: str, *, by: str) -> Reopened:
        """End a cool-down or a break now, and let go what was deferred for it. Raises NotFound, or Unreachable.

        It is written down before it is done: what cannot be accounted for is not done. Any worker may take what was deferred, so
        all of the provider's goes on, from whichever egress it was asked.
        """
        found = [one for one in self._budgets.usages() if (one.provider, one.egress) == (provider, egress)]
        if not found:
            raise NotFound(f"there is no budget/{provider}/{egress}; `stockctl budget` lists those that there are")
        tasks = self._let_go(found[0], by)
        was_closed = self._budgets.open(provider, egress) and found[0].closure is not None
        return Reopened(was_closed, tasks)

    @taken_twice_if_busy
    def _let_go(self, usage: Usage, by: str) -> int:
        data = {"provider": usage.provider, "egress": usage.egress, "was": usage.closure, "by": by}
        with self._database.begin() as connection:
            now = self._database.now(connection)
            tasks = deferred.let_go(connection, usage.provider, now)
            if usage.closure is not None or tasks:
                event = Event(EventName.PROVIDER_REOPENED, now, data={**data, "tasks": tasks})
                events.append(connection, event)
        return tasks
