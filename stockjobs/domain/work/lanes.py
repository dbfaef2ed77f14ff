"""The two lanes: which one a task belongs to, and in which order each is worked off.

A lane is derived from time alone and never stored as a choice: work about today (UTC) is realtime and goes newest
first, work about any day before is historical and goes oldest first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum


class Lane(StrEnum):
    """A queue of tasks; the value is the name of the queue in Redis."""

    REALTIME = "realtime"
    HISTORICAL = "historical"


class Priority(IntEnum):
    """The order inside a lane; higher goes first."""

    LOW = 1
    NORMAL = 5
    HIGH = 10
    CRITICAL = 15


def midnight(now: datetime) -> datetime:
    """The start of the UTC day of `now`: the border between the lanes."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def lane_of(about: datetime, now: datetime) -> Lane:
    """The lane of work about an instant, as it stands at `now`."""
    return Lane.REALTIME if about >= midnight(now) else Lane.HISTORICAL


# Early enough for the oldest prices: 17 digits of microseconds reach from here to the year 4968.
_EPOCH = datetime(1800, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DIGITS = 17
_LARGEST = 10**_DIGITS - 1


def rank(lane: Lane, priority: Priority, about: datetime, created: datetime) -> str:
    """The place of a task in its lane, as a text of 36 digits: the greatest goes first.

    Realtime ranks the newest highest, historical the oldest; within the same instant the same rule holds for the time
    of creation, so historical is first in, first out.
    """
    return f"{int(priority):02d}{_place(lane, about)}{_place(lane, created)}"


def _place(lane: Lane, at: datetime) -> str:
    micros = min(max((at - _EPOCH) // _MICROSECOND, 0), _LARGEST)
    return f"{micros if lane is Lane.REALTIME else _LARGEST - micros:0{_DIGITS}d}"
