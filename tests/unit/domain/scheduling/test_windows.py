"""Windows and limits around a rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.scheduling.cron_rule import Cron
from stockjobs.domain.scheduling.rules import Once
from stockjobs.domain.scheduling.schedules import INSTANT, between, upcoming
from stockjobs.domain.scheduling.windows import LIMIT_AT_MOST, Limited, Windowed, parse_end, parse_start
from stockjobs.errors import InvalidInput

HOURLY = Cron("0 * * * *")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_a_window_has_its_first_moment_and_not_its_end() -> None:
    window = Windowed(HOURLY, utc(2026, 1, 1, 6), utc(2026, 1, 1, 8))
    assert upcoming(window, utc(2025, 1, 1), 5) == [utc(2026, 1, 1, 6), utc(2026, 1, 1, 7)]
    assert window.after(utc(2026, 1, 1, 6)) == utc(2026, 1, 1, 7)
    assert window.after(utc(2026, 1, 1, 7)) is None


def test_a_window_may_be_open_at_either_end() -> None:
    assert Windowed(HOURLY, None, utc(2026, 1, 1)).after(utc(2025, 12, 31, 22)) == utc(2025, 12, 31, 23)
    assert Windowed(HOURLY, utc(2026, 1, 1), None).after(utc(2020, 1, 1)) == utc(2026, 1, 1)


def test_a_day_begins_and_ends_by_the_clocks_of_its_zone() -> None:
    assert parse_start("2026-03-08", "America/New_York") == utc(2026, 3, 8, 5)
    assert parse_end("2026-03-08", "America/New_York") == utc(2026, 3, 9, 4)


def test_a_day_without_a_midnight_begins_when_the_clocks_have_jumped() -> None:
    assert parse_start("2018-11-04", "America/Sao_Paulo") == utc(2018, 11, 4, 3)
    assert parse_end("2018-11-03", "America/Sao_Paulo") == utc(2018, 11, 4, 3)


def test_an_instant_at_the_end_still_belongs_to_the_window() -> None:
    assert parse_start("2026-01-01T00:00:00Z") == utc(2026, 1, 1)
    assert parse_end("2026-01-01T00:00:00Z") == utc(2026, 1, 1) + INSTANT


@pytest.mark.parametrize("parse", [parse_start, parse_end])
@pytest.mark.parametrize("text", ["2026-02-30", "1800-01-01", "2026-1-1", "20260101", "tomorrow", "2026-01-01T00:00"])
def test_what_is_no_day_and_no_instant_is_refused(parse: object, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is not a possible day|is outside of the years|is not an instant"):
        parse(text)  # type: ignore[operator]


def test_a_limit_counts_from_its_anchor_and_not_from_now() -> None:
    limited = Limited(HOURLY, utc(2026, 1, 1), 3)
    everything = [utc(2026, 1, 1, hour) for hour in range(3)]
    assert upcoming(limited, utc(2020, 1, 1), 9) == everything
    assert upcoming(limited, utc(2026, 1, 1, 0, 30), 9) == everything[1:]
    assert limited.after(utc(2026, 1, 1, 2)) is None


def test_a_limit_that_is_never_reached_ends_nothing() -> None:
    assert upcoming(Limited(Once(utc(2026, 1, 1)), utc(2025, 1, 1), 3), utc(2020, 1, 1), 9) == [utc(2026, 1, 1)]


@given(st.integers(1, 400), st.integers(0, 500))
def test_a_limit_is_the_first_so_many_wherever_one_begins(count: int, hours: int) -> None:
    anchor = utc(2026, 10, 20)
    rule = Cron("*/40 * * * *", "Europe/Berlin")
    all_of_them = upcoming(rule, anchor - INSTANT, count)
    start = anchor + timedelta(hours=hours)
    found = between(Limited(rule, anchor, count), start, utc(2027, 1, 1), limit=LIMIT_AT_MOST)
    assert found == [one for one in all_of_them if one >= start]


def test_a_window_in_the_past_and_used_up_repetitions_are_never_due() -> None:
    now = utc(2026, 6, 1)
    assert Windowed(HOURLY, None, now).after(now) is None
    assert Limited(HOURLY, utc(2026, 1, 1), 5).after(now) is None
    assert Windowed(HOURLY, None, utc(2027, 1, 1)).after(now) is not None
