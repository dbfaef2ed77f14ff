"""Health: whether each part of the system does its work, told from the ledger and by asking the servers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from stockjobs.domain.asking.budgets import Closure, Usage
from stockjobs.domain.counting import counted
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import StockjobsError, Unreachable
from stockjobs.store import revisions
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import agenda, lanes, pauses, workers
from stockjobs.store.market import freshness
from stockjobs.transport.inspector import Inspector

OVERDUE_AFTER = timedelta(seconds=30)
"""A beat that runs has found what is due long before."""


class Condition(StrEnum):
    """How a part does."""

    WELL = "well"
    NOTED = "noted"
    """Nothing is wrong, but who wonders why nothing happens finds the reason here."""
    FAILED = "failed"


@dataclass(frozen=True)
class Component:
    """A part of the system, how it does, how one can tell, and since when, where that is known."""

    name: str
    condition: Condition
    about: str
    since: datetime | None = None

    @property
    def is_well(self) -> bool:
        """True unless somebody has to do something."""
        return self.condition is not Condition.FAILED


class Health:
    """Looks at the database, Redis, the beats, the workers, and how providers stand; changes nothing."""

    def __init__(self, database: Database, inspector: Inspector, usages: Callable[[], Sequence[Usage]] = tuple) -> None:
        self._database = database
        self._inspector = inspector
        self._usages = usages

    def check(self) -> list[Component]:
        """Every part, what is closed, and what is paused. A server that is away is told as a part that failed.

        Beats and workers are seen through the database.
        """
        found = [_asked("database", self._look_at_database), _asked("redis", self._look_at_redis)]
        if not found[0].is_well:
            unknown = "not known without the database"
            return [*found, *(Component(name, Condition.FAILED, unknown) for name in ("beat", "workers"))]
        with self._database.read() as connection:
            now = self._database.now(connection)
            return [
                *found,
                _beat(connection, now),
                _workers(connection, now),
                *(self._closed() if found[1].is_well else ()),
                *_stale(connection),
                *_paused(connection),
            ]

    def _look_at_database(self) -> str:
        began = time.perf_counter()
        with self._database.read() as connection:
            self._database.now(connection)
        took = (time.perf_counter() - began) * 1_000
        revisions.check(self._database)
        kind = "PostgreSQL" if self._database.is_postgresql else "SQLite"
        return f"{kind} at schema {revisions.HEAD} answers in {took:.1f} ms"

    def _look_at_redis(self) -> str:
        depths = self._inspector.depths()
        return "messages: " + ", ".join(f"{depths[lane]:,} in {lane}" for lane in Lane)

    def _closed(self) -> list[Component]:
        """The providers that nobody asks just now; none if Redis has gone meanwhile."""
        try:
            usages = self._usages()
        except Unreachable:
            return []
        return [_closed(one.closure, one) for one in usages if one.closure is not None]


def _asked(name: str, look: Callable[[], str]) -> Component:
    try:
        return Component(name, Condition.WELL, look())
    except StockjobsError as error:
        return Component(name, Condition.FAILED, str(error))


def _beat(connection: Connection, now: datetime) -> Component:
    """No beat is registered anywhere; one that runs is seen by what it leaves undone."""
    todo = agenda.look(connection, now, now)
    since = [at for at in (todo.next_due_at, todo.next_run_at, todo.lease_ends_at) if at is not None and at <= now]
    late = now - min(since, default=now)
    if late > OVERDUE_AFTER:
        return Component(
            "beat",
            Condition.FAILED,
            f"work is overdue for {late.total_seconds():.0f} s: no beat runs, or it is held up",
        )
    return Component("beat", Condition.WELL, "nothing is overdue")


def _workers(connection: Connection, now: datetime) -> Component:
    fleet: Sequence[workers.Worker] = workers.seen_since(connection, now - workers.GONE_AFTER)
    served = {lane for worker in fleet for lane in worker.lanes}
    slots = sum(worker.concurrency for worker in fleet)
    left = [
        lane
        for lane, count in lanes.counts(connection, now).items()
        if count.pending + count.offered and lane not in served
    ]
    if fleet:
        about = f"{len(fleet):,} with {counted(slots, 'slot')}"
        waits = f"{about}; work waits in {' and '.join(left)}, which none of them serves"
    else:
        about = "no workers: nothing runs until one is started"
        waits = f"no workers, and work waits in {' and '.join(left)}: start one with `celery -A stockjobs worker`"
    if left:
        return Component("workers", Condition.FAILED, waits)
    return Component("workers", Condition.WELL if fleet else Condition.NOTED, about)


_WHY = {
    Closure.LIMITED: (Condition.NOTED, "has asked us to slow down"),
    Closure.DOWN: (Condition.FAILED, "is down"),
}


def _closed(closure: Closure, usage: Usage) -> Component:
    condition, why = _WHY[closure]
    until = "the next request finds out whether it is over"
    if usage.closed_until and usage.closed_until > usage.at:
        until = f"nobody asks it until {usage.closed_until:%Y-%m-%d %H:%M:%S} UTC"
    return Component("provider", condition, f"{usage.provider} {why} (egress {usage.egress}): {until}")


def _stale(connection: Connection) -> Iterator[Component]:
    """The jobs whose newest bars are older than their target, as beat found them last; nothing where none has a target."""
    jobs, kept = freshness.targeted(connection), freshness.stored(connection)
    stale = [kept[job] for job, _ in jobs if job in kept and kept[job].is_stale]
    if stale:
        about = f"{len(stale):,} of {len(jobs):,} jobs with a target are stale: `stockctl freshness` lists them"
        yield Component("freshness", Condition.FAILED, about, min(one.changed_at for one in stale))
    elif jobs:
        yield Component("freshness", Condition.WELL, f"{len(jobs):,} with a target, none of them stale")


def _paused(connection: Connection) -> Iterator[Component]:
    for one in pauses.every(connection):
        reason = f": {one.reason}" if one.reason else ""
        yield Component("paused", Condition.NOTED, f"{one.scope.shown}, by {one.by}{reason}", one.at)
