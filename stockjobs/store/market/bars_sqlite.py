"""Bars in and out of SQLite through its prepared statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from stockjobs.domain.market.bars import NO_VOLUME, PRICES, Bars
from stockjobs.store import driver
from stockjobs.store.market.bar_rows import Rows, Span, Stored

_KEY = ("instrument_id", "interval_s", "at")
_VALUES = (*PRICES, "volume", "provisional", "split_factor")
_IS_KEY = " AND ".join(f"{name} = ?" for name in _KEY)
_STORED = f"""
SELECT at, {", ".join(PRICES)}, coalesce(volume, {NO_VOLUME}), provisional, split_factor, landing_id FROM bars
WHERE instrument_id = ? AND interval_s = ? AND at BETWEEN ? AND ? ORDER BY at"""
_INSERT = f"INSERT INTO bars ({', '.join((*_KEY, *_VALUES, 'landing_id'))}) VALUES ({', '.join('?' * 11)})"
_REPLACE = f"""
UPDATE bars SET {", ".join(f"{name} = ?" for name in _VALUES)}, landing_id = ?, revision = revision + (NOT provisional)
WHERE {_IS_KEY}"""
_KEEP = f"""
INSERT INTO bar_versions ({{columns}}, replaced_by) SELECT {{columns}}, ? FROM bars
WHERE {_IS_KEY} AND NOT provisional ON CONFLICT DO NOTHING"""


def stored(connection: Connection, spans: Sequence[Span]) -> list[Stored]:
    """The stored bars of each span."""
    with driver.cursor(connection) as cursor:
        return [_stored(cursor.execute(_STORED, _arguments(span)).fetchall()) for span in spans]


def insert(connection: Connection, rows: Rows, landing: int) -> None:
    """Write bars that are not there yet."""
    number = np.full(len(rows), landing)
    _execute(connection, _INSERT, zip(*_key(rows), *_values(rows), number.tolist(), strict=True))


def keep(connection: Connection, rows: Rows, landing: int, columns: str) -> None:
    """Copy settled bars to where the old ones are kept, before a landing replaces them.

    What this landing has kept already, before it told the bar in new shares, is what it was.
    """
    number = np.full(len(rows), landing).tolist()
    _execute(connection, _KEEP.format(columns=columns), zip(number, *_key(rows), strict=True))


def replace(connection: Connection, rows: Rows, landing: int) -> None:
    """Write over bars that are there."""
    number = np.full(len(rows), landing).tolist()
    _execute(connection, _REPLACE, zip(*_values(rows), number, *_key(rows), strict=True))


def _execute(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with driver.cursor(connection) as cursor:
        cursor.executemany(statement, rows)


def _arguments(span: Span) -> tuple[int, int, int, int]:
    return span.instrument_id, span.interval.seconds, span.first, span.last


def _key(rows: Rows) -> tuple[list[Any], ...]:
    return rows.instrument_id.tolist(), rows.interval_s.tolist(), rows.bars.at.tolist()


def _values(rows: Rows) -> tuple[list[Any], ...]:
    bars = rows.bars
    volume = bars.volume.tolist()
    if (bars.volume == NO_VOLUME).any():
        volume = [None if amount == NO_VOLUME else amount for amount in volume]
    prices = (getattr(bars, name).tolist() for name in PRICES)
    return *prices, volume, bars.provisional.tolist(), rows.split_factor.tolist()


def _stored(rows: Sequence[tuple[Any, ...]]) -> Stored:
    if not rows:
        return Stored.empty()
    *columns, factor, landing = zip(*rows, strict=True)
    return Stored(Bars.of(columns), np.array(factor, dtype=np.float64), np.array(landing, dtype=np.int64))
