"""Bringing a database to the schema of this program, and refusing one that does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from stockjobs.errors import InvalidInput, SchemaMismatch
from stockjobs.store.database import Database

_ONE_AT_A_TIME = 5_720_260_001
"""The advisory lock under which migrations of one PostgreSQL database run."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrate up. Safe to call from many processes at once, and when there is nothing to do. Raises InvalidInput."""
    with _translated(revision), database.begin() as connection:
        _one_at_a_time(connection)
        _refuse_newer(connection)
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Migrate down to a revision; `base` removes everything. Raises InvalidInput for one that is not known."""
    with _translated(revision), database.begin() as connection:
        _one_at_a_time(connection)
        command.downgrade(_config(connection), revision)


def check(database: Database) -> None:
    """Raise SchemaMismatch if the database is not at the revision that this program was written for."""
    with database.read() as connection:
        current = _current(connection)
        _refuse_newer(connection)
    if current != head():
        state = "has no tables yet" if current is None else f"is at the older schema {current}"
        raise SchemaMismatch(f"the database {state}; this program needs {head()}: run `stockctl db upgrade`")


def is_current(database: Database) -> bool:
    """True if nothing is to be migrated."""
    with database.read() as connection:
        return _current(connection) == head()


def head() -> str:
    """The revision that this program was written for."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


@contextmanager
def _translated(revision: str) -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        reason = str(error).partition("\n")[0]
        raise InvalidInput.because(
            "revision", f"{revision!r} cannot be reached: {reason}", "head, base, or a number such as 0001"
        ) from error


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("stockjobs.store") / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(connection: Connection) -> None:
    current = _current(connection)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaMismatch(f"the database is at schema {current}, which this program does not know: update stockjobs")


def _one_at_a_time(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
