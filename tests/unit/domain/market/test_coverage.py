"""Which bars a session should have, and which stored bar is which of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.clocks import local_days
from stockjobs.domain.market.coverage import (
    Cause,
    as_served,
    ask_again_at,
    filled,
    is_missing,
    is_settled,
    keys,
    midnight,
    slots,
)
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Session, Spans
from stockjobs.markets.sessions import sessions

INTRADAY = [one for one in Interval if one.is_intraday]
PLACES = {
    "XNYS": "America/New_York",
    "XTKS": "Asia/Tokyo",
    "XHKG": "Asia/Hong_Kong",
    "XSHG": "Asia/Shanghai",
    "XTAE": "Asia/Jerusalem",
    "XASX": "Australia/Sydney",
    "24/7": "UTC",
    "24/5": "Europe/London",
}


def spans(exchange: str, first: str, last: str) -> Spans:
    return Spans.of(sessions(exchange, date.fromisoformat(first), date.fromisoformat(last)))


def clock(exchange: str, first: str, last: str, interval: Interval) -> list[str]:
    """The times of day, at the exchange, of the bars of some sessions."""
    zone = ZoneInfo(PLACES[exchange])
    at = slots(spans(exchange, first, last), interval).at.tolist()
    return [datetime.fromtimestamp(one, zone).strftime("%H:%M") for one in at]


@pytest.mark.parametrize(
    ("exchange", "afternoon"),
    [("XTKS", "12:30 13:30 14:30"), ("XHKG", "13:00 14:00 15:00"), ("XSHG", "13:00 14:00")],
)
def test_hours_that_are_counted_from_the_end_of_lunch_fill_the_afternoon_with_one_bar_less(
    exchange: str, afternoon: str
) -> None:
    zone, sessions = ZoneInfo(PLACES[exchange]), spans(exchange, "2026-03-18", "2026-03-18")
    expected = slots(sessions, Interval.H1)
    morning = expected.at[expected.at < sessions.break_start[0]]
    clocks = (datetime.fromisoformat(f"2026-03-18T{one}").replace(tzinfo=zone) for one in afternoon.split())
    came = np.concatenate([morning, [int(one.timestamp()) for one in clocks]])
    assert not is_missing(expected, filled(came, sessions, Interval.H1, zone)).any()
    for left_out in range(len(came)):
        assert is_missing(expected, filled(np.delete(came, left_out), sessions, Interval.H1, zone)).any()


def test_an_american_session_has_seven_hours_of_which_the_last_is_half() -> None:
    assert clock("XNYS", "2024-03-04", "2024-03-04", Interval.H1) == [f"{hour}:30" for hour in ("09", *range(10, 16))]


def test_a_half_day_ends_early() -> None:
    assert clock("XNYS", "2024-11-29", "2024-11-29", Interval.H1) == ["09:30", "10:30", "11:30", "12:30"]


def test_a_lunch_break_is_left_out_and_a_bar_that_begins_in_it_begins_after_it() -> None:
    assert clock("XTKS", "2024-03-04", "2024-03-04", Interval.H1) == [
        "09:00",
        "10:00",
        "11:00",
        "12:30",
        "13:00",
        "14:00",
    ]
    assert len(slots(spans("XTKS", "2024-03-04", "2024-03-04"), Interval.M5)) == 60


@pytest.mark.parametrize(("given", "served"), [("12:00", True), ("12:30", True), ("11:30", False)])
def test_a_bar_after_lunch_is_found_whether_it_stands_at_the_hour_or_at_the_end_of_the_break(
    given: str, served: bool
) -> None:
    zone, day = ZoneInfo("Asia/Tokyo"), spans("XTKS", "2024-03-04", "2024-03-04")
    at = datetime.fromisoformat(f"2024-03-04T{given}").replace(tzinfo=zone)
    stored = keys(np.array([int(at.timestamp())]), day, Interval.H1, zone)
    missing = is_missing(slots(day, Interval.H1), stored)
    assert bool(~missing[3]) is served


def test_tel_aviv_has_sundays_until_2026_and_fridays_since() -> None:
    days_of = {day: day.strftime("%a") for day in spans("XTAE", "2025-12-28", "2026-01-09").day.tolist()}
    assert days_of[date(2025, 12, 28)] == "Sun"
    assert days_of[date(2026, 1, 9)] == "Fri"
    assert date(2026, 1, 2) not in days_of


def test_crypto_has_a_whole_day_each_day() -> None:
    assert len(slots(spans("24/7", "2024-03-02", "2024-03-03"), Interval.H1)) == 48


def test_the_hour_that_is_left_out_or_doubled_moves_the_open_and_loses_no_bar() -> None:
    found = spans("XNYS", "2024-03-08", "2024-03-11")
    assert np.diff(found.open).tolist() == [3 * 86_400 - 3_600]
    assert np.bincount(slots(found, Interval.M1).session).tolist() == [390, 390]


def test_weeks_and_months_are_one_bar_each_though_they_have_holidays() -> None:
    year = spans("XNYS", "2024-01-01", "2024-12-31")
    assert len(slots(year, Interval.W1)) == 53
    assert len(slots(year, Interval.MO1)) == 12


def test_a_daily_bar_is_found_at_the_open_and_at_midnight_of_its_day() -> None:
    zone, days = ZoneInfo("Australia/Sydney"), spans("XASX", "2024-03-04", "2024-04-19")
    expected = slots(days, Interval.D1)
    midnights = np.array([midnight(zone, int(day)) for day in days.day.astype(np.int64)])
    for at in (days.open, midnights):
        assert not is_missing(expected, keys(at, days, Interval.D1, zone)).any()


def test_a_daily_bar_of_a_holiday_fills_no_other_day() -> None:
    zone, days = ZoneInfo("America/New_York"), spans("XNYS", "2024-11-27", "2024-11-29")
    thanksgiving = datetime(2024, 11, 28, 9, 30, tzinfo=zone)
    stored = keys(np.array([int(thanksgiving.timestamp())]), days, Interval.D1, zone)
    assert is_missing(slots(days, Interval.D1), stored).all()


def test_currencies_are_cut_at_midnight_in_london_and_end_on_friday_evening() -> None:
    zone = ZoneInfo("Europe/London")
    served = as_served(spans("24/5", "2024-07-04", "2024-07-08"), zone)
    shown = [[datetime.fromtimestamp(at, zone).strftime("%a %H:%M") for at in pair] for pair in _pairs(served)]
    assert shown == [["Thu 00:00", "Fri 00:00"], ["Fri 00:00", "Fri 22:00"], ["Mon 00:00", "Tue 00:00"]]


def _pairs(found: Spans) -> list[tuple[int, int]]:
    return list(zip(found.open.tolist(), found.close.tolist(), strict=True))


def test_a_session_is_settled_half_an_hour_after_its_close() -> None:
    day = spans("XNYS", "2024-03-04", "2024-03-04")
    close = datetime(2024, 3, 4, 21, tzinfo=UTC)
    assert not is_settled(day, close + timedelta(minutes=30)).any()
    assert is_settled(day, close + timedelta(minutes=31)).all()


def test_the_pauses_grow_and_end() -> None:
    at = datetime(2024, 3, 4, tzinfo=UTC)
    again = [ask_again_at(asked, at) for asked in range(1, 6)]
    assert [(one - at).days if one else None for one in again] == [1, 3, 7, 30, None]
    assert Cause("source-null") is Cause.SOURCE_NULL


@st.composite
def days(draw: st.DrawFn) -> Spans:
    """Some sessions of any length, with or without a break."""
    found, start = [], datetime(2024, 1, 1, tzinfo=UTC)
    for number in range(draw(st.integers(0, 6))):
        opens = start + timedelta(days=number, minutes=draw(st.integers(0, 600)))
        length = draw(st.integers(1, 800))
        breaks = sorted(draw(st.lists(st.integers(0, length), min_size=2, max_size=2))) if draw(st.booleans()) else None
        pause, resume = (opens + timedelta(minutes=one) for one in breaks) if breaks else (None, None)
        closes = opens + timedelta(minutes=length)
        found.append(Session("X", opens.date(), opens, closes, pause, resume))
    return Spans.of(found)


@given(days(), st.sampled_from(INTRADAY))
def test_no_bar_is_ever_expected_outside_of_a_session_or_in_its_break(found: Spans, interval: Interval) -> None:
    expected = slots(found, interval)
    opens, closes = found.open[expected.session], found.close[expected.session]
    pause, resume = found.break_start[expected.session], found.break_end[expected.session]
    assert ((expected.at >= opens) & (expected.at < closes)).all()
    assert not ((expected.at >= pause) & (expected.at < resume)).any()


@given(days(), st.sampled_from(INTRADAY))
def test_every_expected_bar_is_found_when_it_is_stored_and_only_then(found: Spans, interval: Interval) -> None:
    expected = slots(found, interval)
    stored = keys(expected.at, found, interval, UTC)
    assert not is_missing(expected, stored).any()
    assert len(np.unique(expected.key)) == len(expected)
    if len(expected):
        assert is_missing(expected, stored[1:]).sum() == 1


@given(st.lists(st.integers(0, 2**31), max_size=50), st.sampled_from(sorted(PLACES.values())))
def test_local_days_are_those_of_the_clock_on_the_wall(at: list[int], zone: str) -> None:
    place = ZoneInfo(zone)
    found = local_days(np.array(at, dtype=np.int64), place).tolist()
    assert found == [datetime.fromtimestamp(one, place).date() for one in at]
