"""Holding: pausing a lane or everything, and resuming. Schedules go on meanwhile; their work waits in the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.work.pauses import Scope
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.services.work.offering import withdraw_lane
from stockjobs.store.database import Database
from stockjobs.store.ledger import events, pauses
from stockjobs.store.ledger.pauses import Pause


class Holding:
    """Pauses and resumes for people and programs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @taken_twice_if_busy
    def pause(self, scope: Scope, *, by: str, reason: str = "") -> bool:
        """Let nothing more of a scope start; what runs goes on. False if it was paused already.

        Messages that are out are withdrawn: a worker that gets one finds nothing to claim.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            if not pauses.add(connection, Pause(scope, now, by, reason)):
                return False
            for lane in scope.lanes:
                withdraw_lane(connection, lane, now)
            data = {"scope": scope.value, "by": by, "reason": reason}
            events.append(connection, Event(EventName.LANE_PAUSED, now, data=data))
        return True

    @taken_twice_if_busy
    def resume(self, scope: Scope, *, by: str) -> bool:
        """Let the work of a scope start again; the next tick offers it. False if it was not paused.

        A lane stays paused as long as everything is, and the other way round.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            if not pauses.remove(connection, scope):
                return False
            events.append(connection, Event(EventName.LANE_RESUMED, now, data={"scope": scope.value, "by": by}))
        return True

    def pauses(self) -> Sequence[Pause]:
        """The pauses in force."""
        with self._database.read() as connection:
            return pauses.every(connection)
