"""Schedules that know when an exchange trades, on an exchange made up for the purpose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockjobs.domain.market.sessions import Session, no_sessions
from stockjobs.domain.periods import parse_repeating
from stockjobs.domain.scheduling.calendar import Calendar
from stockjobs.domain.scheduling.cron_rule import Cron
from stockjobs.domain.scheduling.rules import Once, Repeat
from stockjobs.domain.scheduling.schedules import INSTANT, Schedule, between
from stockjobs.domain.scheduling.trading import AtSession, Edge, InHours, OnDays, Otherwise, parse_session_rule
from stockjobs.errors import InvalidInput

NEW_YORK = ZoneInfo("America/New_York")
DAY = timedelta(days=1)
HOLIDAYS = {date(2026, 11, 26), date(2026, 12, 25), date(2026, 7, 3)}
HALF_DAYS = {date(2026, 11, 27), date(2026, 12, 24)}
LAST_DAY = date(2027, 12, 31)


def new_york(exchange: str, first: date, last: date) -> Sequence[Session]:
    """09:30 to 16:00 from Monday to Friday, to 13:00 on half days, until the end of 2027."""
    days = [first + n * DAY for n in range((min(last, LAST_DAY) - first).days + 1)]
    return [_session(day) for day in days if day.weekday() < 5 and day not in HOLIDAYS]


def _session(day: date) -> Session:
    closes = time(13) if day in HALF_DAYS else time(16)
    opens, ends = (datetime.combine(day, clock, NEW_YORK).astimezone(UTC) for clock in (time(9, 30), closes))
    return Session("XNYS", day, opens, ends, is_half_day=day in HALF_DAYS)


def with_lunch(exchange: str, first: date, last: date) -> Sequence[Session]:
    """09:00 to 15:00 in Tokyo with a break from 11:30 to 12:30, every day."""
    days = [first + n * DAY for n in range((last - first).days + 1)]
    at = [[datetime.combine(day, time(*clock), UTC) for clock in ((0,), (6,), (2, 30), (3, 30))] for day in days]
    return [Session("XTKS", day, *clocks) for day, clocks in zip(days, at, strict=True)]


XNYS = Calendar("XNYS", new_york)
XTKS = Calendar("XTKS", with_lunch)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def shown(schedule: Schedule, start: str, count: int) -> list[str]:
    times = islice(schedule.iterate(local(start) - INSTANT), count)
    return [f"{one.astimezone(NEW_YORK):%a %d %H:%M}" for one in times]


@pytest.mark.parametrize(
    ("text", "edge", "minutes"),
    [
        ("@open", Edge.OPEN, 0),
        ("@open+5m", Edge.OPEN, 5),
        ("@open-5m", Edge.OPEN, -5),
        ("@close-10m", Edge.CLOSE, -10),
        ("@close+1h30m", Edge.CLOSE, 90),
        ("@close+90s", Edge.CLOSE, 1.5),
        ("@open+24h", Edge.OPEN, 1440),
    ],
)
def test_a_session_rule_is_read(text: str, edge: Edge, minutes: float) -> None:
    assert parse_session_rule(text) == (edge, timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "text",
    ["", "open", "@Open", "@open+", "@open5m", "@open +5m", "@noon", "@open+5", "@open+5m3h", "@open+٣m", "@open+5m\n"],
)
def test_what_is_no_session_rule_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is not a session rule \(such as @open, @open\+5m"):
        parse_session_rule(text)


@pytest.mark.parametrize("text", ["@open+25h", "@close-999999h", "@open+24h1s"])
def test_more_than_a_day_from_a_session_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is more than a day away \(at most 24h\)"):
        parse_session_rule(text)


def test_the_open_keeps_its_hour_at_the_exchange_when_clocks_are_changed() -> None:
    rule = AtSession(XNYS, Edge.OPEN, timedelta(minutes=5))
    found = list(islice(rule.iterate(local("2026-10-30")), 2))
    assert found == [datetime(2026, 10, 30, 13, 35, tzinfo=UTC), datetime(2026, 11, 2, 14, 35, tzinfo=UTC)]


def test_the_close_of_a_half_day_is_earlier_and_a_holiday_has_none() -> None:
    rule = AtSession(XNYS, Edge.CLOSE, timedelta(minutes=-10))
    assert shown(rule, "2026-11-25", 3) == ["Wed 25 15:50", "Fri 27 12:50", "Mon 30 15:50"]


def test_long_after_the_close_is_on_the_day_after_even_if_that_is_none() -> None:
    rule = AtSession(XNYS, Edge.CLOSE, timedelta(hours=10))
    assert shown(rule, "2026-11-20", 3) == ["Fri 20 02:00", "Sat 21 02:00", "Tue 24 02:00"]
    assert rule.after(local("2026-11-21 01:59")) == local("2026-11-21 02:00")


def test_beyond_the_end_of_the_calendar_nothing_is_due() -> None:
    rule = AtSession(XNYS, Edge.OPEN, timedelta(0))
    assert rule.after(local("2027-12-31 09:30")) is None
    for otherwise in Otherwise:
        assert InHours(Cron("0 12 * * *"), XNYS, otherwise).after(local("2028-01-01")) is None
        assert OnDays(Cron("0 12 * * *"), XNYS, otherwise).after(local("2028-01-01")) is None


EVENING = Cron("0 18 * * *", "America/New_York")


def test_on_days_without_a_session_a_rule_is_left_out() -> None:
    assert shown(OnDays(EVENING, XNYS), "2026-11-25", 3) == ["Wed 25 18:00", "Fri 27 18:00", "Mon 30 18:00"]


def test_what_is_moved_to_the_next_session_day_keeps_its_time_of_day() -> None:
    monthly = Cron("30 18 1 * *", "America/New_York")
    rule = OnDays(monthly, XNYS, Otherwise.NEXT, "America/New_York")
    assert shown(rule, "2026-07-31", 4) == ["Mon 03 18:30", "Tue 01 18:30", "Thu 01 18:30", "Mon 02 18:30"]


def test_several_that_are_moved_to_one_time_are_due_once() -> None:
    rule = OnDays(EVENING, XNYS, Otherwise.NEXT, "America/New_York")
    assert shown(rule, "2026-11-25", 4) == ["Wed 25 18:00", "Fri 27 18:00", "Mon 30 18:00", "Tue 01 18:00"]


def test_what_was_moved_is_in_order_with_what_was_not() -> None:
    hours = OnDays(Repeat(parse_repeating("R/2026-11-21T05:00:00Z/PT17H")), XNYS, Otherwise.NEXT, "America/New_York")
    assert shown(hours, "2026-11-21", 5) == [
        "Mon 23 00:00",
        "Mon 23 03:00",
        "Mon 23 10:00",
        "Mon 23 17:00",
        "Mon 23 20:00",
    ]


def test_a_single_time_on_a_holiday_is_moved_or_never() -> None:
    once = Once(local("2026-11-26 10:00"))
    assert shown(OnDays(once, XNYS, Otherwise.NEXT, "America/New_York"), "2026-01-01", 2) == ["Fri 27 10:00"]
    assert shown(OnDays(once, XNYS), "2026-01-01", 2) == []


def test_the_day_is_that_of_the_exchange_whatever_the_zone_of_the_rule() -> None:
    # Saturday 01:00 in Tokyo is Friday 12:00 in New York; Tuesday 01:00 is Monday.
    rule = OnDays(Cron("0 1 * * *", "Asia/Tokyo"), XNYS, Otherwise.SKIP, "Asia/Tokyo")
    assert shown(rule, "2026-07-09", 4) == ["Thu 09 12:00", "Fri 10 12:00", "Mon 13 12:00", "Tue 14 12:00"]


def test_within_hours_the_open_and_the_close_belong_to_them() -> None:
    rule = InHours(Cron("0,30 * * * *"), XNYS)
    found = shown(rule, "2026-11-27", 10)
    assert (found[0], found[7], found[8]) == ("Fri 27 09:30", "Fri 27 13:00", "Mon 30 09:30")


def test_a_lunch_break_is_closed_and_its_ends_are_open() -> None:
    found = between(InHours(Cron("*/15 * * * *"), XTKS), *_day(), limit=99)
    assert [f"{one:%H:%M}" for one in found if 2 <= one.hour < 4] == ["02:00", "02:15", "02:30", "03:30", "03:45"]


def test_what_falls_into_a_break_is_due_when_trading_goes_on() -> None:
    rule = InHours(Cron("0 3 * * *"), XTKS, Otherwise.NEXT)
    assert between(rule, *_day(), limit=99) == [datetime(2026, 3, 4, 3, 30, tzinfo=UTC)]


def _day() -> tuple[datetime, datetime]:
    return datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)


def test_a_whole_night_is_due_once_when_trading_opens() -> None:
    rule = InHours(Cron("0 */4 * * *", "America/New_York"), XNYS, Otherwise.NEXT)
    assert shown(rule, "2026-11-25", 6) == [
        "Wed 25 09:30", "Wed 25 12:00", "Wed 25 16:00", "Fri 27 09:30", "Fri 27 12:00", "Mon 30 09:30",
    ]  # fmt: skip


def test_a_rule_that_is_never_in_a_session_is_never_due() -> None:
    assert InHours(Cron("0 3 * * *", "America/New_York"), XNYS).after(local("2026-01-01")) is None
    assert OnDays(Cron("0 12 * * SAT", "America/New_York"), XNYS).after(local("2026-01-01")) is None


def test_a_single_time_is_found_however_far_away_it_is() -> None:
    def always(exchange: str, first: date, last: date) -> Sequence[Session]:
        return with_lunch(exchange, first, last)

    far = Once(datetime(2099, 5, 4, 1, tzinfo=UTC))
    for otherwise in Otherwise:
        for held in (
            InHours(far, Calendar("XTKS", always), otherwise),
            OnDays(far, Calendar("XTKS", always), otherwise),
        ):
            assert held.after(local("2026-01-01")) == far.at


def test_sessions_are_asked_for_only_when_they_are_needed() -> None:
    rule = OnDays(EVENING, Calendar("XNYS", no_sessions))
    with pytest.raises(InvalidInput, match="no calendars are at hand"):
        rule.after(local("2026-01-01"))


RULES = st.sampled_from(
    [
        Cron("0 */5 * * *", "America/New_York"),
        Cron("30 1 * * *", "America/New_York"),
        Cron("45 23 * * *", "Europe/London"),
        Cron("0,30 * * * SAT"),
        Repeat(parse_repeating("R/PT7H")),
        Repeat(parse_repeating("R9/2026-03-06T12:00:00Z/P1D", zone="Asia/Tokyo")),
    ]
)
STARTS = st.integers(0, 330 * 24).map(lambda hours: datetime(2026, 1, 8, tzinfo=UTC) + timedelta(hours=hours))
CALENDARS = st.sampled_from([XNYS, XTKS])


@given(RULES, STARTS, CALENDARS)
def test_left_out_is_what_a_look_at_each_time_leaves_out(rule: Schedule, start: datetime, calendar: Calendar) -> None:
    end = start + 9 * DAY
    each = between(rule, start, end, limit=9_999)
    sessions = calendar.sessions_of(calendar.exchange, start.date() - 2 * DAY, end.date() + 2 * DAY)
    days = {session.day for session in sessions}
    on_days = [one for one in each if one.astimezone(calendar.zone).date() in days]
    assert between(OnDays(rule, calendar), start, end, limit=9_999) == on_days
    in_hours = [one for one in each if any(_is_open(session, one) for session in sessions)]
    assert between(InHours(rule, calendar), start, end, limit=9_999) == in_hours


def _is_open(session: Session, one: datetime) -> bool:
    is_break = session.break_start is not None and session.break_end is not None
    return session.open <= one <= session.close and not (is_break and session.break_start < one < session.break_end)  # type: ignore[operator]


@given(RULES, STARTS, CALENDARS, st.sampled_from(["America/New_York", "UTC", "Asia/Tokyo"]))
def test_moved_is_what_moving_each_time_gives(rule: Schedule, start: datetime, calendar: Calendar, zone: str) -> None:
    end = start + 6 * DAY
    sessions = calendar.sessions_of(calendar.exchange, start.date() - 12 * DAY, end.date() + 12 * DAY)
    days = {session.day for session in sessions}
    moved = {
        _moved(one, days, calendar.zone, ZoneInfo(zone)) for one in between(rule, start - 9 * DAY, end, limit=9_999)
    }
    found = between(OnDays(rule, calendar, Otherwise.NEXT, zone), start, end, limit=9_999)
    assert found == sorted(one for one in moved if start <= one < end)


def _moved(one: datetime, days: set[date], exchange: ZoneInfo, zone: ZoneInfo) -> datetime:
    wall = one.astimezone(zone).replace(tzinfo=None)
    target = one.astimezone(exchange).date()
    while one.astimezone(exchange).date() not in days:
        wall += DAY
        one = wall.replace(tzinfo=zone).astimezone(UTC)
        target += DAY
        if target in days:
            # By the clocks of another zone it may still be the day before.
            one = max(one, datetime.combine(target, time(), exchange).astimezone(UTC))
    return one


@given(RULES, STARTS, CALENDARS)
def test_what_is_closed_is_due_when_trading_begins(rule: Schedule, start: datetime, calendar: Calendar) -> None:
    end = start + 6 * DAY
    hours = list(islice(calendar.hours_from(start.date() - 30 * DAY), 120))
    each = between(rule, start - 9 * DAY, end, limit=9_999)
    moved = {next(max(opens, one) for opens, closes in hours if closes >= one) for one in each}
    found = between(InHours(rule, calendar, Otherwise.NEXT), start, end, limit=9_999)
    assert found == sorted(one for one in moved if start <= one < end)


@settings(max_examples=25)
@given(RULES, STARTS, st.sampled_from(Otherwise))
def test_one_time_after_the_other_is_all_of_them_at_a_stretch(
    rule: Schedule, start: datetime, otherwise: Otherwise
) -> None:
    for held in (OnDays(rule, XNYS, otherwise, "America/New_York"), InHours(rule, XTKS, otherwise)):
        times = list(islice(held.iterate(start), 5))
        assert [held.after(one) for one in [start, *times[:-1]]][: len(times)] == times
        assert [start, *times] == sorted({start, *times})
