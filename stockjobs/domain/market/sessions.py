"""Trading sessions: one day of one exchange as a value, and many of them in columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from stockjobs.errors import InvalidInput

Seconds = NDArray[np.int64]
Days = NDArray[np.datetime64]


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


@dataclass(frozen=True, eq=False)
class Spans:
    """Sessions of one exchange in columns of equal length, oldest first.

    `day` is datetime64[D], the other columns are epoch seconds, UTC: open ≤ t < close, without break_start ≤ t < break_end.
    A session without a lunch break has both ends of it at its close.
    """

    day: Days
    open: Seconds
    close: Seconds
    break_start: Seconds
    break_end: Seconds

    def __len__(self) -> int:
        return len(self.open)

    def at(self, which: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Spans:
        """The sessions at these places."""
        return Spans(*(getattr(self, name)[which] for name in _SPAN_COLUMNS))

    def between(self, start: float, end: float) -> Spans:
        """The sessions that a span of time (epoch seconds, end excluded) touches."""
        first = int(np.searchsorted(self.close, start, side="right"))
        last = int(np.searchsorted(self.open, end, side="left"))
        return self.at(slice(first, max(first, last)))

    @classmethod
    def of(cls, found: Sequence[Session]) -> Spans:
        """Sessions as columns."""
        return cls(
            np.array([one.day for one in found], dtype="datetime64[D]"),
            *(
                np.array([int((getattr(one, name) or one.close).timestamp()) for one in found], dtype=np.int64)
                for name in _SPAN_COLUMNS[1:]
            ),
        )


_SPAN_COLUMNS = ("day", "open", "close", "break_start", "break_end")
