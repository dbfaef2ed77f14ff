"""The connection to SQL: one engine a process, short transactions, and foreign errors translated once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy import Connection as Connection  # for services, which know no SQLAlchemy
from sqlalchemy import exc as sql

from stockjobs.domain.masks import mask_secrets
from stockjobs.errors import Busy, InvalidInput, SchemaMismatch, Unreachable

_BUSY_TIMEOUT_S = 30
_CONNECT_TIMEOUT_S = 10
_SCHEMES = ("sqlite", "sqlite+pysqlite", "postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2")
_LARGEST_PORT = 65_535
# What libpq says where waiting will not help; it gives no SQLSTATE for a connection that was never made.
_REFUSALS = ("password authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")
# What the drivers say of a statement with more parameters than there may be: no outage, however often it is taken again.
_TOO_LARGE = ("number of parameters must be between", "too many SQL variables")
# A deadlock, a lock waited for longer than lock_timeout, a row changed under a stricter isolation: the server itself is well.
_CONTENTION = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.SerializationFailure,
)
_SERVER_OPTIONS = " ".join(
    f"-c {option}"
    for option in (
        "timezone=UTC",
        # A process that is frozen, or was cut off, in the middle of a transaction must not keep its locks from the others.
        "idle_in_transaction_session_timeout=20s",
        "lock_timeout=10s",
        "tcp_keepalives_idle=10",
        "tcp_keepalives_interval=5",
        "tcp_keepalives_count=3",
    )
)
_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": _CONNECT_TIMEOUT_S,
    "application_name": "stockjobs",
    "options": _SERVER_OPTIONS,
    # By default a connection to a host that vanished is noticed after two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_ENGINE: dict[str, Any] = {
    # Races are settled by row counts, of inserts too.
    "execution_options": {"preserve_rowcount": True},
    # A statement's error must not print what it was about.
    "hide_parameters": True,
    # As many as there are threads at work: a thread must not wait for a connection while it holds a lease.
    "pool_size": 5,
    "max_overflow": -1,
}


class Clock(Protocol):
    """Tells the time inside a transaction."""

    def __call__(self, connection: Connection) -> datetime:
        """An aware UTC instant."""
        ...


def database_clock(connection: Connection) -> datetime:
    """The database's own clock, so that nodes with wrong clocks agree. SQLite's is this machine's."""
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return now.astimezone(UTC)
    return datetime.now(UTC)


class Database:
    """A database by URL. Opens no connection before the first transaction, and a new engine in a forked child."""

    def __init__(self, url: str, *, clock: Clock = database_clock) -> None:
        self.url = parse_url(url)
        self.now = clock
        self._engine: Engine | None = None
        self._making = threading.Lock()
        self._pid = 0

    @property
    def engine(self) -> Engine:
        """The engine of this process; its threads share one."""
        with self._making:
            if self._engine is None or self._pid != os.getpid():
                if self._engine is not None:
                    self._engine.dispose(close=False)
                self._engine, self._pid = _make_engine(self.url), os.getpid()
            return self._engine

    @property
    def shown(self) -> str:
        """Where it is, without the password."""
        return _shown(self.url)

    @property
    def is_postgresql(self) -> bool:
        """True on PostgreSQL, False on SQLite."""
        return self.url.get_backend_name() == "postgresql"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that writes: committed at the end, rolled back on an error. Raises Unreachable, Busy."""
        with _translated(self.url), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: on SQLite it waits for no writer. Raises Unreachable, Busy."""
        with _translated(self.url), self.engine.connect() as plain:
            connection = plain.execution_options(sqlite_begin="DEFERRED")
            with connection.begin():
                yield connection

    def conninfo(self, **more: str) -> str:
        """How libpq finds the PostgreSQL server, for a driver beside SQLAlchemy: as the engine does, password included."""
        _, given = self.engine.dialect.create_connect_args(self.url)
        options = f"{_SERVER_OPTIONS} {' '.join(f'-c {name}={value}' for name, value in more.items())}"
        given.pop("context", None)  # psycopg's own
        # What the engine overrides in the URL is overridden here too.
        return make_conninfo(**{**given, **_POSTGRESQL, "options": options})

    def dispose(self) -> None:
        """Close all connections of this process."""
        if self._engine is not None and self._pid == os.getpid():
            self._engine.dispose()
        self._engine = None


def parse_url(text: str) -> URL:
    """Check a database URL before any library sees it. Raises InvalidInput, which never holds the password."""
    hint = (
        "such as sqlite:///stockjobs.db or postgresql://USER:PASSWORD@HOST:5432/NAME, '@' and '/' in it as %40 and %2F"
    )
    if "://" not in text:
        raise InvalidInput.because("DATABASE_URL", "has no scheme", hint)
    scheme = text.partition("://")[0]
    if scheme not in _SCHEMES:
        raise InvalidInput.because("DATABASE_URL", f"{scheme}:// is not a database that stockjobs knows", hint)
    try:
        url = make_url(text)
        if not 1 <= (url.port or _LARGEST_PORT) <= _LARGEST_PORT:
            raise ValueError(url.port)
    except (sql.ArgumentError, ValueError):
        raise InvalidInput.because(
            "DATABASE_URL", "cannot be read as a URL: check its port and password", hint
        ) from None
    if url.get_backend_name() == "sqlite":
        return _checked_sqlite(url)
    try:
        make_conninfo(**{name: str(value) for name, value in url.query.items()})
    except psycopg.Error as error:
        raise InvalidInput.because(
            "DATABASE_URL", f"has an option that PostgreSQL does not know: {error}", hint
        ) from None
    host = url.host or url.query.get("host")
    if not host or "@" in host or not url.database:
        raise InvalidInput.because("DATABASE_URL", "needs a host and the name of a database", hint)
    return url.set(drivername="postgresql+psycopg")


def _checked_sqlite(url: URL) -> URL:
    if not url.database or ":memory:" in url.database or url.query.get("mode") == "memory":
        raise InvalidInput.because(
            "DATABASE_URL", "an in-memory SQLite cannot be shared by processes", "give a file: sqlite:///stockjobs.db"
        )
    if url.query:
        option = next(iter(url.query))
        raise InvalidInput.because("DATABASE_URL", f"SQLite takes no option {option!r} here", "give the path alone")
    return url.set(drivername="sqlite")


def _make_engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_pre_ping=True, connect_args=_POSTGRESQL, **_ENGINE)
    _check_folder(Path(str(url.database)))
    engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_S}, **_ENGINE)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _check_folder(path: Path) -> None:
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput.because(
            "DATABASE_URL", f"the folder {folder} cannot be made: {error.strerror}", "choose another path"
        ) from None
    if path.is_dir():
        raise InvalidInput.because("DATABASE_URL", f"{path} is a folder", "name a file in it")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise InvalidInput.because(
            "DATABASE_URL", f"{path} cannot be written", "check its permissions, or choose another path"
        )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: a deferred BEGIN that turns into a write fails at once when busy.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-20000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _shown(url: URL) -> str:
    return mask_secrets(url.render_as_string(hide_password=True))


@contextmanager
def _translated(url: URL) -> Iterator[None]:
    try:
        yield
    except (sql.OperationalError, sql.InterfaceError, sql.TimeoutError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()
        shown = _shown(url)
        if any(too_large in " ".join(reason) for too_large in _TOO_LARGE):
            raise
        if reason and "no such table" in reason[0]:
            raise SchemaMismatch(f"database {shown} has not all tables: run `stockctl db upgrade`") from error
        if any(refusal in " ".join(reason) for refusal in _REFUSALS):
            raise InvalidInput.because(
                "DATABASE_URL", f"{shown}: {reason[0]}", "check user, password and name"
            ) from None
        if isinstance(getattr(error, "orig", None), _CONTENTION):
            raise Busy(f"somebody else holds what this needs in database {shown}: try again ({reason[0]})") from error
        raise Unreachable(f"database {shown}: {reason[0] if reason else 'no answer'}") from error
    except sql.DatabaseError as error:
        if "file is not a database" in str(error.orig):
            hint = "choose another path, or move the file away"
            raise InvalidInput.because("DATABASE_URL", f"{url.database} is not a SQLite database", hint) from None
        raise
