"""Periods in short words (`5m`) or by ISO 8601 (`PT5M`), and repeating intervals: `R/PT5M`, `R10/2026-01-01T00:00:00Z/PT6H`.

A period is P[nY][nM][nW][nD][T[nH][nM][nS]] with whole numbers, of which the seconds may have a fraction; or the same without P
and T in the words [ny][nmo][nw][nd][nh][nm][ns], where `wk` is a week too: 1h30m, 5d, 6mo, 10y. Months and years are
counted as calendars do: each repetition is counted from the start, so the 31st stays the 31st wherever a month has one. Days and
weeks keep the time of day where the clocks are changed; hours, minutes and seconds are real time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from isodate.duration import Duration

from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.scheduling.zones import instant_of, is_left_out, wall_at
from stockjobs.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WALL = datetime(1970, 1, 1)  # noqa: DTZ001 - midnight of whichever zone it is read in
LONGEST = timedelta(days=366 * 100)
FIRST_YEAR, LAST_YEAR = 1900, 2199
SHORTEST_REPEAT = timedelta(seconds=1)
"""A repeating interval is no shorter: nothing is due more often than beat looks."""


@dataclass(frozen=True)
class Period:
    """A length of time in three parts: months and days, which are counted on a calendar, and a fixed one. Always positive."""

    months: int
    fixed: timedelta
    days: int = 0

    @property
    def nominal(self) -> timedelta:
        """The length with months of 30.436875 days, the Gregorian mean, and days of 24 hours."""
        return timedelta(days=self.months * 30.436875 + self.days) + self.fixed

    @property
    def is_on_the_calendar(self) -> bool:
        """True for a period with months or days, whose length in hours is not always the same."""
        return bool(self.months or self.days)

    def wall(self, count: int, start: datetime, zone: tzinfo) -> datetime:
        """What the clock on the wall of a zone shows `count` times the months and days after the start, without a zone."""
        moved = wall_at(zone, start)
        if self.months:
            moved = moved + Duration(months=self.months * count)
        return moved + timedelta(days=self.days * count)

    def times(self, count: int, start: datetime, zone: tzinfo = UTC) -> datetime:
        """The instant `count` periods after the start (before it, if negative).

        Months and days go by the calendar and the clocks of the zone (RFC 5545), the rest by real time.
        """
        # The start itself may be the second of two like times, which its wall does not tell.
        moved = instant_of(zone, self.wall(count, start, zone)) if self.is_on_the_calendar and count else start
        return moved + self.fixed * count


_PERIOD = re.compile(
    r"P(?!$)(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?"
    r"(?:T(?!$)(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:\.[0-9]{1,6})?)S)?)?"
)
_SHORT = re.compile(
    r"(?:([0-9]+)y)?(?:([0-9]+)mo)?(?:([0-9]+)wk?)?(?:([0-9]+)d)?"
    r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?"
)
_MOST_DIGITS = 16
_SUCH_AS = "such as 90s, 1h30m, 5d, 6mo or 10y, or PT5M or P1M as ISO 8601 has it, in whole numbers"


def iso(text: str) -> str:
    """A length of time in short words (90s, 1h30m, 5d, 1wk, 6mo, 10y) as ISO 8601; anything else as it is."""
    short = _SHORT.fullmatch(text)
    if short is None or not any(short.groups()):
        return text
    parts = [f"{number}{letter}" if number else "" for number, letter in zip(short.groups(), "YMWDHMS", strict=True)]
    time = "".join(parts[4:])
    return f"P{''.join(parts[:4])}{f'T{time}' if time else ''}"


@lru_cache(maxsize=1_024)
def parse_period(text: str, where: str = "") -> Period:
    """Read a length of time. Raises InvalidInput for anything else, zero, negative, or over a hundred years."""
    match = _PERIOD.fullmatch(iso(text))
    if match is None:
        is_negative = text.startswith("-") and _PERIOD.fullmatch(iso(text[1:]))
        reason = "is not a positive duration" if is_negative else "is not a length of time"
        raise InvalidInput.because(where, f"{excerpt(text)} {reason}", _SUCH_AS)
    period = _counted([group or "0" for group in match.groups()])
    if period is None:
        raise InvalidInput.because(where, f"{excerpt(text)} is longer than a hundred years", "give a shorter one")
    if period.nominal <= timedelta(0):
        raise InvalidInput.because(where, f"{excerpt(text)} is not a positive duration", "such as 5m or PT5M")
    return period


def _counted(parts: list[str]) -> Period | None:
    """The period of these numbers, None where it is too long."""
    if max(map(len, parts)) > _MOST_DIGITS:
        return None
    years, months, weeks, days, hours, minutes = map(int, parts[:-1])
    try:
        fixed = timedelta(hours=hours, minutes=minutes, seconds=float(parts[-1]))
        period = Period(years * 12 + months, fixed, weeks * 7 + days)
        return period if period.nominal <= LONGEST else None
    except OverflowError:
        return None


@lru_cache(maxsize=1_024)
def parse_duration(text: str, where: str = "") -> timedelta:
    """Read a length of time that is always the same. Raises InvalidInput for months and years too."""
    period = parse_period(text, where)
    if period.months:
        raise InvalidInput.because(
            where, f"{excerpt(text)} has months or years, which have no fixed length", "use days: 30d or P30D"
        )
    return period.nominal


@dataclass(frozen=True)
class RepeatingInterval:
    """`R[n]/[start/]period`: due at start, start + period, …; n times in all, or without end until the year 2200.

    Years, months, weeks and days are counted on the clocks of the zone. Without a start it counts from 1970, so that every node
    has the same due times: from midnight in the zone where the calendar counts, else from midnight UTC.
    """

    period: Period
    start: datetime | None = None
    repetitions: int | None = None
    zone: str = "UTC"

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None when the repetitions are used up."""
        return next(self.iterate(instant), None)

    def iterate(self, instant: datetime) -> Iterator[datetime]:
        """The due times after an instant, UTC."""
        start, zone = self._anchor(), ZoneInfo(self.zone)
        newest = instant
        # The mean length of months and days may be wrong by a little, over centuries by less than two periods.
        for count in itertools.count(max(int((instant - start) / self.period.nominal) - 2, 0)):
            if self.repetitions is not None and count >= self.repetitions:
                return
            due = self.period.times(count, start, zone)
            if due.year > LAST_YEAR:
                return
            # Two may be one where a zone leaves out a day.
            if due > newest:
                newest = due
                yield due

    def is_late(self, due: datetime) -> bool:
        """True for a due time whose local time the clocks jump over, and which is therefore as much later as they jump."""
        start, zone = self._anchor(), ZoneInfo(self.zone)
        about = round((due - start) / self.period.nominal)
        counts = [count for count in range(about - 3, about + 4) if self.period.times(count, start, zone) == due]
        return self.period.is_on_the_calendar and all(
            is_left_out(zone, self.period.wall(count, start, zone)) for count in counts
        )

    def _anchor(self) -> datetime:
        if self.start is not None:
            return self.start
        return instant_of(ZoneInfo(self.zone), _EPOCH_WALL) if self.period.is_on_the_calendar else EPOCH


_REPEATING = re.compile(r"R([0-9]{0,9})/(?:([^/]+)/)?([^/]+)")


def parse_repeating(text: str, where: str = "", *, zone: str = "UTC") -> RepeatingInterval:
    """Read an ISO 8601 repeating interval, whose days are those of a zone. Raises InvalidInput with the place and the cure."""
    match = _REPEATING.fullmatch(text)
    if match is None:
        raise InvalidInput.because(
            where,
            f"{excerpt(text)} is not an ISO 8601 repeating interval",
            "such as R/PT5M or R10/2026-01-01T00:00:00Z/PT6H",
        )
    count, start, length = match.groups()
    if count and int(count) == 0:
        raise InvalidInput.because(where, f"{text!r} never repeats", "use `once` for a single time")
    if count and not start:
        hint = f"such as R{count}/2026-01-01T00:00:00Z/PT6H"
        raise InvalidInput.because(where, f"{text!r} counts its repetitions but has no start", hint)
    # The short words are no part of ISO 8601, to which an interval keeps.
    if iso(length) != length:
        raise InvalidInput.because(where, f"{text!r} has {length} for a duration", f"write {iso(length)}")
    period = parse_period(length, where)
    if period.nominal < SHORTEST_REPEAT:
        raise InvalidInput.because(where, f"{text!r} repeats more than once a second", "at least PT1S")
    return RepeatingInterval(
        period=period,
        start=parse_instant(start, where) if start else None,
        repetitions=int(count) if count else None,
        zone=zone,
    )


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def parse_instant(text: str, where: str = "") -> datetime:
    """Read an RFC 3339 instant with its offset, of the years 1900 to 2199, as UTC. Raises InvalidInput for anything else."""
    hint = "such as 2026-01-31T15:30:00Z"
    if not _INSTANT.fullmatch(text):
        raise InvalidInput.because(where, f"{excerpt(text)} is not an instant with a zone", hint)
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        why = "its offset is a day or more" if "offset" in str(error) else error
        raise InvalidInput.because(where, f"{text!r} is not a possible instant: {why}", hint) from error
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise InvalidInput.because(where, f"{text!r} is outside of the years {FIRST_YEAR} to {LAST_YEAR}", hint)
    return instant
