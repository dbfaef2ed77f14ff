"""How long statistics take on a long history.

    python -m bench.counting [--occurrences 1000000] [--databases sqlite,postgresql]

Per row: the median milliseconds of the clock over a few rounds, for the totals and for the table of jobs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.history import databases, fill
from stockjobs.domain.periods import parse_period
from stockjobs.domain.work.filters import EVERYTHING, Filter
from stockjobs.domain.work.retention import Retention
from stockjobs.domain.work.states import State
from stockjobs.services.work.maintenance import Maintenance
from stockjobs.services.work.statistics import StatisticsService
from stockjobs.store.database import Database

ROUNDS = 5
WEEK = datetime.now(UTC) - timedelta(days=7)
CASES = {
    "all": EVERYTHING,
    "a week": Filter(since=WEEK),
    "one job": Filter(job="J001"),
    "one tag": Filter(tag="nightly"),
    "failed": Filter(states=(State.FAILED, State.TIMEOUT)),
}


def measured(deed: Callable[[], object]) -> float:
    """The median milliseconds of a deed."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        deed()
        took.append((time.perf_counter() - began) * 1_000)
    return median(took)


def row(service: StatisticsService, wanted: Filter) -> tuple[str, str, str]:
    """The cells of one case."""
    totals = measured(lambda: service.of(wanted, jobs=0))
    both = measured(lambda: service.of(wanted, jobs=20))
    return f"{totals:,.0f}", f"{both:,.0f}", f"{service.of(wanted, jobs=0).total.count:,}"


def main() -> None:
    """Measure, and show it as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--occurrences", type=int, default=1_000_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    given = parser.parse_args()
    table = Table("database", "occurrences meant", "totals, ms", "totals and jobs, ms", "count")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        databases(Path(folder), given.databases.split(",")) as urls,
    ):
        for kind, url in urls.items():
            database = Database(url)
            fill(database, given.occurrences, details=False)
            service = StatisticsService(database)
            for name, wanted in CASES.items():
                table.add_row(kind, name, *row(service, wanted))
            month = parse_period("P30D")
            maintenance = Maintenance(database, Retention(month, month, at_most=100_000))
            table.add_row(kind, "prune --dry-run", f"{measured(maintenance.prunable):,.0f}", "", "")
            database.dispose()
    Console().print(table)


if __name__ == "__main__":
    main()
