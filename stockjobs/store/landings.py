"""Landings: each transaction that wrote market data, with when it was and which attempt it came from.

Rows of data carry the number of the landing that wrote them. Numbers rise in time, so "as of a moment" is "up to a number".
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from stockjobs.store import tables

_landings = tables.landings

BEFORE_LANDINGS = 0
"""The number that rows carry which were written before landings were kept."""


def begin(connection: Connection, now: datetime, *, attempt: UUID | None, by: str) -> int:
    """Write down that data is about to be written, in the caller's transaction. Returns the landing's number."""
    values = {"at": now, "attempt_id": attempt, "by": by}
    number: int = connection.execute(insert(_landings).values(values).returning(_landings.c.id)).scalar_one()
    return number


def as_of(connection: Connection, at: datetime) -> int:
    """The number of the last landing up to a moment; data with higher numbers was not known then."""
    last = connection.execute(select(func.max(_landings.c.id)).where(_landings.c.at <= at)).scalar()
    return BEFORE_LANDINGS if last is None else last
