"""Bars in and out of PostgreSQL in its binary forms: columns become bytes and bytes columns, and no row is ever an object."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from stockjobs.domain.market.bars import NO_VOLUME, PRICES, Bars
from stockjobs.store import driver
from stockjobs.store.market.bar_rows import Rows, Span, Stored, in_runs
from stockjobs.store.statements import as_array

# PostgreSQL counts microseconds from the year 2000.
_EPOCH_S = 946_684_800
_MICRO = 1_000_000

# The format of binary COPY: https://www.postgresql.org/docs/current/sql-copy.html
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_FIELDS = (
    ("instrument_id", ">i4"),
    ("interval_s", ">i4"),
    ("at", ">i8"),
    *((name, ">f8") for name in PRICES),
    ("split_factor", ">f8"),
    ("landing_id", ">i4"),
    ("provisional", ">i1"),
    ("volume", ">i8"),
)
_NULL = -1

_LOCK = """
SELECT count(pg_advisory_xact_lock(%s, instrument)) FROM unnest(%s::int[]) AS instrument"""
_STORED = f"""
SELECT array_agg(place), array_agg(at), {", ".join(f"array_agg({name})" for name in PRICES)},
    array_agg(coalesce(volume, {NO_VOLUME})), array_agg(provisional), array_agg(split_factor), array_agg(landing_id)
FROM (
    SELECT place, found.* FROM unnest(%s::int[], %s::int[], %s::bigint[], %s::bigint[]) WITH ORDINALITY
        AS span(instrument, seconds, first, last, place)
    CROSS JOIN LATERAL (
        SELECT * FROM bars WHERE instrument_id = instrument AND interval_s = seconds
        AND at BETWEEN to_timestamp(first) AND to_timestamp(last) ORDER BY instrument_id, interval_s, at
    ) AS found ORDER BY place, at
) AS ordered"""
_TYPES = (">i8", ">i8", *(">f8" for _ in PRICES), ">i8", "?", ">f8", ">i4")
_REPLACE = f"""
UPDATE bars SET {", ".join(f"{name} = new.{name}" for name in PRICES)}, volume = nullif(new.volume, {NO_VOLUME}),
    provisional = new.provisional, split_factor = new.split_factor, landing_id = %s,
    revision = bars.revision + (NOT bars.provisional)::int
FROM unnest(%s::int[], %s::int[], %s::bigint[], {", ".join("%s::float8[]" for _ in PRICES)}, %s::bigint[], %s::bool[],
    %s::float8[]) AS new(instrument_id, interval_s, at, {", ".join(PRICES)}, volume, provisional, split_factor)
WHERE bars.instrument_id = new.instrument_id AND bars.interval_s = new.interval_s AND bars.at = to_timestamp(new.at)"""
_KEEP = """
INSERT INTO bar_versions ({columns}, replaced_by) SELECT {columns}, %s FROM bars
JOIN unnest(%s::int[], %s::int[], %s::bigint[]) AS new(instrument, seconds, since)
ON instrument_id = instrument AND interval_s = seconds AND at = to_timestamp(since)
WHERE NOT provisional ON CONFLICT DO NOTHING"""

_AT_ONCE = 100_000
"""So many bars may be read in one question: the server builds all of them as arrays, in its memory, before it sends the first."""

_LOCKS = 0x5B0B
"""The first half of the numbers under which instruments are locked, so that nobody else's are met."""


def lock(connection: Connection, instruments: Sequence[int]) -> None:
    """Be the only one to write bars of these instruments until the transaction ends."""
    with driver.cursor(connection) as cursor:
        # In one order for everybody, so that two landings never wait for each other in a circle.
        cursor.execute(_LOCK, (_LOCKS, as_array(sorted(instruments))))


def stored(connection: Connection, spans: Sequence[Span]) -> list[Stored]:
    """The stored bars of each span."""
    with driver.cursor(connection, binary=True) as cursor:
        return [one for run in in_runs(spans, _AT_ONCE) for one in _stored(cursor, run)]


def _stored(cursor: Any, spans: Sequence[Span]) -> list[Stored]:
    arguments = (
        as_array(span.instrument_id for span in spans),
        as_array(span.interval.seconds for span in spans),
        as_array(span.first for span in spans),
        as_array(span.last for span in spans),
    )
    cursor.execute(_STORED, arguments)
    result = cursor.pgresult
    return _parted([result.get_value(0, column) for column in range(len(_TYPES))], len(spans))


def insert(connection: Connection, rows: Rows, landing: int) -> None:
    """Write bars that are not there yet."""
    with driver.cursor(connection) as cursor, cursor.copy(_COPY) as copy:
        copy.write(_HEADER)
        for chosen in _alike(rows.bars.volume != NO_VOLUME):
            copy.write(_tuples(rows, landing, chosen))
        copy.write(_TRAILER)


_COPY = f"COPY bars ({', '.join(name for name, _ in _FIELDS)}) FROM STDIN (FORMAT binary)"


def keep(connection: Connection, rows: Rows, landing: int, columns: str) -> None:
    """Copy settled bars to where the old ones are kept, before a landing replaces them.

    What this landing has kept already, before it told the bar in new shares, is what it was.
    """
    keys = (rows.instrument_id.tolist(), rows.interval_s.tolist(), rows.bars.at.tolist())
    with driver.cursor(connection) as cursor:
        cursor.execute(_KEEP.format(columns=columns), (landing, *keys))


def replace(connection: Connection, rows: Rows, landing: int) -> None:
    """Write over bars that are there."""
    bars = rows.bars
    columns = (bars.at, *(getattr(bars, name) for name in PRICES), bars.volume, bars.provisional, rows.split_factor)
    arrays = (rows.instrument_id, rows.interval_s, *columns)
    with driver.cursor(connection) as cursor:
        cursor.execute(_REPLACE, (landing, *(column.tolist() for column in arrays)))


def _alike(has_volume: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Rows with a volume and rows without, which are of different lengths."""
    return [mask for mask in (has_volume, ~has_volume) if mask.any()]


def _tuples(rows: Rows, landing: int, chosen: NDArray[np.bool_]) -> memoryview:
    """The rows as binary COPY wants them: how many fields, and each with its length before it."""
    has_volume = bool(rows.bars.volume[np.argmax(chosen)] != NO_VOLUME)
    whole = np.dtype([part for name, kind in _FIELDS for part in ((f"{name} length", ">i4"), (name, kind))])
    fields = [("fields", ">i2"), *((name, whole[name]) for name in (whole.names or ()))]
    out = np.empty(int(chosen.sum()), dtype=fields if has_volume else fields[:-1])
    out["fields"] = len(_FIELDS)
    bars = rows.bars
    columns = {
        "instrument_id": rows.instrument_id,
        "interval_s": rows.interval_s,
        "at": (bars.at - _EPOCH_S) * _MICRO,
        **{name: getattr(bars, name) for name in (*PRICES, "provisional")},
        "split_factor": rows.split_factor,
    }
    everything = bool(chosen.all())
    for name, kind in _FIELDS[:-1]:
        out[f"{name} length"] = np.dtype(kind).itemsize
        out[name] = landing if name == "landing_id" else columns[name] if everything else columns[name][chosen]
    out["volume length"] = 8 if has_volume else _NULL
    if has_volume:
        out["volume"] = bars.volume[chosen]
    return out.view(np.uint8).data


def _parted(values: Sequence[bytes | None], count: int) -> list[Stored]:
    """The bars of each of so many spans; the first column says to which a bar belongs, counted from 1."""
    if values[0] is None:
        return [Stored.empty()] * count
    place, at, *columns, factor, landing = (
        _column(value, kind) for value, kind in zip(values, _TYPES, strict=True) if value is not None
    )
    bars = Bars.of((at.astype(np.int64) // _MICRO + _EPOCH_S, *columns))
    whole = Stored(bars, factor.astype(np.float64), landing.astype(np.int64))
    edges = np.searchsorted(place, np.arange(1, count + 2)).tolist()
    return [whole.part(first, end) for first, end in pairwise(edges)]


def _column(value: bytes, kind: str) -> NDArray[Any]:
    """An array as PostgreSQL sends it: dimensions, flags, type, length, lower bound; then each element after its length."""
    (length,) = struct.unpack_from(">i", value, 12)
    element = np.dtype([("length", ">i4"), ("value", kind)])
    return np.frombuffer(value, dtype=element, count=length, offset=20)["value"]
