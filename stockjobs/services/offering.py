"""Offering: filling each lane's window in Redis from the ledger, in the lane's order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from stockjobs.domain.knocks import Knock
from stockjobs.domain.lanes import Lane
from stockjobs.errors import Unreachable
from stockjobs.store import lanes, workers
from stockjobs.store.database import Connection, Database
from stockjobs.transport.publisher import Publisher

WINDOW_PER_SLOT = 4


class Offering:
    """Sends messages about pending tasks; `least_window` is the least number that a lane holds while work waits."""

    def __init__(self, database: Database, publisher: Publisher, least_window: int) -> None:
        self._database = database
        self._publisher = publisher
        self._least_window = least_window

    def offer(self) -> int:
        """Fill each lane's window in Redis from the ledger, in the lane's order. Returns how many messages were sent."""
        return sum(self._offer(lane) for lane in Lane)

    def _offer(self, lane: Lane) -> int:
        with self._database.begin() as connection:
            now = self._database.now(connection)
            knocks = lanes.offer(connection, lane, self._chosen(connection, lane, now), now)
        if knocks:
            self._publish(knocks)
        return len(knocks)

    def _chosen(self, connection: Connection, lane: Lane, now: datetime) -> Sequence[UUID]:
        window = self._window(connection, lane, now)
        out = lanes.offered(connection, lane)
        if out.count < window:
            return lanes.pending(connection, lane, now, window - out.count)
        if out.worst is None or out.count >= 2 * window:
            return []
        # The window is full, but what comes before its last must not wait behind it.
        return lanes.outranking(connection, lane, out.worst, now, 2 * window - out.count)

    def _window(self, connection: Connection, lane: Lane, now: datetime) -> int:
        fleet = workers.seen_since(connection, now - workers.GONE_AFTER)
        slots = sum(worker.concurrency for worker in fleet if lane in worker.lanes)
        return max(self._least_window, WINDOW_PER_SLOT * slots)

    def _publish(self, knocks: Sequence[Knock]) -> None:
        try:
            self._publisher.publish(knocks)
        except Unreachable:
            # Some may have been sent: those find nothing to claim if they are sent again.
            with self._database.begin() as connection:
                lanes.withdraw(connection, [(knock.task_id, knock.number) for knock in knocks])
            raise
