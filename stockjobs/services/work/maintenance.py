"""Maintenance: old history is removed, a little at a time, so that nobody has to wait for it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.work.retention import Expired, Retention
from stockjobs.domain.work.states import State
from stockjobs.errors import Unavailable
from stockjobs.store.database import Database
from stockjobs.store.ledger import events, filters, retention
from stockjobs.store.ledger.retention import Place, Removed

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
        """Remove a little, if it is time to; one short transaction. Raises Unreachable, Busy."""
        if time.monotonic() < self._next_at:
            return self._wait()
        if self._sweep is None:
            self._sweep, self._swept = self.prune(by="retention"), Removed()
        try:
            removed = next(self._sweep, None)
        except Unavailable:
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
            if expired is None:
                continue
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
        every = [one for one in self._expired(policy or self.policy, states, job) if one is not None]
        with self._database.read() as connection:
            return retention.count(connection, every)

    def _expired(self, policy: Retention, states: Sequence[State], job: str | None) -> Iterator[Expired | None]:
        """What is expired; None after each piece of looking for it that has found nothing yet."""
        with self._database.read() as connection:
            of = filters.job_named(connection, job) if job is not None else None
            now = self._database.now(connection)
        yield from policy.expired(now, states=states, job=of)
        if policy.at_most is not None:
            for one in [of] if of is not None else self._crowded(policy.at_most):
                yield None
                if one is not None:
                    yield from self._surplus(one, policy.at_most, states)

    def _crowded(self, at_most: int) -> Iterator[UUID | None]:
        began = time.monotonic()
        found, place = self._some_crowded(at_most, None)
        while place is not None:
            yield from found
            if time.monotonic() - began > SHORTEST_TRANSACTION_S:
                yield None
                began = time.monotonic()
            found, place = self._some_crowded(at_most, place)

    def _some_crowded(self, at_most: int, after: UUID | None) -> tuple[Sequence[UUID], UUID | None]:
        with self._database.read() as connection:
            return retention.crowded(connection, at_most, after)

    def _surplus(self, job: UUID, at_most: int, states: Sequence[State]) -> Iterator[Expired | None]:
        """The oldest of a job's ended occurrences, in those states in which there are more than so many."""
        counts: Counter[State] = Counter()
        place: Place | None = None
        while page := self._newest(job, place):
            for place, state in page:
                if state is None or (states and state not in states):
                    continue
                counts[state] += 1
                if counts[state] == at_most:
                    # What is older than the last that is kept: the same answer for everybody who asks at once.
                    yield Expired(state, created_before=place.at, job=job)
            yield None

    def _newest(self, job: UUID, before: Place | None) -> Sequence[tuple[Place, State | None]]:
        with self._database.read() as connection:
            return retention.newest(connection, job, before)

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
