"""The trading sessions of an exchange between two days."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from zoneinfo import ZoneInfo

from stockjobs.domain.market.exchanges import ALWAYS_OPEN, EXCHANGES, FOREIGN_EXCHANGE
from stockjobs.domain.market.sessions import Session
from stockjobs.errors import NotFound

_NEW_YORK = ZoneInfo("America/New_York")
_CURRENCY_DAY_ENDS = time(17)
_SATURDAY = 5
_EARLIEST_YEAR = 1960
_LATEST_YEAR = 2100


def sessions(exchange: str, first: date, last: date) -> list[Session]:
    """The sessions of an exchange with first ≤ day ≤ last, oldest first; `exchange` is a MIC, `24/7` or `24/5`.

    Days that the exchange's calendar does not reach (Tokyo before 1997, Shanghai after the published holidays) are
    left out. Raises `stockjobs.errors.NotFound` for an exchange without a calendar.
    """
    if exchange == ALWAYS_OPEN:
        return [_crypto_day(day) for day in _days(first, last)]
    if exchange == FOREIGN_EXCHANGE:
        return [_currency_day(day) for day in _days(first, last) if day.weekday() < _SATURDAY]
    if exchange not in EXCHANGES:
        raise NotFound(f"exchange {exchange!r} has no calendar; expected a MIC such as XNYS, or 24/7, or 24/5")
    whole = _whole(exchange, first.year, last.year)
    days = [session.day for session in whole]
    return list(whole[bisect_left(days, first) : bisect_right(days, last)])


def covered(exchange: str, first: date, last: date) -> tuple[date, date]:
    """The part of the days first to last for which an exchange's calendar says when it trades."""
    if exchange in (ALWAYS_OPEN, FOREIGN_EXCHANGE):
        return first, last
    earliest, latest = _calendars().reach(exchange)
    return max(first, earliest or first), min(last, latest or last)


def source(exchange: str) -> str:
    """Where the sessions of an exchange come from: another text means that they may be others now."""
    if exchange in (ALWAYS_OPEN, FOREIGN_EXCHANGE):
        return "stockjobs"
    return f"exchange_calendars {version('exchange_calendars')}"


def _whole(exchange: str, first_year: int, last_year: int) -> tuple[Session, ...]:
    """A span that is a little wider than asked, so that neighbouring questions share one calendar."""
    return _cached(exchange, max(first_year - first_year % 5, _EARLIEST_YEAR), min(last_year + 1, _LATEST_YEAR))


@lru_cache(maxsize=64)
def _cached(exchange: str, first_year: int, last_year: int) -> tuple[Session, ...]:
    return tuple(_calendars().read_calendar(exchange, date(first_year, 1, 1), date(last_year, 12, 31)))


def _calendars() -> ModuleType:
    # exchange_calendars and pandas take a second to import; only sessions that have to be read should pay for it.
    return import_module("stockjobs.markets.calendars")


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _crypto_day(day: date) -> Session:
    start = datetime.combine(day, time(), UTC)
    return Session(ALWAYS_OPEN, day, start, start + timedelta(days=1))


def _currency_day(day: date) -> Session:
    opens = datetime.combine(day - timedelta(days=1), _CURRENCY_DAY_ENDS, _NEW_YORK).astimezone(UTC)
    return Session(FOREIGN_EXCHANGE, day, opens, datetime.combine(day, _CURRENCY_DAY_ENDS, _NEW_YORK).astimezone(UTC))
