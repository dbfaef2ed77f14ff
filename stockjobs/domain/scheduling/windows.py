"""Limits around a rule: from when and until when it holds, and how many times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from stockjobs.domain.periods import FIRST_YEAR, LAST_YEAR, parse_instant
from stockjobs.domain.scheduling.schedules import INSTANT, Schedule
from stockjobs.domain.scheduling.zones import day_start
from stockjobs.errors import InvalidInput

LIMIT_AT_MOST = 10_000
"""The most repetitions that a `limit` may ask for, as they have to be counted from the first one on."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True)
class Windowed:
    """Another rule, of which only the times with start ≤ t < end count; None where there is no such bound."""

    rule: Schedule
    start: datetime | None
    end: datetime | None

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None if there is none before the end."""
        return next(self.iterate(instant), None)

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant, UTC."""
        begin = instant if self.start is None else max(instant, self.start - INSTANT)
        times = self.rule.iterate(begin)
        return times if self.end is None else self._until(times, self.end)

    @staticmethod
    def _until(times: Iterator[datetime], end: datetime) -> Iterator[datetime]:
        return takewhile(lambda time: time < end, times)


@dataclass(frozen=True)
class Limited:
    """Another rule, of which only the first `count` times from an anchor on count."""

    rule: Schedule
    anchor: datetime
    count: int

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None when all have been."""
        return next(self.iterate(instant), None)

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant, UTC."""
        last = _last(self)
        times = self.rule.iterate(max(instant, self.anchor - INSTANT))
        return times if last is None else takewhile(lambda time: time <= last, times)


@lru_cache(maxsize=4_096)
def _last(limited: Limited) -> datetime | None:
    """The last of the times that count, None if there are fewer than that."""
    return next(islice(limited.rule.iterate(limited.anchor - INSTANT), limited.count - 1, None), None)


def parse_start(text: str, zone: str = "UTC", where: str = "") -> datetime:
    """Read when a window begins: an instant, or a day in a zone, which begins with its first moment. Raises InvalidInput."""
    return _day(text, zone, where, days=0) if _DAY.fullmatch(text) else parse_instant(text, where)


def parse_end(text: str, zone: str = "UTC", where: str = "") -> datetime:
    """Read when a window ends, as the first moment after it: the instant and the day that are named belong to it."""
    return _day(text, zone, where, days=1) if _DAY.fullmatch(text) else parse_instant(text, where) + INSTANT


def _day(text: str, zone: str, where: str, *, days: int) -> datetime:
    try:
        midnight = datetime.fromisoformat(text)
    except ValueError as error:
        hint = "such as 2026-01-31 or 2026-01-31T15:30:00Z"
        raise InvalidInput.because(where, f"{text!r} is not a possible day: {error}", hint) from error
    if not FIRST_YEAR <= midnight.year <= LAST_YEAR:
        raise InvalidInput.because(where, f"{text!r} is outside of the years {FIRST_YEAR} to {LAST_YEAR}")
    return day_start(ZoneInfo(zone), midnight + timedelta(days=days))
