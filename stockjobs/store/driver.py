"""The driver's own cursors, for what SQLAlchemy has no words for; their errors are translated as SQLAlchemy's are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy import exc as sql


@contextmanager
def cursor(connection: Connection, **options: object) -> Iterator[Any]:
    """A cursor of the driver, in the connection's transaction. Raises SQLAlchemy's errors, so that the edge knows them."""
    try:
        with closing(connection.connection.cursor(**options)) as found:
            yield found
    except psycopg.OperationalError as error:
        raise sql.OperationalError(None, None, error) from error
    except sqlite3.OperationalError as error:
        raise sql.OperationalError(None, None, error) from error
