"""The trading calendar of one exchange: its sessions and its hours, from any day on, and its session days."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from stockjobs.domain.market.exchanges import zone_of
from stockjobs.domain.market.sessions import Session, SessionsOf
from stockjobs.domain.scheduling.zones import day_start

_BLOCK_YEARS = 5
_LAST_YEAR = 2199


@dataclass(frozen=True)
class Calendar:
    """The sessions of an exchange, asked for in blocks of five years when they are needed, and then kept."""

    exchange: str
    sessions_of: SessionsOf

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the exchange dates its sessions."""
        return zone_of(self.exchange)

    def sessions_from(self, day: date) -> Iterator[Session]:
        """The sessions of a day and of those after it, as far as the calendar reaches."""
        for number in range(day.year // _BLOCK_YEARS, _LAST_YEAR // _BLOCK_YEARS + 1):
            sessions, days = _block(self.sessions_of, self.exchange, number)
            yield from sessions[bisect_left(days, day) :]

    def hours_from(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """When trading opens and stops, of a day and of those after it; a lunch break makes two of one session."""
        for session in self.sessions_from(day):
            if session.break_start is not None and session.break_end is not None:
                yield session.open, session.break_start
                yield session.break_end, session.close
            else:
                yield session.open, session.close

    def day_from(self, day: date) -> date | None:
        """The first session day that is not before a day, None beyond the end of the calendar."""
        return next((session.day for session in self.sessions_from(day)), None)

    def day_before(self, day: date) -> date | None:
        """The last session day before a day, None before the calendar begins."""
        for number in (day.year // _BLOCK_YEARS, day.year // _BLOCK_YEARS - 1):
            _, days = _block(self.sessions_of, self.exchange, number)
            earlier = bisect_left(days, day)
            if earlier:
                return days[earlier - 1]
        return None

    def date_of(self, instant: datetime) -> date:
        """The day at the exchange."""
        return instant.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """When a day begins at the exchange."""
        return _start_of(self.exchange, day)


@lru_cache(maxsize=512)
def _block(sessions_of: SessionsOf, exchange: str, number: int) -> tuple[Sequence[Session], Sequence[date]]:
    first, last = date(number * _BLOCK_YEARS, 1, 1), date(number * _BLOCK_YEARS + _BLOCK_YEARS - 1, 12, 31)
    sessions = tuple(sessions_of(exchange, first, last))
    return sessions, tuple(session.day for session in sessions)


@lru_cache(maxsize=8_192)
def _start_of(exchange: str, day: date) -> datetime:
    return day_start(zone_of(exchange), datetime(day.year, day.month, day.day))  # noqa: DTZ001 - a local day
