"""The trading sessions of the exchanges, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from stockjobs.domain.market.sessions import Session, Spans
from stockjobs.store import tables
from stockjobs.store.market.epochs import epoch
from stockjobs.store.statements import insert_if_absent

_sessions, _calendars = tables.sessions, tables.calendars

_TIMES = ("open", "close", "break_start", "break_end")

_MARGIN = timedelta(days=2)
"""A session may lie on another UTC day than its own: Sydney opens the evening before, Chicago's futures too."""


def land(connection: Connection, found: Sequence[Session]) -> int:
    """Write trading sessions. Returns how many were new."""
    return insert_if_absent(connection, _sessions, [_row(session) for session in found])


def replace(connection: Connection, exchange: str, found: Sequence[Session]) -> None:
    """Put the sessions of an exchange in the place of all that are stored of it."""
    connection.execute(delete(_sessions).where(_sessions.c.exchange == exchange))
    if found:
        connection.execute(insert(_sessions), [_row(session) for session in found])


def _row(session: Session) -> dict[str, object]:
    # asdict copies each instant, which for the decades of an exchange takes longer than everything else.
    return dict(vars(session))


def between(connection: Connection, exchange: str, first: date, last: date) -> Sequence[Session]:
    """The stored sessions of an exchange from the first to the last day, both included."""
    query = (
        select(_sessions)
        .where(_sessions.c.exchange == exchange, _sessions.c.day.between(first, last))
        .order_by(_sessions.c.day)
    )
    return [Session(**row) for row in connection.execute(query).mappings()]


def spans(connection: Connection, exchange: str, start: datetime, end: datetime) -> Spans | None:
    """The sessions of an exchange that start ≤ t < end touches, in columns; `exchange` is a MIC, `24/7` or `24/5`.

    None where the stored calendars do not reach: then nothing is known, which is not the same as a closed market.
    """
    known = connection.execute(
        select(_calendars.c.first_day, _calendars.c.last_day).where(_calendars.c.exchange == exchange)
    ).one_or_none()
    if known is None or start.date() < known.first_day or end.date() > known.last_day:
        return None
    found = _columns(connection, exchange, start.date() - _MARGIN, end.date() + _MARGIN)
    return found.between(start.timestamp(), end.timestamp())


def all_spans(connection: Connection, exchange: str) -> Spans:
    """All stored sessions of an exchange in columns."""
    return _columns(connection, exchange, date.min, date.max)


def _columns(connection: Connection, exchange: str, first: date, last: date) -> Spans:
    columns = (_sessions.c.day, *(epoch(connection, _sessions.c[name]) for name in _TIMES))
    query = select(*columns).where(_sessions.c.exchange == exchange, _sessions.c.day.between(first, last))
    rows = connection.execute(query.order_by(_sessions.c.day)).all()
    if not rows:
        return Spans.of(())
    day, opens, closes, pauses, resumes = zip(*rows, strict=True)
    closed = np.array(closes, dtype=np.int64)
    return Spans(
        np.array(day, dtype="datetime64[D]"),
        np.array(opens, dtype=np.int64),
        closed,
        *(
            np.array([one if one is not None else close for one, close in zip(some, closes, strict=True)], np.int64)
            for some in (pauses, resumes)
        ),
    )
