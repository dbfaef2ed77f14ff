"""Rules that know when an exchange trades: times counted from its open and close, and other rules held to its sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from heapq import merge
from itertools import takewhile
from zoneinfo import ZoneInfo

from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.scheduling.calendar import Calendar
from stockjobs.domain.scheduling.schedules import INSTANT, Schedule
from stockjobs.domain.scheduling.zones import instant_of, offset_at, wall_at
from stockjobs.errors import InvalidInput

LOOK_AHEAD = timedelta(days=12 * 366)
"""A rule that falls into no session for so long never does: even 29 February falls on a session day more often."""

LONGEST_OFFSET = timedelta(days=1)
_DAY = timedelta(days=1)


class Edge(StrEnum):
    """What of a session a time is counted from."""

    OPEN = "open"
    CLOSE = "close"


class Within(StrEnum):
    """What a due time has to fall into: a day that has a session, or the hours of trading."""

    DAYS = "days"
    HOURS = "hours"


class Otherwise(StrEnum):
    """What becomes of a due time that does not: it is left out, or moved to the next session."""

    SKIP = "skip"
    NEXT = "next"


_SESSION_RULE = re.compile(r"@(open|close)(?:([+-])(?=[0-9])(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?)?")


def parse_session_rule(text: str, where: str = "") -> tuple[Edge, timedelta]:
    """Read `@open`, `@open+5m`, `@close-1h30m`: from what of a session to count, and how far. Raises InvalidInput."""
    match = _SESSION_RULE.fullmatch(text)
    if match is None:
        hint = "such as @open, @open+5m, @close-10m or @close+1h30m"
        raise InvalidInput.because(where, f"{excerpt(text)} is not a session rule", hint)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[2:])
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if offset > LONGEST_OFFSET:
        raise InvalidInput.because(where, f"{excerpt(text)} is more than a day away", "at most 24h")
    return Edge(match[1]), -offset if match[2] == "-" else offset


@dataclass(frozen=True)
class AtSession:
    """Once a session, so long after its open or close (before it, if negative)."""

    calendar: Calendar
    edge: Edge
    offset: timedelta

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None beyond the end of the calendar."""
        return next(self.iterate(instant), None)

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant, UTC."""
        for session in self.calendar.sessions_from((instant - self.offset).date() - 2 * _DAY):
            due = (session.open if self.edge is Edge.OPEN else session.close) + self.offset
            if due > instant:
                yield due


@dataclass(frozen=True)
class InHours:
    """Another rule held to the hours of trading, open and close included; a lunch break is closed.

    With `next`, what falls outside of them is due when trading begins again, however much of it there is.
    """

    rule: Schedule
    calendar: Calendar
    otherwise: Otherwise = Otherwise.SKIP

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None if there is none."""
        return next(self.iterate(instant), None)

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant, UTC."""
        newest, times = instant, self.rule.iterate(self._start(instant))
        time = in_vain = next(times, None)
        for opens, closes in self.calendar.hours_from(time.date() - 2 * _DAY) if time else ():
            if time is None:
                return
            in_vain = in_vain or time
            if time - in_vain > LOOK_AHEAD:
                return
            if time < opens:
                is_moved = self.otherwise is Otherwise.NEXT
                times = self.rule.iterate(opens if is_moved else opens - INSTANT)
                time = opens if is_moved else next(times, None)
            while time is not None and time <= closes:
                if time > newest:
                    newest, in_vain = time, None
                    yield time
                time = next(times, None)

    def _start(self, instant: datetime) -> datetime:
        """From where the rule has to be asked: what it gives since the last close may be moved beyond the instant."""
        earlier = self.calendar.day_before(instant.date() - _DAY) if self.otherwise is Otherwise.NEXT else None
        start = instant
        for opens, closes in self.calendar.hours_from(earlier) if earlier else ():
            if closes >= instant:
                return instant if opens <= instant else start
            start = closes
        return start


@dataclass(frozen=True)
class OnDays:
    """Another rule held to the days, at the exchange, that have a session.

    With `next`, what falls on another day is due on the next session day, at the same time of day by the clocks of `zone`.
    """

    rule: Schedule
    calendar: Calendar
    otherwise: Otherwise = Otherwise.SKIP
    zone: str = "UTC"

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None if there is none."""
        return next(self.iterate(instant), None)

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant, UTC."""
        return self._skipping(instant) if self.otherwise is Otherwise.SKIP else self._moving(instant)

    def _skipping(self, instant: datetime) -> Iterator[datetime]:
        times, session_day = self.rule.iterate(instant), date.min
        in_vain: datetime | None = None
        while (time := next(times, None)) is not None:
            today = self.calendar.date_of(time)
            if today != session_day:
                following = self.calendar.day_from(today)
                in_vain = in_vain or time
                if following is None or time - in_vain > LOOK_AHEAD:
                    return
                if following > today:
                    times = self.rule.iterate(self.calendar.start_of(following) - INSTANT)
                    continue
                session_day = today
            in_vain = None
            yield time

    def _moving(self, instant: datetime) -> Iterator[datetime]:
        newest, day, late = instant, self._first_day(instant), list[datetime]()
        while (target := self._next_target(day)) is not None:
            following = self.calendar.day_from(target + _DAY)
            landings, late = merge(late, *self._landings(target, newest)), []
            for due in landings:
                # By the clocks of another zone some may land behind midnight, among those of the next session day.
                if following and due >= self.calendar.start_of(following):
                    late.append(due)
                elif due > newest:
                    newest = due
                    yield due
            if following is None:
                return
            day = following
        yield from sorted({due for due in late if due > newest})

    def _first_day(self, instant: datetime) -> date:
        """The session day from which something may land behind an instant."""
        today = self.calendar.date_of(instant)
        return self.calendar.day_before(today) or today

    def _next_target(self, day: date) -> date | None:
        """The first session day, from one on, on which something is due."""
        first = self.rule.after(self.calendar.start_of(self._days_onto(day)[0]) - INSTANT)
        following = self.calendar.day_from(self.calendar.date_of(first)) if first else None
        return max(following, day) if following else None

    def _days_onto(self, target: date) -> list[date]:
        """The days whose due times land on a session day: those without a session before it, and itself."""
        earlier = self.calendar.day_before(target)
        return [target - n * _DAY for n in reversed(range((target - earlier).days))] if earlier else [target]

    def _landings(self, target: date, newest: datetime) -> list[Iterator[datetime]]:
        """For each of these days, what lands and is newer than what has been."""
        return [self._landing(day, target - day, newest) for day in self._days_onto(target)]

    def _landing(self, day: date, shift: timedelta, newest: datetime) -> Iterator[datetime]:
        start = max(self.calendar.start_of(day) - INSTANT, self._moved_back(newest, shift))
        for time in takewhile(lambda time: self.calendar.date_of(time) == day, self.rule.iterate(start)):
            moved = self._moved(time)
            if moved is not None:
                yield moved

    def _moved_back(self, newest: datetime, shift: timedelta) -> datetime:
        """An instant after which lies whatever lands after `newest` when it is moved by so many days."""
        zone = ZoneInfo(self.zone)
        jumps = [abs(offset_at(zone, newest) - offset_at(zone, newest - back)) for back in (shift, _DAY)]
        return instant_of(zone, wall_at(zone, newest) - shift) - max(jumps) if shift else newest

    def _moved(self, time: datetime) -> datetime | None:
        zone = ZoneInfo(self.zone)
        wall, moved = wall_at(zone, time), time
        while (following := self.calendar.day_from(today := self.calendar.date_of(moved))) is not None:
            if following == today:
                return moved
            wall += following - today
            moved = instant_of(zone, wall)
            if self.calendar.date_of(moved) < following:
                return self.calendar.start_of(following)
        return None
