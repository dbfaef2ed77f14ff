"""Offering: filling each lane's window in Redis from the ledger, in the lane's order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import Unreachable
from stockjobs.services.work.throttling import NO_CAP, Throttle
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import holds, lanes, pauses, quotas, workers
from stockjobs.store.ledger.workers import Worker
from stockjobs.transport.publisher import Publisher

WINDOW_PER_SLOT = 4
_FREE = Throttle()
_ANY_NUMBER = 1_000_000


class Offering:
    """Sends messages about pending tasks.

    `least_window` is the least number that a lane holds while work waits; `provider_parallel` is how many tasks of one provider
    run at once in the whole fleet, 0 for as many as there is room for; `throttles_now` tells what the budgets leave of that.
    """

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        least_window: int,
        *,
        provider_parallel: int = 0,
        throttles_now: Callable[[], Mapping[str, Throttle]] = dict,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._least_window = least_window
        self._provider_parallel = provider_parallel
        self._throttles_now = throttles_now
        self._throttles: Mapping[str, Throttle] = {}

    @property
    def caps_providers(self) -> bool:
        """True if each task that ends may make room for another of its provider."""
        return self._provider_parallel > 0 or any(one.parallel for one in self._throttles.values())

    def release(self) -> bool:
        """Let held work of capped jobs into its lane, as far as there is room.

        True if some was, or if more could be as soon as a task of a job at its cap ends; not where it waits for a paused lane.
        """
        with self._database.read() as connection:
            waiting = holds.waiting(connection)
        with_room = [one.job_id for one in waiting if one.room is None or one.room > 0]
        is_any_full = len(with_room) < len(waiting)
        if not with_room:
            return is_any_full
        with self._database.begin() as connection:
            now = self._database.now(connection)
            open_lanes = [lane for lane in Lane if lane not in pauses.paused_lanes(connection)]
            released = holds.release(connection, with_room, open_lanes, now)
        return bool(released) or is_any_full

    def offer(self) -> int:
        """Fill each lane's window in Redis from the ledger, in the lane's order. Returns how many messages were sent."""
        self._throttles = self._throttles_now()
        with self._database.begin() as connection:
            now = self._database.now(connection)
            fleet = workers.seen_since(connection, now - workers.GONE_AFTER)
            paused = pauses.paused_lanes(connection)
            for lane in paused:
                withdraw_lane(connection, lane, now)
            if self.caps_providers and not quotas.take_turn(connection):
                return 0
            knocks = [
                knock for lane in Lane if lane not in paused for knock in self._offer(connection, lane, now, fleet)
            ]
        if knocks:
            self._publish(knocks)
        return len(knocks)

    def _offer(self, connection: Connection, lane: Lane, now: datetime, fleet: Sequence[Worker]) -> Sequence[Knock]:
        chosen = self._chosen(connection, lane, now, fleet)
        return lanes.offer(connection, lane, holds.bar(connection, chosen), now) if chosen else ()

    def _chosen(self, connection: Connection, lane: Lane, now: datetime, fleet: Sequence[Worker]) -> Sequence[UUID]:
        has_limits = self._provider_parallel or self._throttles
        rooms = self._rooms(connection, lane, now, _served(fleet)) if has_limits else None
        window = self._window(fleet, lane)
        out = lanes.offered(connection, lane)
        if out.count < window:
            return lanes.pending(connection, lane, now, window - out.count, rooms)
        if out.worst is None or out.count >= 2 * window:
            return []
        # The window is full, but what comes before its last must not wait behind it.
        return lanes.outranking(connection, lane, out.worst, now, 2 * window - out.count, rooms)

    def _window(self, fleet: Sequence[Worker], lane: Lane) -> int:
        slots = sum(worker.concurrency for worker in fleet if lane in worker.lanes)
        return max(self._least_window, WINDOW_PER_SLOT * slots)

    def _rooms(self, connection: Connection, lane: Lane, now: datetime, served: frozenset[Lane]) -> Mapping[str, int]:
        """How many tasks of each provider may be offered to a lane now."""
        return {
            provider: min(
                self._room_of_cap(connection, provider, lane, now, served),
                self._room_of_budget(connection, provider, lane, now),
            )
            for provider in lanes.waiting_providers(connection)
        }

    def _room_of_budget(self, connection: Connection, provider: str, lane: Lane, now: datetime) -> int:
        """How many tasks of a provider its budget feeds beside those that the lane has in flight."""
        throttle = self._throttles.get(provider, _FREE)
        if lane in throttle.closed:
            return 0
        if throttle.parallel == NO_CAP:
            return _ANY_NUMBER
        return quotas.in_flight(connection, provider, now).room_in(lane, throttle.parallel)

    def _room_of_cap(
        self, connection: Connection, provider: str, lane: Lane, now: datetime, served: frozenset[Lane]
    ) -> int:
        """How many tasks of a provider may be offered to a lane now, so that no more run than the fleet may run at once.

        Realtime goes first, but of several places one is historical work's, so that it never starves. A message that nobody
        claims must keep no place from others: in a lane that no worker serves, or a historical one while realtime work waits.
        """
        cap = self._provider_parallel
        if not cap:
            return _ANY_NUMBER
        if lane not in served:
            quotas.displace(connection, provider, lane, cap)
            return 0
        flight = quotas.in_flight(connection, provider, now)
        if lane is Lane.HISTORICAL:
            return flight.room(cap, lane, kept=0)
        has_historical = Lane.HISTORICAL in served and lanes.has_pending(connection, Lane.HISTORICAL, provider, now)
        kept = 1 if has_historical and cap > 1 else 0
        room = flight.room(cap, lane, kept=kept)
        spare = flight.offered[Lane.HISTORICAL] - max(0, kept - flight.running[Lane.HISTORICAL])
        if room or spare <= 0 or not lanes.has_pending(connection, lane, provider, now):
            return room
        return quotas.displace(connection, provider, Lane.HISTORICAL, spare)

    def _publish(self, knocks: Sequence[Knock]) -> None:
        try:
            self._publisher.publish(knocks)
        except Unreachable:
            # Some may have been sent: those find nothing to claim if they are sent again.
            with self._database.begin() as connection:
                lanes.withdraw(connection, [(knock.task_id, knock.number) for knock in knocks])
            raise


def withdraw_lane(connection: Connection, lane: Lane, now: datetime) -> int:
    """Take back what was let into a lane and does not run yet. Returns how many messages were out."""
    withdrawn = lanes.withdraw_all(connection, lane)
    holds.hold_lane_again(connection, lane, now)
    return withdrawn


def _served(fleet: Sequence[Worker]) -> frozenset[Lane]:
    """The lanes that workers take from; all of them while no worker is known, for one that comes may serve any."""
    return frozenset(lane for worker in fleet for lane in worker.lanes) or frozenset(Lane)
