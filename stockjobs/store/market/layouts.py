"""How the table of bars lies in the database: shown, switched, and kept ahead of the years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from sqlalchemy import Connection, func, select, text
from sqlalchemy import exc as sql

from stockjobs.domain.market.layouts import Layout, Partition, next_partitions, partitions
from stockjobs.errors import Conflict, InvalidInput
from stockjobs.store import tables
from stockjobs.store.market import holders, hypertable, owners

_KEY = "instrument_id, interval_s, at"
_ONE_AT_A_TIME = 0x62617273
"""The advisory lock under which the bars of one database are moved."""
_REST = "bars_rest"
"""The default partition: bars of years that nobody foresaw land there, and move when their year gets its own."""
_PATIENCE = "1s"
"""So long a new partition waits for readers: it comes a year before it is needed, and who comes behind it waits as well."""


@dataclass(frozen=True)
class Storage:
    """How the bars lie now; `bytes` with their index, 0 where the database does not tell."""

    layout: Layout
    partitions: Sequence[str]
    bytes: int


def shown(connection: Connection) -> Storage:
    """How the bars lie now."""
    if connection.dialect.name != "postgresql":
        return Storage(Layout.PLAIN, (), 0)
    # What is seen of the catalogue stays so until it is told.
    connection.execute(text("LOCK TABLE bars IN ACCESS SHARE MODE"))
    if (layout := _layout(connection)) is Layout.TIMESCALE:
        return Storage(layout, (), hypertable.size(connection, "bars"))
    names = _partitions(connection)
    every = ", ".join(f"('{name}')" for name in ["bars", *names])
    size = f"SELECT sum(pg_total_relation_size(name::regclass)) FROM (VALUES {every}) AS found (name)"
    return Storage(layout, names, int(connection.execute(text(size)).scalar_one()))


def switch(connection: Connection, layout: Layout, now: datetime) -> int:
    """Move all bars into a table that lies otherwise, in the caller's transaction. Returns how many.

    Nobody else can read or write bars meanwhile. Table and view keep their owners, and others their rights on them. Raises
    InvalidInput where the database or its user cannot do it, Conflict where other views stand on the table, Busy where
    somebody has read or written bars for longer than `lock_timeout`.
    """
    if connection.dialect.name != "postgresql":
        raise InvalidInput.because(
            "db storage", "SQLite has one table of bars, in the order of its key", "use PostgreSQL"
        )
    _after_each_other(connection)
    if layout is Layout.TIMESCALE:
        hypertable.check(connection)
    if _layout(connection) is layout:
        raise Conflict(f"bars lie as {layout} already")
    owners.stay_beside(connection, "bars")
    definition = connection.execute(text("SELECT pg_get_viewdef('symbol_bars')")).scalar_one()
    table, view = _owned(connection, "bars"), _owned(connection, "symbol_bars")
    with holders.waited_for(connection):
        # The view before its table, as whoever reads it takes them: else each would wait for the other.
        owners.become(connection, view)
        _drop(connection, "VIEW symbol_bars")
        owners.become(connection, table)
        _run(connection, "LOCK TABLE bars IN ACCESS EXCLUSIVE MODE")
    moved = _move(connection, layout, now)
    _run(connection, *table.grants, "ANALYZE bars")
    owners.become(connection, view)
    _run(connection, f"CREATE VIEW symbol_bars AS {definition}", *view.grants)
    return moved


def extend(connection: Connection, now: datetime) -> Sequence[str]:
    """Give this year and the next their partitions, with what landed in the default one meanwhile. Returns the new ones.

    Raises InvalidInput where that cannot be done as the owner, Busy where somebody goes on reading or writing bars.
    """
    if connection.dialect.name != "postgresql" or not _is_partitioned(connection):
        return ()
    if not (missing := next_partitions(frozenset(_partitions(connection)), now)):
        return ()
    _run(connection, f"SET LOCAL lock_timeout = '{_PATIENCE}'")
    # Two beats may see the same, and somebody may move the bars.
    _one_at_a_time(connection)
    if not _is_partitioned(connection):
        return ()
    owners.stay_beside(connection, "bars")
    with holders.waited_for(connection):
        owners.become(connection, owners.of(connection, "bars"))
        _run(connection, f"LOCK TABLE {_REST} IN ACCESS EXCLUSIVE MODE")
    known = frozenset(_partitions(connection))
    missing = [one for one in missing if one.name not in known]
    for one in missing:
        within = f"at >= {_literal(one.start)} AND at < {_literal(one.end)}"
        _run(
            connection,
            f"CREATE TABLE {one.name} (LIKE bars INCLUDING DEFAULTS INCLUDING COMMENTS)",
            f"WITH moved AS (DELETE FROM {_REST} WHERE {within} RETURNING *) INSERT INTO {one.name} SELECT * FROM moved",
            f"ALTER TABLE bars ATTACH PARTITION {one.name} {_bounds(one)}",
        )
    return [one.name for one in missing]


def _owned(connection: Connection, name: str) -> owners.Rights:
    """The rights on what is made anew; refused where that cannot be done as its owner."""
    rights = owners.of(connection, name)
    owners.become(connection, rights)
    owners.check_making(connection)
    return rights


def _move(connection: Connection, layout: Layout, now: datetime) -> int:
    oldest = connection.execute(select(func.min(tables.bars.c.at))).scalar()
    _run(
        connection,
        "ALTER TABLE bars RENAME TO bars_before",
        "ALTER TABLE bars_before RENAME CONSTRAINT pk_bars TO pk_before",
    )
    _create(connection, layout, oldest, now)
    # In the order of the key, so that bars of one symbol lie together.
    moved = connection.execute(text(f"INSERT INTO bars SELECT * FROM bars_before ORDER BY {_KEY}")).rowcount
    if layout is not Layout.TIMESCALE:
        _run(connection, f"ALTER TABLE bars ADD CONSTRAINT pk_bars PRIMARY KEY ({_KEY})")
    _drop(connection, "TABLE bars_before")
    return moved


def _after_each_other(connection: Connection) -> None:
    """Wait for somebody else who moves the bars, however long that takes."""
    patience = connection.execute(text("SELECT current_setting('lock_timeout')")).scalar_one()
    _run(connection, "SET LOCAL lock_timeout = 0")
    _one_at_a_time(connection)
    _run(connection, f"SET LOCAL lock_timeout = '{patience}'")


def _one_at_a_time(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})


def _layout(connection: Connection) -> Layout:
    if hypertable.is_one(connection, "bars"):
        return Layout.TIMESCALE
    return Layout.PARTITIONS if _is_partitioned(connection) else Layout.PLAIN


def _create(connection: Connection, layout: Layout, oldest: datetime | None, now: datetime) -> None:
    like = "CREATE TABLE bars (LIKE bars_before INCLUDING DEFAULTS INCLUDING COMMENTS)"
    if layout is not Layout.PARTITIONS:
        _run(connection, like)
        if layout is Layout.TIMESCALE:
            _run(connection, f"ALTER TABLE bars ADD CONSTRAINT pk_bars PRIMARY KEY ({_KEY})")
            hypertable.make(connection, "bars")
        return
    _run(connection, f"{like} PARTITION BY RANGE (at)")
    for one in partitions(oldest, now):
        _run(connection, f"CREATE TABLE {one.name} PARTITION OF bars {_bounds(one)}")
    _run(connection, f"CREATE TABLE {_REST} PARTITION OF bars DEFAULT")


def _partitions(connection: Connection) -> list[str]:
    query = """SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent = 'bars'::regclass AND child.relispartition ORDER BY 1"""
    return list(connection.execute(text(query)).scalars())


def _is_partitioned(connection: Connection) -> bool:
    kind = text("SELECT relkind FROM pg_class WHERE oid = 'bars'::regclass")
    return bool(connection.execute(kind).scalar() in ("p", b"p"))


def _bounds(one: Partition) -> str:
    return f"FOR VALUES FROM ({_literal(one.start)}) TO ({_literal(one.end)})"


def _literal(at: datetime | None) -> str:
    return "MINVALUE" if at is None else f"timestamptz '{at.isoformat()}'"


def _drop(connection: Connection, what: str) -> None:
    try:
        _run(connection, f"DROP {what}")
    except sql.DatabaseError as error:
        if not isinstance(error.orig, psycopg.errors.DependentObjectsStillExist):
            raise
        detail = error.orig.diag.message_detail or "something"
        raise Conflict(f"{detail.partition(chr(10))[0]}: drop it, switch, and make it again") from error


def _run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)
