"""Reading cron expressions: what is accepted, and what is refused with its place and cure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from stockjobs.domain.counting import counted
from stockjobs.domain.excerpts import excerpt
from stockjobs.errors import InvalidInput

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
_DAY_FIELDS = (2, 4)
_SECOND = re.compile(r"[0-5]?[0-9]")
_STEP = re.compile(r"/([0-9]+)$")
_LONG_NUMBER = re.compile(r"[0-9]{4,}")
_LONGEST = 200
_LONGEST_ZONE = 64
_SHORTEST_PLACE = 4
_ANCHOR = datetime(2000, 1, 1, tzinfo=UTC)


# Most jobs share a few expressions, and reading one takes longer than reading all else of a job.
@lru_cache(maxsize=4_096)
def parse_cron(text: str, where: str = "") -> str:
    """Check a cron expression and return it with single blanks.

    Five fields (minute, hour, day of month, month, day of week), or six with the second first. Fields hold names (`MON-FRI`,
    `JAN`), lists, ranges and steps; day of week 0 and 7 are Sunday; `L` is the last day of the month, `LW` its last weekday,
    `5L` its last Friday, `FRI#3` its third; where both day fields are restricted either suffices, as in Debian's cron;
    `?` may stand for `*` in a day field. Nothing fires more than once a minute, so the second is a single number.
    """
    *second, minute, hour, day, month, weekday = _fields_of(text, where)
    if second and not _SECOND.fullmatch(second[0]):
        hint = "nothing fires more than once a minute: 0 to 59"
        raise _refused(text, f"{second[0]!r} is not a single second", hint, where)
    fields = (minute, hour, day, month, weekday)
    checked = [_checked_field(field, index, text, where) for index, field in enumerate(fields)]
    if not _ever_fires(" ".join(checked)):
        raise InvalidInput.because(where, f"{text!r} never fires", "its day does not exist in its month")
    return " ".join([*second, *checked])


def _fields_of(text: str, where: str) -> list[str]:
    fields = text.split()
    hint = "such as '0 18 * * MON-FRI'"
    if len(text) > _LONGEST:
        raise InvalidInput.because(where, f"{excerpt(text)} is too long for a cron expression", hint)
    if len(fields) not in (5, 6):
        raise InvalidInput.because(
            where, f"{text!r} has {counted(len(fields), 'field')}, a cron expression has 5 or 6 fields", hint
        )
    return fields


def _checked_field(field: str, index: int, text: str, where: str) -> str:
    name, smallest, largest = _FIELDS[index]
    for part in field.split(","):
        if _LONG_NUMBER.search(part):
            raise _refused(text, f"the {name} has a number that is too large", f"at most {largest}", where)
        step = _STEP.search(part)
        if step and not 1 <= int(step[1]) <= largest:
            raise _refused(text, f"step {step[0]} does not fit the {name}", f"from /1 to /{largest}", where)
    if field == "?" and index in _DAY_FIELDS:
        return "*"
    if not _is_readable(" ".join(field if place == index else "*" for place in range(len(_FIELDS)))):
        upwards = ", ranges go upwards" if "-" in field else ""
        hint = f"{name} goes from {smallest} to {largest}{upwards}"
        raise _refused(text, f"the {name} cannot be {field!r}", hint, where)
    return field


def _is_readable(expression: str) -> bool:
    try:
        CronSim(expression, _ANCHOR)
    except CronSimError:
        return False
    return True


def _ever_fires(expression: str) -> bool:
    # Each field is readable by itself; what is not readable together has no day.
    return _is_readable(expression) and next(CronSim(expression, _ANCHOR), None) is not None


def _refused(text: str, reason: str, hint: str, where: str) -> InvalidInput:
    return InvalidInput.because(where, f"{text!r} is not a cron expression: {reason}", hint)


@cache
def _zones() -> frozenset[str]:
    # Walks the whole data base: 30 ms, too long to do for every job that is read.
    return frozenset(available_timezones())


def parse_zone(text: str, where: str = "") -> str:
    """Check the name of a zone: UTC, or an area and place of the IANA data base."""
    if text == "UTC" or ("/" in text and text in _zones() and not text.startswith("SystemV/")):
        ZoneInfo(text)
        return text
    raise InvalidInput.because(where, f"{excerpt(text)} is not a time zone", _nearest_zone(text[:_LONGEST_ZONE]))


def _nearest_zone(text: str) -> str:
    """The zone that is probably meant: one of the same letters, or one of a like place."""
    wanted = text.strip("\0 \n").replace(" ", "_").lower()
    if wanted in ("utc", "gmt", "z"):
        return "did you mean UTC?"
    by_name = {name.lower(): name for name in sorted(_zones()) if "/" in name and not name.startswith("SystemV/")}
    by_place = {name.rpartition("/")[2]: full for name, full in by_name.items()}
    for known, cutoff in ((by_name, 0.85), (by_place, 0.8)):
        near = get_close_matches(wanted, known, n=1, cutoff=cutoff) if len(wanted) >= _SHORTEST_PLACE else []
        if near:
            return f"did you mean {known[near[0]]}?"
    return "an IANA name such as America/New_York, or UTC"
