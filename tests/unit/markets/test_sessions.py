"""Sessions by exchange: the days, the hours, the odd ones."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from stockjobs.domain.market.exchanges import ALWAYS_OPEN, FOREIGN_EXCHANGE
from stockjobs.errors import NotFound
from stockjobs.markets.exchanges import YAHOO_EXCHANGES, exchange, mic_of
from stockjobs.markets.sessions import sessions


def days(mic: str, first: date, last: date) -> list[date]:
    return [session.day for session in sessions(mic, first, last)]


def test_a_holiday_and_a_weekend_have_no_session() -> None:
    assert days("XNYS", date(2024, 11, 27), date(2024, 12, 2)) == [
        date(2024, 11, 27),
        date(2024, 11, 29),
        date(2024, 12, 2),
    ]


def test_the_day_after_thanksgiving_closes_early_and_says_so() -> None:
    [friday] = sessions("XNYS", date(2024, 11, 29), date(2024, 11, 29))
    assert friday.is_half_day
    assert friday.open == datetime(2024, 11, 29, 14, 30, tzinfo=UTC)
    assert friday.close == datetime(2024, 11, 29, 18, 0, tzinfo=UTC)


def test_tokyo_pauses_for_lunch_and_closes_later_since_november_2024() -> None:
    before, after = sessions("XTKS", date(2024, 11, 1), date(2024, 11, 5))
    assert before.break_start == datetime(2024, 11, 1, 2, 30, tzinfo=UTC)
    assert before.break_end == datetime(2024, 11, 1, 3, 30, tzinfo=UTC)
    assert (before.close.hour, before.close.minute) == (6, 0)
    assert (after.close.hour, after.close.minute) == (6, 30)


def test_tel_aviv_trades_on_sundays_until_2026_and_on_fridays_since() -> None:
    week = days("XTAE", date(2025, 11, 2), date(2025, 11, 8))
    assert week == [date(2025, 11, day) for day in (2, 3, 4, 5, 6)]
    assert days("XTAE", date(2026, 1, 4), date(2026, 1, 11)) == [date(2026, 1, day) for day in (4, 5, 6, 7, 8, 9)]


def test_crypto_trades_every_utc_day() -> None:
    found = sessions(ALWAYS_OPEN, date(2024, 12, 24), date(2024, 12, 26))
    assert [session.day.day for session in found] == [24, 25, 26]
    assert (found[0].open, found[0].close) == (datetime(2024, 12, 24, tzinfo=UTC), datetime(2024, 12, 25, tzinfo=UTC))


def test_currencies_trade_from_sunday_evening_to_friday_evening_in_new_york() -> None:
    week = sessions(FOREIGN_EXCHANGE, date(2024, 7, 6), date(2024, 7, 13))
    assert [session.day.day for session in week] == [8, 9, 10, 11, 12]
    assert week[0].open == datetime(2024, 7, 7, 21, 0, tzinfo=UTC)
    assert week[-1].close == datetime(2024, 7, 12, 21, 0, tzinfo=UTC)


def test_days_beyond_a_calendar_are_left_out() -> None:
    assert sessions("XTKS", date(1990, 1, 1), date(1996, 12, 31)) == []
    assert sessions("XLON", date(9998, 1, 1), date(9999, 12, 31)) == []


def test_an_exchange_without_a_calendar_is_not_found() -> None:
    with pytest.raises(NotFound, match="XXXX"):
        sessions("XXXX", date(2024, 1, 1), date(2024, 1, 2))


def test_every_code_of_yahoos_leads_to_sessions() -> None:
    for known in YAHOO_EXCHANGES:
        assert exchange(known.code) is known
    assert mic_of("NMS") == "XNYS"
    assert [mic_of(mic) for mic in ("XNAS", "XNSE")] == ["XNYS", "XBOM"]
    assert mic_of("nonsense") is None
