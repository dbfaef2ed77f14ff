"""Schedules: the rules that give due times. Pure functions of a rule and an instant.

Cron follows Debian's cron in daylight saving, by the cronsim library: what falls into the gap runs right after it, what
falls into the fold runs once, and hourly runs keep their hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim

from stockjobs.domain.periods import RepeatingInterval


class Misfire(StrEnum):
    """Which of the due times that were missed (no beat was running) are made up."""

    ALL = "all"
    LATEST = "latest"
    NONE = "none"


@dataclass(frozen=True)
class Cron:
    """A cron expression in a zone: five fields, or six with a single second first (see `stockjobs.domain.cron.parse_cron`)."""

    expression: str
    zone: str = "UTC"

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None if there is none."""
        return next(self.iterate(instant), None)

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant, UTC."""
        *second, minute, hour, day, month, weekday = self.expression.split()
        # cronsim has the rules of daylight saving for five fields only.
        offset = timedelta(seconds=int(second[0]) if second else 0)
        rule = " ".join((minute, hour, day, month, weekday))
        for local in CronSim(rule, (instant - offset).astimezone(ZoneInfo(self.zone))):
            time = local.astimezone(UTC) + offset
            # Begun in the second pass of the hour that is had twice, cronsim gives the first pass's times again.
            if time > instant:
                yield time


@dataclass(frozen=True)
class Repeat:
    """An ISO 8601 repeating interval."""

    interval: RepeatingInterval

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None when the repetitions are used up."""
        return self.interval.after(instant)

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant, UTC."""
        due = self.after(instant)
        while due is not None:
            yield due
            due = self.after(due)


@dataclass(frozen=True)
class Once:
    """One due time."""

    at: datetime

    def after(self, instant: datetime) -> datetime | None:
        """The due time, if it is after the instant."""
        return self.at if self.at > instant else None

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due time, if it is after the instant."""
        if self.at > instant:
            yield self.at


@dataclass(frozen=True)
class Manual:
    """Never due by itself."""

    def after(self, instant: datetime) -> datetime | None:  # noqa: ARG002 - the same call for every schedule
        """None."""
        return None

    def iterate(self, instant: datetime) -> Iterator[datetime]:  # noqa: ARG002 - the same call for every schedule
        """Nothing."""
        return iter(())


Schedule = Cron | Repeat | Once | Manual

MAKE_UP_AT_MOST = 1_000
"""How many missed due times of one job are made up by one tick; the next tick goes on with the rest."""


@dataclass(frozen=True)
class Due:
    """What a tick finds for one job: the due times to run, how many were passed over, and the next due time."""

    run: tuple[datetime, ...]
    passed_over: int
    next_due: datetime | None


def due(schedule: Schedule, first: datetime, now: datetime, *, misfire: Misfire, grace: timedelta) -> Due:
    """The due times from `first` (due, not yet run) to `now` inclusive, and what the misfire policy makes of them.

    A due time within `grace` of now is not missed, and the newest such runs whatever the policy.
    """
    before_first = first - timedelta(microseconds=1)
    times: list[datetime] = []
    upcoming: datetime | None = None
    for time in islice(schedule.iterate(before_first), MAKE_UP_AT_MOST + 1):
        if time > now or len(times) == MAKE_UP_AT_MOST:
            upcoming = time
            break
        times.append(time)
    has_more = upcoming is not None and upcoming <= now
    run = _to_run(times, now, misfire, grace, has_more=has_more)
    return Due(run, len(times) - len(run), upcoming)


def _to_run(
    times: list[datetime], now: datetime, misfire: Misfire, grace: timedelta, *, has_more: bool
) -> tuple[datetime, ...]:
    if misfire is Misfire.ALL:
        return tuple(times)
    if has_more:
        # The newest is among those that the next tick finds.
        return ()
    if misfire is Misfire.LATEST:
        return tuple(times[-1:])
    return tuple(time for time in times[-1:] if now - time <= grace)
