"""Dispatch: what beat does at every tick. Due jobs become occurrences, due tasks become messages, lost ones are sent again.

Every step is a short transaction that finds its work by an index and settles races by row counts, so any number of
dispatchers may tick at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stockjobs.errors import BrokerAway, Unreachable
from stockjobs.services.work.firing import Fired, Firing
from stockjobs.services.work.offering import Offering
from stockjobs.services.work.recovery import Recovery
from stockjobs.services.work.waiting import Waiting
from stockjobs.store.database import Database
from stockjobs.store.ledger import agenda, definitions
from stockjobs.store.ledger.agenda import Agenda


@dataclass(frozen=True)
class DispatchConfig:
    """How long a dispatcher waits between two ticks, with nothing to do and with much; how old a message may get unclaimed."""

    resend_after: timedelta = timedelta(seconds=10)
    idle: timedelta = timedelta(seconds=1)
    busy: timedelta = timedelta(milliseconds=50)


@dataclass(frozen=True)
class Tick:
    """What a tick did, how long to wait until the next, and whether a lane is paused, or everything."""

    fired: int
    offered: int
    lost: int
    resent: int
    wait: timedelta
    has_paused: bool = False
    missed: int = 0


class Dispatch:
    """Ticks. One instance a process; it keeps nothing that another would need."""

    def __init__(
        self,
        database: Database,
        firing: Firing,
        waiting: Waiting,
        recovery: Recovery,
        offering: Offering,
        config: DispatchConfig,
    ) -> None:
        self.firing = firing
        self.waiting = waiting
        self.recovery = recovery
        self.offering = offering
        self._database = database
        self._config = config

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
            self.recovery.was_away()
            raise

    def _work_off(self, todo: Agenda) -> Tick:
        fired = self.fire() if todo.has_due_jobs else Fired()
        lost = self.recovery.take_back() if todo.has_lost else 0
        promoted = self.recovery.promote() if todo.has_due_tasks or todo.has_moved else 0
        resent = self.recovery.resend(todo.now) if todo.has_stale else 0
        # What was made just now may wait for what has ended before.
        resolved = self.waiting.resolve() if todo.has_waiting or fired.occurrences else 0
        moved = bool(fired.occurrences or lost or promoted or resent or resolved)
        has_pending = todo.has_pending or todo.has_moved or moved
        has_held = (todo.has_held or has_pending) and self.offering.release()
        has_pending = (has_pending or has_held) and not todo.is_stopped
        offered = self.offering.offer() if has_pending or todo.has_paused else 0
        if offered:
            self.recovery.sweep(todo.now)
        wait = (
            timedelta(0)
            if fired.has_more
            else self._wait(todo, is_busy=bool(offered or fired.jobs), has_pending=has_pending, has_held=has_held)
        )
        return Tick(fired.occurrences, offered, lost, resent, wait, todo.has_paused, fired.missed)

    def fire(self) -> Fired:
        """Turn a batch of the jobs whose time has come into occurrences."""
        with self._database.begin() as connection:
            fired = self.firing.fire_due(connection, self._database.now(connection))
        self.firing.read_calendars()
        return fired

    def revive(self) -> int:
        """Make jobs due again whose calendar had ended and goes on in this version; asked once a start. Returns how many."""
        with self._database.read() as connection:
            stopped = definitions.with_ended_calendar(connection)
        self.firing.read_calendars(job.spec.schedule for job in stopped)
        with self._database.begin() as connection:
            return self.firing.revive(connection, self._database.now(connection))

    def _wait(self, todo: Agenda, *, is_busy: bool, has_pending: bool, has_held: bool) -> timedelta:
        if is_busy:
            return self._config.busy
        if has_pending:
            # The windows are full: workers have enough to do for a while. At a cap each task that ends leaves a place empty.
            is_close = has_held or self.offering.caps_providers
            return min((2 if is_close else 5) * self._config.busy, self._config.idle)
        # What is due and was not done now is in the hand of another dispatcher, or cannot be done.
        times = (todo.next_due_at, todo.next_run_at, todo.lease_ends_at)
        upcoming = [at for at in times if at is not None and at > todo.now]
        soonest = min(upcoming, default=todo.now + self._config.idle)
        return min(max(soonest - todo.now, self._config.busy), self._config.idle)
