"""What is stored around an answer, to which a validation holds what came: the last bars before it and the first ones after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from stockjobs.domain.market.validation import NO_TAIL, Tail
from stockjobs.store import driver
from stockjobs.store.market.bar_rows import Span
from stockjobs.store.statements import as_array

LENGTH = 5

_ONE = f"""
SELECT * FROM (SELECT 0, at, close FROM bars WHERE instrument_id = ?1 AND interval_s = ?2 AND at < ?3
    ORDER BY at DESC LIMIT {LENGTH})
UNION ALL
SELECT * FROM (SELECT 1, at, close FROM bars WHERE instrument_id = ?1 AND interval_s = ?2 AND at > ?4
    ORDER BY at LIMIT {LENGTH})
UNION ALL
SELECT * FROM (SELECT 2, at, 0 FROM findings WHERE instrument_id = ?1 AND interval_s = ?2 AND at BETWEEN ?3 AND ?4
    AND state = 'rejected' LIMIT 1)"""
_SOME = """
SELECT array_agg(CAST(extract(epoch FROM at) AS bigint) ORDER BY at), array_agg(close ORDER BY at) FROM (
    SELECT at, close FROM bars WHERE instrument_id = instrument AND interval_s = seconds AND {which} LIMIT {length}
) AS near"""
_BEFORE = _SOME.format(which="at < to_timestamp(first_at) ORDER BY at DESC", length=LENGTH)
_AFTER = _SOME.format(which="at > to_timestamp(last_at) ORDER BY at", length=LENGTH)
_ALL = f"""
SELECT before.*, after.*, EXISTS (
    SELECT 1 FROM findings WHERE instrument_id = instrument AND interval_s = seconds
    AND at BETWEEN to_timestamp(first_at) AND to_timestamp(last_at) AND state = 'rejected'
) FROM unnest(%s::int[], %s::int[], %s::bigint[], %s::bigint[]) AS span(instrument, seconds, first_at, last_at)
CROSS JOIN LATERAL ({_BEFORE}) AS before CROSS JOIN LATERAL ({_AFTER}) AS after"""


@dataclass(frozen=True, eq=False)
class Beside:
    """The stored bars before and after a span, and whether somebody has rejected a bar within it."""

    before: Tail = NO_TAIL
    after: Tail = NO_TAIL
    has_rejected: bool = False


NOTHING_BESIDE = Beside()


def beside(connection: Connection, spans: Sequence[Span]) -> list[Beside]:
    """What is stored beside each span."""
    if not spans:
        return []
    return (
        _of_postgresql(connection, spans) if connection.dialect.name == "postgresql" else _of_sqlite(connection, spans)
    )


def _of_sqlite(connection: Connection, spans: Sequence[Span]) -> list[Beside]:
    with driver.cursor(connection) as cursor:
        keys = [(one.instrument_id, one.interval.seconds, one.first, one.last) for one in spans]
        rows = [cursor.execute(_ONE, key).fetchall() for key in keys]
    return [_sorted_out(found) for found in rows]


def _sorted_out(rows: Sequence[tuple[int, int, float]]) -> Beside:
    before, after = (sorted(row[1:] for row in rows if row[0] == side) for side in (0, 1))
    return Beside(_tail(*_columns(before)), _tail(*_columns(after)), any(row[0] == 2 for row in rows))


def _columns(rows: Sequence[tuple[int, float]]) -> tuple[Sequence[int], Sequence[float]]:
    return [at for at, _ in rows], [close for _, close in rows]


def _of_postgresql(connection: Connection, spans: Sequence[Span]) -> list[Beside]:
    columns = (
        as_array(one.instrument_id for one in spans),
        as_array(one.interval.seconds for one in spans),
        as_array(one.first for one in spans),
        as_array(one.last for one in spans),
    )
    with driver.cursor(connection, binary=True) as cursor:
        # One question for all: with one for each answer, a connection's round trips would take longer than the checks.
        rows = cursor.execute(_ALL, columns).fetchall()
    return [Beside(_tail(*row[:2]), _tail(*row[2:4]), row[4]) for row in rows]


def _tail(at: Sequence[int] | None, close: Sequence[float] | None) -> Tail:
    return Tail(np.array(at, dtype=np.int64), np.array(close, dtype=np.float64)) if at else NO_TAIL
