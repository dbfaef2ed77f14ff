"""The intervals of bars: the words that traders use, and how long each is."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class Interval(StrEnum):
    """The span of time that one bar covers. The values are yfinance's words."""

    M1 = "1m"
    M2 = "2m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    M90 = "90m"
    D1 = "1d"
    W1 = "1wk"
    MO1 = "1mo"

    @property
    def seconds(self) -> int:
        """The nominal length in seconds: a day is 86,400, a month 30 days. Stored with each bar as its interval."""
        return _SECONDS[self]

    @property
    def length(self) -> timedelta:
        """The nominal length."""
        return timedelta(seconds=self.seconds)

    @property
    def is_intraday(self) -> bool:
        """True for everything shorter than a day."""
        return self.seconds < 86_400

    @classmethod
    def from_seconds(cls, seconds: int) -> Interval:
        """The interval of a stored bar. Raises KeyError for a length that no interval has."""
        return _BY_SECONDS[seconds]


_SECONDS = {
    Interval.M1: 60,
    Interval.M2: 120,
    Interval.M5: 300,
    Interval.M15: 900,
    Interval.M30: 1_800,
    Interval.H1: 3_600,
    Interval.M90: 5_400,
    Interval.D1: 86_400,
    Interval.W1: 604_800,
    Interval.MO1: 2_592_000,
}
_BY_SECONDS = {seconds: interval for interval, seconds in _SECONDS.items()}
