"""Novelty: whether the source can have something new, by the sessions of the exchange."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.asking.novelty import LOOK_AHEAD, Newest, idle_until
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Spans
from stockjobs.markets.sessions import sessions

NEW_YORK = "America/New_York"
FIRST, LAST = date(2026, 1, 1), date(2026, 7, 31)
SPANS = {name: Spans.of(sessions(name, FIRST, LAST)) for name in ("XNYS", "XTKS", "24/7", "24/5")}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def idle(
    interval: Interval, newest: str, now: str, *, exchange: str = "XNYS", zone: str = NEW_YORK, written: str = ""
) -> datetime | None:
    bar = Newest(at(newest), None, bool(written), at(written) if written else None)
    return idle_until(bar, interval, zone, SPANS[exchange], at(now))


def test_nothing_is_new_from_the_close_until_the_next_session_opens() -> None:
    tuesday = "2026-03-03 14:30"
    assert idle(Interval.D1, tuesday, "2026-03-04 03:00") == at("2026-03-04 14:30")
    assert idle(Interval.D1, tuesday, "2026-03-04 14:29") == at("2026-03-04 14:30")
    assert idle(Interval.D1, tuesday, "2026-03-04 14:30") is None


def test_a_long_weekend_is_waited_out() -> None:
    # Friday before Presidents' Day, Monday 16 February.
    friday = "2026-02-13 14:30"
    assert idle(Interval.D1, friday, "2026-02-16 20:00") == at("2026-02-17 14:30")
    assert idle(Interval.M5, "2026-02-13 20:55", "2026-02-16 20:00") == at("2026-02-17 14:30")


def test_a_session_whose_bar_is_not_stored_is_asked_for() -> None:
    monday = "2026-03-02 14:30"
    assert idle(Interval.D1, monday, "2026-03-04 03:00") is None


def test_within_a_session_the_next_bar_is_waited_for() -> None:
    assert idle(Interval.H1, "2026-03-03 15:30", "2026-03-03 16:00") == at("2026-03-03 16:30")
    assert idle(Interval.H1, "2026-03-03 15:30", "2026-03-03 16:31") is None


def test_over_a_lunch_break_nothing_is_new() -> None:
    # Tokyo rests from 11:30 to 12:30 local time.
    newest = {"exchange": "XTKS", "zone": "Asia/Tokyo"}
    assert idle(Interval.M5, "2026-03-03 02:25", "2026-03-03 03:00", **newest) == at("2026-03-03 03:30")
    assert idle(Interval.M5, "2026-03-03 02:25", "2026-03-03 03:31", **newest) is None


def test_an_unfinished_bar_is_asked_for_again() -> None:
    assert idle(Interval.D1, "2026-03-03 14:30", "2026-03-04 03:00", written="2026-03-03 20:00") is None


def test_an_unfinished_week_rests_over_the_weekend() -> None:
    monday, written = "2026-03-02 05:00", "2026-03-06 23:00"
    assert idle(Interval.W1, monday, "2026-03-07 12:00", written=written) == at("2026-03-09 13:30")
    assert idle(Interval.W1, monday, "2026-03-07 12:00", written="2026-03-06 21:29") is None
    assert idle(Interval.W1, monday, "2026-03-06 15:00", written="2026-03-05 23:00") is None


def test_an_unfinished_month_rests_between_its_sessions() -> None:
    first, written = "2026-03-01 05:00", "2026-03-03 23:00"
    assert idle(Interval.MO1, first, "2026-03-04 03:00", written=written) == at("2026-03-04 14:30")
    assert idle(Interval.MO1, first, "2026-03-04 15:00", written=written) is None


def test_a_finished_month_waits_for_the_next() -> None:
    assert idle(Interval.MO1, "2026-02-01 05:00", "2026-03-01 12:00") == at("2026-03-02 14:30")
    assert idle(Interval.MO1, "2026-02-01 05:00", "2026-03-02 15:00") is None


def test_a_market_that_never_closes_has_a_new_bar_at_once() -> None:
    crypto = {"exchange": "24/7", "zone": "UTC"}
    assert idle(Interval.D1, "2026-03-07 00:00", "2026-03-08 00:00", **crypto) is None
    assert idle(Interval.M1, "2026-03-07 12:00", "2026-03-07 12:00:30", **crypto) == at("2026-03-07 12:01")


def test_currencies_rest_from_friday_to_sunday_evening() -> None:
    pair = {"exchange": "24/5", "zone": "Europe/London"}
    assert idle(Interval.D1, "2026-03-06 00:00", "2026-03-07 12:00", **pair) == at("2026-03-08 21:00")
    assert idle(Interval.D1, "2026-03-06 00:00", "2026-03-08 21:30", **pair) is None


def test_beyond_the_sessions_that_are_known_nothing_opens() -> None:
    now = at("2026-08-02 12:00")
    assert idle_until(Newest(at("2026-07-31 13:30")), Interval.D1, NEW_YORK, SPANS["XNYS"], now) == now + LOOK_AHEAD


@pytest.mark.parametrize("exchange", ["XNYS", "XTKS", "24/7"])
@given(minutes=st.integers(0, 100 * 1_440), wait=st.integers(0, 14 * 1_440))
def test_nothing_that_trades_within_the_day_is_passed_over(exchange: str, minutes: int, wait: int) -> None:
    """While nothing can be new, no trading time lies between the end of the newest bar and now."""
    newest = at("2026-02-01 00:00") + timedelta(minutes=minutes)
    now = newest + timedelta(minutes=wait)
    until = idle_until(Newest(newest), Interval.M5, "UTC", SPANS[exchange], now)
    ended = (newest + timedelta(minutes=5)).timestamp()
    spans = SPANS[exchange].between(ended, now.timestamp())
    trading = [
        (max(start, ended), min(end, now.timestamp()))
        for opens, pause, resume, close in zip(spans.open, spans.break_start, spans.break_end, spans.close, strict=True)
        for start, end in ((opens, pause), (resume, close))
    ]
    has_traded = any(start < end for start, end in trading)
    assert (until is None) >= has_traded
