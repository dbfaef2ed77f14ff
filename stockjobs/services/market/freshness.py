"""Freshness: per job the age of its newest bars against the target that it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.freshness import LOOK_BACK, Due, Reached, Standing, ahead, overdue_since
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.periods import parse_duration
from stockjobs.services.collecting.standing import names_of
from stockjobs.services.market.calendars import traded, zone_for
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, events
from stockjobs.store.ledger.definitions import Job
from stockjobs.store.market import freshness
from stockjobs.store.market.freshness import Kept, NewestBar


@dataclass(frozen=True)
class Freshness:
    """A job with a target: the series that is furthest behind, and since when the job has been stale, if it is."""

    job: str
    target: timedelta
    worst: Standing
    behind: timedelta
    stale_since: datetime | None = None

    @property
    def is_stale(self) -> bool:
        """True if a bar has been there to be had for longer than the target allows."""
        return self.behind > self.target


class FreshnessService:
    """Looks at the jobs that have a target."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(self, names: Sequence[str] = ()) -> list[Freshness]:
        """How fresh the jobs are that have a target and may run; only those named, if any are. Nothing is written."""
        with self._database.read() as connection:
            look = _Look(connection, self._database.now(connection))
            kept = freshness.stored(connection)
            jobs = [job for job in _targeted(connection) if not names or job.name in names]
            found = [look.at(job, kept.get(job.id)) for job in jobs]
        return [one for one in found if one is not None]

    def check(self) -> list[Freshness]:
        """The same for all, written down and told as events where it has changed. Returns those that have changed.

        Looking takes seconds with thousands of symbols, and keeps nobody from writing meanwhile.
        """
        with self._database.read() as connection:
            look = _Look(connection, self._database.now(connection))
            kept = freshness.stored(connection)
            found = [(job, one) for job in _targeted(connection) if (one := look.at(job, None))]
        other = [(job, one) for job, one in found if job.id not in kept or kept[job.id].is_stale != one.is_stale]
        return self._turn(other, look.now) if other else []

    @taken_twice_if_busy
    def _turn(self, found: Sequence[tuple[Job, Freshness]], now: datetime) -> list[Freshness]:
        """Write down what has changed. Another beat may have found the same: only who has written it tells of it."""
        turned = []
        with self._database.begin() as connection:
            for job, one in found:
                if freshness.put(connection, Kept(job.id, one.is_stale, one.worst.newest_at, now, now)):
                    turned.append(one)
                    events.append(connection, _event(job, one, now))
        return turned


class _Look:
    """A look at all that is stored, at one moment. What a market should have given by then is worked out once."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self.now = now
        self._due: dict[tuple[str, str, Interval], Due | None] = {}

    def at(self, job: Job, kept: Kept | None) -> Freshness | None:
        """How fresh a job is; None if none of its symbols trades any more."""
        spec = job.spec
        if spec.freshness is None:
            return None
        names = tuple(names_of(self._connection, spec.provider, spec.symbols).values())
        series = freshness.newest(self._connection, spec.provider, names, spec.intervals)
        standings = [self._standing(one, job) for one in series]
        worst = max(standings, key=lambda one: one.behind(self.now), default=None)
        if worst is None:
            return None
        since = kept.changed_at if kept is not None and kept.is_stale else None
        return Freshness(job.name, parse_duration(spec.freshness), worst, worst.behind(self.now), since)

    def _standing(self, one: NewestBar, job: Job) -> Standing:
        # Of what was never collected, bars are missing since the job has asked for them.
        newest = Reached(one.newest_at or job.created_at, one.unfinished_at)
        since = overdue_since(newest, one.interval, self.now, self._due_of(one))
        return Standing(one.symbol, one.interval, one.newest_at, since)

    def _due_of(self, one: NewestBar) -> Due | None:
        market = (one.exchange, one.zone, one.interval)
        if market not in self._due:
            until = self.now + ahead(one.interval)
            spans = traded(self._connection, one.exchange, one.zone, self.now - LOOK_BACK, until)
            zone = zone_for(one.exchange, one.zone)
            self._due[market] = None if spans is None else Due.of(spans, one.interval, zone)
        return self._due[market]


def _targeted(connection: Connection) -> Iterator[Job]:
    versions = freshness.targeted(connection)
    found = definitions.as_of(connection, versions) if versions else {}
    return (job for version in versions if isinstance(job := found.get(version), Job))


def _event(job: Job, found: Freshness, now: datetime) -> Event:
    worst = found.worst
    about = {
        "job": job.name,
        "symbol": worst.symbol,
        "interval": worst.interval.value,
        "newest_at": worst.newest_at.isoformat() if worst.newest_at else None,
        "behind_s": int(found.behind.total_seconds()),
        "target_s": int(found.target.total_seconds()),
    }
    return Event(EventName.STALE if found.is_stale else EventName.FRESH, now, job.id, data=about)
