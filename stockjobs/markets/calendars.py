"""exchange_calendars, read once and turned into sessions."""

from __future__ import annotations

import warnings
from datetime import date, datetime, timedelta
from functools import cache

import exchange_calendars
import numpy as np
import pandas as pd
from exchange_calendars.exchange_calendar_xtae import XTAEExchangeCalendar

from stockjobs.domain.clocks import instant
from stockjobs.domain.market.sessions import Session
from stockjobs.errors import NotFound

_MONDAY_TO_FRIDAY_SINCE = date(2026, 1, 5)
_NEVER = -(2**62)  # pandas' NaT as seconds is the smallest integer


class _SundayToThursday(XTAEExchangeCalendar):  # type: ignore[misc]
    """Tel Aviv's week until 2026-01-04.

    exchange_calendars gives that week as a special weekmask, which pandas 3.1 no longer asks for when it enumerates
    days: the calendar cannot even be built from an earlier start. So the two weeks are read as two calendars.
    """

    @property
    def weekmask(self) -> str:
        return "1111001"

    @property
    def special_weekmasks(self) -> list[tuple[pd.Timestamp, pd.Timestamp, str]]:
        return []


def read_calendar(mic: str, first: date, last: date) -> list[Session]:
    """The sessions of the days first to last, oldest first, as far as the calendar reaches.

    Raises `stockjobs.errors.NotFound` for one that the library cannot compute.
    """
    with warnings.catch_warnings():
        # exchange_calendars uses what pandas 3.1 deprecates, which is nothing that our users could mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return _read(mic, first, last)
        except Exception as error:
            # Some calendars break with some versions of pandas, each in a way of its own; no other job may suffer from it.
            message = f"the calendar of {mic} cannot be computed: {type(error).__name__}: {error}"
            raise NotFound(f"{message} (update exchange-calendars)") from error


def reach(mic: str) -> tuple[date | None, date | None]:
    """The first and the last day that the library can compute, None where it has no such bound."""
    kind = _calendar_type(mic)
    earliest, latest = kind.bound_min(), kind.bound_max()
    return earliest.date() if earliest is not None else None, latest.date() if latest is not None else None


def _read(mic: str, first: date, last: date) -> list[Session]:
    if mic != "XTAE":
        return _rows(mic, _calendar_type(mic), first, last)
    old_week = _rows(mic, _SundayToThursday, first, min(last, _MONDAY_TO_FRIDAY_SINCE - timedelta(days=1)))
    return old_week + _rows(mic, _calendar_type(mic), max(first, _MONDAY_TO_FRIDAY_SINCE), last)


@cache
def _calendar_type(mic: str) -> type[exchange_calendars.ExchangeCalendar]:
    a_week = exchange_calendars.get_calendar(
        mic, start=_MONDAY_TO_FRIDAY_SINCE, end=_MONDAY_TO_FRIDAY_SINCE + timedelta(7)
    )
    return type(a_week)


def _rows(mic: str, kind: type[exchange_calendars.ExchangeCalendar], first: date, last: date) -> list[Session]:
    earliest, latest = reach(mic)
    first, last = max(first, earliest or first), min(last, latest or last)
    if first > last:
        return []
    calendar = kind(start=pd.Timestamp(first), end=pd.Timestamp(last))
    schedule = calendar.schedule
    columns = [_seconds(schedule[name]) for name in ("open", "close", "break_start", "break_end")]
    short = schedule.index.isin(calendar.early_closes)
    days = [day.date() for day in schedule.index]
    return [
        Session(mic, day, instant(opens), instant(closes), _maybe(pause), _maybe(resume), is_half_day=bool(half))
        for day, opens, closes, pause, resume, half in zip(days, *(c.tolist() for c in columns), short, strict=True)
    ]


def _seconds(column: pd.Series[pd.Timestamp]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return column.dt.tz_convert(None).to_numpy().astype("datetime64[s]").astype(np.int64)


def _maybe(seconds: int) -> datetime | None:
    return None if seconds < _NEVER else instant(seconds)
