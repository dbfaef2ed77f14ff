"""The stored sessions by which an instrument trades."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

from stockjobs.domain.exchanges import EXCHANGES
from stockjobs.domain.sessions import Spans
from stockjobs.markets.exchanges import mic_of
from stockjobs.store import sessions
from stockjobs.store.database import Connection

SpansOf = Callable[[str], Spans | None]
"""The sessions of an exchange by a provider's code of it; None where its calendar is unknown or does not reach so far."""


def spans_between(connection: Connection, start: datetime, end: datetime) -> SpansOf:
    """A reader of the sessions that start ≤ t < end touches, which reads those of each exchange once."""

    @cache
    def of_calendar(exchange: str) -> Spans | None:
        return sessions.spans(connection, exchange, start, end)

    def of_code(code: str) -> Spans | None:
        exchange = mic_of(code) or (code if code in EXCHANGES else None)
        return of_calendar(exchange) if exchange else None

    return of_code
