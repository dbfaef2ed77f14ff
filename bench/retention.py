"""Whether removing old history disturbs the lanes: how long offering and claiming take beside it, and without it.

    python -m bench.retention [--occurrences 1000000] [--seconds 40] [--databases sqlite,postgresql]

One process removes, at beat's pace (100 ms between two steps) and as fast as `stockctl prune` does (20 ms). This one offers
tasks, a window at a time, claims each and ends it, as beat and the workers do. With and without removing take turns every few
seconds, so that whatever else the machine does falls on both. Milliseconds of the clock.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, insert, select

from bench.history import databases, fill
from stockjobs.domain import ids
from stockjobs.domain.periods import parse_period
from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.retention import Retention
from stockjobs.domain.work.states import State
from stockjobs.services.work.maintenance import Maintenance
from stockjobs.services.work.offering import Offering
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.ledger import claims
from stockjobs.store.ledger.claims import Result, Then

TURN_S = 4.0
PENDING = 100_000
WINDOW = 64
PACES = {"beat": 0.1, "by hand": 0.02}
LEASE = timedelta(seconds=30)


@dataclass
class Basket:
    """Takes messages in place of Redis."""

    knocks: list[Knock] = field(default_factory=list)

    def publish(self, knocks: Sequence[Knock]) -> None:
        """Keep them."""
        self.knocks.extend(knocks)


@dataclass
class Times:
    """Milliseconds of each deed."""

    offers: list[float] = field(default_factory=list)
    claims: list[float] = field(default_factory=list)


def wait_for_work(database: Database) -> None:
    """One occurrence with many pending tasks."""
    now, occurrence = datetime.now(UTC), uuid4()
    row = {"id": occurrence, "job_id": ids.job_id("J000"), "version": 1, "key": "open", "scheduled_for": now}
    task = {"occurrence_id": occurrence, "job_id": ids.job_id("J000"), "provider": "yahoo", "symbols": ["AAPL"]}
    counters = dict.fromkeys(("failures", "deferrals", "crashes"), 0)
    common = {**task, **counters, "about": now, "priority": 5, "state": "queued", "run_at": now, "number": 1}
    with database.begin() as connection:
        connection.execute(insert(tables.occurrences).values(**row, state="running", submitter="bench", created_at=now))
        for start in range(0, PENDING, 10_000):
            rows = [
                {**common, "id": uuid4(), "key": str(start + n), "created_at": now + timedelta(microseconds=start + n)}
                for n in range(10_000)
            ]
            connection.execute(insert(tables.tasks), rows)


def remove(url: str, pause_s: float, may_go: Event, is_over: Event, removed: multiprocessing.Queue[int]) -> None:
    """Remove all that is older than a month whenever it is our turn."""
    database = Database(url)
    month = parse_period("P30D")
    total = 0
    for step in Maintenance(database, Retention(month, month)).prune(by="bench"):
        total += step.occurrences
        time.sleep(pause_s)
        while not may_go.wait(0.1):
            if is_over.is_set():
                break
        if is_over.is_set():
            break
    removed.put(total)
    database.dispose()


def work(database: Database, offering: Offering, basket: Basket, until: float, times: Times) -> None:
    """Offer, claim and end tasks until a time."""
    while time.monotonic() < until:
        began = time.perf_counter()
        offering.offer()
        times.offers.append((time.perf_counter() - began) * 1_000)
        while basket.knocks and time.monotonic() < until:
            knock = basket.knocks.pop()
            began = time.perf_counter()
            with database.begin() as connection:
                now = database.now(connection)
                claim = claims.claim(connection, knock.task_id, 1, knock.lane, worker="w", now=now, lease=LEASE)
            times.claims.append((time.perf_counter() - began) * 1_000)
            if claim is not None:
                with database.begin() as connection:
                    claims.end(connection, claim, Result(State.COMPLETED), Then(State.COMPLETED), now)


def measure(url: str, pause_s: float, seconds: float) -> tuple[Times, Times, float]:
    """The times without and with removing, and how many occurrences went a second."""
    may_go, is_over = multiprocessing.Event(), multiprocessing.Event()
    removed: multiprocessing.Queue[int] = multiprocessing.Queue()
    remover = multiprocessing.Process(target=remove, args=(url, pause_s, may_go, is_over, removed))
    database, basket = Database(url), Basket()
    offering = Offering(database, basket, WINDOW)  # type: ignore[arg-type]
    without, beside, removing_s = Times(), Times(), 0.0
    remover.start()
    for turn in turns(seconds):
        (may_go.set if turn else may_go.clear)()
        removing_s += TURN_S if turn else 0.0
        work(database, offering, basket, time.monotonic() + TURN_S, beside if turn else without)
    is_over.set()
    count = removed.get(timeout=60)
    remover.join()
    database.dispose()
    return without, beside, count / removing_s


def turns(seconds: float) -> Iterator[bool]:
    """Whether it is the remover's turn."""
    for number in range(max(int(seconds / TURN_S), 2)):
        yield bool(number % 2)


def cells(without: list[float], beside: list[float]) -> list[str]:
    """Median and 99th percentile of both, and the ratio of the medians."""
    both = [f"{median(found):.2f} / {quantiles(found, n=100)[98]:.1f}" for found in (without, beside)]
    return [*both, f"{median(beside) / median(without):.2f}"]


def main() -> None:
    """Measure, and show it as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--occurrences", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--databases", default="sqlite,postgresql")
    given = parser.parse_args()
    table = Table("database", "pace", "deed", "without: median / p99", "beside: median / p99", "ratio", "removed/s")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        databases(Path(folder), given.databases.split(",")) as urls,
    ):
        for kind, url in urls.items():
            database = Database(url)
            fill(database, given.occurrences)
            wait_for_work(database)
            for pace, pause_s in PACES.items():
                without, beside, speed = measure(url, pause_s, given.seconds)
                table.add_row(kind, pace, "offer a window", *cells(without.offers, beside.offers), f"{speed:,.0f}")
                table.add_row(kind, pace, "claim", *cells(without.claims, beside.claims), "")
            with database.read() as connection:
                left = connection.execute(select(func.count()).select_from(tables.occurrences)).scalar_one()
            table.add_row(kind, "", "occurrences left", f"{left:,}", "", "", "")
            database.dispose()
    Console().print(table)


if __name__ == "__main__":
    main()
