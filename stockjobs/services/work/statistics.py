"""Statistics: how often jobs succeed, how long they take and what they bring; and how the whole is loaded at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stockjobs.domain.work.filters import EVERYTHING, Filter
from stockjobs.domain.work.lanes import Lane
from stockjobs.store.database import Database
from stockjobs.store.ledger import lanes, statistics, workers
from stockjobs.store.ledger.lanes import LaneCount
from stockjobs.store.ledger.statistics import Statistics


@dataclass(frozen=True)
class StatisticsReport:
    """The statistics of the occurrences that were meant, in all and for each job, the jobs with the most first."""

    total: Statistics
    jobs: Sequence[Statistics]


@dataclass(frozen=True)
class Load:
    """What is going on at this moment: workers that showed themselves lately, the tasks they have room for, the lanes."""

    workers: int
    slots: int
    lanes: dict[Lane, LaneCount]

    @property
    def running(self) -> int:
        """How many tasks run."""
        return sum(lane.running for lane in self.lanes.values())

    @property
    def waiting(self) -> int:
        """How many tasks are due and wait for a worker."""
        return sum(lane.pending + lane.offered for lane in self.lanes.values())


class StatisticsService:
    """Counts; changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, wanted: Filter = EVERYTHING, *, jobs: int = 100) -> StatisticsReport:
        """The statistics of occurrences, and of so many jobs at the most. Raises NotFound for a job that never was."""
        with self._database.read() as connection:
            now = self._database.now(connection)
            if not jobs:
                return StatisticsReport(statistics.total(connection, wanted, now), [])
            return StatisticsReport(*statistics.of_each_job(connection, wanted, now, jobs))

    def load(self) -> Load:
        """What is going on at this moment."""
        with self._database.read() as connection:
            now = self._database.now(connection)
            fleet = workers.seen_since(connection, now - workers.GONE_AFTER)
            return Load(len(fleet), sum(one.concurrency for one in fleet), lanes.counts(connection, now))
