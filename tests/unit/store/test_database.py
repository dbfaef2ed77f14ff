"""The connection to SQL: which URLs are taken, and what errors look like."""

from __future__ import annotations

import sqlite3
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from stockjobs.errors import InvalidInput, Unreachable
from stockjobs.store import tables
from stockjobs.store.database import Database, database_clock, parse_url

SECRET = "S3CR3T"


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("sqlite:///stockjobs.db", "sqlite:///stockjobs.db"),
        ("sqlite+pysqlite:////var/x.db", "sqlite:////var/x.db"),
        ("postgresql://me:pw@db/x", "postgresql+psycopg://me:pw@db/x"),
        ("postgres://me:pw@db:5433/x", "postgresql+psycopg://me:pw@db:5433/x"),
        ("postgresql+psycopg2://db/x?sslmode=require", "postgresql+psycopg://db/x?sslmode=require"),
        ("postgresql:///x?host=/run/postgresql", "postgresql+psycopg:///x?host=%2Frun%2Fpostgresql"),
        ("postgresql://me:p%40s%2Fs@db/x", "postgresql+psycopg://me:p%40s%2Fs@db/x"),
    ],
)
def test_a_url_is_read_for_the_driver_that_is_installed(url: str, read: str) -> None:
    assert parse_url(url).render_as_string(hide_password=False) == read


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "has no scheme"),
        (f"me:{SECRET}@db/x", "has no scheme"),
        (f"mysql://me:{SECRET}@db/x", "mysql:// is not a database that stockjobs knows"),
        (f"postgresql+asyncpg://me:{SECRET}@db/x", "is not a database that stockjobs knows"),
        ("sqlite+pysqlcipher:///x", "is not a database that stockjobs knows"),
        (f"postgresql://me:{SECRET}@db:abc/x", "check its port and password"),
        (f"postgresql://me:{SECRET}@db:99999/x", "check its port and password"),
        (f"postgresql://me:{SECRET}@[::1/x", "check its port and password"),
        (f"postgresql://me:{SECRET}@x@db/x", "needs a host and the name of a database"),
        (f"postgresql://me:{SECRET}@/x", "needs a host and the name of a database"),
        (f"postgresql://me:{SECRET}@db", "needs a host and the name of a database"),
        ("sqlite://", "an in-memory SQLite cannot be shared by processes"),
        ("sqlite:///:memory:", "an in-memory SQLite cannot be shared by processes"),
        ("sqlite:///file::memory:?uri=true", "an in-memory SQLite cannot be shared by processes"),
        ("sqlite:///file:x?mode=memory&uri=true", "an in-memory SQLite cannot be shared by processes"),
    ],
)
def test_a_bad_url_is_refused_with_the_cure_and_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=rf"DATABASE_URL: .*{reason}.*sqlite:///stockjobs.db") as caught:
        parse_url(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value, chain=not caught.value.__suppress_context__))


def test_a_missing_folder_is_made_at_the_first_transaction(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/deep/x.db")
    assert not (tmp_path / "new").exists()
    with database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    database.dispose()
    assert (tmp_path / "new" / "deep" / "x.db").exists()


def refusal(url: str) -> str:
    database = Database(url)
    with pytest.raises(InvalidInput) as caught, database.begin():
        pass
    database.dispose()
    return str(caught.value)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "the folder" in refusal(f"sqlite:///{tmp_path}/file/x.db")
    assert "cannot be made" in refusal(f"sqlite:///{tmp_path}/file/deep/x.db")


def test_a_path_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is a folder (name a file in it)" in refusal(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database " * 500)
    assert "is not a SQLite database (choose another path" in refusal(f"sqlite:///{path}")
    assert path.read_text() == "no database " * 500


@pytest.mark.parametrize(
    "url", [f"postgresql://me:{SECRET}@127.0.0.1:1/x", f"postgresql://127.0.0.1:1/x?user=me&password={SECRET}"]
)
def test_a_server_that_is_away_is_unreachable_in_one_line_without_the_password(url: str) -> None:
    database = Database(url)
    with pytest.raises(Unreachable, match=r"database postgresql.*127\.0\.0\.1:1/x.*refused") as caught, database.read():
        pass
    database.dispose()
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def ask_for_many(database: Database) -> None:
    with database.read() as connection:
        driver = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        jobs = tables.jobs
        connection.execute(select(jobs.c.id).where(jobs.c.version.in_(range(70_000))))


def test_a_statement_with_too_many_parameters_is_no_outage(database: Database) -> None:
    """Nobody waits for it to be taken one day: whoever landed data finds out whose it was."""
    with pytest.raises(OperationalError, match=r"number of parameters|too many SQL variables"):
        ask_for_many(database)


def insert_and_fail(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        raise RuntimeError


def test_an_error_in_a_transaction_rolls_it_back(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
    with pytest.raises(RuntimeError):
        insert_and_fail(database)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
    database.dispose()


def test_sqlite_is_safe_for_many_processes(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.read() as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]
    database.dispose()
    assert found == ["wal", 1, 30_000]


def test_a_reader_waits_for_no_writer(sqlite_url: str) -> None:
    writing, reading = Database(sqlite_url), Database(sqlite_url)
    with writing.begin() as writer:
        writer.execute(text("CREATE TABLE t (x INTEGER)"))
        with reading.read() as reader:
            assert reader.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 't'")).scalar_one() == 0
    writing.dispose()
    reading.dispose()


def test_the_database_s_clock_is_aware_and_utc(sqlite_url: str) -> None:
    database = Database(sqlite_url, clock=database_clock)
    with database.read() as connection:
        offset = database.now(connection).utcoffset()
    database.dispose()
    assert offset is not None
    assert not offset


def test_the_kind_of_a_database_follows_from_its_url() -> None:
    assert Database("postgresql://db/x").is_postgresql
    assert not Database("sqlite:///x.db").is_postgresql


def test_threads_that_begin_together_share_one_engine(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/shared.db")
    with ThreadPoolExecutor(16) as pool:
        engines = set(pool.map(lambda _: database.engine, range(64)))
    assert len(engines) == 1
    database.dispose()
