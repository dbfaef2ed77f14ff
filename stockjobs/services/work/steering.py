"""Steering: what people do to work that is under way, or that has failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.work.filters import Filter
from stockjobs.domain.work.jobs import Concurrency
from stockjobs.domain.work.states import ENDED, OPEN, State
from stockjobs.errors import Busy, Conflict, InvalidInput, NotFound
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.services.work.instances import cancel
from stockjobs.services.work.settling import settle
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, events, filters, occurrences, redriving, tasks
from stockjobs.store.ledger.occurrences import Occurrence
from stockjobs.store.ledger.redriving import FAILED
from stockjobs.store.ledger.tasks import Task

_A_TRANSACTION = 500
_AT_MOST = 100_000


@dataclass(frozen=True)
class Retried:
    """An occurrence that is open again: how many of its tasks are queued anew, and for how many symbols."""

    occurrence: Occurrence
    tasks: int
    symbols: int


@dataclass(frozen=True)
class Refused:
    """An occurrence that cannot be opened again, and why."""

    occurrence: UUID
    reason: str


class Steering:
    """Cancels work, and gives failed work another chance."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @taken_twice_if_busy
    def cancel(self, occurrence_id: str, *, by: str) -> Occurrence:
        """Cancel an occurrence: what waits at once, what runs within seconds. Raises NotFound, or Conflict if it has ended."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            occurrence = occurrences.get_by_prefix(connection, occurrence_id)
            if not cancel(connection, [occurrence], now, reason=f"cancelled by {by}"):
                raise Conflict(f"occurrence {occurrence.id} has ended already: {occurrence.state}")
            return occurrences.require(connection, occurrence.id)

    @taken_twice_if_busy
    def cancel_task(self, task_id: str, *, by: str) -> Task:
        """Cancel one task; its occurrence goes on with the others. Raises NotFound, or Conflict if it has ended."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            task = tasks.get_by_prefix(connection, task_id)
            if not tasks.cancel(connection, [task.occurrence_id], now, task=task.id):
                raise Conflict(f"task {task.id} has ended already: {task.state}")
            occurrence = occurrences.require(connection, task.occurrence_id)
            data = {"job": task.job, "by": by}
            events.append(
                connection, Event(EventName.CANCELLED, now, occurrence.job_id, occurrence.id, task.id, data=data)
            )
            settle(connection, occurrence.job_id, occurrence.id, now)
            return replace(task, state=State.CANCELLED, finished_at=now)

    def cancellable(self, wanted: Filter) -> int:
        """How many occurrences `cancel_matching` would cancel. Raises InvalidInput, NotFound."""
        return self._count(_narrowed(wanted, OPEN, "cancelled"))

    def cancel_matching(self, wanted: Filter, *, by: str) -> Iterator[int]:
        """Cancel every open occurrence that is meant, many in a transaction; gives how many each of them cancelled.

        Raises InvalidInput for states in which nothing is open, NotFound for an unknown job.
        """
        narrowed = _narrowed(wanted, OPEN, "cancelled")
        while (cancelled := self._cancel_some(narrowed, by)) is not None:
            yield cancelled

    @taken_twice_if_busy
    def _cancel_some(self, wanted: Filter, by: str) -> int | None:
        """Cancel the next so many of them. Returns how many; None if there are no more."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            found = occurrences.several(connection, filters.newest(connection, wanted, now, _A_TRANSACTION))
            # Of those that somebody else cancels at this moment none is counted here.
            return len(cancel(connection, found, now, reason=f"cancelled by {by}")) if found else None

    @taken_twice_if_busy
    def retry(self, occurrence_id: str, *, by: str) -> Retried:
        """Give the failed tasks of an ended occurrence another chance, for the symbols that failed.

        Raises NotFound; Conflict if nothing of it failed, if its job was deleted, or if another occurrence of the job is open
        and its concurrency policy does not allow two.
        """
        with self._database.begin() as connection:
            occurrence = occurrences.get_by_prefix(connection, occurrence_id)
            return self._retry(connection, occurrence.id, by)

    @taken_twice_if_busy
    def retry_task(self, task_id: str, *, by: str) -> Retried:
        """Give one failed task another chance, also while the rest of its occurrence runs. Raises as `retry` does."""
        with self._database.begin() as connection:
            task = tasks.get_by_prefix(connection, task_id)
            return self._retry(connection, task.occurrence_id, by, task=task)

    def retriable(self, wanted: Filter) -> int:
        """How many occurrences `retry_matching` would try to open again. Raises InvalidInput, NotFound."""
        return self._count(_narrowed(wanted, FAILED, "tried again"))

    def retry_matching(self, wanted: Filter, *, by: str) -> Iterator[Retried | Refused]:
        """Retry every failed occurrence that is meant, the newest first, each in a transaction of its own.

        Raises InvalidInput for states in which nothing has failed, NotFound for an unknown job.
        """
        narrowed = _narrowed(wanted, FAILED, "tried again")
        with self._database.read() as connection:
            found = filters.newest(connection, narrowed, self._database.now(connection), _AT_MOST)
        for identity in found:
            try:
                done: Retried | Refused = self.retry(str(identity), by=by)
            except (Busy, Conflict, NotFound) as error:
                done = Refused(identity, str(error))
            yield done

    def _retry(self, connection: Connection, identity: UUID, by: str, *, task: Task | None = None) -> Retried:
        now = self._database.now(connection)
        # The job first, as whoever triggers it does: then nobody opens another occurrence meanwhile.
        self._check_job(connection, occurrences.require(connection, identity))
        # Then the occurrence: its last running task may end this very moment.
        occurrences.lock(connection, identity)
        occurrence = occurrences.require(connection, identity)
        self._reopen(connection, occurrence, is_whole=task is None)
        again = redriving.failed(connection, identity, task=task.id if task else None)
        if not again:
            what = f"task {task.id} is {task.state}" if task else f"no task of occurrence {identity} has failed"
            raise Conflict(f"{what}: only what failed or timed out can be tried again")
        redriving.queue(connection, again, now)
        symbols = sum(len(one.symbols) for one in again)
        data = {"job": occurrence.job, "by": by, "tasks": len(again), "symbols": symbols}
        about = (occurrence.job_id, identity, task.id if task else None)
        events.append(connection, Event(EventName.RETRIED, now, *about, data=data))
        return Retried(occurrences.require(connection, identity), len(again), symbols)

    def _check_job(self, connection: Connection, occurrence: Occurrence) -> None:
        job = definitions.find(connection, occurrence.job, for_change=True)
        if job is None:
            raise Conflict(f"job {occurrence.job!r} was deleted: apply it again, then retry")
        if job.spec.schedule.concurrency is Concurrency.ALLOW:
            return
        others = [one.id for one in occurrences.open_of(connection, job.id) if one.id != occurrence.id]
        if others:
            raise Conflict(
                f"occurrence {occurrence.id} cannot be tried again while occurrence {others[0]} of job {job.name!r} is "
                f"open: the job's concurrency policy is {job.spec.schedule.concurrency}"
            )

    def _reopen(self, connection: Connection, occurrence: Occurrence, *, is_whole: bool) -> None:
        """Open an occurrence again; before its tasks, as whoever removes old ones does."""
        if not is_whole and occurrence.state in OPEN:
            return
        allowed = FAILED if is_whole else (*FAILED, State.CANCELLED)
        if redriving.reopen(connection, occurrence.id, allowed):
            return
        if occurrence.removal_began_at is not None:
            raise Conflict(
                f"occurrence {occurrence.id} is being removed, for it is kept no longer, and some of its tasks are gone: "
                "trigger its job again"
            )
        cure = {
            State.CANCELLED: "trigger its job again",
            State.SKIPPED: "trigger its job",
            State.COMPLETED: "nothing of it failed",
        }.get(occurrence.state, "wait until it has ended, or cancel it")
        verb = "is" if occurrence.state not in ENDED or occurrence.state is State.COMPLETED else "was"
        raise Conflict(f"occurrence {occurrence.id} {verb} {occurrence.state}: {cure}")

    def _count(self, wanted: Filter) -> int:
        with self._database.read() as connection:
            return filters.count(connection, wanted, self._database.now(connection))


def _narrowed(wanted: Filter, allowed: tuple[State, ...], verb: str) -> Filter:
    """The same filter, for those of the allowed states that it asks for. Raises InvalidInput if it asks for none of them."""
    states = wanted.states_among(*allowed)
    if not states:
        problem = f"what is {' or '.join(wanted.states)} cannot be {verb}"
        raise InvalidInput.because("state", problem, f"one of {', '.join(allowed)}")
    return replace(wanted, states=states)
