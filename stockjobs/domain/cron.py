"""Reading cron expressions: what is accepted, and what is refused with its place and cure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from stockjobs.errors import InvalidInput

_FIELDS = (("minute", 59), ("hour", 23), ("day of month", 31), ("month", 12), ("day of week", 7))
_STEP = re.compile(r"/(\d+)$")
_ANCHOR = datetime(2000, 1, 1, tzinfo=UTC)


def parse_cron(text: str, where: str = "") -> str:
    """Check a cron expression and return it with single blanks.

    Five fields (minute, hour, day of month, month, day of week), or six with seconds first; names (`MON-FRI`, `JAN`), lists,
    ranges, steps; day of week 0 and 7 are Sunday; where both day fields are restricted, either suffices, as in
    Debian's cron. `?` may stand for `*` in a day field.
    """
    fields = text.split()
    if len(fields) not in (5, 6):
        raise InvalidInput.because(
            where, f"{text!r} has {len(fields)} fields, a cron expression has 5 or 6", "such as '0 18 * * MON-FRI'"
        )
    fields = [_check_step(field, index, where) for index, field in enumerate(fields[-5:])]
    expression = " ".join([*text.split()[:-5], *fields])
    try:
        first = next(CronSim(expression, _ANCHOR), None)
    except CronSimError as error:
        reason = str(error)[0].lower() + str(error)[1:]
        raise InvalidInput.because(where, f"{text!r} is not a cron expression: {reason}", _hint(reason)) from error
    if first is None:
        raise InvalidInput.because(where, f"{text!r} never fires", "its day does not exist in its month")
    return expression


def _check_step(field: str, index: int, where: str) -> str:
    name, largest = _FIELDS[index]
    for part in field.split(","):
        step = _STEP.search(part)
        if step and int(step[1]) > largest:
            raise InvalidInput.because(where, f"step /{step[1]} is larger than the {name} field", f"at most /{largest}")
    return "*" if field == "?" and index in (2, 4) else field


def _hint(reason: str) -> str:
    for name, largest in _FIELDS:
        if name.replace(" ", "-") in reason:
            return f"{name} goes from {0 if name in ('minute', 'hour', 'day of week') else 1} to {largest}"
    return "minute, hour, day of month, month, day of week"


def parse_zone(text: str, where: str = "") -> str:
    """Check the name of a zone: UTC, or an area and place of the IANA data base."""
    if text == "UTC" or ("/" in text and text in available_timezones() and not text.startswith("SystemV/")):
        ZoneInfo(text)
        return text
    raise InvalidInput.because(where, f"{text!r} is not a time zone", "an IANA name such as America/New_York, or UTC")
