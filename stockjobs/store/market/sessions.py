"""The trading sessions of the exchanges, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from stockjobs.domain.market.sessions import Session, Spans
from stockjobs.store import tables
from stockjobs.store.market.epochs import epoch

_sessions = tables.sessions

_TIMES = ("open", "close", "break_start", "break_end")


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


def all_spans(connection: Connection, exchange: str) -> Spans:
    """All stored sessions of an exchange (a MIC, `24/7`, `24/5`) in columns."""
    columns = (_sessions.c.day, *(epoch(connection, _sessions.c[name]) for name in _TIMES))
    query = select(*columns).where(_sessions.c.exchange == exchange)
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
