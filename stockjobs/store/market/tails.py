"""The last stored bars before a time, to which a validation holds what comes after them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation import NO_TAIL, Tail

LENGTH = 5

_QUERY = """
SELECT {at}, close FROM bars
WHERE instrument_id = {mark} AND interval_s = {mark} AND at < {time} ORDER BY at DESC LIMIT {length}"""
_QUERIES = {
    "sqlite": _QUERY.format(at="at", mark="?", time="?", length=LENGTH),
    "postgresql": _QUERY.format(
        at="CAST(extract(epoch FROM at) AS bigint)", mark="%s", time="to_timestamp(%s)", length=LENGTH
    ),
}


def before(connection: Connection, instrument: int, interval: Interval, at: datetime) -> Tail:
    """The closes of the last stored bars before a time, oldest first."""
    # Once for each answer: SQLAlchemy would take longer to put the question than the database to answer it.
    cursor = connection.connection.cursor()
    cursor.execute(_QUERIES[connection.dialect.name], (instrument, interval.seconds, int(at.timestamp())))
    rows = cursor.fetchall()
    cursor.close()
    if not rows:
        return NO_TAIL
    times, closes = zip(*reversed(rows), strict=True)
    return Tail(np.array(times, dtype=np.int64), np.array(closes, dtype=np.float64))
