"""The times of a cron expression by the clocks of a zone, by the rule of Debian's cron where the clocks jump.

A rule whose minute and hour both name times (`30 2 * * *`) is one of fixed times: what the clocks jump over is due once, as soon
as they have jumped, and what they show twice is due the first time only. A rule whose minute or hour begins with a star
(`*/5 * * * *`, `0 * * * *`) goes by what the clocks show: what they jump over is not due, what they show twice is due twice.

Source: the section on daylight saving in Debian's cron(8). That one takes jumps of three hours and more for a clock being set
right; here every jump of a zone is one, such as the day that Samoa left out in 2011.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim

from stockjobs.domain.scheduling.zones import Stretch, stretches

_ANCHOR = datetime(2000, 1, 1, tzinfo=UTC)
_END = datetime(2200, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_LONGEST_JUMP = _DAY


@dataclass(frozen=True)
class Cron:
    """A cron expression in a zone: five fields, or six with a single second first (see `cron.parse_cron`)."""

    expression: str
    zone: str = "UTC"

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None if there is none before the year 2200."""
        return next(self.iterate(instant), None)

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant, UTC."""
        fields, zone = _fields(self.expression), ZoneInfo(self.zone)
        start = _minute_of(instant.astimezone(UTC) - fields.second)
        newest = instant
        for minute in fields.fixed(zone, start) if fields.is_fixed else fields.by_the_clock(zone, start):
            if minute + fields.second > newest:
                newest = minute + fields.second
                yield newest

    def is_late(self, due: datetime) -> bool:
        """True for a due time that the clocks jumped over, and that is therefore due when they had jumped."""
        fields = _fields(self.expression)
        wall = (due - fields.second).astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        return next(fields.walls(wall, wall + _MINUTE), None) is None


def _minute_of(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


class _Fields:
    """An expression read by cronsim: its minutes of a day, and its days."""

    def __init__(self, expression: str) -> None:
        *second, minute, hour, day, month, weekday = expression.split()
        self._days = CronSim(" ".join((minute, hour, day, month, weekday)), _ANCHOR)
        self._times = sorted(hour * 60 + minute for hour in self._days.hours for minute in self._days.minutes)
        self.second = timedelta(seconds=int(second[0]) if second else 0)
        self.is_fixed = not minute.startswith("*") and not hour.startswith("*")

    def fixed(self, zone: tzinfo, start: datetime) -> Iterator[datetime]:
        """The minutes from a start, each once: the first time that it is shown, or when it has been jumped over."""
        shown = max(one.last_wall for one in stretches(zone, start - _LONGEST_JUMP, start))
        for stretch in stretches(zone, start, _END):
            if next(self.walls(shown, stretch.first_wall), None) is not None:
                yield stretch.start
            yield from self._of(stretch, max(shown, stretch.first_wall))
            shown = max(shown, stretch.last_wall)

    def by_the_clock(self, zone: tzinfo, start: datetime) -> Iterator[datetime]:
        """The minutes from a start as often as the clocks show them."""
        for stretch in stretches(zone, start, _END):
            yield from self._of(stretch, stretch.first_wall)

    def _of(self, stretch: Stretch, first: datetime) -> Iterator[datetime]:
        for wall in self.walls(first, stretch.last_wall):
            yield (wall - stretch.offset).replace(tzinfo=UTC)

    def walls(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The local minutes with start ≤ t < end, in order, whatever the clocks do."""
        midnight = datetime.combine(start.date(), time())
        while midnight < end:
            if midnight.month not in self._days.months:
                midnight = (midnight.replace(day=1) + timedelta(days=31)).replace(day=1)
                continue
            if self._days.match_day(midnight):
                skipped = bisect_left(self._times, (start - midnight) / _MINUTE) if start > midnight else 0
                for minutes in self._times[skipped:]:
                    wall = midnight + minutes * _MINUTE
                    if wall >= end:
                        return
                    yield wall
            midnight += _DAY


@lru_cache(maxsize=4_096)
def _fields(expression: str) -> _Fields:
    return _Fields(expression)
