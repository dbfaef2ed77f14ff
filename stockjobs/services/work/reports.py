"""Reports: what people and programs ask about, read from the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.dependencies import Awaited
from stockjobs.domain.work.filters import EVERYTHING, Filter
from stockjobs.domain.work.jobs import JobSpec
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.pace import Progress, progress_of
from stockjobs.domain.work.states import ENDED, State
from stockjobs.errors import NotFound, SchemaMismatch
from stockjobs.services.work.unserved import A_WHILE, Unserved, unserved
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, filters, lanes, occurrences, tallies, tasks, throughput, waits, workers
from stockjobs.store.ledger.definitions import Job
from stockjobs.store.ledger.lanes import LaneCount
from stockjobs.store.ledger.occurrences import Occurrence
from stockjobs.store.ledger.redriving import FAILED
from stockjobs.store.ledger.tasks import Attempt, Task
from stockjobs.store.ledger.workers import Worker
from stockjobs.store.market import elsewhere, freshness, holdings, instruments, reading
from stockjobs.store.market.freshness import Kept
from stockjobs.store.market.holdings import Holding
from stockjobs.store.market.instruments import Instrument

_POLL_S = 0.2
_LOOK_S = 1.0


@dataclass(frozen=True)
class JobReport:
    """A job with its newest occurrence."""

    job: Job
    last: Occurrence | None
    freshness: Kept | None = None
    """What was last found of the age of its newest bars; None for a job without a target."""


@dataclass(frozen=True, repr=False)
class OccurrenceReport:
    """An occurrence with how far it is, and, where asked for, its tasks and their attempts, those that failed first."""

    occurrence: Occurrence
    tasks: dict[State, int]
    rows_written: int
    details: Sequence[tuple[Task, Sequence[Attempt]]] = field(default=())
    waits_for: Sequence[Awaited] = field(default=())
    """What it waits for, or waited for before it started; read where one occurrence is asked for, as are the next two."""
    spec: JobSpec | None = None
    """The definition that it runs, with its description and its tags."""
    labels: dict[str, str] = field(default_factory=dict)
    progress: Progress | None = None
    """How much of an open one is done, and when it will have ended; read where one occurrence is asked for."""
    rows_aside: int = 0
    """How many rows came and were set aside."""

    def __str__(self) -> str:
        one = self.occurrence
        tasks = ", ".join(f"{count:,} {state}" for state, count in self.tasks.items()) or "none"
        why = f": {one.reason}" if one.reason else ""
        aside = f"; set aside: {self.rows_aside:,}" if self.rows_aside else ""
        rows = f"rows written: {self.rows_written:,}{aside}"
        return f"occurrence {one.id} of {one.job} {one.state}{why} (tasks: {tasks}; {rows})"

    __repr__ = __str__

    @property
    def has_ended(self) -> bool:
        """True once nothing of it will run any more."""
        return self.occurrence.state in ENDED

    @property
    def state(self) -> State:
        """The state of the occurrence."""
        return self.occurrence.state

    @property
    def symbols(self) -> int:
        """How many symbols were collected, or had nothing to ask for; known once it has ended."""
        return self.occurrence.symbols or 0

    @property
    def attempts(self) -> Sequence[Attempt]:
        """The attempts of its tasks, as far as they were read: requests, rows received, written and set aside, the error."""
        return [attempt for _, attempts in self.details for attempt in attempts]

    @property
    def errors(self) -> Sequence[str]:
        """What went wrong: the errors of the attempts, or why it never started."""
        found = [attempt.error for attempt in self.attempts if attempt.error]
        if self.state is State.COMPLETED:
            return found
        return found or ([self.occurrence.reason] if self.has_ended and self.occurrence.reason else [])


def _report(occurrence: Occurrence, tasks: dict[State, int], open_rows: Mapping[UUID, int]) -> OccurrenceReport:
    """An ended occurrence keeps the rows that it wrote; those of an open one are counted."""
    kept = occurrence.rows_written
    return OccurrenceReport(occurrence, tasks, open_rows.get(occurrence.id, 0) if kept is None else kept)


def _progress(connection: Connection, occurrence: Occurrence, now: datetime) -> Progress:
    found = throughput.of_occurrence(connection, occurrence.id)
    return progress_of(found.work, found.latest, occurrence.started_at, now=now, next_try_at=found.next_try_at)


def _spec(connection: Connection, occurrence: Occurrence) -> JobSpec | None:
    """The definition that an occurrence runs; None if this program cannot read it, which is no reason to show nothing."""
    try:
        return definitions.spec_of(connection, occurrence.job_id, occurrence.version)
    except SchemaMismatch:
        return None


def _details(connection: Connection, occurrence: UUID, limit: int) -> list[tuple[Task, Sequence[Attempt]]]:
    """Tasks with their attempts. What failed comes first, as it is what most want to know, and there may be more than `limit`."""
    found: list[Task] = []
    for states in (FAILED, [state for state in State if state not in FAILED]):
        if len(found) < limit:
            found.extend(tasks.find(connection, occurrence=occurrence, states=states, limit=limit - len(found)))
    attempts = tasks.attempts_of(connection, [task.id for task in found])
    return [(task, attempts[task.id]) for task in found]


def _narrowed(wanted: Filter, job: str | None, states: Sequence[State]) -> Filter:
    return replace(wanted, job=wanted.job if job is None else job, states=tuple(states) or wanted.states)


class Reports:
    """Answers questions; changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> datetime:
        """The database's time."""
        with self._database.read() as connection:
            return self._database.now(connection)

    def jobs(self) -> list[JobReport]:
        """All jobs, by name."""
        with self._database.read() as connection:
            newest = occurrences.newest_of_each(connection)
            fresh = freshness.stored(connection)
            return [
                JobReport(job, newest.get(job.id), fresh.get(job.id) if job.spec.freshness else None)
                for job in definitions.every(connection)
            ]

    def job(self, name: str) -> JobReport:
        """One job. Raises NotFound."""
        with self._database.read() as connection:
            job = definitions.get(connection, name)
            newest = occurrences.newest(connection, job=job.id, limit=1)
            fresh = freshness.stored(connection).get(job.id) if job.spec.freshness else None
            return JobReport(job, newest[0] if newest else None, fresh)

    def occurrences(
        self, wanted: Filter = EVERYTHING, *, job: str | None = None, states: Sequence[State] = (), limit: int = 50
    ) -> list[OccurrenceReport]:
        """The newest occurrences that are meant; of one job, in some states. Raises NotFound for a job that never was."""
        wanted = _narrowed(wanted, job, states)
        with self._database.read() as connection:
            conditions = filters.of_occurrences(connection, wanted, self._database.now(connection))
            found = occurrences.newest(connection, *conditions, limit=limit)
            counts = tallies.tasks_by_state(connection, [one.id for one in found])
            rows = tallies.rows_written(connection, [one.id for one in found if one.rows_written is None])
            aside = tallies.rows_aside(connection, [one.id for one in found])
            reports = [_report(one, counts[one.id], rows) for one in found]
            return [replace(report, rows_aside=aside.get(report.occurrence.id, 0)) for report in reports]

    def occurrence(self, text: str, *, with_tasks: int = 0) -> OccurrenceReport:
        """One occurrence by its id or the beginning of it, with so many of its tasks. Raises NotFound."""
        with self._database.read() as connection:
            one = occurrences.get_by_prefix(connection, text)
            details = _details(connection, one.id, with_tasks)
            counts = tallies.tasks_by_state(connection, [one.id])[one.id]
            report = _report(one, counts, tallies.rows_written(connection, [one.id]))
            report = replace(report, rows_aside=tallies.rows_aside(connection, [one.id]).get(one.id, 0))
            awaited = waits.awaited_by(connection, [one.id])[one.id]
            about = definitions.labels_of(connection, one.job_id, one.version)
            spec = _spec(connection, one)
            progress = None if report.has_ended else _progress(connection, one, self._database.now(connection))
            return replace(report, details=details, waits_for=awaited, spec=spec, labels=about, progress=progress)

    def tasks(
        self,
        wanted: Filter = EVERYTHING,
        *,
        job: str | None = None,
        occurrence: str | None = None,
        states: Sequence[State] = (),
        limit: int = 100,
    ) -> Sequence[Task]:
        """The newest tasks of the occurrences that are meant; of one job, of one occurrence, in some states. Raises NotFound."""
        wanted = _narrowed(wanted, job, states)
        with self._database.read() as connection:
            part_of = occurrences.get_by_prefix(connection, occurrence).id if occurrence else None
            conditions = filters.of_tasks(connection, wanted, self._database.now(connection))
            return tasks.find(connection, *conditions, occurrence=part_of, limit=limit)

    def lanes(self) -> dict[Lane, LaneCount]:
        """How much work waits and runs in each lane."""
        with self._database.read() as connection:
            return lanes.counts(connection, self._database.now(connection))

    def workers(self) -> Sequence[Worker]:
        """The workers that showed themselves lately."""
        with self._database.read() as connection:
            return workers.seen_since(connection, self._database.now(connection) - workers.GONE_AFTER)

    def holdings(self, symbols: Sequence[str] = ()) -> Sequence[Holding]:
        """What is stored, per symbol and interval."""
        with self._database.read() as connection:
            return holdings.stored(connection, symbols)

    def bars(
        self, provider: str, symbol: str, interval: Interval, start: datetime | None = None, end: datetime | None = None
    ) -> tuple[Instrument, Bars]:
        """The stored bars of one symbol with start ≤ at < end, oldest first. Raises NotFound for an unknown symbol."""
        with self._database.read() as connection:
            known = instruments.by_symbol(connection, provider, [symbol])
            if symbol not in known:
                [why] = elsewhere.elsewhere(connection, provider, [symbol])
                raise NotFound(str(why))
            return known[symbol], reading.read(connection, known[symbol].id, interval, start, end)

    def unserved(self, occurrence: UUID, *, at_once: bool = False) -> Unserved | None:
        """What nobody takes of an occurrence, though it is due, for a while or just now; None if there is no such work."""
        return unserved(self._database, occurrence, timedelta(0) if at_once else A_WHILE)

    def wait(
        self,
        occurrence: UUID,
        timeout: timedelta | None = None,
        *,
        on_look: Callable[[OccurrenceReport], None] = lambda _: None,
    ) -> OccurrenceReport:
        """Wait until an occurrence has ended; `on_look` is called with each look at it.

        Raises TimeoutError after `timeout`, NotFound for an unknown one.
        """
        started, looked = time.monotonic(), 0.0
        while True:
            # The state is one row; how far its tasks are is a count of all of them, so that is asked less often.
            with self._database.read() as connection:
                state = occurrences.require(connection, occurrence).state
            waited = time.monotonic() - started
            is_over = timeout is not None and waited > timeout.total_seconds()
            if state in ENDED or is_over or time.monotonic() - looked >= _LOOK_S:
                looked = time.monotonic()
                on_look(self.occurrence(str(occurrence)))
            if state in ENDED:
                return self.occurrence(str(occurrence), with_tasks=1_000)
            if is_over:
                nobody = unserved(self._database, occurrence)
                why = f"; {nobody}" if nobody else ""
                raise TimeoutError(f"occurrence {occurrence} is still {state} after {timeout}{why}")
            time.sleep(_POLL_S)
