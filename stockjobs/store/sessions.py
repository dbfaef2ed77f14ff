"""The trading sessions of the exchanges, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from sqlalchemy import Connection, select

from stockjobs.domain.sessions import Session
from stockjobs.store import tables
from stockjobs.store.statements import insert_if_absent


def land(connection: Connection, found: Sequence[Session]) -> int:
    """Write trading sessions. Returns how many were new."""
    return insert_if_absent(connection, tables.sessions, [asdict(session) for session in found])


def between(connection: Connection, exchange: str, first: date, last: date) -> Sequence[Session]:
    """The stored sessions of an exchange from the first to the last day, both included."""
    table = tables.sessions
    query = select(table).where(table.c.exchange == exchange, table.c.day.between(first, last)).order_by(table.c.day)
    return [Session(**row) for row in connection.execute(query).mappings()]
