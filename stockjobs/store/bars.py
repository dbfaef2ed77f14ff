"""Landing bars: each bar is written once, and again only where it differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, select, update

from stockjobs.domain.bars import Bars
from stockjobs.domain.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.statements import upsert


@dataclass(frozen=True)
class Landing:
    """Good bars of one instrument at one interval, oldest first.

    `since` is where the window that was asked for begins; None where it began at the stored position.
    """

    instrument_id: int
    interval: Interval
    bars: Bars
    since: datetime | None = None


_COLUMNS = ("instrument_id", "interval_s", "at", "open", "high", "low", "close", "volume", "provisional", "landing_id")
_VALUES = _COLUMNS[3:-1]
_KEY = "instrument_id, interval_s, at"
_ON_CONFLICT = f"""
ON CONFLICT ({_KEY}) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[3:])}
WHERE (bars.provisional OR NOT excluded.provisional)
AND ({", ".join(f"bars.{name}" for name in _VALUES)}) IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _VALUES)})"""


def land(connection: Connection, landings: Sequence[Landing], now: datetime, *, landing: Callable[[], int]) -> int:
    """Write bars, in the caller's transaction. Returns how many were new or differed; equal ones are not written.

    A bar that is final is not replaced by a provisional one, which must be older news.
    """
    # Always in the same order, so that two landings of the same bars never wait for each other in a circle.
    ordered = sorted(
        (one for one in landings if len(one.bars)), key=lambda one: (one.instrument_id, one.interval.seconds)
    )
    if not ordered:
        return 0
    by_copy = connection.dialect.name == "postgresql"
    written = (_land_postgresql if by_copy else _land_sqlite)(connection, ordered, landing())
    for one in ordered:
        _move_position(connection, one, now)
    return written


def _land_postgresql(connection: Connection, landings: Sequence[Landing], number: int) -> int:
    cursor = connection.connection.cursor()
    cursor.execute("CREATE TEMP TABLE IF NOT EXISTS landing (LIKE bars INCLUDING DEFAULTS)")
    cursor.execute("TRUNCATE landing")
    with cursor.copy(f"COPY landing ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
        for row in _rows(landings, number, lambda second: datetime.fromtimestamp(second, UTC)):
            copy.write_row(row)
    columns = ", ".join(_COLUMNS)
    cursor.execute(
        f"INSERT INTO bars SELECT DISTINCT ON ({_KEY}) {columns} FROM landing ORDER BY {_KEY} {_ON_CONFLICT}"
    )
    written = cursor.rowcount
    cursor.close()
    return written


def _land_sqlite(connection: Connection, landings: Sequence[Landing], number: int) -> int:
    # SQLite spells the comparison of two rows IS NOT.
    on_conflict = _ON_CONFLICT.replace("IS DISTINCT FROM", "IS NOT")
    marks = ", ".join("?" * len(_COLUMNS))
    cursor = connection.connection.cursor()
    cursor.executemany(
        f"INSERT INTO bars ({', '.join(_COLUMNS)}) VALUES ({marks}) {on_conflict}",
        list(_rows(landings, number, lambda second: second)),
    )
    written = cursor.rowcount
    cursor.close()
    return max(written, 0)


def _rows(landings: Sequence[Landing], number: int, time: Any) -> Iterator[tuple[Any, ...]]:
    for landing in landings:
        bars = landing.bars
        volumes = (None if volume < 0 else volume for volume in bars.volume.tolist())
        columns = (getattr(bars, name).tolist() for name in ("open", "high", "low", "close"))
        rows = zip(
            (time(second) for second in bars.at.tolist()), *columns, volumes, bars.provisional.tolist(), strict=True
        )
        for row in rows:
            yield (landing.instrument_id, landing.interval.seconds, *row, number)


def _move_position(connection: Connection, landing: Landing, now: datetime) -> None:
    """Move the position on, unless there is a hole between it and what has landed: the next run would leave it for ever."""
    table = tables.positions
    newest = datetime.fromtimestamp(int(landing.bars.at[-1]), UTC)
    key = (table.c.instrument_id == landing.instrument_id, table.c.interval_s == landing.interval.seconds)
    is_behind = table.c.newest_at < newest
    if landing.since is not None:
        moved = update(table).where(*key, is_behind, table.c.newest_at >= landing.since)
        connection.execute(moved.values(newest_at=newest, updated_at=now))
        return
    row = {"instrument_id": landing.instrument_id, "interval_s": landing.interval.seconds}
    insert = upsert(connection, table).values(**row, newest_at=newest, updated_at=now)
    changed = {"newest_at": insert.excluded.newest_at, "updated_at": insert.excluded.updated_at}
    connection.execute(insert.on_conflict_do_update(index_elements=list(row), set_=changed, where=is_behind))


def newest(connection: Connection, instruments: Sequence[int], interval: Interval) -> dict[int, datetime]:
    """The time of the newest stored bar of each instrument that has one."""
    table = tables.positions
    query = select(table.c.instrument_id, table.c.newest_at).where(
        table.c.instrument_id.in_(instruments), table.c.interval_s == interval.seconds
    )
    return dict(connection.execute(query).all())


def read(
    connection: Connection, instrument: int, interval: Interval, start: datetime | None, end: datetime | None
) -> Bars:
    """The stored bars of an instrument with start ≤ at < end, oldest first."""
    table = tables.bars
    query = select(table.c.at, *(table.c[name] for name in _VALUES)).where(
        table.c.instrument_id == instrument, table.c.interval_s == interval.seconds
    )
    if start is not None:
        query = query.where(table.c.at >= start)
    if end is not None:
        query = query.where(table.c.at < end)
    rows = connection.execute(query.order_by(table.c.at)).all()
    if not rows:
        return Bars.empty()
    at, opened, high, low, close, volume, provisional = zip(*rows, strict=True)
    return Bars(
        at=np.array([int(time.timestamp()) for time in at], dtype=np.int64),
        open=np.array(opened, dtype=np.float64),
        high=np.array(high, dtype=np.float64),
        low=np.array(low, dtype=np.float64),
        close=np.array(close, dtype=np.float64),
        volume=np.array([-1 if amount is None else amount for amount in volume], dtype=np.int64),
        provisional=np.array(provisional, dtype=np.bool_),
    )
