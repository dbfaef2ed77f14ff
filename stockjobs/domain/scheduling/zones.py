"""Zones of time: stretches of an unchanged offset, which is where clocks jump, and local times turned into instants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_PROBE = timedelta(days=3)
"""No zone has changed its clocks twice within six days since 1970, so two looks this far apart miss no change."""

_LONGEST_STRETCH = timedelta(days=366)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Stretch:
    """A stretch of time, start ≤ t < end in UTC, over which a zone keeps one offset."""

    start: datetime
    end: datetime
    offset: timedelta

    @property
    def first_wall(self) -> datetime:
        """What the clock on the wall shows at the start, without a zone."""
        return self.start.replace(tzinfo=None) + self.offset

    @property
    def last_wall(self) -> datetime:
        """What the clock on the wall is about to show at the end, without a zone."""
        return self.end.replace(tzinfo=None) + self.offset


def stretches(zone: tzinfo, start: datetime, end: datetime) -> Iterator[Stretch]:
    """The stretches from an instant to another without a gap between them; long ones come in several parts, short ones first."""
    longest = _PROBE
    while start < end:
        stretch = _stretch(zone, start, min(start + longest, end))
        yield stretch
        start, longest = stretch.end, min(longest * 2, _LONGEST_STRETCH)


def _stretch(zone: tzinfo, start: datetime, end: datetime) -> Stretch:
    offset = offset_at(zone, start)
    known = start
    while known < end:
        probe = min(known + _PROBE, end)
        if offset_at(zone, probe) != offset:
            return Stretch(start, _change(zone, known, probe), offset)
        known = probe
    return Stretch(start, end, offset)


def _change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The first second of another offset, between two instants of different offsets."""
    offset = offset_at(zone, before)
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        if offset_at(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def offset_at(zone: tzinfo, instant: datetime) -> timedelta:
    """How far the clocks of a zone are ahead of UTC at an instant."""
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def wall_at(zone: tzinfo, instant: datetime) -> datetime:
    """What the clock on the wall shows at an instant, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None)


def instant_of(zone: tzinfo, wall: datetime) -> datetime:
    """The instant at which the clock on the wall shows a time, as RFC 5545 has it.

    A time that comes twice is the first; one that is left out is read with the offset before the change, and so comes out as
    much later as the clocks jumped.
    """
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def is_left_out(zone: tzinfo, wall: datetime) -> bool:
    """True for a local time that the clocks jump over."""
    return wall_at(zone, instant_of(zone, wall)) != wall


def day_start(zone: tzinfo, wall: datetime) -> datetime:
    """The first instant of the local day of `wall`, which is not midnight where the clocks jump over it."""
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if not is_left_out(zone, midnight):
        return instant_of(zone, midnight)
    return _change(zone, instant_of(zone, midnight) - timedelta(days=1), instant_of(zone, midnight))
