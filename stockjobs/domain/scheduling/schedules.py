"""Schedules: what is due, and what was missed. Pure functions of a rule and of instants.

The rules themselves are in `cron_rule`, `rules` (intervals, single times, windows, limits) and `trading` (sessions).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Protocol

MAKE_UP_AT_MOST = 1_000
"""How many missed due times of one job are made up after a downtime: the newest ones; the older rest is told as missed."""

COUNT_AT_MOST = 5_000
"""Missed due times are counted up to here; beyond, only that there were more."""

INSTANT = timedelta(microseconds=1)
"""The shortest step of time there is here: what is due after `t - INSTANT` is due at t or later."""

_FIRST_LOOK_BACK = timedelta(minutes=15)


class Misfire(StrEnum):
    """Which of the due times that were missed (no beat was running) are made up."""

    ALL = "all"
    LATEST = "latest"
    NONE = "none"


class Schedule(Protocol):
    """A rule that gives due times."""

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None if there is none."""

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant: UTC, strictly rising."""


@dataclass(frozen=True)
class Missed:
    """Due times that are not run: the first, the last, and how many; at least so many if the count `is_exact` not."""

    first: datetime
    last: datetime
    count: int
    is_exact: bool


@dataclass(frozen=True)
class Due:
    """What a tick finds for one job: the due times to run, those that are not run, and the next due time."""

    run: tuple[datetime, ...]
    missed: Missed | None
    next_due: datetime | None


def due(schedule: Schedule, first: datetime, now: datetime, *, misfire: Misfire, grace: timedelta) -> Due:
    """The due times from `first` (due, not yet run) to `now` inclusive, and what the misfire policy makes of them.

    A due time within `grace` of now is not missed, and the newest such runs whatever the policy. The cost does not grow with
    the number that was missed.
    """
    newest, upcoming = _newest(schedule, first, now)
    run = _to_run(newest, now, misfire, grace)
    return Due(run, _missed(schedule, first, newest, len(run)), upcoming)


def _newest(schedule: Schedule, first: datetime, now: datetime) -> tuple[list[datetime], datetime | None]:
    """The newest due times from `first` to `now`, one more than are made up, oldest first; and the one that comes next.

    It looks back over growing spans, as walking from `first` could take for ever. A clock that was set back finds `first` to
    come: what ran before the jump is not due again.
    """
    span = _FIRST_LOOK_BACK
    while True:
        start = max(first, now - span)
        newest, upcoming = _walked(schedule.iterate(start - INSTANT), now)
        if len(newest) > MAKE_UP_AT_MOST or start == first:
            return newest, upcoming
        span *= 2


def _walked(times: Iterator[datetime], now: datetime) -> tuple[list[datetime], datetime | None]:
    newest: deque[datetime] = deque(maxlen=MAKE_UP_AT_MOST + 1)
    for time in times:
        if time > now:
            return list(newest), time
        newest.append(time)
    return list(newest), None


def _to_run(newest: list[datetime], now: datetime, misfire: Misfire, grace: timedelta) -> tuple[datetime, ...]:
    if misfire is Misfire.ALL:
        return tuple(newest[-MAKE_UP_AT_MOST:])
    if misfire is Misfire.LATEST:
        return tuple(newest[-1:])
    return tuple(time for time in newest[-1:] if now - time <= grace)


def _missed(schedule: Schedule, first: datetime, newest: list[datetime], run: int) -> Missed | None:
    """What is not run of the times from `first` on, of which the last so many are run."""
    left = newest[: len(newest) - run]
    if not left:
        return None
    last = left[-1]
    if len(newest) <= MAKE_UP_AT_MOST:
        return Missed(left[0], last, len(left), is_exact=True)
    counted = _up_to(schedule.iterate(first - INSTANT), last, COUNT_AT_MOST)
    return Missed(counted[0], last, len(counted), is_exact=counted[-1] == last)


def _up_to(times: Iterable[datetime], last: datetime, limit: int) -> list[datetime]:
    return list(islice(takewhile(lambda time: time <= last, times), limit))


def between(schedule: Schedule, start: datetime, end: datetime, *, limit: int) -> list[datetime]:
    """The due times with start ≤ t < end, at most `limit` of them, the first ones."""
    return list(islice(takewhile(lambda time: time < end, schedule.iterate(start - INSTANT)), limit))


def upcoming(schedule: Schedule, now: datetime, count: int) -> list[datetime]:
    """The next `count` due times after now, fewer if there are no more."""
    return list(islice(schedule.iterate(now), count))
