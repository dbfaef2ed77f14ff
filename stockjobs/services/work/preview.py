"""Preview: when a schedule is due, by UTC and by the clocks of a zone, with a word where the clocks or a calendar move it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from stockjobs.domain.market.exchanges import zone_of
from stockjobs.domain.market.sessions import SessionsOf
from stockjobs.domain.periods import parse_duration
from stockjobs.domain.scheduling.cron_rule import Cron
from stockjobs.domain.scheduling.rules import Manual, Repeat
from stockjobs.domain.scheduling.schedules import INSTANT, Due, Misfire, between, due, upcoming
from stockjobs.domain.work.jobs import ScheduleSpec

LATE = "the clocks jump over its time"
MOVED = "moved to the next session"
FIRST_PASS = "the first of two such times"
SECOND_PASS = "the second of two such times"


@dataclass(frozen=True)
class Fire:
    """One due time: in UTC, by the clocks that it is shown by, and what is odd about it, if anything."""

    at: datetime
    local: datetime
    note: str = ""


def clocks_of(spec: ScheduleSpec) -> str:
    """The zone whose clocks tell people most about a schedule: its own, or its exchange's if it goes by UTC."""
    return spec.time_zone if spec.time_zone != "UTC" or not spec.calendar else zone_of(spec.calendar.exchange).key


def upcoming_fires(spec: ScheduleSpec, sessions: SessionsOf, now: datetime, count: int) -> list[Fire]:
    """The next `count` due times after now, fewer if there are no more."""
    return _fires(spec, upcoming(spec.rule(sessions), now, count))


def fires_between(
    spec: ScheduleSpec, sessions: SessionsOf, start: datetime, end: datetime, *, limit: int
) -> list[Fire]:
    """The due times with start ≤ t < end, at most `limit` of them, the first ones."""
    return _fires(spec, between(spec.rule(sessions), start, end, limit=limit))


def made_up(spec: ScheduleSpec, sessions: SessionsOf, first: datetime, until: datetime, misfire: Misfire) -> Due:
    """What is run, and what is not, of the due times from `first` (due, not yet run) to `until` by a misfire policy."""
    return due(spec.rule(sessions), first, until, misfire=misfire, grace=parse_duration(spec.grace))


def _fires(spec: ScheduleSpec, times: Iterable[datetime]) -> list[Fire]:
    clocks, zone = ZoneInfo(clocks_of(spec)), ZoneInfo(spec.time_zone)
    return [Fire(time, time.astimezone(clocks), _note(spec, time, zone)) for time in times]


def _note(spec: ScheduleSpec, time: datetime, zone: ZoneInfo) -> str:
    plain = spec.plain()
    if not isinstance(plain, Manual) and plain.after(time - INSTANT) != time:
        return MOVED
    if isinstance(plain, Cron | Repeat) and plain.is_late(time):
        return LATE
    local = time.astimezone(zone)
    if local.replace(fold=0).utcoffset() <= local.replace(fold=1).utcoffset():  # type: ignore[operator]
        return ""
    return SECOND_PASS if local.fold else FIRST_PASS
