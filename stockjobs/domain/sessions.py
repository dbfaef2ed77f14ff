"""A trading session: one day of one exchange, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Session:
    """One trading day of an exchange. `exchange` is its MIC (XNYS); times are UTC; a lunch break is None where there is none."""

    exchange: str
    day: date
    open: datetime
    close: datetime
    break_start: datetime | None = None
    break_end: datetime | None = None
    is_half_day: bool = False
