"""The last stored bars before a time, to which a validation holds what comes after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation import NO_TAIL, Tail
from stockjobs.store import driver

LENGTH = 5

_ONE = f"""
SELECT at, close FROM bars WHERE instrument_id = ? AND interval_s = ? AND at < ? ORDER BY at DESC LIMIT {LENGTH}"""
_ALL = f"""
SELECT found.* FROM unnest(%s::int[], %s::int[], %s::bigint[]) AS place(instrument, seconds, before)
CROSS JOIN LATERAL (
    SELECT array_agg(CAST(extract(epoch FROM at) AS bigint) ORDER BY at), array_agg(close ORDER BY at) FROM (
        SELECT at, close FROM bars WHERE instrument_id = instrument AND interval_s = seconds AND at < to_timestamp(before)
        ORDER BY at DESC LIMIT {LENGTH}
    ) AS last
) AS found"""


@dataclass(frozen=True)
class Place:
    """A time, in epoch seconds, in the series of an instrument at an interval."""

    instrument_id: int
    interval: Interval
    at: int


def before(connection: Connection, places: Sequence[Place]) -> list[Tail]:
    """The closes of the last stored bars before each place, oldest first."""
    if not places:
        return []
    return (
        _of_postgresql(connection, places)
        if connection.dialect.name == "postgresql"
        else _of_sqlite(connection, places)
    )


def _of_sqlite(connection: Connection, places: Sequence[Place]) -> list[Tail]:
    with driver.cursor(connection) as cursor:
        rows = [cursor.execute(_ONE, (one.instrument_id, one.interval.seconds, one.at)).fetchall() for one in places]
    return [_tail(*zip(*reversed(found), strict=True)) if found else NO_TAIL for found in rows]


def _of_postgresql(connection: Connection, places: Sequence[Place]) -> list[Tail]:
    columns = (
        [one.instrument_id for one in places],
        [one.interval.seconds for one in places],
        [one.at for one in places],
    )
    with driver.cursor(connection, binary=True) as cursor:
        # One question for all: with one for each answer, a connection's round trips would take longer than the checks.
        return [_tail(at, close) if at else NO_TAIL for at, close in cursor.execute(_ALL, columns).fetchall()]


def _tail(at: Sequence[int], close: Sequence[float]) -> Tail:
    return Tail(np.array(at, dtype=np.int64), np.array(close, dtype=np.float64))
