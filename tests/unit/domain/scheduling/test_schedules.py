"""Schedules: which times are due."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from stockjobs.domain.periods import parse_repeating
from stockjobs.domain.scheduling.cron import parse_cron
from stockjobs.domain.scheduling.cron_rule import Cron
from stockjobs.domain.scheduling.rules import Manual, Once, Repeat
from stockjobs.errors import InvalidInput

MINUTE = timedelta(minutes=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def local_times(cron: Cron, instant: datetime, count: int) -> list[str]:
    found = islice(cron.iterate(instant), count)
    return [f"{time.astimezone(ZoneInfo(cron.zone)):%m-%d %H:%M:%S%z}" for time in found]


def test_a_time_in_the_gap_runs_once_right_after_it() -> None:
    found = local_times(Cron("30 2 * * *", "America/New_York"), utc(2026, 3, 7, 12), 3)
    assert found == ["03-08 03:00:00-0400", "03-09 02:30:00-0400", "03-10 02:30:00-0400"]


def test_a_time_in_the_fold_runs_once_in_the_first_pass() -> None:
    found = local_times(Cron("30 1 * * *", "America/New_York"), utc(2026, 10, 31, 12), 2)
    assert found == ["11-01 01:30:00-0400", "11-02 01:30:00-0500"]


def test_a_job_made_in_the_second_pass_is_not_due_in_the_past() -> None:
    made = utc(2026, 11, 1, 6, 10)
    assert Cron("30 1 * * *", "America/New_York").after(made) == utc(2026, 11, 2, 6, 30)


def test_an_hourly_rule_keeps_its_hour_through_the_fold() -> None:
    found = list(islice(Cron("*/30 * * * *", "America/New_York").iterate(utc(2026, 11, 1, 4, 45)), 6))
    assert found == [utc(2026, 11, 1, 5) + n * 30 * MINUTE for n in range(6)]


def test_six_fields_with_second_zero_mean_the_same_as_five_through_both_changes() -> None:
    for start in (utc(2026, 3, 7), utc(2026, 10, 31)):
        five, six = (Cron(text, "America/New_York") for text in ("30 1,2 * * *", "0 30 1,2 * * *"))
        assert list(islice(five.iterate(start), 8)) == list(islice(six.iterate(start), 8))


def test_the_second_of_six_fields_is_added_to_the_minute() -> None:
    cron = Cron("15 30 9 * * MON-FRI", "America/New_York")
    assert cron.after(utc(2026, 3, 6, 14, 30, 14)) == utc(2026, 3, 6, 14, 30, 15)
    assert cron.after(utc(2026, 3, 6, 14, 30, 15)) == utc(2026, 3, 9, 13, 30, 15)


def test_a_daily_time_on_a_day_that_a_zone_left_out_runs_at_the_start_of_the_next() -> None:
    found = local_times(Cron("0 12 * * *", "Pacific/Apia"), utc(2011, 12, 30), 2)
    assert found == ["12-31 00:00:00+1400", "12-31 12:00:00+1400"]


def test_a_shift_of_half_an_hour_is_stepped_over() -> None:
    found = local_times(Cron("15 2 * * *", "Australia/Lord_Howe"), utc(2026, 10, 3), 2)
    assert found == ["10-04 02:30:00+1100", "10-05 02:15:00+1100"]


def test_the_29th_of_february_waits_for_a_leap_year() -> None:
    assert Cron("0 0 29 2 *").after(utc(2026, 3, 1)) == utc(2028, 2, 29)


def test_two_restricted_day_fields_mean_either() -> None:
    found = list(islice(Cron("0 0 15 * MON").iterate(utc(2026, 1, 11)), 4))
    assert found == [utc(2026, 1, day) for day in (12, 15, 19, 26)]


def test_sunday_is_both_zero_and_seven() -> None:
    days = [Cron(f"0 0 * * {day}").after(utc(2026, 1, 5)) for day in ("0", "7", "SUN")]
    assert days == [utc(2026, 1, 11)] * 3


FIELDS = {
    "minute": st.one_of(st.just("*"), st.sampled_from(["*/5", "0", "30", "7,37", "10-20"])),
    "hour": st.one_of(st.just("*"), st.sampled_from(["*/2", "1", "2", "0,23", "9-16"])),
    "day": st.sampled_from(["*", "1", "15,29", "L"]),
    "month": st.sampled_from(["*", "3,11", "JAN-JUN"]),
    "weekday": st.sampled_from(["*", "MON-FRI", "SUN", "5L"]),
}
EXPRESSIONS = st.builds(lambda **fields: " ".join(fields.values()), **FIELDS)
ZONES = st.sampled_from(
    ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"]
)
INSTANTS = st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@given(EXPRESSIONS, ZONES, INSTANTS)
def test_cron_times_lie_in_the_future_and_rise(expression: str, zone: str, instant: datetime) -> None:
    times = [instant, *islice(Cron(parse_cron(expression), zone).iterate(instant), 5)]
    assert times == sorted(set(times))


@given(EXPRESSIONS, ZONES, INSTANTS)
def test_cron_from_one_due_time_to_the_next_is_cron_at_a_stretch(expression: str, zone: str, instant: datetime) -> None:
    cron = Cron(expression, zone)
    times = list(islice(cron.iterate(instant), 4))
    assert [cron.after(time) for time in times[:-1]] == times[1:]


@given(EXPRESSIONS, ZONES, INSTANTS)
def test_cron_times_match_their_fields_in_local_time_or_follow_a_gap(
    expression: str, zone: str, instant: datetime
) -> None:
    due_at = Cron(expression, zone).after(instant)
    assert due_at is not None
    assert _matches(expression, due_at.astimezone(ZoneInfo(zone))) or _follows_a_gap(due_at, ZoneInfo(zone))


def _matches(expression: str, local: datetime) -> bool:
    """The fields read by cronsim itself, but without any zone: from just before, this is the next."""
    naive = local.replace(tzinfo=UTC)
    return Cron(expression).after(naive - timedelta(microseconds=1)) == naive


def _follows_a_gap(due_at: datetime, zone: ZoneInfo) -> bool:
    before, after = ((due_at + shift).astimezone(zone).utcoffset() for shift in (-MINUTE, timedelta(0)))
    return before != after


@settings(max_examples=10)
@given(
    st.integers(0, 59),
    st.integers(0, 23),
    st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_a_daily_time_is_due_once_on_every_day_of_a_year(minute: int, hour: int, zone: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)) - timedelta(microseconds=1)
    times = islice(Cron(f"{minute} {hour} * * *", zone).iterate(start), 365)
    days = [time.astimezone(ZoneInfo(zone)).date() for time in times]
    assert days == [datetime(2026, 1, 1).date() + timedelta(days=n) for n in range(365)]


@given(st.text("0123456789*/,-LW#? MONJA", max_size=30))
def test_any_text_is_either_refused_or_has_a_next_time(text: str) -> None:
    expression = None
    with suppress(InvalidInput):
        expression = parse_cron(text)
    assert expression is None or Cron(expression).after(utc(2026, 1, 1)) is not None


def test_a_repeating_interval_ends_with_its_repetitions() -> None:
    repeat = Repeat(parse_repeating("R3/2026-01-01T00:00:00Z/PT6H"))
    assert list(repeat.iterate(utc(2025, 1, 1))) == [utc(2026, 1, 1, hour) for hour in (0, 6, 12)]


def test_a_single_time_is_due_until_it_has_come() -> None:
    once = Once(utc(2026, 1, 1))
    assert [once.after(utc(2025, 12, 31)), once.after(utc(2026, 1, 1))] == [utc(2026, 1, 1), None]
    assert [list(once.iterate(utc(2025, 12, 31))), list(once.iterate(utc(2026, 1, 1)))] == [[utc(2026, 1, 1)], []]


def test_a_manual_job_is_never_due() -> None:
    assert Manual().after(utc(2026, 1, 1)) is None
    assert list(Manual().iterate(utc(2026, 1, 1))) == []
