"""A trading session: one day of one exchange, as a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from stockjobs.errors import InvalidInput


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


SessionsOf = Callable[[str, date, date], Sequence[Session]]
"""The sessions of an exchange (a MIC, `24/7` or `24/5`) from a first to a last day inclusive, oldest first."""


def no_sessions(exchange: str, first: date, last: date) -> Sequence[Session]:
    """Refuse: where this is given no calendar is at hand. Raises InvalidInput."""
    raise InvalidInput.because(
        "", f"the sessions of {exchange} from {first} to {last} are asked for where no calendars are at hand"
    )
