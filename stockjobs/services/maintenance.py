"""Maintenance: old history is removed, a little at a time, so that nobody has to wait for it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.retention import Expired, Retention
from stockjobs.domain.states import State
from stockjobs.errors import Unreachable
from stockjobs.store import events, filters, retention
from stockjobs.store.database import Database
from stockjobs.store.retention import Place, Removed

MOST_AT_ONCE, FEWEST_AT_ONCE = 500, 20
ROWS_PER_OCCURRENCE = 4
LONGEST_TRANSACTION_S, SHORTEST_TRANSACTION_S = 0.05, 0.02


@dataclass(frozen=True)
class Pace:
    """How often everything is gone through for old history, and the pauses between steps, with other work at hand and without."""

    every: timedelta = timedelta(minutes=10)
    idle: timedelta = timedelta(milliseconds=100)
    busy: timedelta = timedelta(seconds=1)


@dataclass(frozen=True)
class Step:
    """What a step did: how long until the next one, and, where it was the last of a sweep, all that the sweep removed."""

    wait: timedelta
    swept: Removed | None = None


class Maintenance:
    """Removes history that is older than it is to be kept. Any number of processes may do so at once."""

    def __init__(self, database: Database, policy: Retention, pace: Pace | None = None) -> None:
        self.policy = policy
        self._database = database
        self._pace = pace or Pace()
        self._size = MOST_AT_ONCE // 5
        self._sweep: Iterator[Removed] | None = None
        self._swept = Removed()
        self._next_at = 0.0

    def step(self, *, is_busy: bool) -> Step:
        """Remove a little, if it is time to; one short transaction. Raises Unreachable."""
        if time.monotonic() < self._next_at:
            return self._wait()
        if self._sweep is None:
            self._sweep, self._swept = self.prune(by="retention"), Removed()
        try:
            removed = next(self._sweep, None)
        except Unreachable:
            self._sweep = None
            raise
        if removed is not None:
            self._swept += removed
            self._next_at = time.monotonic() + (self._pace.busy if is_busy else self._pace.idle).total_seconds()
            return self._wait()
        self._sweep = None
        self._next_at = time.monotonic() + self._pace.every.total_seconds()
        return Step(self._pace.every, self._swept)

    def _wait(self) -> Step:
        return Step(timedelta(seconds=max(self._next_at - time.monotonic(), 0)))

    def prune(
        self, policy: Retention | None = None, *, by: str, states: Sequence[State] = (), job: str | None = None
    ) -> Iterator[Removed]:
        """Remove what a policy (else the one of the settings) does not keep; a short transaction for each step of the iterator.

        Of some states or of all, of one job or of all. What was removed in all is told as an event at the end. Raises NotFound.
        """
        total = Removed()
        for expired in self._expired(policy or self.policy, states, job):
            # A step of its own, for finding out what is expired may have taken a while.
            yield Removed()
            for removed in self._prune(expired):
                total += removed
                yield removed
        if total.occurrences:
            data = {"by": by, "occurrences": total.occurrences, "tasks": total.tasks, "events": total.events}
            with self._database.begin() as connection:
                events.append(connection, Event(EventName.PRUNED, self._database.now(connection), data=data))

    def prunable(
        self, policy: Retention | None = None, *, states: Sequence[State] = (), job: str | None = None
    ) -> dict[State, int]:
        """How many occurrences `prune` would remove, by state. Raises NotFound."""
        every = list(self._expired(policy or self.policy, states, job))
        with self._database.read() as connection:
            return retention.count(connection, every)

    def _expired(self, policy: Retention, states: Sequence[State], job: str | None) -> Iterator[Expired]:
        with self._database.read() as connection:
            of = filters.job_named(connection, job) if job is not None else None
            now = self._database.now(connection)
        yield from policy.expired(now, states=states, job=of)
        if policy.at_most is not None:
            yield from self._surplus(policy.at_most, states, of)

    def _surplus(self, at_most: int, states: Sequence[State], job: UUID | None) -> Iterator[Expired]:
        with self._database.read() as connection:
            jobs = [job] if job is not None else retention.crowded(connection, at_most)
        for one in jobs:
            with self._database.read() as connection:
                found = retention.surplus(connection, one, at_most, states)
            yield from found

    def _prune(self, expired: Expired) -> Iterator[Removed]:
        place: Place | None = None
        while True:
            with self._database.read() as connection:
                page = retention.page(connection, expired, place, self._size)
            if not page:
                return
            place = page[-1]
            yield from self._remove(expired, [one.id for one in page])

    def _remove(self, expired: Expired, chosen: Sequence[UUID]) -> Iterator[Removed]:
        removed = Removed(is_all=False)
        while not removed.is_all:
            with self._database.begin() as connection:
                # Not the waiting for others: only as long as others wait for us.
                started = time.monotonic()
                now = self._database.now(connection)
                removed = retention.remove(
                    connection, expired, chosen, now, rows=ROWS_PER_OCCURRENCE * max(self._size, FEWEST_AT_ONCE)
                )
            self._adapt(time.monotonic() - started)
            yield removed

    def _adapt(self, seconds: float) -> None:
        """Take less at once where it took long, and more where it was quick."""
        if seconds > LONGEST_TRANSACTION_S:
            self._size = max(self._size // 2, FEWEST_AT_ONCE)
        elif seconds < SHORTEST_TRANSACTION_S:
            self._size = min(self._size * 2, MOST_AT_ONCE)
