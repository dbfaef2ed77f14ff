"""Freshness: per job the age of its newest bars against the target that it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.freshness import LOOK_BACK, Standing, overdue_since
from stockjobs.domain.periods import parse_duration
from stockjobs.services.calendars import calendar_of, traded, zone_named
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.store import definitions, events, freshness
from stockjobs.store.database import Connection, Database
from stockjobs.store.definitions import Job
from stockjobs.store.freshness import Kept, NewestBar


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
            now = self._database.now(connection)
            kept = freshness.stored(connection)
            found = [
                _freshness(connection, job, now, kept.get(job.id))
                for job in _targeted(connection)
                if not names or job.name in names
            ]
        return [one for one in found if one is not None]

    @taken_twice_if_busy
    def check(self) -> list[Freshness]:
        """The same for all, written down, and told as events where it has changed. Returns those that have changed."""
        turned = []
        with self._database.begin() as connection:
            now = self._database.now(connection)
            for job in _targeted(connection):
                found = _freshness(connection, job, now, None)
                if found is None:
                    continue
                kept = Kept(job.id, found.is_stale, found.worst.newest_at, now, now)
                if freshness.put(connection, kept):
                    turned.append(found)
                    events.append(connection, _event(job, found, now))
        return turned


def _targeted(connection: Connection) -> Iterator[Job]:
    versions = freshness.targeted(connection)
    found = definitions.as_of(connection, versions) if versions else {}
    return (job for version in versions if isinstance(job := found.get(version), Job))


def _freshness(connection: Connection, job: Job, now: datetime, kept: Kept | None) -> Freshness | None:
    """How fresh a job is; None if none of its symbols trades any more."""
    spec = job.spec
    if spec.freshness is None:
        return None
    series = freshness.newest(connection, spec.provider, spec.symbols, spec.intervals)
    standings = [_standing(connection, one, job, now) for one in series]
    worst = max(standings, key=lambda one: one.behind(now), default=None)
    if worst is None:
        return None
    since = kept.changed_at if kept is not None and kept.is_stale else None
    return Freshness(job.name, parse_duration(spec.freshness), worst, worst.behind(now), since)


def _standing(connection: Connection, one: NewestBar, job: Job, now: datetime) -> Standing:
    # Of what was never collected, bars are missing since the job has asked for them.
    newest = one.newest_at or job.created_at
    spans = traded(connection, one.exchange, one.zone, now - LOOK_BACK, now)
    zone = zone_named(one.zone, calendar_of(one.exchange))
    since = overdue_since(newest, one.interval, now, spans=spans, zone=zone)
    return Standing(one.symbol, one.interval, one.newest_at, since)


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
