"""The table of bars as a hypertable of TimescaleDB, where the extension is there.

Written by its documentation (https://www.tigerdata.com/docs: create_hypertable, ALTER TABLE (compression),
add_compression_policy); the names of the compression are those that 2.13 has and later releases still take.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from stockjobs.errors import InvalidInput

_LEAST = (2, 13)
"""The first release with `by_range`; data in compressed chunks can be changed since 2.11."""
_CHUNK = "1 year"
_COMPRESSED_AFTER = "90 days"
"""Restatements and late corrections are over by then."""


def check(connection: Connection) -> None:
    """Refuse where the extension is not there, or too old. Raises InvalidInput."""
    query = text("SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'timescaledb'")
    found = connection.execute(query).first()
    if found is None:
        hint = "install it there, or use `stockctl db storage partitions`"
        raise InvalidInput.because("db storage", "this PostgreSQL server has no TimescaleDB", hint)
    if found.installed_version is None:
        hint = "run `CREATE EXTENSION timescaledb` in it as a superuser"
        raise InvalidInput.because("db storage", "TimescaleDB is not enabled in this database", hint)
    if tuple(int(part) for part in found.installed_version.split(".")[:2]) < _LEAST:
        needed = ".".join(map(str, _LEAST))
        raise InvalidInput.because(
            "db storage", f"TimescaleDB {found.installed_version} is older than {needed}", "update it"
        )


def is_one(connection: Connection, table: str) -> bool:
    """True if the table is a hypertable."""
    catalogue = "SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL"
    if not connection.execute(text(catalogue)).scalar():
        return False
    query = text(
        "SELECT count(*) FROM timescaledb_information.hypertables"
        " WHERE hypertable_schema = current_schema AND hypertable_name = :name"
    )
    return bool(connection.execute(query, {"name": table}).scalar())


def size(connection: Connection, table: str) -> int:
    """Bytes of all its chunks, with their indexes."""
    return int(connection.execute(text("SELECT hypertable_size(:name)"), {"name": table}).scalar() or 0)


def make(connection: Connection, table: str) -> None:
    """Make an empty table with its key a hypertable: chunks of a year, compressed by instrument when they are old."""
    settings = "timescaledb.compress_segmentby = 'instrument_id, interval_s', timescaledb.compress_orderby = 'at'"
    for statement in (
        f"SELECT create_hypertable('{table}', by_range('at', INTERVAL '{_CHUNK}'), create_default_indexes => false)",
        f"ALTER TABLE {table} SET (timescaledb.compress, {settings})",
        f"SELECT add_compression_policy('{table}', compress_after => INTERVAL '{_COMPRESSED_AFTER}')",
    ):
        connection.exec_driver_sql(statement)
