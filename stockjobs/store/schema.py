"""Bringing a database to the schema of this program, with Alembic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text

from stockjobs.errors import InvalidInput
from stockjobs.store import revisions
from stockjobs.store.database import Database

_ONE_AT_A_TIME = 5_720_260_001
"""The advisory lock under which migrations of one PostgreSQL database run."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrate up. Safe to call from many processes at once, and when there is nothing to do. Raises InvalidInput."""
    with _translated(revision), database.begin() as connection:
        _one_at_a_time(connection)
        revisions.current(connection)
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Migrate down to a revision; `base` removes everything. Raises InvalidInput for one that is not known."""
    with _translated(revision), database.begin() as connection:
        _one_at_a_time(connection)
        command.downgrade(_config(connection), revision)


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


def _one_at_a_time(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # However long another's migration takes.
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
