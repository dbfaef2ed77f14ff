"""Which exchanges have their sessions in the table, of which days, and where they were read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from stockjobs.store import tables
from stockjobs.store.statements import upsert

_calendars, _instruments = tables.calendars, tables.instruments


@dataclass(frozen=True)
class StoredCalendar:
    """The days of an exchange (MIC, `24/7` or `24/5`), first and last included, whose sessions are stored."""

    exchange: str
    first_day: date
    last_day: date
    source: str
    computed_at: datetime


def stored(connection: Connection) -> dict[str, StoredCalendar]:
    """Every stored calendar, by exchange."""
    rows = connection.execute(select(_calendars)).mappings()
    return {row["exchange"]: StoredCalendar(**row) for row in rows}


def put(connection: Connection, calendar: StoredCalendar) -> None:
    """Write down what is stored of an exchange now."""
    insert = upsert(connection, _calendars).values(asdict(calendar))
    names = ("first_day", "last_day", "source", "computed_at")
    changed = {name: insert.excluded[name] for name in names}
    connection.execute(insert.on_conflict_do_update(index_elements=["exchange"], set_=changed))


def codes(connection: Connection) -> Sequence[str]:
    """The providers' codes of the exchanges that stored instruments trade on."""
    query = select(_instruments.c.exchange).where(_instruments.c.exchange != "").distinct()
    return connection.execute(query.order_by(_instruments.c.exchange)).scalars().all()
