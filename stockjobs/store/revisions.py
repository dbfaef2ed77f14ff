"""At which schema a database is, told without the machinery that migrates it: every process asks, few migrate."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from stockjobs.errors import SchemaMismatch
from stockjobs.store.database import Database

KNOWN = ("0001", "0002", "0003", "0004", "0005")
"""Every schema that this program knows, oldest first; the last is the one that it was written for."""

HEAD = KNOWN[-1]


def current(connection: Connection) -> str | None:
    """The revision of a database, None for an empty one. Raises SchemaMismatch for one that is newer than this program."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision is not None and revision not in KNOWN:
        raise SchemaMismatch(
            f"the database is at schema {revision}, which this program does not know: update stockjobs"
        )
    return revision


def is_current(database: Database) -> bool:
    """True if nothing is to be migrated."""
    with database.read() as connection:
        return current(connection) == HEAD


def is_empty(database: Database) -> bool:
    """True for a database in which nothing was ever made."""
    with database.read() as connection:
        return current(connection) is None


def check(database: Database) -> None:
    """Raise SchemaMismatch if the database is not at the revision that this program was written for."""
    with database.read() as connection:
        revision = current(connection)
    if revision != HEAD:
        state = "has no tables yet" if revision is None else f"is at the older schema {revision}"
        raise SchemaMismatch(f"the database {state}; this program needs {HEAD}: run `stockctl db upgrade`")
