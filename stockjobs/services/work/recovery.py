"""Recovery: finding what was lost. Leases that ran out, times that have come, messages that Redis no longer has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from stockjobs.domain import ids
from stockjobs.domain.events import Event, EventName
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.retries import MAX_CRASHES
from stockjobs.errors import Unreachable
from stockjobs.services.work.instances import queued
from stockjobs.services.work.settling import settle
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import claims, events, lanes, occurrences, tasks
from stockjobs.store.ledger.claims import Lost
from stockjobs.transport.inspector import Inspector

LOST_A_TICK = 500
DEAD_AT_MOST = 64
"""How many messages that nobody can claim may lie in a lane beside as many as can be claimed."""


@dataclass(frozen=True)
class RecoveryConfig:
    """How long a lease lasts, and how old an unclaimed message may get before Redis is asked whether it still has it."""

    resend_after: timedelta = timedelta(seconds=10)
    lease: timedelta = timedelta(seconds=30)


class Recovery:
    """Takes up again what was left behind."""

    def __init__(self, database: Database, inspector: Inspector, config: RecoveryConfig) -> None:
        self._database = database
        self._inspector = inspector
        self._config = config
        self._was_away = False
        self._leases_count_from: datetime | None = None
        self._resent_at: datetime | None = None
        self._swept_at: datetime | None = None

    def was_away(self) -> None:
        """Note that the ledger could not be reached: leases that could not be renewed get one more lease's time."""
        self._was_away = True

    def take_back(self) -> int:
        """Take the tasks of dead workers back. Returns how many.

        Where the database itself was away, no worker could renew: they get one lease's time to do so first.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            if self._was_away:
                self._was_away, self._leases_count_from = False, now + self._config.lease
            if self._leases_count_from is not None and now < self._leases_count_from:
                return 0
            taken = [self._lose(connection, *one, now) for one in claims.expired(connection, now, LOST_A_TICK)]
            ended = {(one.occurrence_id, one.job_id) for one in taken if one is not None}
            # Last, and in the same order by everybody, for it locks.
            for occurrence, job in sorted(ended):
                settle(connection, job, occurrence, now)
        return sum(one is not None for one in taken)

    def _lose(self, connection: Connection, task: UUID, number: int, now: datetime) -> Lost | None:
        lost = claims.lose(connection, task, number, now, max_crashes=MAX_CRASHES)
        if lost is None:
            return None
        attempt = ids.attempt_id(task, number)
        data = {"worker": lost.worker, "attempt": number, "dead": lost.is_dead}
        events.append(connection, Event(EventName.LOST, now, lost.job_id, lost.occurrence_id, task, attempt, data))
        return lost

    def promote(self) -> int:
        """Queue the tasks whose time has come, and withdraw the messages that midnight has moved. Returns how many tasks."""
        with self._database.begin() as connection:
            lanes.withdraw_moved(connection, self._database.now(connection))
        # Each in a transaction of its own: other dispatchers pass over what is in our hand, and must not do so for long.
        while self._promote_occurrences():
            pass
        with self._database.begin() as connection:
            return tasks.promote(connection, self._database.now(connection))

    def _promote_occurrences(self) -> int:
        with self._database.begin() as connection:
            now = self._database.now(connection)
            due = occurrences.promote(connection, now)
            events.append(connection, *(queued(one, now) for one in due))
        return len(due)

    def resend(self, now: datetime) -> int:
        """Find messages that Redis no longer has and that nobody claimed; they are offered again. Returns how many.

        It looks once in `resend_after`: a full lane always has messages that wait for long, and looking at them costs.
        """
        if self._resent_at is not None and now < self._resent_at + self._config.resend_after:
            return 0
        self._resent_at = now
        return sum(self._resend(lane) for lane in Lane)

    def _resend(self, lane: Lane) -> int:
        with self._database.read() as connection:
            now = self._database.now(connection)
            stale = lanes.out(connection, lane, sent_before=now - self._config.resend_after)
        if not stale:
            return 0
        try:
            present = self._inspector.attempt_ids(lane)
        except Unreachable:
            return 0
        missing = [task for attempt, task in stale.items() if attempt not in present]
        with self._database.begin() as connection:
            return lanes.withdraw(connection, missing)

    def sweep(self, now: datetime) -> int:
        """Take messages out of Redis that nobody can claim any more, where they are many. Returns how many.

        What is cancelled or withdrawn leaves its message behind, for a worker to find nothing by it; without a worker they would
        pile up. It looks once in `resend_after`, and at the messages themselves only where there are twice as many as should be.
        """
        if self._swept_at is not None and now < self._swept_at + self._config.resend_after:
            return 0
        self._swept_at = now
        try:
            return sum(self._sweep(lane, depth) for lane, depth in self._inspector.depths().items())
        except Unreachable:
            return 0

    def _sweep(self, lane: Lane, depth: int) -> int:
        with self._database.read() as connection:
            if depth <= 2 * lanes.offered(connection, lane).count + DEAD_AT_MOST:
                return 0
        # First Redis, then the ledger: a message is sent after its task was noted as offered.
        messages = self._inspector.messages(lane)
        with self._database.read() as connection:
            alive = lanes.out(connection, lane)
        return self._inspector.remove(lane, [message for attempt, message in messages if attempt not in alive])
