"""Dispatch: what beat does at every tick. Due jobs become occurrences, due tasks become messages, lost ones are sent again.

Every step is a short transaction that finds its work by an index and settles races by row counts, so any number of
dispatchers may tick at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from stockjobs.domain import ids
from stockjobs.domain.events import Event, EventName
from stockjobs.domain.knocks import Knock
from stockjobs.domain.lanes import Lane
from stockjobs.domain.periods import parse_duration
from stockjobs.domain.retries import MAX_CRASHES
from stockjobs.domain.schedules import due
from stockjobs.errors import BrokerAway, StockjobsError, Unreachable
from stockjobs.services.instances import Asked, Instances
from stockjobs.services.settling import settle
from stockjobs.store import agenda, claims, definitions, events, lanes, occurrences, tasks, workers
from stockjobs.store.agenda import Agenda
from stockjobs.store.claims import Lost
from stockjobs.store.database import Connection, Database
from stockjobs.store.definitions import Job
from stockjobs.transport.inspector import Inspector
from stockjobs.transport.publisher import Publisher

JOBS_A_TICK = 500
LOST_A_TICK = 500
WINDOW_PER_SLOT = 4
SCHEDULER = "schedule"


@dataclass(frozen=True)
class DispatchConfig:
    """How a dispatcher works: the least window of a lane in messages, and how old an unclaimed message may get."""

    lane_window: int = 64
    resend_after: timedelta = timedelta(seconds=10)
    lease: timedelta = timedelta(seconds=30)
    idle: timedelta = timedelta(seconds=1)
    busy: timedelta = timedelta(milliseconds=50)


@dataclass(frozen=True)
class Tick:
    """What a tick did, and how long to wait until the next."""

    fired: int
    offered: int
    lost: int
    resent: int
    wait: timedelta


class Dispatch:
    """Ticks. One instance a process; it keeps nothing that another would need."""

    def __init__(
        self,
        database: Database,
        instances: Instances,
        publisher: Publisher,
        inspector: Inspector,
        config: DispatchConfig,
    ) -> None:
        self._database = database
        self._instances = instances
        self._publisher = publisher
        self._inspector = inspector
        self._config = config
        self._was_away = False
        self._leases_count_from: datetime | None = None
        self._resent_at: datetime | None = None
        self.unable: dict[str, str] = {}
        """Jobs that could not be fired, and why; for whoever runs the dispatcher to tell and to clear."""

    def tick(self) -> Tick:
        """One round; one query if there is nothing to do. Raises Unreachable if the database or the broker is away."""
        try:
            with self._database.read() as connection:
                now = self._database.now(connection)
                todo = agenda.look(connection, now, now - self._config.resend_after)
            return self._work_off(todo)
        except BrokerAway:
            raise
        except Unreachable:
            self.was_away()
            raise

    def was_away(self) -> None:
        """Note that the ledger could not be reached: leases that could not be renewed get one more lease's time."""
        self._was_away = True

    def _work_off(self, todo: Agenda) -> Tick:
        fired = self.fire() if todo.has_due_jobs else 0
        lost = self.take_back() if todo.has_lost else 0
        promoted = self.promote() if todo.has_due_tasks or todo.has_moved else 0
        resent = self.resend() if todo.has_stale and self._may_resend(todo.now) else 0
        has_pending = todo.has_pending or todo.has_moved or bool(fired or lost or promoted or resent)
        offered = self.offer() if has_pending else 0
        return Tick(fired, offered, lost, resent, self._wait(todo, offered=offered, has_pending=has_pending))

    def fire(self) -> int:
        """Turn the jobs whose time has come into occurrences. Returns how many were made."""
        made = 0
        with self._database.begin() as connection:
            now = self._database.now(connection)
            for name in definitions.due(connection, now, JOBS_A_TICK):
                made += self._fire_alone(connection, name, now)
        return made

    def _fire_alone(self, connection: Connection, name: str, now: datetime) -> int:
        """Fire one job; one that cannot be fired keeps no other from it."""
        try:
            with connection.begin_nested():
                return self._fire(connection, definitions.get(connection, name), now)
        except Unreachable:
            raise
        except StockjobsError as error:
            self.unable[name] = str(error)
            return 0

    def _fire(self, connection: Connection, job: Job, now: datetime) -> int:
        schedule = job.spec.schedule
        if job.next_due_at is None:
            return 0
        found = due(
            schedule.rule(), job.next_due_at, now, misfire=schedule.misfire, grace=parse_duration(schedule.grace)
        )
        if not definitions.advance(connection, job, found.next_due):
            return 0
        return sum(self._occur(connection, job, time, now) for time in found.run)

    def _occur(self, connection: Connection, job: Job, time: datetime, now: datetime) -> bool:
        asked = Asked(ids.scheduled_key(time), time, SCHEDULER)
        if occurrences.get(connection, ids.occurrence_id(job.id, asked.key)) is not None:
            return False
        if self._instances.may_start(connection, job, now):
            return self._instances.create(connection, job, asked, now) is not None
        self._instances.skip(connection, job, asked, now, "the occurrence before it still runs")
        return False

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
        """Queue the tasks whose time has come, and withdraw the messages that midnight has moved."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            lanes.withdraw_moved(connection, now)
            return tasks.promote(connection, now)

    def resend(self) -> int:
        """Find messages that Redis no longer has and that nobody claimed; they are offered again. Returns how many."""
        return sum(self._resend(lane) for lane in Lane)

    def _may_resend(self, now: datetime) -> bool:
        """True once in `resend_after`: a full lane always has messages that wait for long, and looking at them costs."""
        if self._resent_at is not None and now < self._resent_at + self._config.resend_after:
            return False
        self._resent_at = now
        return True

    def _resend(self, lane: Lane) -> int:
        with self._database.read() as connection:
            now = self._database.now(connection)
            stale = lanes.stale(connection, lane, now - self._config.resend_after)
        if not stale:
            return 0
        try:
            present = self._inspector.attempt_ids(lane)
        except Unreachable:
            return 0
        missing = [task for attempt, task in stale.items() if attempt not in present]
        with self._database.begin() as connection:
            return lanes.withdraw(connection, missing)

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
        return max(self._config.lane_window, WINDOW_PER_SLOT * slots)

    def _publish(self, knocks: Sequence[Knock]) -> None:
        try:
            self._publisher.publish(knocks)
        except Unreachable:
            # Some may have been sent: those find nothing to claim if they are sent again.
            with self._database.begin() as connection:
                lanes.withdraw(connection, [(knock.task_id, knock.number) for knock in knocks])
            raise

    def _wait(self, todo: Agenda, *, offered: int, has_pending: bool) -> timedelta:
        if offered:
            return self._config.busy
        if has_pending:
            # The windows are full: workers have enough to do for a while.
            return min(5 * self._config.busy, self._config.idle)
        upcoming = [at for at in (todo.next_due_at, todo.next_run_at, todo.lease_ends_at) if at is not None]
        soonest = min(upcoming, default=todo.now + self._config.idle)
        return min(max(soonest - todo.now, self._config.busy), self._config.idle)
