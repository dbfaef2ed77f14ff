"""Times as files have them: ISO 8601 with or without an offset, days, and counts since 1970."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from stockjobs.domain.market.bars import Seconds

_DIGITS_OF_A_DAY = 8


@dataclass(frozen=True, eq=False)
class Times:
    """Times in epoch seconds, with the offsets from UTC that the first and the last were written with, if any."""

    at: Seconds
    offsets: tuple[timedelta, ...] = ()


class BadTime(ValueError):
    """A time that cannot be read; `row` counts from 0."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row


def read_times(values: Sequence[object], zone: ZoneInfo | None) -> Times:
    """Times from texts, numbers, or datetimes; those without an offset are on the clocks of `zone`. Raises BadTime."""
    at = np.empty(len(values), dtype=np.int64)
    for row, value in enumerate(values):
        try:
            at[row] = _seconds(value, zone)
        except (ValueError, OverflowError, TypeError) as error:
            raise BadTime(row, str(error)) from error
    ends = (values[0], values[-1]) if len(values) else ()
    return Times(at, tuple(offset for value in ends if (offset := _offset(value)) is not None))


def _seconds(value: object, zone: ZoneInfo | None) -> int:
    if isinstance(value, str) and value[4:5] == "-":
        # The usual one by far.
        moment = datetime.fromisoformat(value.strip())
    elif isinstance(value, int | float):
        return _count(value)
    elif isinstance(value, str) and (number := _number(value)) is not None:
        return _count(number)
    else:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError("has no offset, and no zone is known: name it in instruments.csv, or set default_zone")
        moment = moment.replace(tzinfo=zone)
    return math.floor(moment.timestamp())


def _number(text: str) -> float | None:
    """A count since 1970; eight digits are a day of the calendar."""
    whole = text.strip().partition(".")[0].removeprefix("-")
    is_count = whole.isascii() and whole.isdigit() and len(whole) != _DIGITS_OF_A_DAY
    return float(text) if is_count else None


def _count(number: float) -> int:
    """Epoch seconds, of a count of seconds, milliseconds, microseconds or nanoseconds by how large it is."""
    for factor in (1, 1_000, 1_000_000, 1_000_000_000):
        if abs(number) < 1e11 * factor:
            return int(number // factor)
    raise ValueError("is no time")


def _offset(value: object) -> timedelta | None:
    if isinstance(value, str) and _number(value) is None:
        return datetime.fromisoformat(value.strip()).utcoffset()
    return None


def fixed_zone(offsets: Sequence[timedelta]) -> str:
    """The zone that always has the offset that times were written with; UTC where there is none, or none by a name."""
    if not offsets or len(set(offsets)) > 1 or offsets[0] % timedelta(hours=1) or not offsets[0]:
        return "UTC"
    # The sign of these names is turned round, as in POSIX.
    return f"Etc/GMT{-(offsets[0] // timedelta(hours=1)):+d}"


def fits(times: Times, zone: ZoneInfo) -> bool:
    """True if the times could have been written on the clocks of a zone."""
    ends = (times.at[0], times.at[-1]) if len(times.at) else ()
    return len(times.offsets) < len(ends) or all(
        datetime.fromtimestamp(int(at), zone).utcoffset() == offset
        for at, offset in zip(ends, times.offsets, strict=True)
    )
