"""Landings: each transaction that wrote market data, with when it was and which attempt it came from.

Rows of data carry the number of the landing that wrote them. Numbers rise in time, so "as of a moment" is "up to a number". Of
two landings at once the later may draw the lower number: neither is then known before the time of the later.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from stockjobs.store import tables
from stockjobs.store.statements import is_in

_landings = tables.landings
_BEGIN = insert(_landings).returning(_landings.c.id)

BEFORE_LANDINGS = 0
"""The number that rows carry which were written before landings were kept."""

_AT_ONCE = timedelta(hours=1)
"""No transaction is open for so long: whatever landed later has a higher number."""


def begin(connection: Connection, now: datetime, *, attempt: UUID | None, by: str) -> int:
    """Write down that data is about to be written, in the caller's transaction. Returns the landing's number."""
    values = {"at": now, "attempt_id": attempt, "by": by}
    number: int = connection.execute(_BEGIN, values).scalar_one()
    return number


def by_people(connection: Connection, landings: Collection[int]) -> frozenset[int]:
    """Those of some landings that no attempt made: a person released or imported data."""
    query = select(_landings.c.id).where(is_in(_landings.c.id, landings), _landings.c.attempt_id.is_(None))
    return frozenset(connection.execute(query).scalars())


def first_at(connection: Connection) -> datetime | None:
    """When data landed first."""
    return connection.execute(select(func.min(_landings.c.at))).scalar()


def as_of(connection: Connection, at: datetime) -> int:
    """The number up to which landings were known at a moment; no data of a later time has such a number, nor a lower one.

    The answer stays the same once the landings have ended that were under way at that moment, which takes seconds.
    """
    last: int | None = connection.execute(select(func.max(_landings.c.id)).where(_landings.c.at <= at)).scalar()
    if last is None:
        return BEFORE_LANDINGS
    soon_after = (_landings.c.at > at) & (_landings.c.at <= at + _AT_ONCE)
    later: int | None = connection.execute(select(func.min(_landings.c.id)).where(soon_after)).scalar()
    return last if later is None else min(last, later - 1)
