"""The trading days of a venue as columns of epoch seconds, and where an instant stands among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.exchanges import ALWAYS_OPEN, FOREIGN_EXCHANGE
from stockjobs.domain.market.sessions import Session
from stockjobs.markets.exchanges import Exchange
from stockjobs.markets.sessions import sessions

Seconds = NDArray[np.int64]

_FIRST_DAY = date(1999, 1, 1)
_FRIDAY = 4
_SATURDAY = 5
_NEW_YORK = ZoneInfo("America/New_York")
_MINUTE = 60


@dataclass(frozen=True, eq=False)
class TradingDays:
    """The sessions of a venue, oldest first.

    `ordinal` counts days as `date.toordinal`. `pause` and `resume` are the lunch break; without one both are the close.
    """

    ordinal: Seconds
    open: Seconds
    close: Seconds
    pause: Seconds
    resume: Seconds

    def __len__(self) -> int:
        return len(self.open)

    @property
    def minutes(self) -> Seconds:
        """How many minutes each session trades."""
        return np.asarray((self.pause - self.open + self.close - self.resume) // _MINUTE)

    def started(self, at: float) -> int:
        """How many sessions have opened at an instant, which is also the index of the next one."""
        return int(np.searchsorted(self.open, at, side="right"))

    def on(self, day: date) -> int:
        """The index of the first session on or after a day."""
        return int(np.searchsorted(self.ordinal, day.toordinal()))


def trading_days(venue: Exchange, until: datetime) -> TradingDays:
    """The sessions of a venue from 1999 to the end of the year after `until`."""
    return _trading_days(venue.mic, until.year + 1)


@lru_cache(maxsize=64)
def _trading_days(mic: str, last_year: int) -> TradingDays:
    last = date(last_year, 12, 31)
    if mic == FOREIGN_EXCHANGE:
        return _columns(_london_currency_days(_FIRST_DAY, last))
    return _columns(sessions(mic, _FIRST_DAY, last))


def _columns(days: list[Session]) -> TradingDays:
    return TradingDays(
        ordinal=np.array([day.day.toordinal() for day in days], dtype=np.int64),
        open=_seconds([day.open for day in days]),
        close=_seconds([day.close for day in days]),
        pause=_seconds([day.break_start or day.close for day in days]),
        resume=_seconds([day.break_end or day.close for day in days]),
    )


def _seconds(instants: list[datetime]) -> Seconds:
    return np.array([int(at.timestamp()) for at in instants], dtype=np.int64)


def _london_currency_days(first: date, last: date) -> list[Session]:
    """The days of currency pairs as Yahoo cuts them: midnight to midnight in London, Friday until 17:00 in New York."""
    london = ZoneInfo("Europe/London")
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    midnights = (
        (day, datetime.combine(day, time(), london).astimezone(UTC)) for day in days if day.weekday() < _SATURDAY
    )
    return [Session(FOREIGN_EXCHANGE, day, midnight, _currency_close(day, london)) for day, midnight in midnights]


def _currency_close(day: date, london: ZoneInfo) -> datetime:
    if day.weekday() == _FRIDAY:
        return datetime.combine(day, time(17), _NEW_YORK).astimezone(UTC)
    return datetime.combine(day + timedelta(days=1), time(), london).astimezone(UTC)


def trades_round_the_clock(venue: Exchange) -> bool:
    """True for crypto and currencies, whose days follow each other without a pause."""
    return venue.mic in (ALWAYS_OPEN, FOREIGN_EXCHANGE)
