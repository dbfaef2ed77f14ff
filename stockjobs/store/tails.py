"""The last stored bars before a time, to which a validation holds what comes after them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from sqlalchemy import Connection, select

from stockjobs.domain.intervals import Interval
from stockjobs.domain.validation import NO_TAIL, Tail
from stockjobs.store import tables
from stockjobs.store.epochs import epoch

_bars = tables.bars

LENGTH = 5


def before(connection: Connection, instrument: int, interval: Interval, at: datetime) -> Tail:
    """The closes of the last stored bars before a time, oldest first."""
    query = (
        select(epoch(connection, _bars.c.at), _bars.c.close)
        .where(_bars.c.instrument_id == instrument, _bars.c.interval_s == interval.seconds, _bars.c.at < at)
        .order_by(_bars.c.at.desc())
        .limit(LENGTH)
    )
    rows = connection.execute(query).all()
    if not rows:
        return NO_TAIL
    times, closes = zip(*reversed(rows), strict=True)
    return Tail(np.array(times, dtype=np.int64), np.array(closes, dtype=np.float64))
