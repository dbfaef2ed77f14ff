"""The sessions of exchanges in use, kept as rows on real databases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from stockjobs.domain.market.bars import Identity
from stockjobs.domain.market.sessions import Session
from stockjobs.markets.sessions import sessions, source
from stockjobs.services.market.calendars import Calendars, spans_of, traded
from stockjobs.store.database import Database
from stockjobs.store.market import calendars, instruments
from stockjobs.store.market import sessions as rows
from tests.fixtures.database import NOON, ManualClock


def trades(database: Database, symbol: str, exchange: str, zone: str) -> None:
    """Store an instrument that trades on an exchange."""
    with database.begin() as connection:
        instruments.ensure(connection, "yahoo", Identity(symbol, exchange, zone, "USD", "EQUITY"), NOON)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Counted:
    """Sessions, and how often they were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.source = "first edition"

    def sessions(self, exchange: str, first: date, last: date) -> Sequence[Session]:
        self.asked.append(exchange)
        return sessions(exchange, max(first, date(2024, 1, 1)), last)


def test_every_exchange_in_use_gets_its_sessions_and_no_other(database: Database) -> None:
    trades(database, "AAPL", "NMS", "America/New_York")
    trades(database, "BTC-USD", "CCC", "UTC")
    assert Calendars(database).refresh() == ["24/7", "XNYS"]
    with database.read() as connection:
        found = rows.between(connection, "XNYS", date(2024, 11, 27), date(2024, 12, 2))
        known = calendars.stored(connection)
    assert list(found) == sessions("XNYS", date(2024, 11, 27), date(2024, 12, 2))
    assert known["XNYS"].source == source("XNYS")
    assert (known["XNYS"].first_day, known["XNYS"].last_day) == (date(1990, 1, 1), date(2027, 12, 31))


def test_what_is_written_is_not_computed_again_until_a_year_has_passed(database: Database, clock: ManualClock) -> None:
    trades(database, "BTC-USD", "CCC", "UTC")
    counted = Counted()
    kept = Calendars(database, counted.sessions, lambda _: counted.source)
    assert kept.refresh() == ["24/7"]
    assert kept.refresh() == []
    clock.advance(timedelta(days=365))
    assert kept.refresh() == ["24/7"]
    assert counted.asked == ["24/7", "24/7"]


def test_another_version_of_the_library_rewrites_the_rows(database: Database) -> None:
    trades(database, "BTC-USD", "CCC", "UTC")
    counted = Counted()
    kept = Calendars(database, counted.sessions, lambda _: counted.source)
    kept.refresh()
    counted.source = "second edition"
    assert kept.refresh() == ["24/7"]
    with database.read() as connection:
        assert calendars.stored(connection)["24/7"].source == "second edition"
        assert len(rows.between(connection, "24/7", date(2024, 1, 1), date(2024, 12, 31))) == 366


def test_a_calendar_that_reaches_less_far_says_so(database: Database) -> None:
    trades(database, "7203.T", "JPX", "Asia/Tokyo")
    Calendars(database).refresh()
    with database.read() as connection:
        assert calendars.stored(connection)["XTKS"].first_day.year == 1997
        assert spans_of(connection, "XTKS", at("1996-05-01"), at("1996-06-01")) is None


def test_where_no_calendar_is_stored_nothing_is_known(database: Database) -> None:
    with database.read() as connection:
        assert spans_of(connection, "XNYS", at("2024-01-01"), at("2024-02-01")) is None


def test_sessions_come_as_columns_with_their_lunch_break(database: Database) -> None:
    trades(database, "7203.T", "JPX", "Asia/Tokyo")
    Calendars(database).refresh()
    with database.read() as connection:
        found = spans_of(connection, "XTKS", at("2024-03-04"), at("2024-03-05"))
    assert found is not None
    hours = (found.open, found.break_start, found.break_end, found.close)
    assert [datetime.fromtimestamp(int(one[0]), UTC).strftime("%H:%M") for one in hours] == [
        "00:00",
        "02:30",
        "03:30",
        "06:00",
    ]
    assert found.day.tolist() == [date(2024, 3, 4)]


@pytest.mark.parametrize(
    ("start", "days"),
    [
        ("2025-12-26", [date(2025, 12, 28), date(2025, 12, 29)]),
        ("2026-01-09", [date(2026, 1, 9), date(2026, 1, 12)]),
    ],
)
def test_tel_aviv_trades_on_sundays_until_2026_and_on_fridays_since(
    database: Database, start: str, days: list[date]
) -> None:
    trades(database, "TEVA.TA", "TLV", "Asia/Jerusalem")
    Calendars(database).refresh()
    with database.read() as connection:
        found = spans_of(connection, "XTAE", at(start), at(start) + timedelta(days=4))
    assert found is not None
    assert found.day.tolist() == days


def test_a_currency_trades_by_the_days_of_its_source(database: Database) -> None:
    trades(database, "EURUSD=X", "CCY", "Europe/London")
    Calendars(database).refresh()
    with database.read() as connection:
        found = traded(connection, "CCY", "Europe/London", at("2024-03-28T12:00:00"), at("2024-04-01T12:00:00"))
    assert found is not None
    assert [datetime.fromtimestamp(one, UTC).isoformat()[:16] for one in found.open.tolist()] == [
        "2024-03-28T00:00",
        "2024-03-29T00:00",
        "2024-03-31T23:00",
    ]
    assert datetime.fromtimestamp(int(found.close[1]), UTC).isoformat()[:16] == "2024-03-29T21:00"
