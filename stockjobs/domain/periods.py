"""ISO 8601 periods and repeating intervals: `PT5M`, `P1M`, `R/PT5M`, `R10/2026-01-01T00:00:00Z/PT6H`.

Months and years are counted as calendars do: each repetition is counted from the start, so the 31st stays the 31st
wherever a month has one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import isodate
from isodate.duration import Duration

from stockjobs.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST = timedelta(days=366 * 100)


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


def parse_period(text: str, where: str = "") -> Period:
    """Read an ISO 8601 duration. Raises InvalidInput for anything else, zero, negative, or over a hundred years."""
    try:
        parsed = isodate.parse_duration(text)
    except (isodate.ISO8601Error, OverflowError, ValueError, TypeError) as error:
        raise InvalidInput.because(
            where, f"{text!r} is not an ISO 8601 duration", "such as PT5M, P1D or P1M"
        ) from error
    period = _whole_months(parsed, text, where)
    if period.nominal <= timedelta(0):
        raise InvalidInput.because(where, f"{text!r} is not a positive duration", "such as PT5M")
    if period.nominal > LONGEST:
        raise InvalidInput.because(where, f"{text!r} is longer than a hundred years", "give a shorter one")
    return period


def _whole_months(parsed: timedelta | Duration, text: str, where: str) -> Period:
    if isinstance(parsed, timedelta):
        return Period(0, parsed)
    months = parsed.years * 12 + parsed.months
    if months != int(months):
        raise InvalidInput.because(where, f"{text!r} has a fraction of a month or year", "use days")
    return Period(int(months), parsed.tdelta)


def parse_duration(text: str, where: str = "") -> timedelta:
    """Read an ISO 8601 duration of fixed length. Raises InvalidInput for months and years too."""
    period = parse_period(text, where)
    if period.months:
        raise InvalidInput.because(where, f"{text!r} has months or years, which have no fixed length", "use days: P30D")
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


_REPEATING = re.compile(r"R(\d*)/(?:([^/]+)/)?([^/]+)")


def parse_repeating(text: str, where: str = "") -> RepeatingInterval:
    """Read an ISO 8601 repeating interval. Raises InvalidInput with the place and the cure."""
    match = _REPEATING.fullmatch(text)
    if match is None:
        raise InvalidInput.because(
            where, f"{text!r} is not an ISO 8601 repeating interval", "such as R/PT5M or R10/2026-01-01T00:00:00Z/PT6H"
        )
    count, start, period = match.groups()
    if count and int(count) == 0:
        raise InvalidInput.because(where, f"{text!r} never repeats", "use `once` for a single time")
    return RepeatingInterval(
        period=parse_period(period, where),
        start=parse_instant(start, where) if start else EPOCH,
        repetitions=int(count) if count else None,
    )


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")


def parse_instant(text: str, where: str = "") -> datetime:
    """Read an RFC 3339 instant with its offset, as UTC. Raises InvalidInput for anything else."""
    hint = "such as 2026-01-31T15:30:00Z"
    if not _INSTANT.fullmatch(text):
        raise InvalidInput.because(where, f"{text!r} is not an instant with a zone", hint)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput.because(where, f"{text!r} is not a possible instant: {error}", hint) from error
