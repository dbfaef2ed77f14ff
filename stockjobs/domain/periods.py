"""ISO 8601 periods and repeating intervals: `PT5M`, `P1M`, `R/PT5M`, `R10/2026-01-01T00:00:00Z/PT6H`.

A period is P[nY][nM][nW][nD][T[nH][nM][nS]] with whole numbers, of which the seconds may have a fraction. Months and years are
counted as calendars do: each repetition is counted from the start, so the 31st stays the 31st wherever a month has one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from isodate.duration import Duration

from stockjobs.domain.excerpts import excerpt
from stockjobs.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST = timedelta(days=366 * 100)
FIRST_YEAR, LAST_YEAR = 1900, 2199
SHORTEST_REPEAT = timedelta(seconds=1)
"""A repeating interval is no shorter: nothing is due more often than beat looks."""


@dataclass(frozen=True)
class Period:
    """A length of time with a calendar part (months) and a fixed part. Always positive."""

    months: int
    fixed: timedelta

    @property
    def nominal(self) -> timedelta:
        """The length with months of 30.436875 days, the Gregorian mean."""
        return timedelta(days=self.months * 30.436875) + self.fixed

    def times(self, count: int, start: datetime) -> datetime:
        """The instant `count` periods after the start (before it, if negative)."""
        moved = start if self.months == 0 else start + Duration(months=self.months * count)
        return moved + self.fixed * count


_PERIOD = re.compile(
    r"P(?!$)(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?"
    r"(?:T(?!$)(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:\.[0-9]{1,6})?)S)?)?"
)
_MOST_DIGITS = 16


def parse_period(text: str, where: str = "") -> Period:
    """Read an ISO 8601 duration. Raises InvalidInput for anything else, zero, negative, or over a hundred years."""
    match = _PERIOD.fullmatch(text)
    if match is None:
        reason = "is not a positive duration" if text.startswith("-P") else "is not an ISO 8601 duration"
        raise InvalidInput.because(where, f"{excerpt(text)} {reason}", "such as PT5M, P1D or P1M, in whole numbers")
    period = _counted([group or "0" for group in match.groups()])
    if period is None:
        raise InvalidInput.because(where, f"{excerpt(text)} is longer than a hundred years", "give a shorter one")
    if period.nominal <= timedelta(0):
        raise InvalidInput.because(where, f"{excerpt(text)} is not a positive duration", "such as PT5M")
    return period


def _counted(parts: list[str]) -> Period | None:
    """The period of these numbers, None where it is too long."""
    if max(map(len, parts)) > _MOST_DIGITS:
        return None
    years, months, weeks, days, hours, minutes = map(int, parts[:-1])
    try:
        fixed = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=float(parts[-1]))
        period = Period(years * 12 + months, fixed)
        return period if period.nominal <= LONGEST else None
    except OverflowError:
        return None


def parse_duration(text: str, where: str = "") -> timedelta:
    """Read an ISO 8601 duration of fixed length. Raises InvalidInput for months and years too."""
    period = parse_period(text, where)
    if period.months:
        raise InvalidInput.because(
            where, f"{excerpt(text)} has months or years, which have no fixed length", "use days: P30D"
        )
    return period.fixed


@dataclass(frozen=True)
class RepeatingInterval:
    """`R[n]/[start/]period`: due at start, start + period, …; n times in all, or without end.

    Without a start it counts from 1970-01-01T00:00:00Z, so that every node has the same due times.
    """

    period: Period
    start: datetime = EPOCH
    repetitions: int | None = None

    def after(self, instant: datetime) -> datetime | None:
        """The first due time after an instant, None when the repetitions are used up."""
        count = max(int((instant - self.start) / self.period.nominal) - 2, 0)
        while self.period.times(count, self.start) <= instant:
            count += 1
        if self.repetitions is not None and count >= self.repetitions:
            return None
        return self.period.times(count, self.start)


_REPEATING = re.compile(r"R([0-9]{0,9})/(?:([^/]+)/)?([^/]+)")


def parse_repeating(text: str, where: str = "") -> RepeatingInterval:
    """Read an ISO 8601 repeating interval. Raises InvalidInput with the place and the cure."""
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
    period = parse_period(length, where)
    if period.nominal < SHORTEST_REPEAT:
        raise InvalidInput.because(where, f"{text!r} repeats more than once a second", "at least PT1S")
    return RepeatingInterval(
        period=period,
        start=parse_instant(start, where) if start else EPOCH,
        repetitions=int(count) if count else None,
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
        raise InvalidInput.because(where, f"{text!r} is not a possible instant: {error}", hint) from error
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise InvalidInput.because(where, f"{text!r} is outside of the years {FIRST_YEAR} to {LAST_YEAR}", hint)
    return instant
