"""Work that nobody takes: it is due, and no worker serves its lane."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.store.database import Database
from stockjobs.store.ledger import tasks, workers

A_WHILE = timedelta(seconds=5)
"""A worker that lives takes what is due sooner, if it has a place."""


@dataclass(frozen=True)
class Unserved:
    """Lanes in which work waits that no worker takes; where there is no worker at all, of which database."""

    lanes: tuple[Lane, ...]
    database: str = ""

    def __str__(self) -> str:
        how = f"`celery -A stockjobs worker -Q {','.join(self.lanes)}`, or all with `stockd`"
        if self.database:
            is_meant = f"no worker has shown itself in {self.database} (is STOCKJOBS_STATE_DIR set as it is for them?)"
            return f"{is_meant}: start one with {how}"
        return f"no worker takes {' and '.join(f'the {lane} lane' for lane in self.lanes)}: start one with {how}"


def unserved(database: Database, occurrence: UUID, after: timedelta = A_WHILE) -> Unserved | None:
    """What nobody takes of an occurrence that has been due for so long; None if there is no such work."""
    with database.read() as connection:
        now = database.now(connection)
        waiting = tasks.find(connection, occurrence=occurrence, states=[State.QUEUED])
        lanes = {task.lane(now) for task in waiting if now - task.run_at >= after}
        alive = workers.seen_since(connection, now - workers.GONE_AFTER) if lanes else ()
    left = sorted(lanes - {lane for worker in alive for lane in worker.lanes})
    return Unserved(tuple(left), "" if alive else database.shown) if left else None
