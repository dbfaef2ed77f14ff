"""The times of a cron expression where clocks are changed: fire by fire, and against two oracles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo, available_timezones

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stockjobs.domain.scheduling.cron_rule import Cron
from stockjobs.domain.scheduling.schedules import between

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NEW_YORK, LONDON, LORD_HOWE = "America/New_York", "Europe/London", "Australia/Lord_Howe"

CASES = [
    # New York, spring: 02:00 becomes 03:00.
    ("30 2 * * *", NEW_YORK, "2026-03-07", 3, ["03-07 02:30-0500", "03-08 03:00-0400", "03-09 02:30-0400"]),
    ("0,30 2 * * *", NEW_YORK, "2026-03-08", 2, ["03-08 03:00-0400", "03-09 02:00-0400"]),
    ("0 2,3 * * *", NEW_YORK, "2026-03-08", 2, ["03-08 03:00-0400", "03-09 02:00-0400"]),
    ("30 1-3 * * *", NEW_YORK, "2026-03-08", 3, ["03-08 01:30-0500", "03-08 03:00-0400", "03-08 03:30-0400"]),
    ("*/30 2 * * *", NEW_YORK, "2026-03-08", 1, ["03-09 02:00-0400"]),
    ("0 * * * *", NEW_YORK, "2026-03-08", 4,
     ["03-08 00:00-0500", "03-08 01:00-0500", "03-08 03:00-0400", "03-08 04:00-0400"]),
    ("0 */2 * * *", NEW_YORK, "2026-03-08", 2, ["03-08 00:00-0500", "03-08 04:00-0400"]),
    ("30 2 8 3 *", NEW_YORK, "2026-01-01", 2, ["03-08 03:00-0400", "03-08 02:30-0500"]),
    # New York, autumn: 02:00 becomes 01:00.
    ("30 1 * * *", NEW_YORK, "2026-11-01", 2, ["11-01 01:30-0400", "11-02 01:30-0500"]),
    ("0 1-2 * * *", NEW_YORK, "2026-11-01", 3, ["11-01 01:00-0400", "11-01 02:00-0500", "11-02 01:00-0500"]),
    ("*/30 1 * * *", NEW_YORK, "2026-11-01", 5,
     ["11-01 01:00-0400", "11-01 01:30-0400", "11-01 01:00-0500", "11-01 01:30-0500", "11-02 01:00-0500"]),
    ("30 * * * *", NEW_YORK, "2026-11-01", 4,
     ["11-01 00:30-0400", "11-01 01:30-0400", "11-01 01:30-0500", "11-01 02:30-0500"]),
    # London: 01:00 becomes 02:00, 02:00 becomes 01:00.
    ("15 1 * * *", LONDON, "2026-03-29", 2, ["03-29 02:00+0100", "03-30 01:15+0100"]),
    ("15 1 * * *", LONDON, "2026-10-25", 2, ["10-25 01:15+0100", "10-26 01:15+0000"]),
    # Lord Howe, half an hour: 02:00 becomes 02:30, 02:00 becomes 01:30.
    ("15 2 * * *", LORD_HOWE, "2026-10-04", 2, ["10-04 02:30+1100", "10-05 02:15+1100"]),
    ("*/10 2 * * *", LORD_HOWE, "2026-10-04", 4,
     ["10-04 02:30+1100", "10-04 02:40+1100", "10-04 02:50+1100", "10-05 02:00+1100"]),
    ("*/20 2 * * *", LORD_HOWE, "2026-04-05", 4,
     ["04-05 02:00+1030", "04-05 02:20+1030", "04-05 02:40+1030", "04-06 02:00+1030"]),
    ("*/20 1 * * *", LORD_HOWE, "2026-04-05", 5,
     ["04-05 01:00+1100", "04-05 01:20+1100", "04-05 01:40+1100", "04-05 01:40+1030", "04-06 01:00+1030"]),
    ("45 1 * * *", LORD_HOWE, "2026-04-05", 2, ["04-05 01:45+1100", "04-06 01:45+1030"]),
    # Apia left out 30 December 2011.
    ("0 12 * * *", "Pacific/Apia", "2011-12-29", 3, ["12-29 12:00-1000", "12-31 00:00+1400", "12-31 12:00+1400"]),
    ("0 12 30 12 *", "Pacific/Apia", "2011-12-29", 1, ["12-31 00:00+1400"]),
    ("0 */12 * * *", "Pacific/Apia", "2011-12-29", 4,
     ["12-29 00:00-1000", "12-29 12:00-1000", "12-31 00:00+1400", "12-31 12:00+1400"]),
    # Kiritimati left out 31 December 1994.
    ("0 9 * * *", "Pacific/Kiritimati", "1994-12-30", 3, ["12-30 09:00-1000", "01-01 00:00+1400", "01-01 09:00+1400"]),
    # Kathmandu, a quarter of an hour off, without any change.
    ("45 5 * * *", "Asia/Kathmandu", "2026-03-01", 2, ["03-01 05:45+0545", "03-02 05:45+0545"]),
    # Chatham: 02:45 becomes 03:45, 03:45 becomes 02:45.
    ("0 3 * * *", "Pacific/Chatham", "2026-09-27", 2, ["09-27 03:45+1345", "09-28 03:00+1345"]),
    ("0 3 * * *", "Pacific/Chatham", "2026-04-05", 2, ["04-05 03:00+1345", "04-06 03:00+1245"]),
    ("0 * * * *", "Pacific/Chatham", "2026-04-05", 6,
     ["04-05 00:00+1345", "04-05 01:00+1345", "04-05 02:00+1345", "04-05 03:00+1345", "04-05 03:00+1245",
      "04-05 04:00+1245"]),
    # Troll, two hours: 01:00 UTC becomes 03:00.
    ("30 1 * * *", "Antarctica/Troll", "2026-03-29", 2, ["03-29 03:00+0200", "03-30 01:30+0200"]),
    ("30 1 * * *", "Antarctica/Troll", "2026-10-25", 2, ["10-25 01:30+0200", "10-26 01:30+0000"]),
    ("30 * * * *", "Antarctica/Troll", "2026-10-25", 6,
     ["10-25 00:30+0200", "10-25 01:30+0200", "10-25 02:30+0200", "10-25 01:30+0000", "10-25 02:30+0000",
      "10-25 03:30+0000"]),
    # Casablanca takes an hour off in Ramadan: 03:00 becomes 02:00, and back.
    ("30 2 * * *", "Africa/Casablanca", "2025-02-23", 2, ["02-23 02:30+0100", "02-24 02:30+0000"]),
    ("30 2 * * *", "Africa/Casablanca", "2025-04-06", 2, ["04-06 03:00+0100", "04-07 02:30+0100"]),
    # São Paulo changed at midnight, so a day began at 01:00 and another had two last hours.
    ("0 0 * * *", "America/Sao_Paulo", "2018-11-03", 3, ["11-03 00:00-0300", "11-04 01:00-0200", "11-05 00:00-0200"]),
    ("30 23 * * *", "America/Sao_Paulo", "2018-02-17", 2, ["02-17 23:30-0200", "02-18 23:30-0300"]),
    ("0 0 4 11 *", "America/Sao_Paulo", "2018-11-01", 1, ["11-04 01:00-0200"]),
    # Cairo changes at midnight too, of a Friday, and takes it back at the end of a Thursday.
    ("15 0 * * FRI", "Africa/Cairo", "2026-04-20", 2, ["04-24 01:00+0300", "05-01 00:15+0300"]),
    ("30 23 * * THU", "Africa/Cairo", "2026-10-26", 2, ["10-29 23:30+0300", "11-05 23:30+0200"]),
    # St. John's changed one minute after midnight.
    ("0 0 * * *", "America/St_Johns", "2010-11-06", 3, ["11-06 00:00-0230", "11-07 00:00-0230", "11-08 00:00-0330"]),
    ("30 0 * * *", "America/St_Johns", "2010-03-14", 2, ["03-14 01:01-0230", "03-15 00:30-0230"]),
    # A zone that moved for good: Moscow, and North Korea's half hour.
    ("30 1 * * *", "Europe/Moscow", "2014-10-26", 2, ["10-26 01:30+0400", "10-27 01:30+0300"]),
    ("45 23 * * *", "Asia/Pyongyang", "2018-05-04", 3, ["05-05 00:00+0900", "05-05 23:45+0900", "05-06 23:45+0900"]),
    # Six fields: the second is kept.
    ("15 30 2 * * *", NEW_YORK, "2026-03-08", 2, ["03-08 03:00:15-0400", "03-09 02:30:15-0400"]),
    ("15 30 1 * * *", NEW_YORK, "2026-11-01", 2, ["11-01 01:30:15-0400", "11-02 01:30:15-0500"]),
    ("0 */5 * * * MON-FRI", NEW_YORK, "2026-11-01", 2, ["11-02 00:00-0500", "11-02 00:05-0500"]),
    ("59 59 1 * * *", NEW_YORK, "2026-03-08", 2, ["03-08 01:59:59-0500", "03-09 01:59:59-0400"]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "zone", "start", "count", "expected"), CASES)
def test_it_fires_as_the_table_says(expression: str, zone: str, start: str, count: int, expected: list[str]) -> None:
    first = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone)) - timedelta(microseconds=1)
    fires = islice(Cron(expression, zone).iterate(first), count)
    assert [_shown(fire.astimezone(ZoneInfo(zone))) for fire in fires] == expected


def _shown(local: datetime) -> str:
    return f"{local:%m-%d %H:%M:%S%z}" if local.second else f"{local:%m-%d %H:%M%z}"


def test_a_zone_that_was_renamed_is_the_same_by_both_names() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for old, new in (("Asia/Calcutta", "Asia/Kolkata"), ("Europe/Kiev", "Europe/Kyiv"), ("US/Eastern", NEW_YORK)):
        by_name = [list(islice(Cron("30 2 * * *", zone).iterate(start), 400)) for zone in (old, new)]
        assert by_name[0] == by_name[1]


def test_seconds_around_a_gap_are_due_once_whenever_they_are_asked_for() -> None:
    cron = Cron("15 30 2 * * *", NEW_YORK)
    gap = datetime(2026, 3, 8, 7, tzinfo=UTC)
    for seconds in range(-90, 15):
        assert cron.after(gap + timedelta(seconds=seconds)) == gap + timedelta(seconds=15)
    for seconds in range(15, 90):
        assert cron.after(gap + timedelta(seconds=seconds)) == datetime(2026, 3, 9, 6, 30, 15, tzinfo=UTC)


ZONES = st.sampled_from(
    sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("SystemV"))
)
MINUTES = st.sampled_from(["0", "30", "15,45", "7", "59", "0-20", "*", "*/10", "*/7"])
HOURS = st.sampled_from(["0", "1", "2", "3", "23", "0-3", "1,2", "*", "*/2", "*/5"])
WEEKDAYS = st.sampled_from(["*", "SUN", "SAT", "MON-FRI"])
YEARS = st.integers(1996, 2035)


@cache
def _changes(zone: str, year: int) -> list[date]:
    """The UTC days of a year on which a zone's clocks are changed, found by looking at every one."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + n * DAY for n in range(365)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [day.date() for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]


def _set(field: str, size: int) -> set[int]:
    """What the few fields of these tests mean, read without any library."""
    names = {"SUN": {0}, "SAT": {6}, "MON-FRI": {1, 2, 3, 4, 5}}
    if field in names:
        return names[field]
    star, _, step = field.partition("/")
    if star == "*":
        return set(range(0, size, int(step or 1)))
    bounds = [part.split("-") for part in field.split(",")]
    return {number for part in bounds for number in range(int(part[0]), int(part[-1]) + 1)}


def _minute_by_minute(
    fields: tuple[str, str, str], zone: ZoneInfo, start: datetime, end: datetime
) -> Iterator[datetime]:
    """Debian's rule as a clock that is looked at every minute."""
    minutes, hours, weekdays = _set(fields[0], 60), _set(fields[1], 24), _set(fields[2], 7)
    is_fixed = not fields[0].startswith("*") and not fields[1].startswith("*")

    def matches(wall: datetime) -> bool:
        return wall.minute in minutes and wall.hour in hours and wall.isoweekday() % 7 in weekdays

    latest = (start - DAY).astimezone(zone).replace(tzinfo=None)
    instant = start - DAY
    while instant < end:
        wall = instant.astimezone(zone).replace(tzinfo=None)
        passed = [latest + n * MINUTE for n in range(1, int((wall - latest) / MINUTE) + 1)]
        if instant >= start and (any(map(matches, passed)) if is_fixed else matches(wall)):
            yield instant
        latest = max(latest, wall)
        instant += MINUTE


@settings(max_examples=60)
@given(MINUTES, HOURS, WEEKDAYS, ZONES, YEARS, st.data())
def test_it_is_as_if_the_clock_were_looked_at_every_minute(
    minute: str, hour: str, weekday: str, zone: str, year: int, data: st.DataObject
) -> None:
    changes = _changes(zone, year)
    assume(changes)
    day = data.draw(st.sampled_from(changes))
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = between(Cron(f"{minute} {hour} * * {weekday}", zone), start, start + 2 * DAY, limit=9_999)
    assert found == list(_minute_by_minute((minute, hour, weekday), ZoneInfo(zone), start, start + 2 * DAY))


@settings(max_examples=60)
@given(MINUTES, HOURS, st.sampled_from(["*", "1", "L", "15,29"]), WEEKDAYS, ZONES, YEARS, st.integers(0, 364))
def test_it_is_what_cronsim_says_where_clocks_change_by_whole_hours(
    minute: str, hour: str, day: str, weekday: str, zone: str, year: int, offset: int
) -> None:
    local = ZoneInfo(zone)
    start = datetime(year, 1, 1, 12, tzinfo=UTC) + offset * DAY
    end = start + 30 * DAY
    # cronsim steps over half hours and over midnights that do not exist, with a star for the minute or the hour.
    is_fixed = not minute.startswith("*") and not hour.startswith("*")
    assume(is_fixed or ((day, weekday) == ("*", "*") and _changes_by_hours(local, start, end)))
    # Begun in the second of two like hours, it gives the first one's times again.
    assume(start.astimezone(local).fold == 0)
    expression = f"{minute} {hour} {day} * {weekday}"
    times = (time.astimezone(UTC) for time in CronSim(expression, start.astimezone(local)))
    expected = list(takewhile(lambda time: time < end, times))
    assert between(Cron(expression, zone), start + MINUTE, end, limit=99_999) == expected


def _changes_by_hours(zone: ZoneInfo, start: datetime, end: datetime) -> bool:
    days = int((end - start) / DAY) + 1
    offsets = {(start + n * DAY).astimezone(zone).utcoffset() for n in range(days)}
    return len({offset % timedelta(hours=1) for offset in offsets if offset is not None}) == 1


@given(MINUTES, HOURS, ZONES, st.datetimes(datetime(1996, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))
def test_one_time_after_the_other_is_all_of_them_at_a_stretch(
    minute: str, hour: str, zone: str, start: datetime
) -> None:
    cron = Cron(f"{minute} {hour} * * *", zone)
    times = list(islice(cron.iterate(start), 30))
    assert [cron.after(time) for time in [start, *times[:-1]]] == times
    assert [start, *times] == sorted({start, *times})
